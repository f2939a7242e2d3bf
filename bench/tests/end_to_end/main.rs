//! The whole thing on real parts: processes, sockets, browsers, speech. One test at a time: each wants
//! the machine for itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up has failed")]

mod api;
mod browser;
mod demo;
mod express;
mod lengths;
mod load;
mod moderation;
mod moves;
mod outage;
mod page;
mod reader;
mod refusals;
mod rooms;
mod speech;
mod stability;
mod stage;
mod turn;
mod voice;
