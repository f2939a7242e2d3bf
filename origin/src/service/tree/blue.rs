//! A room of another origin, of which this one is the standby: it roots the blue tree with the owner's decisions, also
//! after the owner has died, until somebody decides anew.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::{Epoch, Frame, FrameNumber, TrackId};
use stoa_audio::recent::Recent;
use stoa_link::subscriptions::Change;
use stoa_link::{Interest, LinkId, Subscriptions, TrackBinding};
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{TrackKind, VOICES_MAX, Voices};

/// Whose voice a track is, as the owner says.
#[derive(Debug)]
struct Voice {
    epoch: Epoch,
    participant: String,
    edge: NodeId,
    muted: bool,
    /// The first frame that is forwarded, while it is selected.
    from: Option<FrameNumber>,
}

/// A room of another origin.
#[derive(Debug)]
pub(in crate::service) struct Blue {
    room: RoomId,
    epoch: Epoch,
    voices: BTreeMap<TrackId, Voice>,
    tree: Subscriptions,
    /// What was heard in the last moments.
    pub(in crate::service) recent: Recent,
    /// When it ends, if this origin owns the room by now: until then it bridges what edges have yet to announce.
    ends_at: Option<Instant>,
}

/// Where a frame of such a room goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) struct BlueRoute {
    pub(in crate::service) room: RoomId,
    pub(in crate::service) track: TrackId,
}

/// What has to be done on a link.
#[derive(Clone, Debug)]
pub(in crate::service) enum Doing {
    Bind { child: LinkId, binding: Box<TrackBinding> },
    Unbind { child: LinkId, track: TrackId },
}

impl Blue {
    pub(in crate::service) fn new(room: RoomId) -> Self {
        Self {
            room,
            epoch: Epoch(0),
            voices: BTreeMap::new(),
            tree: Subscriptions::default(),
            recent: Recent::default(),
            ends_at: None,
        }
    }

    /// This origin owns the room now.
    pub(in crate::service) fn end_at(&mut self, at: Instant) {
        self.ends_at = Some(at);
    }

    /// Whether the owner's voices have come over.
    pub(in crate::service) fn is_over(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|at| at <= now)
    }

    /// The owner says who speaks and who is heard; `false` for an older owner. Names the tracks that are known now.
    pub(in crate::service) fn handle_voices(&mut self, told: Voices, now: Instant) -> bool {
        if Epoch(told.epoch) < self.epoch {
            return false;
        }
        self.epoch = Epoch(told.epoch);
        let mut voices = BTreeMap::new();
        let mut selected = Vec::new();
        for wire in told.voices.into_iter().take(VOICES_MAX) {
            let Ok(edge) = NodeId::new(wire.edge) else { continue };
            let (track, from) = (TrackId(wire.track), wire.from_number.map(FrameNumber));
            if from.is_some() {
                selected.push(track);
            }
            let epoch = Epoch(wire.epoch);
            if self.voices.get(&track).is_some_and(|before| before.epoch != epoch) {
                self.tree.handle_epoch(track);
            }
            let (participant, muted) = (wire.participant, wire.muted);
            voices.insert(track, Voice { epoch, participant, edge, muted, from });
        }
        for track in self.voices.keys().filter(|track| !voices.contains_key(track)) {
            self.tree.handle_track_end(*track);
        }
        self.voices = voices;
        self.tree.handle_selection(Interest::SPEAKERS, &selected, now);
        true
    }

    pub(in crate::service) fn insert(&mut self, child: LinkId) {
        self.tree.handle_subscribe(child, Interest::SPEAKERS);
    }

    pub(in crate::service) fn remove(&mut self, child: LinkId) {
        self.tree.handle_unsubscribe(child, Interest::SPEAKERS);
    }

    pub(in crate::service) fn forget(&mut self, link: LinkId) {
        self.tree.handle_link_down(link);
    }

    pub(in crate::service) fn handle_timeout(&mut self, now: Instant) {
        self.tree.handle_timeout(now);
    }

    pub(in crate::service) fn poll_timeout(&self) -> Option<Instant> {
        [self.tree.poll_timeout(), self.ends_at].into_iter().flatten().min()
    }

    /// Links that hang from here.
    pub(in crate::service) fn links(&self) -> impl Iterator<Item = LinkId> {
        self.tree.links().into_iter()
    }

    /// The tracks that the owner has named.
    pub(in crate::service) fn tracks(&self) -> impl Iterator<Item = TrackId> {
        self.voices.keys().copied()
    }

    /// Whether a frame from this edge goes on.
    pub(in crate::service) fn takes(&self, edge: &NodeId, frame: &Frame) -> bool {
        self.voices.get(&frame.track).is_some_and(|voice| {
            voice.edge == *edge
                && voice.epoch == frame.epoch
                && !voice.muted
                && voice.from.is_some_and(|from| frame.number >= from)
        })
    }

    /// Whether this edge may announce a track.
    pub(in crate::service) fn may_announce(&self, edge: &NodeId, track: TrackId) -> bool {
        self.voices.get(&track).is_some_and(|voice| voice.edge == *edge)
    }

    pub(in crate::service) fn children(&self, track: TrackId) -> &[LinkId] {
        self.tree.children(track)
    }

    /// What has to be done on links.
    pub(in crate::service) fn next_doing(&mut self) -> Option<Doing> {
        loop {
            match self.tree.next_change()? {
                Change::Unbind { child, track } => return Some(Doing::Unbind { child, track }),
                Change::Bind { child, track } => {
                    let Some(voice) = self.voices.get(&track) else { continue };
                    let binding = TrackBinding {
                        track,
                        epoch: voice.epoch,
                        room: self.room.clone(),
                        participant: voice.participant.clone(),
                        kind: TrackKind::Speaker,
                        bitrate: 0,
                    };
                    return Some(Doing::Bind { child, binding: Box::new(binding) });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stoa_audio::frame::{FrameDuration, Level};
    use stoa_protocol::mesh::control;

    use super::*;

    const VOICE: TrackId = TrackId(7);
    const CHILD: LinkId = LinkId(3);

    fn told(epoch: u32, muted: bool, from_number: Option<u64>) -> Voices {
        let voice = control::Voice {
            track: VOICE.0,
            epoch: 1,
            participant: "p_1".to_owned(),
            edge: "edge-1".to_owned(),
            muted,
            from_number,
        };
        Voices { room: "agora".to_owned(), epoch, voices: vec![voice] }
    }

    fn frame(number: u64) -> Frame {
        Frame {
            track: VOICE,
            epoch: Epoch(1),
            number: FrameNumber(number),
            duration: FrameDuration::MS_20,
            level: Level::from_minus_dbov(20),
            voice: true,
            payload: Bytes::from_static(&[0x78, 1]),
        }
    }

    fn edge(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    #[test]
    fn what_the_owner_has_selected_goes_on_from_the_edge_that_it_named_and_from_nowhere_else() {
        let mut blue = Blue::new(RoomId::new("agora").unwrap());
        blue.insert(CHILD);
        assert!(!blue.takes(&edge("edge-1"), &frame(80)));
        assert!(blue.handle_voices(told(2, false, Some(80)), Instant::now()));
        assert!(blue.takes(&edge("edge-1"), &frame(80)));
        assert!(!blue.takes(&edge("edge-1"), &frame(72)), "before it was selected");
        assert!(!blue.takes(&edge("edge-2"), &frame(80)), "not its voice");
        assert_eq!(blue.children(VOICE), [CHILD]);
        assert!(matches!(blue.next_doing(), Some(Doing::Bind { child: CHILD, .. })));
    }

    #[test]
    fn who_is_muted_or_not_selected_any_more_goes_nowhere_and_an_older_owner_changes_nothing() {
        let mut blue = Blue::new(RoomId::new("agora").unwrap());
        blue.handle_voices(told(2, true, Some(0)), Instant::now());
        assert!(!blue.takes(&edge("edge-1"), &frame(80)));
        assert!(!blue.handle_voices(told(1, false, Some(0)), Instant::now()));
        assert!(!blue.takes(&edge("edge-1"), &frame(80)));
        blue.handle_voices(told(2, false, None), Instant::now());
        assert!(!blue.takes(&edge("edge-1"), &frame(80)));
    }
}
