//! The signaling API: rooms over REST, WHIP and WHEP, the WebSocket of the page, and the page itself.
//!
//! | module | what it holds |
//! |---|---|
//! | `allowance` | how often something may happen |
//! | `alternatives` | other edges, for who finds no room here |
//! | `app` | what every request may use |
//! | `assets` | the web client, embedded |
//! | `authority` | who is believed: keys, revocations, quotas |
//! | `authorization` | access tokens of requests, and who may do what |
//! | `body` | reading a request's body within its bounds |
//! | `client` | where a client is |
//! | `ice_servers` | STUN and TURN servers as clients learn of them |
//! | `links` | ready-made links |
//! | `metrics` | what the server counts |
//! | `offer` | a client's offer: bounded, without candidates |
//! | `openapi` | the document of the HTTP API |
//! | `patience` | a connection whose peer must read |
//! | `problem` | errors as clients see them (RFC 9457) |
//! | `resource` | a WHIP or WHEP session's own URL |
//! | `rest` | rooms and what is done in them, over REST |
//! | `revoker` | the door for revocations from the mesh |
//! | `rooms` | the room side as the server sees it |
//! | `router` | which request goes where |
//! | `sdpfrag` | SDP fragments of trickle ICE and ICE restarts |
//! | `server` | from the listening socket to the router |
//! | `sessions` | which unguessable URL stands for which session |
//! | `settings` | what an operator may set |
//! | `socket` | the WebSocket of a room |
//! | `tls` | certificates |
//! | `whip` | WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-04) |

mod allowance;
mod alternatives;
mod app;
mod assets;
mod authority;
mod authorization;
mod body;
mod client;
mod ice_servers;
mod links;
mod metrics;
mod offer;
mod openapi;
mod patience;
mod problem;
mod resource;
mod rest;
mod revoker;
mod rooms;
mod router;
mod sdpfrag;
mod server;
mod sessions;
mod settings;
mod socket;
mod tls;
mod whip;

#[cfg(test)]
mod tests;

pub use alternatives::{ALTERNATIVES_MAX, Alternative, AlternativeError};
pub use authority::Authority;
pub use ice_servers::IceServerError;
pub use links::{ByRole, base_url, link};
pub use metrics::{Limit, SignalingMetrics};
pub use problem::{PROBLEM_JSON, Problem, ProblemBody};
pub use revoker::Revoker;
pub use rooms::{Answer, Rooms};
pub use server::{Recommended, Server, SessionsEnded};
pub use settings::{
    BODY_BYTES_MAX, DEFAULT_PORT, HEADER_BYTES_MAX, HEADERS_MAX, IceServer, Limits,
    OFFER_BYTES_MAX, Settings, Tls,
};
