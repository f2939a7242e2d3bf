//! A client's SDP offer as this node keeps and applies it: bounded, and without candidates. Pure.
//!
//! This edge is ICE-lite and answers checks from wherever they come (RFC 8445 section 2.5), so a
//! client's candidates are of no use to it, while each one costs the media plane a scan.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::sdpfrag::Credentials;
use super::settings::OFFER_BYTES_MAX;

/// An offer of more than [`OFFER_BYTES_MAX`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the SDP offer has {bytes} bytes; at most {OFFER_BYTES_MAX} are read")]
pub(super) struct OfferTooLarge {
    /// How many it has.
    pub bytes: usize,
}

/// At most [`OFFER_BYTES_MAX`] of SDP without candidates; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Offer(Arc<str>);

impl Offer {
    /// Takes what a client sent; whether it is SDP at all, the media plane says.
    ///
    /// # Errors
    /// [`OfferTooLarge`], judged with its candidates.
    pub(super) fn read(sdp: &str) -> Result<Self, OfferTooLarge> {
        check_size(sdp)?;
        Ok(Self(without_candidates(sdp).into()))
    }

    /// The text for the media plane.
    #[must_use]
    pub(super) fn to_text(&self) -> String {
        self.0.as_ref().to_owned()
    }

    /// Whether it has a line on which the client may send audio (RFC 8866 section 6.7: without a direction, both ways).
    #[must_use]
    pub(super) fn has_uplink(&self) -> bool {
        let lines = self.0.split(['\r', '\n']);
        let mut session = None;
        let mut media = Vec::new();
        for line in lines {
            let direction = match line {
                "a=sendrecv" | "a=sendonly" => Some(true),
                "a=recvonly" | "a=inactive" => Some(false),
                _ => None,
            };
            if line.starts_with("m=") {
                media.push((line.starts_with("m=audio "), None));
            } else if direction.is_some() {
                match media.last_mut() {
                    Some((_, own)) => *own = direction,
                    None => session = direction,
                }
            }
        }
        media.into_iter().any(|(audio, own)| audio && own.or(session).unwrap_or(true))
    }

    /// Whether both share one text in memory.
    #[cfg(test)]
    pub(super) fn is_same_text(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The client's ICE user fragment: the first, since all lines are bundled.
    #[must_use]
    pub(super) fn ufrag(&self) -> Option<&str> {
        self.0.split(['\r', '\n']).find_map(|line| line.strip_prefix("a=ice-ufrag:"))
    }

    /// The same offer with other ICE credentials: what an ICE restart means in terms of a full
    /// offer. Everything else stays as it was negotiated.
    ///
    /// # Errors
    /// [`OfferTooLarge`]: many short user fragments may turn into as many long ones.
    pub(super) fn with_credentials(
        &self,
        credentials: &Credentials,
    ) -> Result<Self, OfferTooLarge> {
        let mut renewed = String::with_capacity(self.0.len());
        for line in self.0.split_inclusive(['\r', '\n']) {
            let ending = &line[line.trim_end_matches(['\r', '\n']).len()..];
            let [name, value, ending] = if line.starts_with("a=ice-ufrag:") {
                ["a=ice-ufrag:", &credentials.ufrag, ending]
            } else if line.starts_with("a=ice-pwd:") {
                ["a=ice-pwd:", &credentials.pwd, ending]
            } else {
                [line, "", ""]
            };
            renewed.extend([name, value, ending]);
        }
        check_size(&renewed)?;
        Ok(Self(renewed.into()))
    }
}

/// An offer holds an ICE password.
impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offer({} bytes)", self.0.len())
    }
}

fn check_size(sdp: &str) -> Result<(), OfferTooLarge> {
    if sdp.len() > OFFER_BYTES_MAX { Err(OfferTooLarge { bytes: sdp.len() }) } else { Ok(()) }
}

/// The SDP without its candidates, every other byte as it was. A bare CR ends a line too, since the
/// media plane reads it so.
#[must_use]
fn without_candidates(sdp: &str) -> String {
    let mut kept = String::with_capacity(sdp.len());
    let mut dropped = false;
    for line in sdp.split_inclusive(['\r', '\n']) {
        // The second half of a CRLF goes the way of the first.
        if line != "\n" {
            dropped = line.starts_with("a=candidate:") || line.starts_with("a=end-of-candidates");
        }
        if !dropped {
            kept.push_str(line);
        }
    }
    kept
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
