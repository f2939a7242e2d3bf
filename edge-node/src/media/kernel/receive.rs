//! Batches in.

use std::io;
use std::net::SocketAddr;
use std::ptr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::send::{EMPTY_HEADER, EMPTY_SLICE};
use super::{Address, Socket};

/// Packets in one `recvmmsg`.
const PACKETS: usize = 64;
/// Largest packet that is taken, in bytes; longer ones are counted and dropped.
const PACKET_BYTES_MAX: usize = 2_048;

/// Bytes for what the kernel tells beside a packet: when it came. `u64`s, because control messages are aligned.
const CONTROL_WORDS: usize = 8;

/// Packets that have come from a socket.
pub struct ReceiveBatch {
    arena: Box<[u8]>,
    addresses: [Address; PACKETS],
    slices: [libc::iovec; PACKETS],
    headers: [libc::mmsghdr; PACKETS],
    controls: [[u64; CONTROL_WORDS]; PACKETS],
    count: usize,
    truncated: u64,
}

impl Default for ReceiveBatch {
    fn default() -> Self {
        Self {
            arena: vec![0; PACKETS * PACKET_BYTES_MAX].into_boxed_slice(),
            addresses: [Address::empty(); PACKETS],
            slices: [EMPTY_SLICE; PACKETS],
            headers: [EMPTY_HEADER; PACKETS],
            controls: [[0; CONTROL_WORDS]; PACKETS],
            count: 0,
            truncated: 0,
        }
    }
}

impl ReceiveBatch {
    /// Packets that one call takes at most.
    pub const PACKETS: usize = PACKETS;

    /// Takes what has arrived, at most 64 packets, without waiting; says how many.
    ///
    /// # Errors
    /// Those of the socket, other than "nothing there".
    pub fn receive(&mut self, socket: &Socket) -> io::Result<usize> {
        self.point();
        let count = libc::c_uint::try_from(PACKETS).unwrap_or(0);
        // SAFETY: the descriptor is open as long as `socket` lives. `point` has made all headers
        // point into `self`, with the true lengths, and `self` does not move during the call.
        #[expect(unsafe_code, reason = "recvmmsg has no safe form")]
        let taken = unsafe {
            libc::recvmmsg(
                socket.raw(),
                self.headers.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        self.count = 0;
        match usize::try_from(taken) {
            Ok(taken) => {
                self.count = taken.min(PACKETS);
                Ok(self.count)
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                error => Err(error),
            },
        }
    }

    /// One packet of the last batch, with its sender; `None` past the end and for packets that
    /// were longer than the buffer.
    pub fn packet(&mut self, index: usize) -> Option<(&mut [u8], SocketAddr)> {
        if index >= self.count {
            return None;
        }
        let header = &self.headers[index];
        if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
            self.truncated += 1;
            return None;
        }
        let start = index * PACKET_BYTES_MAX;
        let length = usize::try_from(header.msg_len).ok()?;
        let packet = self.arena.get_mut(start..start + length)?;
        Some((packet, self.addresses[index].to_std()))
    }

    /// When the kernel took in a packet of the last batch; `None` past the end, and where the system does not say.
    pub fn arrival(&self, index: usize) -> Option<SystemTime> {
        let header = self.headers.get(..self.count)?.get(index)?;
        // SAFETY: `point` has given the header a control buffer of this batch that is aligned and as long as it
        // says, and the kernel has written whole control messages into it.
        #[expect(unsafe_code, reason = "control messages are read through pointers")]
        unsafe {
            let message = libc::CMSG_FIRSTHDR(&raw const header.msg_hdr).as_ref()?;
            let known = message.cmsg_level == libc::SOL_SOCKET
                && message.cmsg_type == libc::SCM_TIMESTAMPNS;
            if !known {
                return None;
            }
            let time = libc::CMSG_DATA(message).cast::<libc::timespec>().read_unaligned();
            let seconds = u64::try_from(time.tv_sec).ok()?;
            let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
            UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
        }
    }

    /// Packets dropped for their length since the last call.
    pub fn take_truncated(&mut self) -> u64 {
        std::mem::take(&mut self.truncated)
    }

    fn point(&mut self) {
        for (i, chunk) in self.arena.chunks_exact_mut(PACKET_BYTES_MAX).enumerate() {
            self.slices[i].iov_base = chunk.as_mut_ptr().cast();
            self.slices[i].iov_len = PACKET_BYTES_MAX;
            let header = &mut self.headers[i].msg_hdr;
            header.msg_name = ptr::from_mut(&mut self.addresses[i]).cast();
            header.msg_namelen =
                libc::socklen_t::try_from(size_of::<Address>()).unwrap_or_default();
            header.msg_iov = ptr::from_mut(&mut self.slices[i]);
            header.msg_iovlen = 1;
            header.msg_control = self.controls[i].as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&self.controls[i]);
            header.msg_flags = 0;
        }
    }
}
