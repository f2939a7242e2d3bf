//! Other edges, for who finds no room at this one: a member of the problem, and `Link` headers (RFC 8288). Pure.

use axum::http::{HeaderValue, Uri};
use thiserror::Error;

/// Most alternatives that are told; a client tries few.
pub const ALTERNATIVES_MAX: usize = 8;

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

/// Reads what an operator has configured.
///
/// # Errors
/// An [`AlternativeError`] for the operator.
pub(super) fn read(urls: &[String]) -> Result<Vec<Alternative>, AlternativeError> {
    if urls.len() > ALTERNATIVES_MAX {
        return Err(AlternativeError::TooMany(urls.len()));
    }
    urls.iter().map(|url| Alternative::read(url)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
