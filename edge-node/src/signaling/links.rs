//! Ready-made links: a page's URL with the token behind `#`, where no server sees it. Pure.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use stoa_protocol::ids::RoomId;
use utoipa::ToSchema;

/// Something for each role that people are invited in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ByRole {
    /// Who may do everything.
    pub host: String,
    /// Who may speak.
    pub speaker: String,
    /// Who may listen.
    pub listener: String,
}

impl ByRole {
    /// The pages of a room, with these tokens.
    #[must_use]
    pub fn links(&self, base: &str, room: &RoomId) -> Self {
        Self {
            host: link(base, room, &self.host),
            speaker: link(base, room, &self.speaker),
            listener: link(base, room, &self.listener),
        }
    }
}

/// The page of a room, with a token.
#[must_use]
pub fn link(base: &str, room: &RoomId, token: &str) -> String {
    format!("{base}/r/{room}#token={token}")
}

/// Where this server is reached, without slash at the end: as configured, else as the client
/// reached it (`Host`), else on this machine.
#[must_use]
pub fn base_url(public_url: Option<&str>, host: Option<&str>, tls: bool, port: u16) -> String {
    if let Some(url) = public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let scheme = if tls { "https" } else { "http" };
    // What comes from a request must not bring a path, a user or markup of its own.
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match host.filter(|host| !host.is_empty() && host.len() <= 255 && host.chars().all(allowed)) {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://localhost:{port}"),
    }
}

/// What a standalone node prints when it is up.
#[derive(Clone, Debug)]
pub(super) struct Welcome<'a> {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Whether by HTTPS.
    pub tls: bool,
    /// As configured.
    pub public_url: Option<&'a str>,
    /// This host's address in its network, if it listens there.
    pub network: Option<IpAddr>,
    /// A room that is ready.
    pub room: &'a RoomId,
    /// Tokens for it.
    pub tokens: &'a ByRole,
}

impl Welcome<'_> {
    /// The text, with a line end after each line.
    #[must_use]
    pub(super) fn text(&self) -> String {
        let base = base_url(self.public_url, None, self.tls, self.listen.port());
        let links = self.tokens.links(&base, self.room);
        let mut text = String::new();
        let mut row = |name: &str, value: &str| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "  {name:<10}{value}");
        };
        row("Open", &format!("{base}/"));
        let elsewhere = self.network.filter(|_| self.public_url.is_none()).map(|address| {
            let host = SocketAddr::new(address, self.listen.port()).to_string();
            base_url(None, Some(&host), self.tls, self.listen.port())
        });
        if let Some(elsewhere) = &elsewhere {
            row("", &format!("{elsewhere}/   (from this network)"));
        }
        row("Host", &links.host);
        row("Speaker", &links.speaker);
        row("Listener", &links.listener);
        if self.tls {
            row("", "The certificate is self-signed: browsers ask once whether to trust it.");
        } else if elsewhere.is_some() {
            row(
                "",
                "Phones give a page the microphone over HTTPS only: start with --tls self-signed.",
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> ByRole {
        ByRole { host: "h.h.h".into(), speaker: "s.s.s".into(), listener: "l.l.l".into() }
    }

    #[test]
    fn a_token_stands_behind_the_fragment_sign_only() {
        let room = RoomId::new("agora").expect("room");
        let links = tokens().links("https://ams.example.net", &room);
        assert_eq!(links.speaker, "https://ams.example.net/r/agora#token=s.s.s");
    }

    #[test]
    fn the_host_header_is_used_only_if_it_is_one() {
        let of = |host| base_url(None, Some(host), false, 8080);
        assert_eq!(of("192.168.1.2:9000"), "http://192.168.1.2:9000");
        assert_eq!(of("[::1]:9000"), "http://[::1]:9000");
        for wrong in ["", "evil.example/x", "a@b", "a<b", "a b"] {
            assert_eq!(of(wrong), "http://localhost:8080", "{wrong}");
        }
        let configured = base_url(Some("https://stoa.example.net/"), Some("x"), false, 80);
        assert_eq!(configured, "https://stoa.example.net");
    }

    #[test]
    fn the_welcome_names_the_network_and_the_way_to_a_phone() {
        let room = RoomId::new("lobby").expect("room");
        let mut welcome = Welcome {
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            tls: false,
            public_url: None,
            network: Some(IpAddr::from([192, 168, 1, 2])),
            room: &room,
            tokens: &tokens(),
        };
        let text = welcome.text();
        assert!(text.contains("http://localhost:8080/r/lobby#token=h.h.h"));
        assert!(text.contains("http://192.168.1.2:8080/"));
        assert!(text.contains("--tls self-signed"));
        welcome.tls = true;
        let text = welcome.text();
        assert!(text.contains("https://192.168.1.2:8080/") && !text.contains("--tls"));
    }
}
