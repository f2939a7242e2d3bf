//! One test at a time, also when each runs in a process of its own.

use std::fs::File;
use std::path::PathBuf;

/// Where tests leave things that outlive them: packages, recordings, pictures.
pub(crate) fn folder() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("browser");
    std::fs::create_dir_all(&target).unwrap();
    target
}

/// Holds the machine until it is dropped.
pub(crate) fn take() -> File {
    let lock = File::create(folder().join("lock")).unwrap();
    lock.lock().unwrap();
    lock
}
