//! What a datagram is (RFC 7983), and what a STUN request says before anybody trusts it.

/// Longest ICE user fragment that is looked at, in bytes (RFC 8839 section 5.4).
const UFRAG_BYTES_MAX: usize = 256;

const STUN_HEADER: usize = 20;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const ATTRIBUTE_USERNAME: u16 = 0x0006;

/// Kind of a datagram, by its first bytes (RFC 7983 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A STUN binding request with a user name.
    BindingRequest(BindingRequest<'a>),
    /// Any other STUN message.
    OtherStun,
    /// A DTLS record.
    Dtls,
    /// RTP, sealed.
    Rtp,
    /// RTCP, sealed.
    Rtcp,
    /// Nothing that belongs on this port.
    Unknown,
}

/// A connectivity check; nothing in it is authenticated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingRequest<'a> {
    /// Whose session it asks for: the part of the user name before the colon.
    pub local_ufrag: &'a str,
}

/// Says what a datagram is. Never fails: what cannot be read is [`Kind::Unknown`].
#[must_use]
pub fn classify(datagram: &[u8]) -> Kind<'_> {
    match datagram {
        [0..=3, ..] => stun(datagram).unwrap_or(Kind::Unknown),
        [20..=63, ..] => Kind::Dtls,
        // RFC 5761 section 4: RTCP packet types 192 to 223 in the second byte.
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, _, ..] => Kind::Rtp,
        _ => Kind::Unknown,
    }
}

fn stun(datagram: &[u8]) -> Option<Kind<'_>> {
    let header = datagram.get(..STUN_HEADER)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[4..8] != STUN_COOKIE || length % 4 != 0 || datagram.len() != STUN_HEADER + length {
        return None;
    }
    if header[..2] != [0, 1] {
        return Some(Kind::OtherStun);
    }
    let mut local_ufrag = None;
    let mut rest = &datagram[STUN_HEADER..];
    while let [k0, k1, l0, l1, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let value = tail.get(..length)?;
        if u16::from_be_bytes([*k0, *k1]) == ATTRIBUTE_USERNAME {
            local_ufrag = ufrag_of(value);
        }
        rest = tail.get(length.next_multiple_of(4)..)?;
    }
    match local_ufrag {
        Some(local_ufrag) => Some(Kind::BindingRequest(BindingRequest { local_ufrag })),
        None => Some(Kind::OtherStun),
    }
}

fn ufrag_of(user_name: &[u8]) -> Option<&str> {
    let user_name = std::str::from_utf8(user_name).ok()?;
    let (local, _) = user_name.split_once(':')?;
    (!local.is_empty() && local.len() <= UFRAG_BYTES_MAX).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIORITY: u16 = 0x0024;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1];
        bytes.extend_from_slice(&u16::try_from(attributes.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&STUN_COOKIE);
        bytes.extend_from_slice(&[7; 12]);
        bytes.extend_from_slice(attributes);
        bytes
    }

    #[test]
    fn a_check_names_its_session() {
        let name = attribute(ATTRIBUTE_USERNAME, b"ours:theirs");
        let check = request(&[attribute(PRIORITY, &[0; 4]), name].concat());
        let expected = BindingRequest { local_ufrag: "ours" };
        assert_eq!(classify(&check), Kind::BindingRequest(expected));
    }

    #[test]
    fn checks_without_a_usable_name_are_other_stun() {
        for name in [&b"ours"[..], b":theirs", b"\xff\xfe:x"] {
            let check = request(&attribute(ATTRIBUTE_USERNAME, name));
            assert_eq!(classify(&check), Kind::OtherStun);
        }
        assert_eq!(classify(&request(&[])), Kind::OtherStun);
    }

    #[test]
    fn the_first_bytes_tell_the_rest_apart() {
        assert_eq!(classify(&[22, 254, 253]), Kind::Dtls);
        assert_eq!(classify(&[0x80, 111]), Kind::Rtp);
        assert_eq!(classify(&[0x80, 0x80 | 111]), Kind::Rtp);
        assert_eq!(classify(&[0x80, 200]), Kind::Rtcp);
        for unknown in [&[][..], &[0x40, 0], &[0x80], &[255; 30], &[0; 20]] {
            assert_eq!(classify(unknown), Kind::Unknown);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = classify(&bytes);
        }

        #[test]
        fn perturbed_checks_never_panic(at in 0usize..60, value: u8, cut in 0usize..60) {
            let name = attribute(ATTRIBUTE_USERNAME, b"ours:theirs");
            let mut check = request(&[name, attribute(PRIORITY, &[0; 4])].concat());
            if let Some(byte) = check.get_mut(at) {
                *byte = value;
            }
            check.truncate(check.len().saturating_sub(cut));
            let _ = classify(&check);
        }
    }
}
