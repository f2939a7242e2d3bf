//! The WebSocket of a room, as `web/PROTOCOL.md` describes it.
//!
//! | module | what it holds |
//! |---|---|
//! | `actions` | what people do to each other, as messages say it |
//! | `conversation` | one client's WebSocket from its first message to its last: one task |
//! | `ending` | close codes |
//! | `entering` | how a conversation comes to have a session |
//! | `moving` | what a client is told so that it can go to another edge |
//! | `outbox` | what waits to be sent to one client |
//! | `pace` | how fast a client may talk, how long it may be silent |
//! | `requests` | what a client that has joined may ask |
//! | `roster_texts` | rosters as text, made once |
//! | `said` | what a client may say |
//! | `sending` | from the outbox into the socket |
//! | `told` | what the server says |
//! | `upgrade` | from the HTTP request to the WebSocket |

mod actions;
mod conversation;
mod ending;
mod entering;
mod moving;
mod outbox;
mod pace;
mod requests;
mod roster_texts;
mod said;
mod sending;
mod told;
mod upgrade;

pub(super) use roster_texts::RosterTexts;
pub(super) use said::{NAME_CHARACTERS_MAX, check_name};
pub(super) use told::ClientIceServer;
pub(super) use upgrade::upgrade;
