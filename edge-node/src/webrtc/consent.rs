//! Connectivity and consent checks of connected sessions (RFC 8445 section 7.3, RFC 7675), answered
//! without waking str0m: once a client is connected, most of what an idle one sends is these.
//!
//! We are ICE-lite, and so always controlled: what a check says of roles and priorities is not asked.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;
use str0m::ice::StunMessage;

use super::registry::UFRAGS_MAX;

const SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const ATTRIBUTE_HEADER: usize = 4;
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
const MESSAGE_INTEGRITY: [u8; 2] = [0x00, 0x08];
const TAG: usize = 20;
const FINGERPRINT: [u8; 2] = [0x80, 0x28];
/// What a fingerprint is combined with, so that it differs from other checksums (RFC 8489 section 14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554e;

/// Longest answer, in bytes: to an IPv6 address.
const ANSWER_MAX: usize = HEADER + 24 + ATTRIBUTE_HEADER + TAG + ATTRIBUTE_HEADER + 4;

/// The names and passwords under which a session is asked for: those of its offer, and of its latest
/// ICE restarts, because a client uses the old ones until the new ones work (RFC 8445 section 9).
#[derive(Default)]
pub(super) struct Credentials(Vec<Pair>);

struct Pair {
    local_ufrag: Box<str>,
    password: Box<str>,
    remote_ufrag: Box<str>,
}

impl Credentials {
    /// Takes in what an offer and its answer say; the oldest beyond the limit is forgotten.
    pub(super) fn add(&mut self, local_ufrag: &str, password: &str, remote_ufrag: &str) {
        self.0.retain(|pair| *pair.local_ufrag != *local_ufrag);
        if self.0.len() >= UFRAGS_MAX {
            self.0.remove(0);
        }
        self.0.push(Pair {
            local_ufrag: local_ufrag.into(),
            password: password.into(),
            remote_ufrag: remote_ufrag.into(),
        });
    }

    /// Our newest user fragment.
    pub(super) fn newest(&self) -> Option<&str> {
        self.0.last().map(|pair| &*pair.local_ufrag)
    }

    /// Our newest user fragment and password, if they belong to this user fragment of the client.
    pub(super) fn current(&self, remote_ufrag: &str) -> Option<(&str, &str)> {
        let newest = self.0.last().filter(|newest| *newest.remote_ufrag == *remote_ufrag)?;
        Some((&newest.local_ufrag, &newest.password))
    }

    /// Reads a check; `None` unless it is whole, for this session, and by somebody who knows the password.
    pub(super) fn verify(&self, datagram: &[u8]) -> Option<Check> {
        let transaction = datagram.get(8..HEADER)?.try_into().ok()?;
        let message = StunMessage::parse(datagram).ok()?;
        if !message.is_binding_request() || !fingerprint_fits(datagram) {
            return None;
        }
        let (local, remote) = message.split_username()?;
        let pair = self.0.iter().find(|pair| *pair.local_ufrag == *local)?;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pair.password.as_bytes());
        let known = *pair.remote_ufrag == *remote
            && message.verify(pair.password.as_bytes(), |_, parts| tag(&key, parts));
        known.then(|| Check { key, transaction, nominates: message.use_candidate() })
    }
}

/// A check that has passed.
pub(super) struct Check {
    key: hmac::Key,
    transaction: [u8; 12],
    /// Whether the client has chosen this path (RFC 8445 section 7.3.1.5).
    pub nominates: bool,
}

impl Check {
    /// Length of the answer to a check from `source`, in bytes.
    pub(super) const fn answer_bytes(source: SocketAddr) -> usize {
        ANSWER_MAX - if source.is_ipv4() { 12 } else { 0 }
    }

    /// Writes the answer to a check from `source`; `room` is [`Self::answer_bytes`] long.
    pub(super) fn answer(&self, source: SocketAddr, room: &mut [u8]) {
        let mut out = Writer { room, at: 0 };
        let attributes = Self::answer_bytes(source) - HEADER;
        let until_integrity = attributes - (ATTRIBUTE_HEADER + 4);
        out.put(&SUCCESS);
        // The integrity covers a header whose length ends with itself (RFC 8489 section 14.5).
        out.put(&length(until_integrity));
        out.put(&MAGIC_COOKIE);
        out.put(&self.transaction);
        self.put_address(source, &mut out);
        let tag = tag(&self.key, &[out.written()]);
        out.put(&MESSAGE_INTEGRITY);
        out.put(&length(TAG));
        out.put(&tag);
        out.room[2..4].copy_from_slice(&length(attributes));
        let fingerprint = checksum(out.written()) ^ FINGERPRINT_MASK;
        out.put(&FINGERPRINT);
        out.put(&length(4));
        out.put(&fingerprint.to_be_bytes());
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
    fn put_address(&self, source: SocketAddr, out: &mut Writer<'_>) {
        let mut mask = [0; 16];
        mask[..4].copy_from_slice(&MAGIC_COOKIE);
        mask[4..].copy_from_slice(&self.transaction);
        let mut address = [0; 16];
        let (family, bytes) = match source.ip() {
            IpAddr::V4(ip) => {
                address[..4].copy_from_slice(&ip.octets());
                (1, 4)
            }
            IpAddr::V6(ip) => {
                address = ip.octets();
                (2, 16)
            }
        };
        for (byte, mask) in address.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        let port = source.port() ^ u16::from_be_bytes([MAGIC_COOKIE[0], MAGIC_COOKIE[1]]);
        out.put(&XOR_MAPPED_ADDRESS);
        out.put(&length(4 + bytes));
        out.put(&[0, family]);
        out.put(&port.to_be_bytes());
        out.put(&address[..bytes]);
    }
}

struct Writer<'a> {
    room: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.room[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn written(&self) -> &[u8] {
        &self.room[..self.at]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an answer has fewer than 100 bytes")]
const fn length(bytes: usize) -> [u8; 2] {
    (bytes as u16).to_be_bytes()
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; TAG] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut tag = [0; TAG];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

/// Whether the fingerprint, which comes last where there is one, belongs to the bytes before it.
fn fingerprint_fits(datagram: &[u8]) -> bool {
    match datagram.split_last_chunk::<8>() {
        Some((before, [0x80, 0x28, 0, 4, fingerprint @ ..])) => {
            checksum(before) ^ FINGERPRINT_MASK == u32::from_be_bytes(*fingerprint)
        }
        _ => true,
    }
}

/// CRC-32 as of ITU-T V.42 (RFC 8489 section 14.7).
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |sum: u32, byte| {
        let [low, ..] = sum.to_le_bytes();
        (sum >> 8) ^ TABLE[usize::from(low ^ byte)]
    })
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0u32;
    while index < 256 {
        let (mut sum, mut bit) = (index, 0);
        while bit < 8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        table[index as usize] = sum;
        index += 1;
    }
    table
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
