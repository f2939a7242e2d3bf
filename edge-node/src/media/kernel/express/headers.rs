//! Ethernet, IPv4 (RFC 791) and UDP (RFC 768) in front of a payload. What is the same for all packets is
//! summed up once; checksums add up in the machine's own byte order (RFC 1071 section 2).

use std::net::Ipv4Addr;

/// Length of all three headers.
pub(super) const HEADERS_BYTES: usize = ETHERNET + IPV4 + UDP;
/// Length of those that count towards an interface's MTU.
pub(super) const ABOVE_ETHERNET_BYTES: usize = IPV4 + UDP;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const UDP: usize = 8;
/// Where fields begin, counted from the frame's first byte.
const IP_LENGTH: usize = ETHERNET + 2;
const IP_CHECKSUM: usize = ETHERNET + 10;
const DESTINATION: usize = ETHERNET + 16;
const DESTINATION_PORT: usize = ETHERNET + IPV4 + 2;
const UDP_LENGTH: usize = ETHERNET + IPV4 + 4;
const UDP_CHECKSUM: usize = ETHERNET + IPV4 + 6;

/// A hardware address.
pub(super) type Mac = [u8; 6];

/// The headers of all packets from one place.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    template: [u8; HEADERS_BYTES],
    /// Sum of the IPv4 header without length and destination.
    ip_sum: u64,
    /// Sum of source address, protocol and source port.
    udp_sum: u64,
}

impl Headers {
    pub(super) fn new(own: Mac, source: Ipv4Addr, port: u16) -> Self {
        let mut template = [0; HEADERS_BYTES];
        template[6..12].copy_from_slice(&own);
        // EtherType, version and header length, type of service.
        template[12..16].copy_from_slice(&[0x08, 0x00, 0x45, 0]);
        // Not to be fragmented, so it needs no identification (RFC 6864 section 4.1); 64 hops; UDP.
        template[20..24].copy_from_slice(&[0x40, 0, 64, 17]);
        template[26..30].copy_from_slice(&source.octets());
        template[34..36].copy_from_slice(&port.to_be_bytes());
        let ip_sum = sum(&template[ETHERNET..ETHERNET + IPV4]);
        let udp_sum = sum(&source.octets()) + sum(&[0, 17]) + sum(&port.to_be_bytes());
        Self { template, ip_sum, udp_sum }
    }

    /// Writes the headers in front of the payload that begins at [`HEADERS_BYTES`]; `frame` ends where the
    /// payload does. Says whether the frame has a length that there can be.
    pub(super) fn write(&self, frame: &mut [u8], next: Mac, to: Ipv4Addr, port: u16) -> bool {
        let above = frame.len().checked_sub(ETHERNET).map(u16::try_from);
        let Some(Ok(ip_length)) = above else { return false };
        let Some((head, payload)) = frame.split_first_chunk_mut::<HEADERS_BYTES>() else {
            return false;
        };
        // At least the UDP header: the frame is as long as all headers.
        let udp_length = (ip_length - 20).to_be_bytes();
        let (ip_length, to, port) = (ip_length.to_be_bytes(), to.octets(), port.to_be_bytes());
        *head = self.template;
        head[..6].copy_from_slice(&next);
        head[IP_LENGTH..IP_LENGTH + 2].copy_from_slice(&ip_length);
        head[DESTINATION..DESTINATION + 4].copy_from_slice(&to);
        head[DESTINATION_PORT..DESTINATION_PORT + 2].copy_from_slice(&port);
        head[UDP_LENGTH..UDP_LENGTH + 2].copy_from_slice(&udp_length);
        let to_sum = sum(&to);
        let ip = checksum(self.ip_sum + sum(&ip_length) + to_sum);
        head[IP_CHECKSUM..IP_CHECKSUM + 2].copy_from_slice(&ip.to_ne_bytes());
        // The length counts twice: in the pseudo header and in the header.
        let udp_sum = self.udp_sum + to_sum + sum(&port) + 2 * sum(&udp_length) + sum(payload);
        let udp = match checksum(udp_sum) {
            // Zero would say that there is no checksum (RFC 768).
            0 => 0xffff,
            other => other,
        };
        head[UDP_CHECKSUM..UDP_CHECKSUM + 2].copy_from_slice(&udp.to_ne_bytes());
        true
    }
}

/// The sum of all 16-bit words, not yet folded: four bytes at a time, which folds to the same.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word)));
    words.sum::<u64>() + u64::from(u32::from_ne_bytes(last))
}

/// The one's complement of a folded sum, in the machine's byte order.
fn checksum(sum: u64) -> u16 {
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
#[path = "headers_tests.rs"]
mod tests;
