//! Batches out. A packet is written where it will be sent from: reserve, write in place, commit.
//!
//! Sending never waits: what the socket does not take at once is counted and dropped, because audio
//! that is late is worth less than the audio behind it.

use std::io;
use std::ops::AddAssign;
use std::ptr;
use std::sync::Arc;

use super::{Address, Socket};
use crate::media::Outbox;

/// Packets in one `sendmmsg`.
const PACKETS: usize = 64;
/// Largest packet, in bytes.
const PACKET_BYTES_MAX: usize = 1_500;
/// Room for all packets of a batch: most are far smaller than the largest.
const ARENA_BYTES: usize = PACKETS * 512;

/// What became of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Taken by the kernel.
    pub packets: u64,
    /// Bytes of those, without IP and UDP headers.
    pub bytes: u64,
    /// Those of them that took the express path.
    pub express_packets: u64,
    /// Dropped because the socket's buffer was full.
    pub dropped_full: u64,
    /// Dropped because the kernel refused that packet, e.g. for want of a route.
    pub dropped_refused: u64,
    /// Calls that sent them.
    pub calls: u64,
}

impl Sent {
    /// What has been added since `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            packets: self.packets - before.packets,
            bytes: self.bytes - before.bytes,
            express_packets: self.express_packets - before.express_packets,
            dropped_full: self.dropped_full - before.dropped_full,
            dropped_refused: self.dropped_refused - before.dropped_refused,
            calls: self.calls - before.calls,
        }
    }
}

impl AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.express_packets += other.express_packets;
        self.dropped_full += other.dropped_full;
        self.dropped_refused += other.dropped_refused;
        self.calls += other.calls;
    }
}

/// Packets on their way to a socket.
pub struct SendBatch {
    socket: Arc<Socket>,
    arena: Box<[u8]>,
    used: usize,
    count: usize,
    addresses: [Address; PACKETS],
    slices: [libc::iovec; PACKETS],
    headers: [libc::mmsghdr; PACKETS],
    sent: Sent,
}

impl SendBatch {
    /// An empty batch for `socket`.
    #[must_use]
    pub fn new(socket: Arc<Socket>) -> Self {
        Self {
            socket,
            arena: vec![0; ARENA_BYTES].into_boxed_slice(),
            used: 0,
            count: 0,
            addresses: [Address::empty(); PACKETS],
            slices: [EMPTY_SLICE; PACKETS],
            headers: [EMPTY_HEADER; PACKETS],
            sent: Sent::default(),
        }
    }

    /// Sends what is committed.
    pub fn flush(&mut self) {
        let mut next = 0;
        self.point();
        while next < self.count {
            match self.send_from(next) {
                Ok(taken) => {
                    self.count_sent(next, taken);
                    next += taken.max(1);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.sent.dropped_full += (self.count - next) as u64;
                    break;
                }
                // The error is that of the first packet; those behind it may be fine.
                Err(_) => {
                    self.sent.dropped_refused += 1;
                    next += 1;
                }
            }
        }
        self.used = 0;
        self.count = 0;
    }

    /// What became of packets since they were last taken.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.sent
    }

    /// What became of packets since the last call.
    pub fn take_sent(&mut self) -> Sent {
        std::mem::take(&mut self.sent)
    }

    /// Adds what became of packets elsewhere.
    pub(super) fn add_sent(&mut self, sent: Sent) {
        self.sent += sent;
    }

    fn count_sent(&mut self, from: usize, taken: usize) {
        self.sent.calls += 1;
        self.sent.packets += taken as u64;
        for slice in &self.slices[from..from + taken] {
            self.sent.bytes += slice.iov_len as u64;
        }
    }

    /// Makes every header point to its address and its bytes; the batch may have moved since.
    fn point(&mut self) {
        let mut next = self.arena.as_mut_ptr();
        for i in 0..self.count {
            let slice = &mut self.slices[i];
            slice.iov_base = next.cast();
            next = next.wrapping_add(slice.iov_len);
            let header = &mut self.headers[i].msg_hdr;
            header.msg_name = ptr::from_mut(&mut self.addresses[i]).cast();
            header.msg_namelen = self.addresses[i].length();
            header.msg_iov = ptr::from_mut(slice);
            header.msg_iovlen = 1;
        }
    }

    fn send_from(&mut self, next: usize) -> io::Result<usize> {
        let headers = &mut self.headers[next..self.count];
        let count = libc::c_uint::try_from(headers.len()).unwrap_or(0);
        // SAFETY: the descriptor is open as long as `self.socket` lives. `point` has made all
        // headers point into `self`, which does not move during the call; lengths are those of
        // committed packets, which lie inside the arena.
        #[expect(unsafe_code, reason = "sendmmsg has no safe form that keeps its arrays")]
        let taken = unsafe {
            libc::sendmmsg(self.socket.raw(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT)
        };
        usize::try_from(taken).map_err(|_| io::Error::last_os_error())
    }
}

impl Outbox for SendBatch {
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        if length > PACKET_BYTES_MAX {
            return None;
        }
        if self.count == PACKETS || self.used + length > ARENA_BYTES {
            self.flush();
        }
        self.arena.get_mut(self.used..self.used + length)
    }

    fn commit(&mut self, length: usize, to: &Address) {
        if self.count == PACKETS || self.used + length > ARENA_BYTES {
            return;
        }
        self.addresses[self.count] = *to;
        self.slices[self.count].iov_len = length;
        self.used += length;
        self.count += 1;
    }

    fn dual_stack(&self) -> bool {
        self.socket.dual_stack()
    }
}

pub(super) const EMPTY_SLICE: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

pub(super) const EMPTY_HEADER: libc::mmsghdr = libc::mmsghdr {
    msg_hdr: libc::msghdr {
        msg_name: ptr::null_mut(),
        msg_namelen: 0,
        msg_iov: ptr::null_mut(),
        msg_iovlen: 0,
        msg_control: ptr::null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    },
    msg_len: 0,
};
