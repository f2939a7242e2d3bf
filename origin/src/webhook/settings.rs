//! What an operator may set: `[[webhooks]]` of the configuration.

use std::fmt;
use std::path::PathBuf;

use hyper::Uri;
use serde::Deserialize;
use stoa_protocol::ids::TenantId;
use stoa_runtime::configuration::Secret;
use thiserror::Error;

use super::address::{Network, NetworkError};
use super::event::{Event, Kind};
use super::signature::{SECRET_BYTES_MIN, SigningSecret};

/// Most endpoints.
pub const ENDPOINTS_MAX: usize = 32;

/// An endpoint as configured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `https://..` or `http://..`; it may hold a secret of its own, so it is treated as one.
    pub url: Secret,
    /// What messages are signed with: at least 24 bytes, or `whsec_` and base64.
    pub secret: Secret,
    /// Which kinds of events; all when empty.
    #[serde(default)]
    pub events: Vec<Kind>,
    /// Whose rooms; everybody's when absent.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// PEM file of the authorities that the endpoint's certificate is checked against; needed for
    /// `https`.
    #[serde(default)]
    pub authority: Option<PathBuf>,
    /// Networks beyond the public internet that the endpoint may be in.
    #[serde(default)]
    pub networks: Vec<String>,
}

/// Why an endpoint was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WebhookError {
    /// Not an absolute URL of HTTP or HTTPS.
    #[error(
        "webhooks.url must be an absolute URL with http or https, a host, and no user or fragment"
    )]
    Url,
    /// Too short, or no base64.
    #[error(
        "webhooks.secret must have at least {SECRET_BYTES_MIN} bytes, as text or as \"whsec_\" with \
         base64 behind it"
    )]
    Secret,
    /// HTTPS without anybody to believe.
    #[error(
        "webhooks.authority is missing for {host}: name the PEM file of the authorities to believe, \
         e.g. /etc/ssl/certs/ca-certificates.crt"
    )]
    Authority {
        /// Whose certificate could not be checked.
        host: String,
    },
    /// Not a network.
    #[error("webhooks.networks: {0}")]
    Network(#[from] NetworkError),
    /// More than [`ENDPOINTS_MAX`].
    #[error("there are {count} webhooks; at most {ENDPOINTS_MAX} can be")]
    TooMany {
        /// How many.
        count: usize,
    },
}

/// An endpoint, checked.
#[derive(Clone)]
pub struct Endpoint {
    /// Whether over TLS.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The value of `Host`.
    pub(super) authority_of_url: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) secret: SigningSecret,
    pub(super) events: Vec<Kind>,
    pub(super) tenant: Option<TenantId>,
    pub(super) authority: Option<PathBuf>,
    pub(super) networks: Vec<Network>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Settings {
    /// Checks all of them.
    ///
    /// # Errors
    /// [`WebhookError`] of the first that is wrong.
    pub fn check_all(all: &[Self]) -> Result<Vec<Endpoint>, WebhookError> {
        if all.len() > ENDPOINTS_MAX {
            return Err(WebhookError::TooMany { count: all.len() });
        }
        all.iter().map(Self::check).collect()
    }

    /// Checks what types cannot; reads no file.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn check(&self) -> Result<Endpoint, WebhookError> {
        let url = self.url.expose();
        let uri: Uri = url.parse().map_err(|_| WebhookError::Url)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(WebhookError::Url),
        };
        let authority_of_url = uri.authority().ok_or(WebhookError::Url)?.as_str().to_owned();
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || authority_of_url.contains('@') || url.contains('#') {
            return Err(WebhookError::Url);
        }
        let host = host.to_owned();
        if tls && self.authority.is_none() {
            return Err(WebhookError::Authority { host });
        }
        let networks = self.networks.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Ok(Endpoint {
            tls,
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            host,
            authority_of_url,
            target: uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            secret: SigningSecret::new(self.secret.expose())?,
            events: self.events.clone(),
            tenant: self.tenant.clone(),
            authority: self.authority.clone(),
            networks,
        })
    }
}

impl Endpoint {
    /// Whether this is told to it.
    #[must_use]
    pub(super) fn wants(&self, event: &Event) -> bool {
        let kind = self.events.is_empty() || self.events.contains(&event.kind);
        kind && self.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings {
            url: Secret::new(url),
            secret: Secret::new("s".repeat(24)),
            events: Vec::new(),
            tenant: None,
            authority: Some("ca.pem".into()),
            networks: Vec::new(),
        }
    }

    #[test]
    fn a_url_is_taken_apart() {
        let endpoint = settings("https://hooks.example:8443/stoa?key=1").check().unwrap();
        let Endpoint { tls, host, port, target, authority_of_url, .. } = endpoint;
        assert_eq!((tls, host.as_str(), port), (true, "hooks.example", 8443));
        assert_eq!(
            (target.as_str(), authority_of_url.as_str()),
            ("/stoa?key=1", "hooks.example:8443")
        );
        let endpoint = settings("http://[::1]").check().unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("::1", 80));
        assert_eq!((endpoint.target.as_str(), endpoint.tls), ("/", false));
    }

    #[test]
    fn what_cannot_be_reached_safely_is_refused() {
        let wrong = ["", "/hook", "ftp://a/", "https://", "http://u:p@a/", "http://a/#b", "a:80"];
        for url in wrong {
            assert_eq!(settings(url).check().unwrap_err(), WebhookError::Url, "{url}");
        }
        let nobody = Settings { authority: None, ..settings("https://a.example/") };
        assert!(matches!(nobody.check().unwrap_err(), WebhookError::Authority { .. }));
        let networks = vec!["10.0.0.0/99".to_owned()];
        let network = Settings { networks, ..settings("http://a/") };
        assert!(matches!(network.check().unwrap_err(), WebhookError::Network(_)));
        let many = vec![settings("http://a/"); ENDPOINTS_MAX + 1];
        assert_eq!(Settings::check_all(&many).unwrap_err(), WebhookError::TooMany { count: 33 });
    }

    #[test]
    fn neither_the_url_nor_the_secret_shows_in_debug_output() {
        let shown = format!("{:?}", settings("http://a.example/?token=hunter2"));
        assert!(!shown.contains("hunter2") && !shown.contains("ssss"), "{shown}");
    }
}
