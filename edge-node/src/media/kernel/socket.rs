//! One UDP socket for all sessions of a worker.
//!
//! Workers share the port (`SO_REUSEPORT`): the kernel spreads clients over them by address and
//! port, so a client stays with one worker as long as its address does.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use socket2::{Domain, Protocol, Type};

/// Wanted size of the kernel's send and receive buffers, in bytes; the kernel may grant less.
const BUFFER_BYTES: usize = 4 << 20;

/// A non-blocking UDP socket.
pub struct Socket {
    inner: socket2::Socket,
    dual_stack: bool,
}

impl Socket {
    /// Binds to `address`. An unspecified IPv6 address takes both families; where the system has no
    /// IPv6, it falls back to IPv4.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let any_v6 = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        match Self::bind_family(address) {
            Err(_) if any_v6 => Self::bind_family(SocketAddr::from(([0, 0, 0, 0], address.port()))),
            other => other,
        }
    }

    fn bind_family(address: SocketAddr) -> io::Result<Self> {
        let inner =
            socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            inner.set_only_v6(false)?;
        }
        inner.set_reuse_port(true)?;
        inner.set_nonblocking(true)?;
        // Less than the wanted size is no reason not to start.
        let _ = inner.set_recv_buffer_size(BUFFER_BYTES);
        let _ = inner.set_send_buffer_size(BUFFER_BYTES);
        inner.bind(&address.into())?;
        let socket = Self { inner, dual_stack: address.is_ipv6() };
        socket.forbid_fragments();
        // A kernel that does not tell when packets came hides only how long they have waited.
        let _ = socket.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
        Ok(socket)
    }

    /// Our packets fit every path, so the kernel need not number them for reassembly, which costs 4 to 10 % of
    /// sending one. What ICMP says of path MTUs is not listened to: anybody may have sent it.
    fn forbid_fragments(&self) {
        // A kernel that does not know this sends as well, only dearer.
        let _ = self.set(libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE);
        if self.dual_stack {
            let _ =
                self.set(libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE);
        }
    }

    fn set(&self, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
        // SAFETY: the descriptor is open as long as `self` lives, and the value outlives the call.
        #[expect(unsafe_code, reason = "setsockopt has no safe form for these options")]
        let done = unsafe {
            libc::setsockopt(
                self.raw(),
                level,
                name,
                ptr::from_ref(&value).cast(),
                libc::socklen_t::try_from(size_of_val(&value)).unwrap_or(0),
            )
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Another socket on the same port, for another worker.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn bind_another(&self) -> io::Result<Self> {
        Self::bind_family(self.local_addr()?)
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.inner.local_addr()?;
        address.as_socket().ok_or_else(|| io::Error::other("not an internet socket"))
    }

    /// Whether it takes both families; addresses are written accordingly.
    #[must_use]
    pub const fn dual_stack(&self) -> bool {
        self.dual_stack
    }

    pub(super) fn raw(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}
