//! The figures of outages.

use serde::Serialize;

use super::trouble::Trouble;

/// What a run has shown. Written as JSON; keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// In the order in which they were gone through.
    pub(super) outages: Vec<Outage>,
}

/// One trouble, from before it to when everything was stored again.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outage {
    pub(super) trouble: Trouble,
    /// From its beginning to its end.
    pub(super) lasted_ms: f64,
    /// What the listener heard before it.
    pub(super) before: Heard,
    /// What he heard from its beginning until everything was stored again.
    pub(super) during: Heard,
    /// What others did in it.
    pub(super) acted: Acted,
    pub(super) watched: Watched,
    /// Writes that waited when it ended.
    pub(super) journal_at_end: f64,
    /// From its end until the store, read by another client, held what the owner said, and nothing waited.
    pub(super) stored_after_ms: f64,
    /// Writes that waited then.
    pub(super) journal_after: f64,
    /// Writes that were lost.
    pub(super) dropped: f64,
    /// How the store and the owner still differed when nobody waited any longer.
    pub(super) differences: Vec<String>,
}

/// What one listener heard.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Heard {
    /// Frames that were sent.
    pub(super) expected_frames: u64,
    /// Those he heard within a second, each once.
    pub(super) frames: u64,
    /// Longest time without a new one, looked at every 5 ms.
    pub(super) longest_silence_ms: f64,
}

/// How long things took that people did while the store was away, in ms.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Acted {
    /// From a listener's request to his first sound.
    pub(super) newcomer_hears_ms: f64,
    /// From a guest's connection to `joined`.
    pub(super) guest_joined_ms: f64,
    /// From raising a hand to the owner's word.
    pub(super) hand_ms: f64,
    /// Another one.
    pub(super) second_hand_ms: f64,
    /// From accepting a hand to the owner's word.
    pub(super) accepted_ms: f64,
    /// From a request for another topic to its answer.
    pub(super) topic_ms: f64,
}

/// What was looked at meanwhile.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Watched {
    /// Times that a node was asked whether it is ready, the same processes from first to last.
    pub(super) ready_checks: u64,
    /// Those not answered with 200.
    pub(super) unready_checks: u64,
    /// Most writes that waited.
    pub(super) journal_max: f64,
}

impl Outage {
    /// What was not as it should be.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints = self.differences.clone();
        let lost = self.during.expected_frames.saturating_sub(self.during.frames);
        let mut complain = |is_so: bool, what: String| complaints.extend(is_so.then_some(what));
        complain(lost > 0, format!("the listener lost {lost} frames"));
        let unready = self.watched.unready_checks;
        complain(unready > 0, format!("{unready} times a node was not ready"));
        complain(self.dropped > 0.0, format!("{} writes were lost", self.dropped));
        complain(self.journal_after > 0.0, format!("{} writes still wait", self.journal_after));
        complaints
    }
}

impl Report {
    /// One screen of text.
    pub(super) fn text(&self) -> String {
        self.outages.iter().map(Outage::text).collect()
    }
}

impl Outage {
    fn text(&self) -> String {
        let Acted { newcomer_hears_ms, guest_joined_ms, hand_ms, accepted_ms, topic_ms, .. } =
            self.acted;
        format!(
            "{:?} for {:.1} s\n\
             frames      {} of {} heard, longest silence {:.0} ms (before: {:.0} ms)\n\
             meanwhile   a newcomer hears after {newcomer_hears_ms:.0} ms, a guest joins in {guest_joined_ms:.0} ms, his hand {hand_ms:.0} ms, accepted {accepted_ms:.0} ms, topic {topic_ms:.0} ms\n\
             ready       {} of {} times\n\
             journal     at most {}, {} at the end; {} lost; all stored after {:.1} s\n\
             differences {}\n",
            self.trouble,
            self.lasted_ms / 1e3,
            self.during.frames,
            self.during.expected_frames,
            self.during.longest_silence_ms,
            self.before.longest_silence_ms,
            self.watched.ready_checks - self.watched.unready_checks,
            self.watched.ready_checks,
            self.watched.journal_max,
            self.journal_at_end,
            self.dropped,
            self.stored_after_ms / 1e3,
            if self.differences.is_empty() {
                "none".to_owned()
            } else {
                self.differences.join("; ")
            },
        )
    }
}
