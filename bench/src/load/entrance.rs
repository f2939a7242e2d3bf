//! How people come in as pages do: by the WebSocket, with a line for the microphone they may need and one to listen,
//! and with real ICE and DTLS, which the swarm's thread goes through.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use stoa_edge::webrtc::keys::Hook;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::token::{Claims, Grants, Keys};
use str0m::config::DtlsCert;

use super::client::{Handshake, Purpose};
use super::swarm::{Join, Swarm};
use super::talk::Talk;

/// How long a token holds: longer than any run.
const TOKEN_LIFE_S: u64 = 24 * 3_600;

/// An edge's door for people of one swarm.
pub(super) struct Entrance {
    edge: SocketAddr,
    keys: Keys,
    certificate: DtlsCert,
    swarm: Arc<Swarm>,
}

impl Entrance {
    /// Through `edge`, with tokens by `secret`.
    ///
    /// # Errors
    /// When the secret is too short, or no certificate can be made.
    pub(super) fn new(edge: SocketAddr, secret: &str, swarm: &Arc<Swarm>) -> Result<Self> {
        let keys = Keys::new([("bench".to_owned(), secret)]).context("no key of tokens")?;
        let certificate = Hook::shared().certificate().context("no DTLS certificate")?;
        Ok(Self { edge, keys, certificate, swarm: Arc::clone(swarm) })
    }

    /// A token of somebody in a room.
    ///
    /// # Errors
    /// When the room's id is none.
    pub(super) fn token(&self, room: &str, identity: &str, role: Role) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            room: Some(RoomId::new(room).context("no id of a room")?),
            sub: identity.to_owned(),
            name: String::new(),
            role,
            grants: Grants::default(),
            iat: now,
            nbf: None,
            exp: now + TOKEN_LIFE_S,
            jti: String::new(),
        };
        self.keys.mint(&claims).context("no token")
    }

    /// Lets a client of the swarm in, under a name of his own; returns once he has `joined`. He shakes hands
    /// meanwhile.
    ///
    /// # Errors
    /// When the edge refuses.
    pub(super) async fn enter(&self, client: u32, room: &str, role: Role) -> Result<Talk> {
        let (identity, now) = (identity(client), Instant::now());
        let token = self.token(room, &identity, role)?;
        let local = self.swarm.places.of(client)?;
        let certificate = self.certificate.clone();
        let (mut handshake, offer) = Handshake::new(local, Purpose::Attend, certificate, now)?;
        let talk = Talk::join(self.edge, room, &token, &identity, &offer).await?;
        handshake.accept(talk.answer())?;
        self.swarm.join(Join { client, handshake: Box::new(handshake), asked: now })?;
        Ok(talk)
    }
}

/// What a client of the swarm is called, in his token and in the room.
pub(super) fn identity(client: u32) -> String {
    format!("client-{client}")
}
