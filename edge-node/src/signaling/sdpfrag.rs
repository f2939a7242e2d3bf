//! SDP fragments of WHIP and WHEP (`application/trickle-ice-sdpfrag`, RFC 8840 section 9).
//!
//! This edge is ICE-lite, so candidates of a client are checked for form and then forgotten.

use thiserror::Error;

/// Media type of a fragment.
pub(super) const SDPFRAG: &str = "application/trickle-ice-sdpfrag";

/// Most lines of a fragment.
pub(super) const LINES_MAX: usize = 512;

/// Most characters of an ICE user fragment or password (RFC 8839 section 5.4).
const CREDENTIAL_MAX: usize = 256;

/// Why a fragment was refused; the messages are for the client's developer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum FragmentError {
    /// More than [`LINES_MAX`].
    #[error("the SDP fragment has more than {LINES_MAX} lines")]
    TooLong,
    /// A line that is not `m=` or `a=` with something behind it.
    #[error("line {number} of the SDP fragment is neither an `a=` nor an `m=` line")]
    Line {
        /// Counted from 1.
        number: usize,
    },
    /// An `ice-ufrag` or `ice-pwd` of wrong length or with foreign characters.
    #[error(
        "the attribute `{attribute}` in line {number} of the SDP fragment must have {min} to 256 letters, digits, '+' or '/'"
    )]
    Credential {
        /// `ice-ufrag` or `ice-pwd`.
        attribute: &'static str,
        /// Counted from 1.
        number: usize,
        /// Fewest characters allowed.
        min: usize,
    },
    /// Two different user fragments or passwords.
    #[error("the SDP fragment holds two different values of `{0}`; all lines are bundled here")]
    Conflict(&'static str),
    /// Only one of user fragment and password.
    #[error("the SDP fragment must hold both `ice-ufrag` and `ice-pwd`, or neither")]
    Half,
    /// A candidate that RFC 8839 section 5.1 does not allow.
    #[error("the candidate in line {number} of the SDP fragment is malformed")]
    Candidate {
        /// Counted from 1.
        number: usize,
    },
    /// Nothing in it concerns ICE.
    #[error("the SDP fragment holds neither ICE credentials nor candidates")]
    Empty,
}

/// An ICE user fragment with its password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    /// 4 to 256 characters.
    pub ufrag: String,
    /// 22 to 256 characters; a secret.
    pub pwd: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// What a client's fragment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The client's credentials.
    pub credentials: Option<Credentials>,
    /// How many well-formed candidates it holds.
    pub candidates: usize,
    /// Whether it says that no more candidates follow.
    pub end_of_candidates: bool,
}

/// Reads a client's fragment.
///
/// # Errors
/// A [`FragmentError`] that says what is wrong where.
pub(super) fn parse(text: &str) -> Result<Fragment, FragmentError> {
    let (mut ufrag, mut pwd) = (None, None);
    let mut fragment = Fragment::default();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if index >= LINES_MAX {
            return Err(FragmentError::TooLong);
        }
        if line.is_empty() {
            continue;
        }
        let Some(attribute) = line.strip_prefix("a=") else {
            match line.strip_prefix("m=") {
                Some(media) if !media.is_empty() => continue,
                _ => return Err(FragmentError::Line { number }),
            }
        };
        if let Some(value) = attribute.strip_prefix("ice-ufrag:") {
            keep(&mut ufrag, credential("ice-ufrag", value, 4, number)?, "ice-ufrag")?;
        } else if let Some(value) = attribute.strip_prefix("ice-pwd:") {
            keep(&mut pwd, credential("ice-pwd", value, 22, number)?, "ice-pwd")?;
        } else if let Some(value) = attribute.strip_prefix("candidate:") {
            check_candidate(value).ok_or(FragmentError::Candidate { number })?;
            fragment.candidates += 1;
        } else if attribute == "end-of-candidates" {
            fragment.end_of_candidates = true;
        } else if attribute.is_empty() {
            return Err(FragmentError::Line { number });
        }
    }
    fragment.credentials = match (ufrag, pwd) {
        (Some(ufrag), Some(pwd)) => Some(Credentials { ufrag: ufrag.into(), pwd: pwd.into() }),
        (None, None) => None,
        _ => return Err(FragmentError::Half),
    };
    if fragment == Fragment::default() { Err(FragmentError::Empty) } else { Ok(fragment) }
}

fn keep<'a>(
    slot: &mut Option<&'a str>,
    value: &'a str,
    name: &'static str,
) -> Result<(), FragmentError> {
    match slot.replace(value) {
        Some(before) if before != value => Err(FragmentError::Conflict(name)),
        _ => Ok(()),
    }
}

fn credential<'a>(
    attribute: &'static str,
    value: &'a str,
    min: usize,
    number: usize,
) -> Result<&'a str, FragmentError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if (min..=CREDENTIAL_MAX).contains(&value.len()) && value.bytes().all(allowed) {
        Ok(value)
    } else {
        Err(FragmentError::Credential { attribute, number, min })
    }
}

/// `foundation component transport priority address port typ type ..` (RFC 8839 section 5.1). The
/// address may be a name (mDNS), the transport anything: what we cannot use is not malformed.
fn check_candidate(value: &str) -> Option<()> {
    let mut fields = value.split(' ');
    let foundation = fields.next()?;
    let component: u16 = fields.next()?.parse().ok()?;
    let transport = fields.next()?;
    let _priority: u32 = fields.next()?.parse().ok()?;
    let address = fields.next()?;
    let _port: u16 = fields.next()?.parse().ok()?;
    let (typ, kind) = (fields.next()?, fields.next()?);
    let well_formed = (1..=32).contains(&foundation.len())
        && (1..=256).contains(&component)
        && !transport.is_empty()
        && !address.is_empty()
        && typ == "typ"
        && !kind.is_empty();
    well_formed.then_some(())
}

/// The fragment that answers an ICE restart: our new credentials and all our candidates, from the
/// new answer's session part and first media line.
#[must_use]
pub(super) fn of_answer(answer: &str, ours: &Credentials) -> String {
    let lines: Vec<&str> = answer.lines().collect();
    let media: Vec<usize> =
        (0..lines.len()).filter(|index| lines[*index].starts_with("m=")).collect();
    let first = media.first().copied().unwrap_or(lines.len());
    let end = media.get(1).copied().unwrap_or(lines.len());
    let (session, section) = (&lines[..first], &lines[first..end]);
    let mut fragment = String::new();
    let mut put = |line: &str| {
        fragment.push_str(line);
        fragment.push_str("\r\n");
    };
    let of_session = ["a=ice-lite", "a=ice-options:", "a=group:BUNDLE"];
    for wanted in of_session {
        // Some stacks write `ice-options` into the media sections.
        if let Some(line) = session.iter().chain(section).find(|line| line.starts_with(wanted)) {
            put(line);
        }
    }
    if let Some(line) = section.first() {
        put(line);
    }
    if let Some(line) = section.iter().find(|line| line.starts_with("a=mid:")) {
        put(line);
    }
    put(&format!("a=ice-ufrag:{}", ours.ufrag));
    put(&format!("a=ice-pwd:{}", ours.pwd));
    for line in session.iter().chain(section).filter(|line| line.starts_with("a=candidate:")) {
        put(line);
    }
    put("a=end-of-candidates");
    fragment
}

#[cfg(test)]
#[path = "sdpfrag_tests.rs"]
mod tests;
