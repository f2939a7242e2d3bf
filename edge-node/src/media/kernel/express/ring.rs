//! The two rings of a sending socket: frames that the kernel is to send, and frames that it has sent. Each side
//! owns one of a ring's two counters, which only grow, and wrap around.

use std::sync::atomic::Ordering;
use std::{io, os::fd::BorrowedFd};

use rustix::net::xdp::XdpRingOffset;

use super::mapping::Mapping;

/// Bytes of `struct xdp_desc`: address, length, options.
const DESCRIPTOR_BYTES: usize = 16;
const LENGTH: usize = 8;
const OPTIONS: usize = 12;

/// Bytes of an entry of the completion ring: an address.
const ADDRESS_BYTES: usize = 8;

/// Where the kernel maps the rings (`linux/if_xdp.h`).
const TRANSMIT_OFFSET: u64 = 0x8000_0000;
const COMPLETION_OFFSET: u64 = 0x1_8000_0000;

/// What a ring is made of; `entries` is a power of two.
struct Ring {
    memory: Mapping,
    producer: usize,
    consumer: usize,
    descriptors: usize,
    entries: u32,
}

impl Ring {
    fn map(
        socket: BorrowedFd<'_>,
        offset: u64,
        layout: &XdpRingOffset,
        entries: u32,
        entry_bytes: usize,
    ) -> io::Result<Self> {
        let place = |at: u64| usize::try_from(at).map_err(io::Error::other);
        let descriptors = place(layout.desc)?;
        let length = descriptors + entries as usize * entry_bytes;
        Ok(Self {
            memory: Mapping::of_socket(socket, offset, length)?,
            producer: place(layout.producer)?,
            consumer: place(layout.consumer)?,
            descriptors,
            entries,
        })
    }

    fn place(&self, count: u32, entry_bytes: usize) -> usize {
        self.descriptors + (count & (self.entries - 1)) as usize * entry_bytes
    }

    /// A counter of the kernel's; what it wrote before is seen.
    fn load(&self, at: usize) -> u32 {
        self.memory.word(at).map_or(0, |counter| counter.load(Ordering::Acquire))
    }

    /// A counter of ours; what we wrote before will be seen.
    fn store(&self, at: usize, count: u32) {
        if let Some(counter) = self.memory.word(at) {
            counter.store(count, Ordering::Release);
        }
    }
}

/// Frames that the kernel is to send.
pub(super) struct TransmitRing {
    ring: Ring,
    pushed: u32,
}

impl TransmitRing {
    /// # Errors
    /// When the socket has no such ring.
    pub(super) fn map(
        socket: BorrowedFd<'_>,
        layout: &XdpRingOffset,
        entries: u32,
    ) -> io::Result<Self> {
        let ring = Ring::map(socket, TRANSMIT_OFFSET, layout, entries, DESCRIPTOR_BYTES)?;
        Ok(Self { ring, pushed: 0 })
    }

    /// Adds a frame; [`Self::publish`] shows it to the kernel. There is room as long as no more frames are in
    /// flight than the ring has entries.
    pub(super) fn push(&mut self, address: u64, length: u32) {
        let at = self.ring.place(self.pushed, DESCRIPTOR_BYTES);
        let memory = &self.ring.memory;
        let entry = (memory.long(at), memory.word(at + LENGTH), memory.word(at + OPTIONS));
        if let (Some(to_address), Some(to_length), Some(to_options)) = entry {
            to_address.store(address, Ordering::Relaxed);
            to_length.store(length, Ordering::Relaxed);
            to_options.store(0, Ordering::Relaxed);
            self.pushed = self.pushed.wrapping_add(1);
        }
    }

    pub(super) fn publish(&self) {
        self.ring.store(self.ring.producer, self.pushed);
    }

    /// How many have been pushed since the start.
    pub(super) fn pushed(&self) -> u32 {
        self.pushed
    }

    /// How many of those the kernel has taken.
    pub(super) fn taken(&self) -> u32 {
        self.ring.load(self.ring.consumer)
    }

    /// Length of the frame that was pushed as number `count`, as long as no newer one lies in its place.
    pub(super) fn length(&self, count: u32) -> u32 {
        let at = self.ring.place(count, DESCRIPTOR_BYTES) + LENGTH;
        self.ring.memory.word(at).map_or(0, |length| length.load(Ordering::Relaxed))
    }
}

/// Frames that the kernel needs no more.
pub(super) struct CompletionRing {
    ring: Ring,
    popped: u32,
}

impl CompletionRing {
    /// # Errors
    /// When the socket has no such ring.
    pub(super) fn map(
        socket: BorrowedFd<'_>,
        layout: &XdpRingOffset,
        entries: u32,
    ) -> io::Result<Self> {
        let ring = Ring::map(socket, COMPLETION_OFFSET, layout, entries, ADDRESS_BYTES)?;
        Ok(Self { ring, popped: 0 })
    }

    /// Passes on the addresses of all frames that have come back.
    pub(super) fn drain(&mut self, mut take: impl FnMut(u64)) {
        let produced = self.ring.load(self.ring.producer);
        if produced == self.popped {
            return;
        }
        while self.popped != produced {
            let at = self.ring.place(self.popped, ADDRESS_BYTES);
            if let Some(address) = self.ring.memory.long(at) {
                take(address.load(Ordering::Relaxed));
            }
            self.popped = self.popped.wrapping_add(1);
        }
        self.ring.store(self.ring.consumer, self.popped);
    }
}
