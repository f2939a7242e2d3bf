//! What an opened RTP packet says (RFC 3550 section 5, RFC 8285), as far as a microphone's packets go.

use std::ops::Range;

use stoa_audio::level::Claim;

/// Length of a header without CSRCs or extensions.
const HEADER: usize = 12;

/// Profiles of header extensions (RFC 8285 sections 4.2 and 4.3); of the second the low four bits mean nothing.
const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;
const TWO_BYTE_MASK: u16 = 0xfff0;

/// The identifier in one-byte extensions at which reading ends (RFC 8285 section 4.2).
const STOP: u8 = 15;

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rtp {
    pub payload_type: u8,
    pub timestamp: u32,
    pub ssrc: u32,
    /// What the client says of its loudness (RFC 6464), if it says anything.
    pub claim: Option<Claim>,
    /// Where in the packet its payload lies, without padding.
    pub payload: Range<usize>,
}

/// Reads a packet whose payload, padding included, lies at `payload`; `level_id` is the identifier that the level's
/// extension was given in the answer. `None` when the packet is not what RFC 3550 draws.
pub(super) fn read(packet: &[u8], payload: Range<usize>, level_id: Option<u8>) -> Option<Rtp> {
    let header = packet.get(..payload.start)?;
    let body = packet.get(payload.clone())?;
    let fixed: &[u8; HEADER] = header.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let padding = if fixed[0] & 0x20 != 0 { padding(body)? } else { 0 };
    let word =
        |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let claim = level_id.and_then(|id| {
        let (one_byte, elements) = extensions(header)?;
        find(elements, one_byte, id)?.first().copied().map(Claim::from_byte)
    });
    Some(Rtp {
        payload_type: fixed[1] & 0x7f,
        timestamp: word(4),
        ssrc: word(8),
        claim,
        payload: payload.start..payload.end - padding,
    })
}

/// The last byte says how many there are, itself included (RFC 3550 section 5.1).
fn padding(body: &[u8]) -> Option<usize> {
    let padding = usize::from(*body.last()?);
    (padding > 0 && padding <= body.len()).then_some(padding)
}

/// The elements of a header's extension and whether they have one-byte headers; `None` where there are none that
/// we know.
fn extensions(header: &[u8]) -> Option<(bool, &[u8])> {
    let first = *header.first()?;
    if first & 0x10 == 0 {
        return None;
    }
    let after_csrcs = header.get(HEADER + 4 * usize::from(first & 0x0f)..)?;
    let ([p0, p1, l0, l1], elements) = after_csrcs.split_first_chunk::<4>()?;
    let elements = elements.get(..4 * usize::from(u16::from_be_bytes([*l0, *l1])))?;
    match u16::from_be_bytes([*p0, *p1]) {
        ONE_BYTE => Some((true, elements)),
        profile if profile & TWO_BYTE_MASK == TWO_BYTE => Some((false, elements)),
        _ => None,
    }
}

fn find(mut elements: &[u8], one_byte: bool, wanted: u8) -> Option<&[u8]> {
    loop {
        let (id, length, rest) = match *elements {
            // A byte of padding between elements.
            [0, ref rest @ ..] => {
                elements = rest;
                continue;
            }
            [first, ref rest @ ..] if one_byte => (first >> 4, usize::from(first & 0x0f) + 1, rest),
            [id, length, ref rest @ ..] => (id, usize::from(length), rest),
            _ => return None,
        };
        if one_byte && id == STOP {
            return None;
        }
        let (value, rest) = rest.split_at_checked(length)?;
        if id == wanted {
            return Some(value);
        }
        elements = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stoa_audio::frame::Level;

    const LEVEL: u8 = 3;

    fn packet(first: u8, after_fixed: &[u8], payload: &[u8]) -> (Vec<u8>, Range<usize>) {
        let mut packet = vec![first, 0x80 | 111, 0, 7, 0, 0, 3, 0xc0, 1, 2, 3, 4];
        packet.extend_from_slice(after_fixed);
        let start = packet.len();
        packet.extend_from_slice(payload);
        let end = packet.len();
        (packet, start..end)
    }

    fn claim(profile: [u8; 2], elements: &[u8]) -> Option<Claim> {
        let mut extension = profile.to_vec();
        extension.extend_from_slice(&u16::try_from(elements.len() / 4).unwrap().to_be_bytes());
        extension.extend_from_slice(elements);
        let (packet, payload) = packet(0x90, &extension, b"opus");
        read(&packet, payload, Some(LEVEL)).unwrap().claim
    }

    #[test]
    fn a_packet_says_type_time_source_and_payload() {
        let (packet, payload) = packet(0x82, &[9; 8], b"opus");
        let rtp = read(&packet, payload.clone(), Some(LEVEL)).unwrap();
        assert_eq!((rtp.payload_type, rtp.timestamp, rtp.ssrc), (111, 960, 0x0102_0304));
        assert_eq!((rtp.claim, rtp.payload), (None, payload));
    }

    #[test]
    fn padding_is_taken_off_and_must_fit() {
        let (padded, payload) = packet(0xa0, &[], b"opus\0\0\x03");
        assert_eq!(read(&padded, payload, None).unwrap().payload, 12..16);
        let (all, payload) = packet(0xa0, &[], &[0, 2]);
        assert_eq!(read(&all, payload, None).unwrap().payload, 12..12);
        for wrong in [&[][..], &[1, 0], &[1, 3]] {
            let (wrong, payload) = packet(0xa0, &[], wrong);
            assert_eq!(read(&wrong, payload, None), None);
        }
    }

    #[test]
    fn the_level_is_found_in_extensions_of_either_form() {
        let expected = Claim { level: Level::from_minus_dbov(30), voice: true };
        // Another element before it, padding between them.
        let one_byte = [0x11, 7, 7, 0, 0x30, 0x80 | 30, 0, 0];
        assert_eq!(claim([0xbe, 0xde], &one_byte), Some(expected));
        let two_byte = [1, 0, 0, 2, 1, 7, LEVEL, 1, 0x80 | 30, 0, 0, 0];
        assert_eq!(claim([0x10, 0x05], &two_byte), Some(expected));
    }

    #[test]
    fn what_is_no_level_claims_nothing() {
        let stopped = [0xf0, 0x30, 0x80 | 30, 0];
        let beyond_its_end = [0x3f, 1, 2, 3];
        assert_eq!(claim([0xbe, 0xde], &stopped), None);
        assert_eq!(claim([0xbe, 0xde], &beyond_its_end), None);
        assert_eq!(claim([0x10, 0x00], &[LEVEL, 0, 0, 0]), None, "an element without a value");
        assert_eq!(claim([0x12, 0x34], &[0x30, 5, 0, 0]), None, "another profile");
    }

    proptest! {
        #[test]
        fn whatever_is_read_lies_within_the_packet(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            start in 0usize..90,
            length in 0usize..90,
            id in proptest::option::of(any::<u8>()),
        ) {
            if let Some(rtp) = read(&bytes, start..start + length, id) {
                prop_assert!(rtp.payload.start == start && rtp.payload.end <= bytes.len());
                prop_assert!(rtp.payload.start <= rtp.payload.end);
            }
        }

        #[test]
        fn a_perturbed_packet_is_read_or_refused(
            at in 0usize..40, value: u8, elements in proptest::collection::vec(any::<u8>(), 0..24)
        ) {
            let words = elements.len() / 4;
            let mut extension = vec![0xbe, 0xde, 0, u8::try_from(words).unwrap()];
            extension.extend_from_slice(&elements[..4 * words]);
            let (mut packet, payload) = packet(0xb0, &extension, &[1, 2, 3, 1]);
            if let Some(byte) = packet.get_mut(at) {
                *byte = value;
            }
            let rtp = read(&packet, payload.clone(), Some(LEVEL));
            prop_assert!(rtp.is_none_or(|rtp| rtp.payload.end <= payload.end));
        }
    }
}
