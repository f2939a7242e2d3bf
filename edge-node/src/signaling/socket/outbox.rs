//! What waits to be sent to one client: answers in order, of everything else only the latest. Pure.
//!
//! So a slow reader costs a bounded amount of memory, and gets current news when he reads again.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ending::Ending;
use super::told::{Told, slot_uses};
use crate::rooms::{Counts, OwnStanding, RaisedHand, ReactionCounts, Roster, SlotNames, Title};

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
    standing: Option<OwnStanding>,
    title: Option<Title>,
    roster: Option<Arc<Roster>>,
    hands: Option<Arc<[RaisedHand]>>,
    counts: Option<Counts>,
    reactions: ReactionCounts,
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

    /// How one stands; replaces older news that still waits.
    pub(super) fn set_standing(&mut self, standing: OwnStanding) {
        self.standing = Some(standing);
    }

    /// What the room is called; replaces older news that still waits.
    pub(super) fn set_title(&mut self, title: Title) {
        self.title = Some(title);
    }

    /// Whose hands are up; replaces an older queue that still waits.
    pub(super) fn set_hands(&mut self, hands: Arc<[RaisedHand]>) {
        self.hands = Some(hands);
    }

    /// How many there are; replaces older news that still waits.
    pub(super) fn set_counts(&mut self, counts: Counts) {
        self.counts = Some(counts);
    }

    /// What was given; what still waits is added to it.
    pub(super) fn add_reactions(&mut self, counts: &ReactionCounts) {
        self.reactions.add(counts);
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
                && self.standing.is_none()
                && self.title.is_none()
                && self.hands.is_none()
                && self.counts.is_none()
                && self.reactions.is_empty()
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
        self.next_news()
    }

    /// What concerns oneself comes first.
    fn next_news(&mut self) -> Option<Outgoing> {
        let text = |told: &Told<'_>| Some(Outgoing::Text(told.to_text()));
        if let Some(standing) = self.standing.take() {
            return text(&Told::Standing(standing.into()));
        }
        if let Some(slots) = self.slots.take() {
            return text(&Told::Slots { slots: slot_uses(&slots, self.lines) });
        }
        if let Some(roster) = self.roster.take() {
            return Some(Outgoing::Roster(roster));
        }
        if let Some(hands) = self.hands.take() {
            return text(&Told::hands(&hands));
        }
        if let Some(title) = self.title.take() {
            return text(&Told::room(&title));
        }
        if let Some(counts) = self.counts.take() {
            return text(&Told::counts(counts));
        }
        let given = std::mem::take(&mut self.reactions);
        if given.is_empty() { None } else { text(&Told::reactions(&given)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Reaction;

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
    fn of_news_that_wait_only_the_latest_is_told_and_reactions_are_summed_up() {
        let mut outbox = Outbox::default();
        let mut given = ReactionCounts::default();
        given.note(Reaction::new("👏").expect("known"), 2);
        for listeners in 1..=2 {
            outbox.set_counts(Counts { listeners, hands: 0 });
            outbox.add_reactions(&given);
        }
        assert!(!outbox.is_empty());
        assert_eq!(text(outbox.next()), r#"{"type":"counts","listeners":2,"hands":0}"#);
        assert_eq!(text(outbox.next()), r#"{"type":"reactions","reactions":{"👏":4}}"#);
        assert_eq!((outbox.next(), outbox.is_empty()), (None, true));
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
