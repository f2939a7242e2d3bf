//! What waits to be sent to one client: answers in order, of everything else only the latest. Pure.
//!
//! So a slow reader costs a bounded amount of memory, and gets current news when he reads again.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ending::Ending;
use super::message::{Told, slot_uses};
use crate::rooms::{Roster, SlotNames};

/// Answers that may wait; a client with more unread ones is cut off.
pub(super) const ANSWERS_MAX: usize = 64;

/// What goes out next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// A text frame.
    Text(String),
    /// A roster, as a text frame that others may share.
    Roster(Arc<Roster>),
    /// A ping frame.
    Ping,
    /// The closing frame; nothing follows.
    Close(Ending),
}

/// More than [`ANSWERS_MAX`] answers wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// What waits to be sent to one client.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    answers: VecDeque<String>,
    slots: Option<SlotNames>,
    lines: usize,
    roster: Option<Arc<Roster>>,
    ping: bool,
    ending: Option<Ending>,
    closed: bool,
}

impl Outbox {
    /// Queues an answer.
    ///
    /// # Errors
    /// [`Overflow`] when too many wait already.
    pub(super) fn answer(&mut self, told: &Told<'_>) -> Result<(), Overflow> {
        if self.answers.len() >= ANSWERS_MAX {
            return Err(Overflow);
        }
        self.answers.push_back(told.to_text());
        Ok(())
    }

    /// For how many slots the client has a line.
    pub(super) fn set_lines(&mut self, lines: usize) {
        self.lines = lines;
    }

    /// Who is there; replaces an older roster that still waits.
    pub(super) fn set_roster(&mut self, roster: Arc<Roster>) {
        self.roster = Some(roster);
    }

    /// Who is heard where; replaces older news that still waits.
    pub(super) fn set_slots(&mut self, slots: SlotNames) {
        self.slots = Some(slots);
    }

    /// A ping is due.
    pub(super) fn ping(&mut self) {
        self.ping = true;
    }

    /// The conversation ends once everything else is sent; the first ending counts.
    pub(super) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Nothing more may be sent: the client has closed.
    pub(super) fn abandon(&mut self) {
        self.ending.get_or_insert(Ending::new(1000, "closed by the client"));
        self.closed = true;
    }

    /// Whether an ending has been asked for.
    #[must_use]
    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether the closing frame has been handed out.
    #[must_use]
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether nothing waits.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.closed
            || (self.answers.is_empty()
                && self.slots.is_none()
                && self.roster.is_none()
                && !self.ping
                && self.ending.is_none())
    }

    /// What to send next.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        if self.closed {
            return None;
        }
        if let Some(text) = self.answers.pop_front() {
            return Some(Outgoing::Text(text));
        }
        if let Some(mut ending) = self.ending {
            if let Some(reason) = ending.closed.take() {
                self.ending = Some(ending);
                return Some(Outgoing::Text(Told::Closed { reason }.to_text()));
            }
            self.closed = true;
            return Some(Outgoing::Close(ending));
        }
        if std::mem::take(&mut self.ping) {
            return Some(Outgoing::Ping);
        }
        if let Some(slots) = self.slots.take() {
            let slots = slot_uses(&slots, self.lines);
            return Some(Outgoing::Text(Told::Slots { slots }.to_text()));
        }
        self.roster.take().map(Outgoing::Roster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(listeners: u32) -> Arc<Roster> {
        Arc::new(Roster { stage: Vec::new(), listeners })
    }

    fn text(outgoing: Option<Outgoing>) -> String {
        match outgoing {
            Some(Outgoing::Text(text)) => text,
            other => panic!("expected text, got {other:?}"),
        }
    }

    #[test]
    fn only_the_latest_roster_waits() {
        let mut outbox = Outbox::default();
        outbox.set_roster(roster(1));
        outbox.set_roster(roster(2));
        assert_eq!(outbox.next(), Some(Outgoing::Roster(roster(2))));
        assert_eq!(outbox.next(), None);
        assert!(outbox.is_empty());
    }

    #[test]
    fn answers_keep_their_order_and_have_a_maximum() {
        let mut outbox = Outbox::default();
        for id in 0..64 {
            outbox.answer(&Told::Ok { id: Some(id) }).expect("room");
        }
        assert_eq!(outbox.answer(&Told::Ok { id: None }), Err(Overflow));
        assert_eq!(text(outbox.next()), r#"{"type":"ok","id":0}"#);
        assert_eq!(text(outbox.next()), r#"{"type":"ok","id":1}"#);
    }

    #[test]
    fn an_ending_follows_the_answers_drops_the_news_and_is_the_last_word() {
        let mut outbox = Outbox::default();
        outbox.set_roster(roster(1));
        outbox.answer(&Told::Ok { id: None }).expect("room");
        outbox.end(Ending::of_session("room-closed"));
        outbox.end(Ending::new(1000, "later"));
        assert_eq!(text(outbox.next()), r#"{"type":"ok"}"#);
        assert_eq!(text(outbox.next()), r#"{"type":"closed","reason":"room-closed"}"#);
        let Some(Outgoing::Close(ending)) = outbox.next() else { panic!("no closing frame") };
        assert_eq!((ending.code, ending.reason), (4409, "room-closed"));
        outbox.ping();
        assert_eq!(outbox.next(), None);
    }

    #[test]
    fn slots_without_a_line_are_not_told() {
        let mut outbox = Outbox::default();
        outbox.set_lines(2);
        outbox.set_slots(Default::default());
        let told = text(outbox.next());
        assert!(told.contains(r#""slot":1"#) && !told.contains(r#""slot":2"#));
    }
}
