//! The WebSocket of a room, as `web/PROTOCOL.md` describes it.
//!
//! | module | what it holds |
//! |---|---|
//! | `conversation` | one client's WebSocket from its first message to its last: one task |
//! | `ending` | close codes |
//! | `message` | the messages, read and written |
//! | `outbox` | what waits to be sent to one client |
//! | `pace` | how fast a client may talk, how long it may be silent |
//! | `requests` | what a client that has joined may ask |
//! | `roster_texts` | rosters as text, made once |
//! | `sending` | from the outbox into the socket |
//! | `upgrade` | from the HTTP request to the WebSocket |

mod conversation;
mod ending;
mod message;
mod outbox;
mod pace;
mod requests;
mod roster_texts;
mod sending;
mod upgrade;

pub(super) use message::{ClientIceServer, NAME_CHARACTERS_MAX, check_name};
pub(super) use roster_texts::RosterTexts;
pub(super) use upgrade::upgrade;
