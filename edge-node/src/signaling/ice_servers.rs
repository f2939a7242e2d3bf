//! STUN and TURN servers as clients learn of them: `Link` headers (RFC 9725 section 4.6) and JSON. Pure.

use axum::http::HeaderValue;
use stoa_runtime::configuration::Secret;
use thiserror::Error;

use super::settings::IceServer;
use super::socket::ClientIceServer;

/// A configured server that cannot be told to clients.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IceServerError {
    /// The URL's scheme is not one of STUN or TURN, or it holds characters that URLs have not.
    #[error("ice_servers: {0:?} is not a stun:, stuns:, turn: or turns: URL")]
    Url(String),
    /// A TURN server without both of user name and credential.
    #[error("ice_servers: {0:?} needs a username and a credential")]
    Incomplete(String),
    /// A user name or credential with characters that a header cannot hold.
    #[error(
        "ice_servers: the username or credential of {0:?} holds control or non-ASCII characters"
    )]
    Characters(String),
}

/// One `Link` header for each URL.
///
/// # Errors
/// An [`IceServerError`] for the operator.
pub(super) fn links(servers: &[IceServer]) -> Result<Vec<HeaderValue>, IceServerError> {
    let each = servers.iter().flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    each.map(|(server, url)| link(server, url)).collect()
}

fn link(server: &IceServer, url: &str) -> Result<HeaderValue, IceServerError> {
    let scheme = url.split(':').next().unwrap_or_default();
    let foreign = |c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"');
    if !matches!(scheme, "stun" | "stuns" | "turn" | "turns") || url.contains(foreign) {
        return Err(IceServerError::Url(url.into()));
    }
    let mut text = format!("<{url}>; rel=\"ice-server\"");
    match (&server.username, &server.credential) {
        (Some(username), Some(credential)) => {
            let (username, credential) = (quoted(username), quoted(credential.expose()));
            text.push_str(&format!(
                "; username={username}; credential={credential}; credential-type=\"password\""
            ));
        }
        (None, None) if scheme.starts_with("stun") => {}
        _ => return Err(IceServerError::Incomplete(url.into())),
    }
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(IceServerError::Characters(url.into()));
    }
    HeaderValue::try_from(text).map_err(|_| IceServerError::Characters(url.into()))
}

/// A quoted string of RFC 9110 section 5.6.4.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The same servers in the terms of `RTCIceServer`.
pub(super) fn for_clients(servers: &[IceServer]) -> Vec<ClientIceServer> {
    let told = |server: &IceServer| ClientIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.as_ref().map(|secret: &Secret| secret.expose().to_owned()),
    };
    servers.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, secrets: Option<(&str, &str)>) -> IceServer {
        IceServer {
            urls: vec![url.into()],
            username: secrets.map(|(username, _)| username.into()),
            credential: secrets.map(|(_, credential)| Secret::new(credential)),
        }
    }

    #[test]
    fn a_stun_server_is_a_bare_link() {
        let links = links(&[server("stun:stun.example.net", None)]).expect("links");
        assert_eq!(links, ["<stun:stun.example.net>; rel=\"ice-server\""]);
    }

    #[test]
    fn a_turn_server_brings_its_credentials_quoted() {
        let servers = [server("turn:turn.example.net?transport=udp", Some(("user", "pa\"ss\\")))];
        let expected = r#"<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="pa\"ss\\"; credential-type="password""#;
        assert_eq!(links(&servers).expect("links"), [expected]);
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_refused_at_start() {
        let of = |url: &str, secrets| links(&[server(url, secrets)]).expect_err(url);
        assert!(matches!(of("http://x", None), IceServerError::Url(_)));
        assert!(matches!(of("stun:a>b", None), IceServerError::Url(_)));
        assert!(matches!(of("turn:a", None), IceServerError::Incomplete(_)));
        assert!(matches!(of("turn:a", Some(("u\n", "p"))), IceServerError::Characters(_)));
    }
}
