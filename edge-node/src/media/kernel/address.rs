//! Socket addresses in the kernel's own layout, made once per listener and not once per packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A socket address as `sendmmsg` wants it. A socket of both families takes IPv4 addresses in
/// their IPv6 form (RFC 4291 section 2.5.5.2).
#[derive(Clone, Copy)]
#[repr(C)]
pub union Address {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
    family: libc::sa_family_t,
}

impl Address {
    /// For a socket of both families (`dual_stack`) or of IPv4 alone; an IPv6 address then becomes
    /// the unspecified address, and sending to it fails.
    #[must_use]
    pub fn new(address: SocketAddr, dual_stack: bool) -> Self {
        if dual_stack {
            let (ip, scope) = match address {
                SocketAddr::V4(v4) => (v4.ip().to_ipv6_mapped(), 0),
                SocketAddr::V6(v6) => (*v6.ip(), v6.scope_id()),
            };
            return Self::v6(SocketAddrV6::new(ip, address.port(), 0, scope));
        }
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self::v4(SocketAddrV4::new(ip, address.port())),
            IpAddr::V6(_) => Self::v4(SocketAddrV4::new([0; 4].into(), 0)),
        }
    }

    fn v4(address: SocketAddrV4) -> Self {
        Self {
            v4: libc::sockaddr_in {
                sin_family: FAMILY_V4,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            },
        }
    }

    fn v6(address: SocketAddrV6) -> Self {
        Self {
            v6: libc::sockaddr_in6 {
                sin6_family: FAMILY_V6,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            },
        }
    }

    /// All zeros: room for the kernel to write an address into.
    pub(super) fn empty() -> Self {
        let mut empty = Self::v6(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
        empty.family = 0;
        empty
    }

    /// Length of the address in the kernel's terms, in bytes.
    pub(super) fn length(&self) -> libc::socklen_t {
        let bytes = if self.is_v4() {
            size_of::<libc::sockaddr_in>()
        } else {
            size_of::<libc::sockaddr_in6>()
        };
        libc::socklen_t::try_from(bytes).unwrap_or(0)
    }

    /// Address and port, if it is one of IPv4 in either form.
    pub(super) fn ipv4(&self) -> Option<(Ipv4Addr, u16)> {
        match self.to_std() {
            SocketAddr::V4(v4) => Some((*v4.ip(), v4.port())),
            SocketAddr::V6(_) => None,
        }
    }

    fn is_v4(&self) -> bool {
        // SAFETY: every constructor initialises the whole of `v4` or `v6`, both of which begin
        // with the family, so its bytes are always initialised.
        #[expect(unsafe_code, reason = "a union's fields can be read in no other way")]
        unsafe {
            self.family == FAMILY_V4
        }
    }

    /// As the standard library's type; IPv4 addresses in IPv6 form become IPv4.
    #[must_use]
    pub fn to_std(&self) -> SocketAddr {
        #[expect(unsafe_code, reason = "a union's fields can be read in no other way")]
        if self.is_v4() {
            // SAFETY: the family says that `v4` is what was written.
            let v4 = unsafe { self.v4 };
            let ip = v4.sin_addr.s_addr.to_ne_bytes();
            SocketAddr::from((ip, u16::from_be(v4.sin_port)))
        } else {
            // SAFETY: all constructors but `v4` initialise the whole of `v6`, and the kernel
            // writes over initialised bytes; any bytes are a valid `sockaddr_in6`.
            let v6 = unsafe { self.v6 };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            match ip.to_canonical() {
                IpAddr::V4(ip) => SocketAddr::from((ip, port)),
                IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into(),
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "2 and 10 fit")]
const FAMILY_V4: libc::sa_family_t = libc::AF_INET as libc::sa_family_t;
#[expect(clippy::cast_possible_truncation, reason = "2 and 10 fit")]
const FAMILY_V6: libc::sa_family_t = libc::AF_INET6 as libc::sa_family_t;
