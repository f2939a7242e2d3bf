//! Who hangs from this edge in one room. A track is announced to children with its first frame, and taken back after
//! some seconds of silence: what a parent has announced says nothing, because two edges may hang from each other, each in
//! another feed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::subscriptions::Change;
use stoa_link::{Interest, LinkId, Subscriptions};
use stoa_protocol::mesh::control::Feed;

/// A track that has been silent for so long is taken back.
const SILENCE: Duration = Duration::from_secs(5);

/// How often it is looked for silent tracks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A track that is passed on.
#[derive(Clone, Copy, Debug)]
struct Passed {
    epoch: Epoch,
    at: Instant,
}

/// Who hangs from this edge in one room, and what is passed on to them.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Children {
    feeds: BTreeMap<LinkId, BTreeSet<Feed>>,
    bound: Subscriptions,
    passed: BTreeMap<TrackId, Passed>,
    looks_at: Option<Instant>,
}

impl Children {
    pub(in crate::rooms) fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    pub(in crate::rooms) fn len(&self) -> usize {
        self.feeds.len()
    }

    pub(in crate::rooms) fn contains(&self, link: LinkId) -> bool {
        self.feeds.contains_key(&link)
    }

    pub(in crate::rooms) fn links(&self) -> impl Iterator<Item = LinkId> {
        self.feeds.keys().copied()
    }

    /// Somebody asks for a feed.
    pub(in crate::rooms) fn insert(&mut self, link: LinkId, feed: Feed) {
        self.feeds.entry(link).or_default().insert(feed);
        self.bound.handle_subscribe(link, Interest::SPEAKERS);
    }

    /// Somebody needs a feed no longer.
    pub(in crate::rooms) fn remove(&mut self, link: LinkId, feed: Feed) {
        let Some(feeds) = self.feeds.get_mut(&link) else { return };
        feeds.remove(&feed);
        if feeds.is_empty() {
            self.feeds.remove(&link);
            self.bound.handle_unsubscribe(link, Interest::SPEAKERS);
        }
    }

    /// A link has ended. Says whether anybody hung from it.
    pub(in crate::rooms) fn forget(&mut self, link: LinkId) -> bool {
        self.bound.handle_link_down(link);
        self.feeds.remove(&link).is_some()
    }

    /// A frame of a track is about to be passed on.
    pub(in crate::rooms) fn note(&mut self, track: TrackId, epoch: Epoch, now: Instant) {
        if let Some(passed) = self.passed.get_mut(&track) {
            passed.at = now;
            if passed.epoch != epoch {
                passed.epoch = epoch;
                self.bound.handle_epoch(track);
            }
            return;
        }
        self.passed.insert(track, Passed { epoch, at: now });
        self.looks_at.get_or_insert(now + LOOK_INTERVAL);
        self.select(now);
    }

    /// A track has ended.
    pub(in crate::rooms) fn end(&mut self, track: TrackId) {
        self.passed.remove(&track);
        self.bound.handle_track_end(track);
    }

    /// Takes back what is silent; says when to look again.
    pub(in crate::rooms) fn handle_timeout(&mut self, now: Instant) -> Option<Instant> {
        let silent = |passed: &Passed| now.saturating_duration_since(passed.at) >= SILENCE;
        let tracks: Vec<TrackId> =
            self.passed.iter().filter(|(_, p)| silent(p)).map(|(track, _)| *track).collect();
        tracks.into_iter().for_each(|track| self.end(track));
        self.looks_at = (!self.passed.is_empty()).then_some(now + LOOK_INTERVAL);
        self.looks_at
    }

    /// When to look for silent tracks, if that was not known a moment ago.
    pub(in crate::rooms) fn looks_at(&self) -> Option<Instant> {
        self.looks_at
    }

    /// The next announcement, with the track's epoch.
    pub(in crate::rooms) fn next_change(&mut self) -> Option<(Change, Epoch)> {
        let change = self.bound.next_change()?;
        let (Change::Bind { track, .. } | Change::Unbind { track, .. }) = change;
        Some((change, self.passed.get(&track).map(|passed| passed.epoch).unwrap_or_default()))
    }

    /// Who gets the frames of a track.
    pub(in crate::rooms) fn of(&self, track: TrackId) -> &[LinkId] {
        self.bound.children(track)
    }

    fn select(&mut self, now: Instant) {
        let tracks: Vec<TrackId> = self.passed.keys().copied().collect();
        self.bound.handle_selection(Interest::SPEAKERS, &tracks, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LinkId = LinkId(1);
    const B: LinkId = LinkId(2);
    const VOICE: TrackId = TrackId(7);

    fn changes(children: &mut Children) -> Vec<Change> {
        std::iter::from_fn(|| children.next_change().map(|(change, _)| change)).collect()
    }

    #[test]
    fn a_track_is_announced_with_its_first_frame_and_taken_back_when_it_is_silent() {
        let (mut children, start) = (Children::default(), Instant::now());
        children.insert(A, Feed::Red);
        assert_eq!(changes(&mut children), []);
        children.note(VOICE, Epoch(1), start);
        assert_eq!(changes(&mut children), [Change::Bind { child: A, track: VOICE }]);
        assert_eq!(children.of(VOICE), [A]);
        children.insert(B, Feed::Blue);
        assert_eq!(changes(&mut children), [Change::Bind { child: B, track: VOICE }]);
        assert!(children.handle_timeout(start + SILENCE - LOOK_INTERVAL).is_some());
        assert_eq!(children.handle_timeout(start + SILENCE), None);
        assert_eq!(children.of(VOICE), []);
        assert_eq!(changes(&mut children).len(), 2);
    }

    #[test]
    fn somebody_who_asks_for_both_feeds_gets_each_frame_once_and_stays_until_he_needs_neither() {
        let (mut children, now) = (Children::default(), Instant::now());
        children.insert(A, Feed::Red);
        children.insert(A, Feed::Blue);
        children.note(VOICE, Epoch(1), now);
        assert_eq!(children.of(VOICE), [A]);
        children.remove(A, Feed::Red);
        assert_eq!(children.of(VOICE), [A]);
        children.remove(A, Feed::Blue);
        assert!(children.is_empty());
        assert_eq!(children.of(VOICE), []);
    }

    #[test]
    fn a_newer_epoch_is_announced_before_its_first_frame() {
        let (mut children, now) = (Children::default(), Instant::now());
        children.insert(A, Feed::Red);
        children.note(VOICE, Epoch(1), now);
        changes(&mut children);
        children.note(VOICE, Epoch(2), now);
        let change = (Change::Bind { child: A, track: VOICE }, Epoch(2));
        assert_eq!(children.next_change(), Some(change));
    }
}
