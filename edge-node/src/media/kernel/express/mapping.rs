//! Memory shared with the kernel: the rings of an AF_XDP socket, and the frames that it sends.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Mapped memory, unmapped when dropped.
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory is mapped for the whole process, and its only owner in this process is the value.
#[expect(unsafe_code, reason = "the compiler does not know who else has a pointer's memory")]
unsafe impl Send for Mapping {}

impl Mapping {
    /// Memory of this process alone, zeroed.
    ///
    /// # Errors
    /// When there is not as much.
    pub(super) fn anonymous(length: usize) -> io::Result<Self> {
        Self::map(-1, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, 0, length)
    }

    /// What a socket offers at an offset.
    ///
    /// # Errors
    /// When it offers nothing of that length there.
    pub(super) fn of_socket(
        socket: BorrowedFd<'_>,
        offset: u64,
        length: usize,
    ) -> io::Result<Self> {
        let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
        Self::map(socket.as_raw_fd(), libc::MAP_SHARED, offset, length)
    }

    fn map(fd: RawFd, flags: libc::c_int, offset: libc::off_t, length: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // No page is to be fetched while packets wait.
        let flags = flags | libc::MAP_POPULATE;
        // SAFETY: without a wanted address the kernel chooses one that nothing else is mapped at.
        #[expect(unsafe_code, reason = "mmap has no safe form")]
        let start = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at zero"))?;
        Ok(Self { start, length })
    }

    /// Where it begins, as the kernel is told.
    pub(super) fn address(&self) -> u64 {
        self.start.as_ptr().addr() as u64
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// A word of 32 bits at an offset of a ring.
    pub(super) fn word(&self, at: usize) -> Option<&AtomicU32> {
        let start = self.place::<AtomicU32>(at)?;
        // SAFETY: `place` has checked that it lies inside, aligned; it is initialised, because the kernel zeroes
        // what it maps, and it is shared with the kernel by atomic accesses alone: rings have no other accessor.
        #[expect(unsafe_code, reason = "memory that the kernel writes to is reached by pointer")]
        unsafe {
            Some(AtomicU32::from_ptr(start.cast().as_ptr()))
        }
    }

    /// A word of 64 bits at an offset of a ring.
    pub(super) fn long(&self, at: usize) -> Option<&AtomicU64> {
        let start = self.place::<AtomicU64>(at)?;
        // SAFETY: as in `word`.
        #[expect(unsafe_code, reason = "memory that the kernel writes to is reached by pointer")]
        unsafe {
            Some(AtomicU64::from_ptr(start.cast().as_ptr()))
        }
    }

    /// Bytes of frames. The kernel reads frames that wait to be sent, and writes to none, because the socket
    /// receives nothing.
    pub(super) fn bytes_mut(&mut self, at: usize, length: usize) -> Option<&mut [u8]> {
        let end = at.checked_add(length)?;
        if end > self.length {
            return None;
        }
        // SAFETY: the range lies inside, its bytes are initialised, because the kernel zeroes what it maps,
        // and the exclusive borrow of `self` keeps every other reference away.
        #[expect(unsafe_code, reason = "mapped memory is reached by pointer")]
        unsafe {
            Some(std::slice::from_raw_parts_mut(self.start.as_ptr().add(at), length))
        }
    }

    fn place<T>(&self, at: usize) -> Option<NonNull<u8>> {
        let end = at.checked_add(size_of::<T>())?;
        let inside = end <= self.length && at.is_multiple_of(align_of::<T>());
        // SAFETY: `at` lies inside the mapping, which begins at the start of a page.
        #[expect(unsafe_code, reason = "mapped memory is reached by pointer")]
        inside.then(|| unsafe { self.start.add(at) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with this length, and borrowed by nobody any more. Frames that the kernel has
        // not sent yet are pages that it holds by itself.
        #[expect(unsafe_code, reason = "munmap has no safe form")]
        unsafe {
            // It fails for wrong arguments only.
            libc::munmap(self.start.as_ptr().cast(), self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::Mapping;

    #[test]
    fn what_lies_outside_or_askew_is_not_reached() {
        let mut memory = Mapping::anonymous(4_096).unwrap();
        memory.long(4_088).unwrap().store(7, Ordering::Relaxed);
        assert_eq!(memory.word(4_088).unwrap().load(Ordering::Relaxed), u32::from_ne_bytes(low(7)));
        for at in [4_093, 4_096, 2, usize::MAX - 3] {
            assert!(memory.word(at).is_none(), "{at}");
        }
        assert!(memory.long(4_092).is_none());
        assert_eq!(memory.bytes_mut(4_000, 96).unwrap().len(), 96);
        assert!(memory.bytes_mut(4_000, 97).is_none());
        assert!(memory.bytes_mut(usize::MAX, 2).is_none());
    }

    fn low(value: u64) -> [u8; 4] {
        let bytes = value.to_ne_bytes();
        [bytes[0], bytes[1], bytes[2], bytes[3]]
    }
}
