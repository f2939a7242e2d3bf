//! Other edges, for who finds no room at this one or has to leave it: members of messages and problems, and `Link`
//! headers (RFC 8288).

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
pub use stoa_protocol::mesh::control::ALTERNATIVES_MAX;
use thiserror::Error;

use crate::rooms::OtherEdge;

/// Edges that are at most this much farther than the nearest are as good as it: clients are spread over all of them.
const AS_NEAR: Duration = Duration::from_millis(20);

/// What an operator has written where a URL belongs, or too many of them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AlternativeError {
    /// Not an absolute http: or https: URL without a path.
    #[error("http.alternatives: {0:?} is not like https://ams.stoa.example")]
    Url(String),
    /// More than [`ALTERNATIVES_MAX`].
    #[error("http.alternatives names {0} edges; at most {max} are told", max = ALTERNATIVES_MAX)]
    TooMany(usize),
}

/// Another edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    url: String,
    link: HeaderValue,
}

impl Alternative {
    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its `Link` header.
    #[must_use]
    pub fn link(&self) -> &HeaderValue {
        &self.link
    }

    fn read(text: &str) -> Result<Self, AlternativeError> {
        let malformed = || AlternativeError::Url(text.to_owned());
        let url = text.trim_end_matches('/');
        let parsed: Uri = url.parse().map_err(|_| malformed())?;
        let web = matches!(parsed.scheme_str(), Some("http" | "https"));
        if !web || parsed.host().is_none_or(str::is_empty) || !matches!(parsed.path(), "" | "/") {
            return Err(malformed());
        }
        let link = format!("<{url}>; rel=\"alternate\"");
        let link = HeaderValue::try_from(link).map_err(|_| malformed())?;
        Ok(Self { url: url.to_owned(), link })
    }
}

/// Everything that is known of other edges: the operator's come first and in his order; of those that origins name the
/// near ones in turn, so that not everybody goes to the same.
#[derive(Debug, Default)]
pub(super) struct Others {
    configured: Vec<Alternative>,
    told: RwLock<Told>,
}

/// What origins have named.
#[derive(Debug, Default)]
struct Told {
    /// Grows with each change.
    version: u64,
    near: Vec<Alternative>,
    far: Vec<Alternative>,
}

impl Others {
    /// What an operator has configured.
    ///
    /// # Errors
    /// An [`AlternativeError`] for the operator.
    pub(super) fn new(urls: &[String]) -> Result<Self, AlternativeError> {
        Ok(Self { configured: read(urls)?, told: RwLock::default() })
    }

    /// Takes what origins name, nearest first. What is no URL of an edge is left out.
    pub(super) fn tell(&self, edges: &[OtherEdge]) {
        let nearest = edges.iter().map(|edge| edge.rtt).min().unwrap_or_default();
        let limit = (nearest + AS_NEAR).max(nearest * 3 / 2);
        let read = |near: bool| {
            let these = edges.iter().filter(|edge| (edge.rtt <= limit) == near);
            these.filter_map(|edge| Alternative::read(&edge.url).ok()).collect()
        };
        // Whole between any two statements, so a panic elsewhere does not spoil it.
        let mut told = self.told.write().unwrap_or_else(PoisonError::into_inner);
        *told = Told { version: told.version + 1, near: read(true), far: read(false) };
    }

    /// Grows whenever clients should be told anew.
    pub(super) fn version(&self) -> u64 {
        self.told.read().unwrap_or_else(PoisonError::into_inner).version
    }

    /// Where a client may go, in the order in which to try; `turn` spreads clients over what is near.
    pub(super) fn in_turn(&self, turn: u64) -> Arc<[Alternative]> {
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner);
        let count = u64::try_from(told.near.len()).unwrap_or(u64::MAX).max(1);
        let (first, next) = told.near.split_at(usize::try_from(turn % count).unwrap_or(0));
        let mut all: Vec<Alternative> = Vec::new();
        for edge in self.configured.iter().chain(next).chain(first).chain(&told.far) {
            if all.len() < ALTERNATIVES_MAX && !all.contains(edge) {
                all.push(edge.clone());
            }
        }
        all.into()
    }
}

/// Reads what an operator has configured.
///
/// # Errors
/// An [`AlternativeError`] for the operator.
fn read(urls: &[String]) -> Result<Vec<Alternative>, AlternativeError> {
    if urls.len() > ALTERNATIVES_MAX {
        return Err(AlternativeError::TooMany(urls.len()));
    }
    urls.iter().map(|url| Alternative::read(url)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(url: &str, rtt_ms: u64) -> OtherEdge {
        OtherEdge { url: url.to_owned(), rtt: Duration::from_millis(rtt_ms) }
    }

    #[test]
    fn the_operators_come_first_and_clients_are_spread_over_what_is_near() {
        let others = Others::new(&["https://own".to_owned()]).unwrap();
        let before = others.version();
        let told = [("https://a", 5), ("https://b", 25), ("ftp://x", 6), ("https://far", 26)];
        others.tell(&told.map(|(url, ms)| edge(url, ms)));
        assert!(others.version() > before);
        let urls = |turn: u64| {
            let edges = others.in_turn(turn);
            edges.iter().map(|edge| edge.url()["https://".len()..].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(urls(0), ["own", "a", "b", "far"]);
        assert_eq!(urls(1), ["own", "b", "a", "far"]);
        assert_eq!(urls(u64::MAX - 1), urls(0));
        others.tell(&[edge("https://own/", 1)]);
        assert_eq!(urls(7), ["own"]);
    }

    #[test]
    fn a_base_url_becomes_a_link_and_anything_else_is_refused() {
        let read_one = |url: &str| read(&[url.to_owned()]);
        let edge = &read_one("https://ams.stoa.example:8443/").unwrap()[0];
        assert_eq!(edge.url(), "https://ams.stoa.example:8443");
        assert_eq!(edge.link(), "<https://ams.stoa.example:8443>; rel=\"alternate\"");
        for wrong in ["", "ams", "ftp://ams", "https://", "https://ams/rooms", "https://a\nb"] {
            assert_eq!(read_one(wrong), Err(AlternativeError::Url(wrong.into())));
        }
        let many = vec!["https://ams".to_owned(); 9];
        assert_eq!(read(&many), Err(AlternativeError::TooMany(9)));
    }
}
