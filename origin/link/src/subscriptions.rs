//! Children of one room's tree and the tracks bound to them, as one node sees it, kept as differences.
//!
//! A track is bound to a child while the child asks for its kind and the track is selected or was
//! until a moment ago: somebody who pauses for breath costs no new binding.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_protocol::mesh::control::{Feed, TrackKind};

use crate::event::LinkId;

/// How long a track stays bound after it was last selected.
pub const RELEASE_AFTER: Duration = Duration::from_secs(5);

/// What a child can ask for. Whichever feed it asks for, it gets the same tracks: feeds differ by who their root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interest {
    /// Which tree.
    pub feed: Feed,
    /// Speakers or programme.
    pub kind: TrackKind,
    /// Rung of the programme in bit/s; 0 for speakers.
    pub bitrate: u32,
}

impl Interest {
    /// The speaker tracks, from the owner.
    pub const SPEAKERS: Self = Self { feed: Feed::Red, kind: TrackKind::Speaker, bitrate: 0 };

    fn is_same_track(self, other: Self) -> bool {
        (self.kind, self.bitrate) == (other.kind, other.bitrate)
    }
}

/// A difference to carry out on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Announce the track to the child, for the first time or under a new epoch.
    Bind {
        /// The child's link.
        child: LinkId,
        /// The track.
        track: TrackId,
    },
    /// Free the track's alias.
    Unbind {
        /// The child's link.
        child: LinkId,
        /// The track.
        track: TrackId,
    },
}

/// A track that flows down the tree.
#[derive(Debug)]
struct Branch {
    interest: Interest,
    /// When it is released; `None` while it is selected.
    release_at: Option<Instant>,
    /// The children it is bound to, ascending: who gets its frames.
    bound: Vec<LinkId>,
}

/// Children of one room's tree, and the tracks bound to them.
///
/// The edge that a track comes from is a child like any other: its audience hears what comes down
/// the tree, in step with all audiences and from the first frame that was chosen.
#[derive(Debug, Default)]
pub struct Subscriptions {
    children: BTreeMap<Interest, BTreeSet<LinkId>>,
    branches: BTreeMap<TrackId, Branch>,
    changes: VecDeque<Change>,
}

impl Subscriptions {
    /// A child asks for something. Asking again changes nothing.
    pub fn handle_subscribe(&mut self, child: LinkId, interest: Interest) {
        if self.children.entry(interest).or_default().insert(child) {
            self.settle();
        }
    }

    /// A child no longer needs it.
    pub fn handle_unsubscribe(&mut self, child: LinkId, interest: Interest) {
        let Some(children) = self.children.get_mut(&interest) else { return };
        let was_there = children.remove(&child);
        if children.is_empty() {
            self.children.remove(&interest);
        }
        if was_there {
            self.settle();
        }
    }

    /// A link has ended; with it went every binding, so that nothing is left to undo.
    pub fn handle_link_down(&mut self, link: LinkId) {
        self.children.retain(|_, children| {
            children.remove(&link);
            !children.is_empty()
        });
        for branch in self.branches.values_mut() {
            branch.bound.retain(|child| *child != link);
        }
        self.changes.retain(|change| match change {
            Change::Bind { child, .. } | Change::Unbind { child, .. } => *child != link,
        });
    }

    /// Sets what is selected of one interest. Tracks that are no longer selected are released after
    /// [`RELEASE_AFTER`].
    pub fn handle_selection(&mut self, interest: Interest, selected: &[TrackId], now: Instant) {
        for (track, branch) in &mut self.branches {
            let stays = selected.contains(track);
            if branch.interest == interest && !stays && branch.release_at.is_none() {
                branch.release_at = Some(now + RELEASE_AFTER);
            }
        }
        for track in selected {
            let new = || Branch { interest, release_at: None, bound: Vec::new() };
            self.branches.entry(*track).or_insert_with(new).release_at = None;
        }
        self.settle();
    }

    /// A track has a new epoch: its children must know it under that one.
    pub fn handle_epoch(&mut self, track: TrackId) {
        let children = self.branches.get(&track).map_or(&[][..], |branch| &branch.bound);
        self.changes.extend(children.iter().map(|child| Change::Bind { child: *child, track }));
    }

    /// A track has ended for good: released at once.
    pub fn handle_track_end(&mut self, track: TrackId) {
        self.release(track);
    }

    /// Releases what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |branch: &Branch| branch.release_at.is_some_and(|at| at <= now);
        let released: Vec<TrackId> =
            self.branches.iter().filter(|(_, b)| due(b)).map(|(track, _)| *track).collect();
        for track in released {
            self.release(track);
        }
    }

    /// When to call [`Self::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.branches.values().filter_map(|branch| branch.release_at).min()
    }

    /// The next difference to carry out on a link.
    pub fn next_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Who gets the frames of a track: the children it is bound to, prepared, ascending.
    #[must_use]
    pub fn children(&self, track: TrackId) -> &[LinkId] {
        self.branches.get(&track).map_or(&[], |branch| &branch.bound)
    }

    /// Every child, with anything asked for, each once and ascending.
    #[must_use]
    pub fn links(&self) -> BTreeSet<LinkId> {
        self.children.values().flatten().copied().collect()
    }

    /// Whether `link` asked for anything.
    #[must_use]
    pub fn has_link(&self, link: LinkId) -> bool {
        self.children.values().any(|children| children.contains(&link))
    }

    /// How many interests `link` has in this room.
    #[must_use]
    pub fn interests_of(&self, link: LinkId) -> usize {
        self.children.values().filter(|children| children.contains(&link)).count()
    }

    fn release(&mut self, track: TrackId) {
        if let Some(branch) = self.branches.remove(&track) {
            let unbind = branch.bound.into_iter().map(|child| Change::Unbind { child, track });
            self.changes.extend(unbind);
        }
    }

    /// Brings every binding in line with who asks for what.
    fn settle(&mut self) {
        for (&track, branch) in &mut self.branches {
            let wanting: BTreeSet<LinkId> = self
                .children
                .iter()
                .filter(|(interest, _)| interest.is_same_track(branch.interest))
                .flat_map(|(_, children)| children.iter().copied())
                .collect();
            branch.bound.retain(|child| {
                let stays = wanting.contains(child);
                if !stays {
                    self.changes.push_back(Change::Unbind { child: *child, track });
                }
                stays
            });
            for child in wanting {
                if let Err(place) = branch.bound.binary_search(&child) {
                    branch.bound.insert(place, child);
                    self.changes.push_back(Change::Bind { child, track });
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "subscriptions_tests.rs"]
mod tests;
