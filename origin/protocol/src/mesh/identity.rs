//! Who a node is, as the URI in its certificate says (`stoa://edge/ams/edge-1`), and what that allows.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::control::{Body, TrackKind};
use crate::ids::{NameError, NodeId, NodeRole, Region};

const SCHEME: &str = "stoa://";
const ORIGIN: &str = "origin";
const EDGE: &str = "edge";

/// Wrong claims per minute that a peer may make before its link is closed.
pub const MISBEHAVIOUR_PER_MINUTE_MAX: u32 = 50;

/// Who a node is. Its text form is the URI that stands as subject alternative name in its certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Origin or edge.
    pub role: NodeRole,
    /// Where it stands.
    pub region: Region,
    /// Its name, unique in the network.
    pub node: NodeId,
}

/// Why a certificate's URI names no node.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Another scheme, or another number of parts.
    #[error("a node's certificate must name it as stoa://role/region/node; found {found:?}")]
    Form {
        /// What was found, cut to 200 characters.
        found: String,
    },
    /// The role is neither `origin` nor `edge`.
    #[error("a node's role must be \"origin\" or \"edge\"; found {found:?}")]
    Role {
        /// What was found, cut to 200 characters.
        found: String,
    },
    /// The region or the node's id is not a valid name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            NodeRole::Origin => ORIGIN,
            NodeRole::Edge => EDGE,
        };
        write!(f, "{SCHEME}{role}/{}/{}", self.region, self.node)
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        let shown = |text: &str| text.chars().take(200).collect::<String>();
        let form = || IdentityError::Form { found: shown(uri) };
        let mut parts = uri.strip_prefix(SCHEME).ok_or_else(form)?.split('/');
        let (Some(role), Some(region), Some(node), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(form());
        };
        let role = match role {
            ORIGIN => NodeRole::Origin,
            EDGE => NodeRole::Edge,
            other => return Err(IdentityError::Role { found: shown(other) }),
        };
        Ok(Self { role, region: Region::new(region)?, node: NodeId::new(node)? })
    }
}

/// A claim that the identity of the one who makes it does not cover.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WrongClaim {
    /// Only origins say this on the control stream.
    #[error("only an origin may send {what}")]
    OriginsOnly {
        /// Which message.
        what: &'static str,
    },
    /// The track is not that of a participant who joined through this edge.
    #[error("an edge may publish only tracks of participants who joined through it")]
    ForeignTrack,
    /// Programme tracks are made by the owner, and by it alone.
    #[error("an edge may not publish a programme track")]
    Programme,
}

impl Identity {
    /// Whether this node may say `body` on the control stream. The owner of a room decides; edges ask.
    ///
    /// # Errors
    /// [`WrongClaim::OriginsOnly`].
    pub fn may_say(&self, body: &Body) -> Result<(), WrongClaim> {
        let what = match body {
            Body::Selection(_) => "Selection",
            Body::RoomState(_) => "RoomState",
            Body::Response(_) => "Response",
            Body::Standing(_) => "Standing",
            Body::Revocations(_) => "Revocations",
            Body::Origins(_) => "Origins",
            Body::Owns(_) => "Owns",
            Body::Ownerships(_) => "Ownerships",
            Body::Replica(_) => "Replica",
            Body::Replicated(_) => "Replicated",
            Body::Neighbours(_) => "Neighbours",
            Body::Branch(_) => "Branch",
            Body::Voices(_) => "Voices",
            Body::Alternatives(_) => "Alternatives",
            Body::Lane(_) => "Lane",
            Body::Hello(_)
            | Body::Refuse(_)
            | Body::Subscribe(_)
            | Body::Unsubscribe(_)
            | Body::BindTrack(_)
            | Body::UnbindTrack(_)
            | Body::Request(_)
            | Body::Drain(_)
            | Body::Undrain(_)
            | Body::Goodbye(_)
            | Body::Load(_)
            | Body::Reactions(_)
            | Body::Orphans(_)
            | Body::Superseded(_)
            | Body::Relay(_)
            | Body::Paths(_)
            | Body::Reception(_) => return Ok(()),
        };
        match self.role {
            NodeRole::Origin => Ok(()),
            NodeRole::Edge => Err(WrongClaim::OriginsOnly { what }),
        }
    }

    /// Whether this node may publish a track of `kind` to the room's owner. `host` is the node
    /// through which the track's participant joined with this very track; `None` when there is none.
    ///
    /// # Errors
    /// [`WrongClaim::ForeignTrack`] or [`WrongClaim::Programme`]. Origins may publish everything:
    /// they pass on what they root.
    pub fn may_publish(&self, kind: TrackKind, host: Option<&NodeId>) -> Result<(), WrongClaim> {
        match (self.role, kind) {
            (NodeRole::Origin, _) => Ok(()),
            (NodeRole::Edge, TrackKind::Programme) => Err(WrongClaim::Programme),
            (NodeRole::Edge, TrackKind::Speaker) if host == Some(&self.node) => Ok(()),
            (NodeRole::Edge, TrackKind::Speaker | TrackKind::Lane) => Err(WrongClaim::ForeignTrack),
        }
    }
}

/// Counts a peer's wrong claims and malformed messages, and says when there were too many.
///
/// A leaky bucket: it holds [`MISBEHAVIOUR_PER_MINUTE_MAX`] and loses as many in a minute, so that
/// rare races between two honest nodes are forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub struct Misbehaviour {
    level: f64,
    noted: Option<Instant>,
}

impl Misbehaviour {
    /// Counts one; gives whether the link should be closed.
    pub fn note(&mut self, now: Instant) -> bool {
        let elapsed =
            self.noted.map_or(Duration::ZERO, |noted| now.saturating_duration_since(noted));
        self.noted = Some(now);
        let forgotten = elapsed.as_secs_f64() * f64::from(MISBEHAVIOUR_PER_MINUTE_MAX) / 60.0;
        self.level = (self.level - forgotten).max(0.0) + 1.0;
        self.level > f64::from(MISBEHAVIOUR_PER_MINUTE_MAX)
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
