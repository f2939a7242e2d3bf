//! What somebody comes back with: who he was, and a secret that only he was told.
//!
//! The edge that has his seat compares the secret; any other asks the owner, which compares the identity that his
//! token proves.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use rand::Rng;
use stoa_protocol::ids::ParticipantId;

/// 128 random bits.
#[derive(Clone, Copy, Default)]
pub(super) struct Secret([u8; 16]);

impl Secret {
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Takes as long for any difference.
    pub(super) fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A former life: a participant's id, a full stop, and 32 hexadecimal digits.
#[derive(Clone, Debug)]
pub struct Resume {
    pub(super) participant: ParticipantId,
    pub(super) secret: Secret,
}

impl Resume {
    /// Reads what [`Self::to_text`] writes; nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (participant, secret) = text.rsplit_once('.')?;
        let lowercase_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if secret.len() != 32 || !secret.bytes().all(lowercase_hex) {
            return None;
        }
        let secret = Secret(u128::from_str_radix(secret, 16).ok()?.to_be_bytes());
        Some(Self { participant: ParticipantId::new(participant).ok()?, secret })
    }

    /// The text for the client. It is a secret: never log it.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}.{:032x}", self.participant, u128::from_be_bytes(self.secret.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn it_reads_back_what_it_writes_and_nothing_else() {
        let secret = Secret::draw(&mut StdRng::seed_from_u64(1));
        let participant = ParticipantId::new("p_1.2").unwrap();
        let text = Resume { participant, secret }.to_text();
        let read = Resume::parse(&text).unwrap();
        assert_eq!(read.participant.as_str(), "p_1.2");
        assert!(read.secret.is(&secret));
        let upper = text.to_uppercase();
        let long = format!("{text}0");
        for wrong in ["", ".", "p_1", &text[1..5], &text[..text.len() - 1], &upper, &long] {
            assert!(Resume::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_differs_from_every_other_and_is_not_printed() {
        let mut rng = StdRng::seed_from_u64(1);
        let (one, other) = (Secret::draw(&mut rng), Secret::draw(&mut rng));
        assert!(one.is(&one) && !one.is(&other));
        assert_eq!(format!("{one:?}"), "Secret(***)");
    }
}
