//! One frame at a time from the outbox into the socket.

use std::future::poll_fn;

use axum::extract::ws::{CloseFrame, Message};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;

use super::conversation::Socket;
use super::ending::Ending;
use super::outbox::{Outbox, Outgoing};
use super::roster_texts::RosterTexts;

/// How far a frame has come.
pub(super) enum Written {
    /// A frame is in the socket's buffer.
    Queued,
    /// The buffer has left.
    Flushed,
}

/// Moves one frame a step further. May be dropped at any await without losing a frame.
pub(super) async fn write<S: Socket>(
    sink: &mut SplitSink<S, Message>,
    outbox: &mut Outbox,
    rosters: &RosterTexts,
    unflushed: &mut bool,
) -> Result<Written, axum::Error> {
    if *unflushed {
        sink.flush().await?;
        *unflushed = false;
        return Ok(Written::Flushed);
    }
    poll_fn(|cx| sink.poll_ready_unpin(cx)).await?;
    if let Some(outgoing) = outbox.next() {
        sink.start_send_unpin(frame(outgoing, rosters))?;
        *unflushed = true;
    }
    Ok(Written::Queued)
}

fn frame(outgoing: Outgoing, rosters: &RosterTexts) -> Message {
    match outgoing {
        Outgoing::Text(text) => Message::Text(text.into()),
        Outgoing::Roster(roster) => Message::Text(rosters.text(&roster)),
        Outgoing::Ping => Message::Ping(Vec::new().into()),
        Outgoing::Close(Ending { code, reason, .. }) => {
            Message::Close(Some(CloseFrame { code, reason: reason.into() }))
        }
    }
}
