//! Keeps one session's fault from the others.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What became of code that panicked: it is not known, so it must not be used again.
pub(super) struct Panicked;

/// Sessions read what strangers write, with a library of many thousand lines. Should it ever panic, one
/// session ends and the others do not notice.
pub(super) fn contain<T>(act: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_goes_no_further() {
        let parse = |text: &str| text.parse::<u8>().expect("a number");
        assert!(contain(|| parse("what a stranger wrote")).is_err());
        assert!(contain(|| parse("7")).is_ok_and(|seven| seven == 7));
    }
}
