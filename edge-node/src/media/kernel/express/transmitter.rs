//! An AF_XDP socket that only sends, in copy mode: the kernel copies a frame and hands it to the driver, in our
//! call and in our time. Without an XDP program on the interface nothing is received through it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::net::xdp::{SocketAddrXdp, SocketAddrXdpFlags, XdpUmemReg, XdpUmemRegFlags};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, bind, send, socket_with};

use super::error::ExpressError;
use super::headers::HEADERS_BYTES;
use super::mapping::Mapping;
use super::ring::{CompletionRing, TransmitRing};
use crate::media::kernel::Sent;

/// Frames of a socket, in flight or free; a power of two. They take 4 MiB of locked memory.
const FRAMES: u32 = 2_048;

/// Bytes of a frame; the least that the kernel allows.
const FRAME_BYTES: usize = 2_048;

/// Where a packet begins in its frame, so that its payload begins with a cache line.
const PACKET_AT: usize = 64 - HEADERS_BYTES;

/// Largest payload, in bytes.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1_500;

/// Packets that are handed to the kernel at once, as many as by the plain way.
const BATCH: u32 = 64;

/// The kernel takes 32 packets in a call unless told otherwise; more calls than this without an end do not
/// bring one.
const CALLS_MAX: u32 = FRAMES / 32;

/// Wanted size of what the driver may have not sent yet, in bytes; the kernel may grant less.
const BUFFER_BYTES: usize = 4 << 20;

/// How long a queue may be busy at start, and how often it is tried.
const BUSY_MAX: Duration = Duration::from_secs(2);
const BUSY_LOOK: Duration = Duration::from_millis(20);

/// A sending socket with its frames.
pub(super) struct Transmitter {
    socket: OwnedFd,
    frames: Mapping,
    transmit: TransmitRing,
    completion: CompletionRing,
    /// Addresses of free frames, the last used on top: it is still in the cache.
    free: Vec<u64>,
    taken: u32,
    published: u32,
    failed: bool,
}

impl Transmitter {
    /// Binds to one queue of an interface.
    ///
    /// # Errors
    /// An [`ExpressError`] that says what is missing.
    pub(super) fn open(interface: u32, queue: u32) -> Result<Self, ExpressError> {
        let family = AddressFamily::XDP;
        let socket = socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, None)
            .map_err(|error| ExpressError::Socket(error.into()))?;
        let mut frames =
            Mapping::anonymous(FRAMES as usize * FRAME_BYTES).map_err(ExpressError::Memory)?;
        register(&socket, &mut frames)?;
        let layout = sockopt::xdp_mmap_offsets(&socket);
        let layout = layout.map_err(|error| ExpressError::Socket(error.into()))?;
        let transmit = TransmitRing::map(socket.as_fd(), &layout.tx, FRAMES);
        let completion = CompletionRing::map(socket.as_fd(), &layout.cr, FRAMES);
        // Beyond the system's limit with CAP_NET_ADMIN only; else as much as it allows.
        if sockopt::set_socket_send_buffer_size_force(&socket, BUFFER_BYTES).is_err() {
            let _ = sockopt::set_socket_send_buffer_size(&socket, BUFFER_BYTES);
        }
        let address = SocketAddrXdp::new(SocketAddrXdpFlags::XDP_COPY, interface, queue);
        bind_patiently(&socket, &address)
            .map_err(|error| ExpressError::Bind { queue, error: error.into() })?;
        Ok(Self {
            socket,
            frames,
            transmit: transmit.map_err(ExpressError::Socket)?,
            completion: completion.map_err(ExpressError::Socket)?,
            free: (0..u64::from(FRAMES)).map(|frame| frame * FRAME_BYTES as u64).collect(),
            taken: 0,
            published: 0,
            failed: false,
        })
    }

    /// Room for a payload in the next free frame; `None` when all are in flight.
    pub(super) fn reserve(&mut self, length: usize, sent: &mut Sent) -> Option<&mut [u8]> {
        let waiting = self.transmit.pushed().wrapping_sub(self.published);
        if waiting >= BATCH || self.free.is_empty() {
            self.flush(sent);
        }
        let at = usize::try_from(*self.free.last()?).ok()?;
        self.frames.bytes_mut(at + PACKET_AT + HEADERS_BYTES, length)
    }

    /// The frame last reserved, from its headers to the end of its payload.
    pub(super) fn packet(&mut self, length: usize) -> Option<&mut [u8]> {
        let at = usize::try_from(*self.free.last()?).ok()?;
        self.frames.bytes_mut(at + PACKET_AT, HEADERS_BYTES + length)
    }

    /// The payload in the frame last reserved.
    pub(super) fn payload(&mut self, length: usize) -> &[u8] {
        self.packet(length).and_then(|packet| packet.get(HEADERS_BYTES..)).unwrap_or_default()
    }

    /// Queues the frame last reserved.
    pub(super) fn commit(&mut self, length: usize) {
        let bytes = u32::try_from(HEADERS_BYTES + length);
        if let (Ok(bytes), Some(frame)) = (bytes, self.free.pop()) {
            self.transmit.push(frame + PACKET_AT as u64, bytes);
        }
    }

    /// Hands the kernel what is queued, and takes back what has been sent. What the driver does not take now
    /// stays queued and goes first the next time: a descriptor cannot be taken back.
    pub(super) fn flush(&mut self, sent: &mut Sent) {
        let pushed = self.transmit.pushed();
        if self.taken != pushed && !self.failed {
            self.transmit.publish();
            self.published = pushed;
            for _ in 0..CALLS_MAX {
                if !self.kick(sent) || self.taken == pushed {
                    break;
                }
            }
        }
        let free = &mut self.free;
        self.completion.drain(|address| {
            // The kernel tells where the packet began; frames are told by where they begin themselves.
            let frame = address - address % (FRAME_BYTES as u64);
            // As many as there are: nothing is allocated.
            free.push(frame);
        });
    }

    /// Whether the socket has lost its interface; it never gets it back.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Lets the kernel take what it will in one call; says whether another call makes sense.
    fn kick(&mut self, sent: &mut Sent) -> bool {
        let answer = send(&self.socket, &[], SendFlags::DONTWAIT);
        let before = self.taken;
        self.taken = self.transmit.taken();
        sent.calls += 1;
        let count = self.taken.wrapping_sub(before);
        for number in 0..count {
            let bytes = self.transmit.length(before.wrapping_add(number)) as usize;
            sent.bytes += bytes.saturating_sub(HEADERS_BYTES) as u64;
        }
        sent.packets += u64::from(count);
        sent.express_packets += u64::from(count);
        match answer {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => count > 0,
            // The driver has taken one packet and dropped it: its queue is full.
            Err(Errno::BUSY) => {
                sent.dropped_full += 1;
                sent.packets = sent.packets.saturating_sub(1);
                sent.express_packets = sent.express_packets.saturating_sub(1);
                count > 0
            }
            // No memory, or an interface that is down: both may pass.
            Err(Errno::NOBUFS | Errno::NOMEM | Errno::NETDOWN) => false,
            Err(_) => {
                let lost = self.transmit.pushed().wrapping_sub(self.taken);
                sent.dropped_refused += u64::from(lost);
                self.failed = true;
                false
            }
        }
    }
}

/// The kernel frees the queue of a process that has ended a moment later, and a supervisor may be faster.
fn bind_patiently(socket: &OwnedFd, address: &SocketAddrXdp) -> Result<(), Errno> {
    let began = Instant::now();
    loop {
        match bind(socket, address) {
            Err(Errno::BUSY) if began.elapsed() < BUSY_MAX => thread::sleep(BUSY_LOOK),
            other => return other,
        }
    }
}

/// Tells the kernel of the frames and of the rings' sizes. It wants a fill ring even of who receives nothing.
fn register(socket: &OwnedFd, frames: &mut Mapping) -> Result<(), ExpressError> {
    let memory = XdpUmemReg {
        addr: frames.address(),
        len: frames.length() as u64,
        chunk_size: u32::try_from(FRAME_BYTES).unwrap_or(0),
        headroom: 0,
        flags: XdpUmemRegFlags::empty(),
        tx_metadata_len: 0,
    };
    sockopt::set_xdp_umem_reg(socket, memory)
        .map_err(|error| ExpressError::Memory(io::Error::from(error)))?;
    sockopt::set_xdp_umem_fill_ring_size(socket, 1)
        .and_then(|()| sockopt::set_xdp_umem_completion_ring_size(socket, FRAMES))
        .and_then(|()| sockopt::set_xdp_tx_ring_size(socket, FRAMES))
        .map_err(|error| ExpressError::Socket(error.into()))
}
