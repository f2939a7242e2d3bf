//! What a client is told so that it can go to another edge in good time.

use std::time::Duration;

use super::conversation::Talk;
use super::said::MessageId;
use super::told::{Told, Url, urls};

impl Talk {
    /// This edge will leave. Until then the session plays on, and its client can take leave once it has a place
    /// elsewhere. Each draws its own moment, so that they do not all knock at the same door.
    pub(super) fn ask_to_move(&mut self, over: Duration) {
        self.draining = true;
        let after = over.mul_f64(rand::random::<f64>());
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let alternatives = self.alternatives();
        self.tell(&Told::Draining { reason: "draining", after_ms, alternatives: &alternatives });
    }

    /// This edge stays after all.
    pub(super) fn ask_to_stay(&mut self) {
        if std::mem::take(&mut self.draining) {
            self.tell(&Told::Staying {});
        }
    }

    /// Where this client may go, from now on known to it.
    pub(super) fn alternatives(&mut self) -> Vec<Url> {
        self.others_told = self.app.others.version();
        urls(&self.app.alternatives())
    }

    /// A client asks every ten seconds whether its connection lives; so it also hears of other edges.
    pub(super) fn answer_ping(&mut self, id: Option<MessageId>) {
        if self.others_told == self.app.others.version() {
            return self.tell(&Told::Ok { id });
        }
        let alternatives = self.alternatives();
        self.tell(&Told::Pong { id, alternatives: &alternatives });
    }
}
