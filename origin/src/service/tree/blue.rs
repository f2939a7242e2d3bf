//! A room of another origin, of which this one is the standby: it roots the blue tree with the owner's decisions, also
//! after the owner has died, until somebody decides anew.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use stoa_audio::frame::{Epoch, Frame, FrameNumber, TrackId};
use stoa_audio::recent::Recent;
use stoa_link::subscriptions::Change;
use stoa_link::{Interest, LinkId, Subscriptions, TrackBinding};
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{TrackKind, VOICES_MAX, Voices};

use crate::service::counts::FrameDrop;

/// Whose voice a track is, as the owner says.
#[derive(Debug)]
struct Voice {
    epoch: Epoch,
    participant: String,
    edge: NodeId,
    muted: bool,
    /// The first frame that is forwarded, while it is selected.
    from: Option<FrameNumber>,
    /// Whether the owner has lost the edge and gets the voice from here.
    carry: bool,
}

/// A room of another origin.
#[derive(Debug)]
pub(in crate::service) struct Blue {
    room: RoomId,
    epoch: Epoch,
    voices: BTreeMap<TrackId, Voice>,
    tree: Subscriptions,
    /// The owner's link, and what is announced there.
    owner: Option<LinkId>,
    carried: BTreeMap<TrackId, Epoch>,
    doings: VecDeque<Doing>,
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
    /// Whether the owner has selected it, so that it goes down the tree.
    pub(in crate::service) heard: bool,
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
            owner: None,
            carried: BTreeMap::new(),
            doings: VecDeque::new(),
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

    /// The owner says over its link who speaks and who is heard; `false` for an older owner.
    pub(in crate::service) fn handle_voices(
        &mut self,
        owner: LinkId,
        told: Voices,
        now: Instant,
    ) -> bool {
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
            let (participant, muted, carry) = (wire.participant, wire.muted, wire.carry);
            voices.insert(track, Voice { epoch, participant, edge, muted, from, carry });
        }
        for track in self.voices.keys().filter(|track| !voices.contains_key(track)) {
            self.tree.handle_track_end(*track);
        }
        self.voices = voices;
        if self.owner.replace(owner) != Some(owner) {
            // A new link knows of nothing.
            self.carried.clear();
        }
        self.settle_carried();
        self.tree.handle_selection(Interest::SPEAKERS, &selected, now);
        true
    }

    pub(in crate::service) fn insert(&mut self, child: LinkId) {
        self.tree.handle_subscribe(child, Interest::SPEAKERS);
    }

    pub(in crate::service) fn remove(&mut self, child: LinkId) {
        self.tree.handle_unsubscribe(child, Interest::SPEAKERS);
    }

    /// A link has ended, and with it `lost` cannot be reached any more.
    pub(in crate::service) fn forget(&mut self, link: LinkId, lost: Option<&NodeId>) {
        self.tree.handle_link_down(link);
        if self.owner == Some(link) {
            self.owner = None;
            self.carried.clear();
        }
        for voice in self.voices.values_mut().filter(|voice| Some(&voice.edge) == lost) {
            voice.carry = false;
        }
        self.settle_carried();
    }

    /// The owner no longer gets voices from here.
    pub(in crate::service) fn end_carried(&mut self) {
        self.voices.values_mut().for_each(|voice| voice.carry = false);
        self.settle_carried();
    }

    /// Announces to the owner what it wants from here, and takes back the rest.
    fn settle_carried(&mut self) {
        let Some(owner) = self.owner else { return };
        let wanted = |track: &TrackId| self.voices.get(track).is_some_and(|voice| voice.carry);
        let former: Vec<TrackId> = self.carried.keys().copied().filter(|t| !wanted(t)).collect();
        for track in former {
            self.carried.remove(&track);
            self.doings.push_back(Doing::Unbind { child: owner, track });
        }
        for (track, voice) in self.voices.iter().filter(|(_, voice)| voice.carry) {
            if self.carried.insert(*track, voice.epoch) != Some(voice.epoch) {
                let binding = Box::new(binding(&self.room, *track, voice));
                self.doings.push_back(Doing::Bind { child: owner, binding });
            }
        }
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

    /// Where a frame from this edge goes.
    ///
    /// # Errors
    /// Why it goes nowhere.
    pub(in crate::service) fn route(
        &self,
        edge: &NodeId,
        frame: &Frame,
    ) -> Result<BlueRoute, FrameDrop> {
        let voice = self.voices.get(&frame.track).filter(|voice| voice.edge == *edge);
        let voice = voice.ok_or(FrameDrop::ForeignTrack)?;
        let may = voice.epoch == frame.epoch && !voice.muted;
        let heard = may && voice.from.is_some_and(|from| frame.number >= from);
        let wanted = may && self.carried.contains_key(&frame.track);
        let route = || BlueRoute { room: self.room.clone(), track: frame.track, heard };
        (heard || wanted).then(route).ok_or(FrameDrop::Unselected)
    }

    /// Who hangs from here and gets a track.
    pub(in crate::service) fn children(&self, track: TrackId) -> &[LinkId] {
        self.tree.children(track)
    }

    /// The owner, if it gets a track from here.
    pub(in crate::service) fn carries_to(&self, track: TrackId) -> Option<LinkId> {
        self.owner.filter(|_| self.carried.contains_key(&track))
    }

    /// What has to be done on links.
    pub(in crate::service) fn next_doing(&mut self) -> Option<Doing> {
        if let Some(doing) = self.doings.pop_front() {
            return Some(doing);
        }
        loop {
            match self.tree.next_change()? {
                Change::Unbind { child, track } => return Some(Doing::Unbind { child, track }),
                Change::Bind { child, track } => {
                    let Some(voice) = self.voices.get(&track) else { continue };
                    let binding = Box::new(binding(&self.room, track, voice));
                    return Some(Doing::Bind { child, binding });
                }
            }
        }
    }
}

fn binding(room: &RoomId, track: TrackId, voice: &Voice) -> TrackBinding {
    TrackBinding {
        track,
        epoch: voice.epoch,
        room: room.clone(),
        participant: voice.participant.clone(),
        kind: TrackKind::Speaker,
        bitrate: 0,
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
    const OWNER: LinkId = LinkId(9);

    fn told(epoch: u32, muted: bool, from_number: Option<u64>) -> Voices {
        let voice = control::Voice {
            track: VOICE.0,
            epoch: 1,
            participant: "p_1".to_owned(),
            edge: "edge-1".to_owned(),
            muted,
            from_number,
            carry: false,
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

    /// Whether a frame goes down the tree; nothing when it goes nowhere.
    fn heard(blue: &Blue, edge: &str, number: u64) -> Option<bool> {
        blue.route(&NodeId::new(edge).unwrap(), &frame(number)).ok().map(|route| route.heard)
    }

    #[test]
    fn what_the_owner_has_selected_goes_on_from_the_edge_that_it_named_and_from_nowhere_else() {
        let mut blue = Blue::new(RoomId::new("agora").unwrap());
        blue.insert(CHILD);
        assert_eq!(heard(&blue, "edge-1", 80), None);
        assert!(blue.handle_voices(OWNER, told(2, false, Some(80)), Instant::now()));
        assert_eq!(heard(&blue, "edge-1", 80), Some(true));
        assert_eq!(heard(&blue, "edge-1", 72), None, "before it was selected");
        assert_eq!(heard(&blue, "edge-2", 80), None, "not its voice");
        assert_eq!(blue.children(VOICE), [CHILD]);
        assert!(matches!(blue.next_doing(), Some(Doing::Bind { child: CHILD, .. })));
    }

    #[test]
    fn who_is_muted_or_not_selected_any_more_goes_nowhere_and_an_older_owner_changes_nothing() {
        let mut blue = Blue::new(RoomId::new("agora").unwrap());
        blue.handle_voices(OWNER, told(2, true, Some(0)), Instant::now());
        assert_eq!(heard(&blue, "edge-1", 80), None);
        assert!(!blue.handle_voices(OWNER, told(1, false, Some(0)), Instant::now()));
        assert_eq!(heard(&blue, "edge-1", 80), None);
        blue.handle_voices(OWNER, told(2, false, None), Instant::now());
        assert_eq!(heard(&blue, "edge-1", 80), None);
    }

    #[test]
    fn what_the_owner_cannot_hear_any_more_goes_to_it_even_if_nobody_is_to_hear_it() {
        let mut blue = Blue::new(RoomId::new("agora").unwrap());
        let carried = |muted, from| {
            let mut told = told(2, muted, from);
            told.voices[0].carry = true;
            told
        };
        blue.handle_voices(OWNER, carried(false, None), Instant::now());
        assert!(matches!(blue.next_doing(), Some(Doing::Bind { child: OWNER, .. })));
        assert_eq!(heard(&blue, "edge-1", 80), Some(false));
        assert_eq!(blue.carries_to(VOICE), Some(OWNER));
        blue.handle_voices(OWNER, carried(true, None), Instant::now());
        assert_eq!(heard(&blue, "edge-1", 80), None, "muted");
        assert!(blue.next_doing().is_none(), "it may be heard again");
        blue.handle_voices(OWNER, carried(false, Some(0)), Instant::now());
        assert_eq!(heard(&blue, "edge-1", 80), Some(true));

        blue.handle_voices(OWNER, told(2, false, Some(0)), Instant::now());
        let unbound = Some(Doing::Unbind { child: OWNER, track: VOICE });
        assert_eq!(format!("{:?}", blue.next_doing()), format!("{unbound:?}"));
        assert_eq!((heard(&blue, "edge-1", 80), blue.carries_to(VOICE)), (Some(true), None));
    }

    #[test]
    fn the_owner_is_told_that_the_edge_of_a_voice_is_lost_here_too() {
        let mut blue = Blue::new(RoomId::new("agora").unwrap());
        let mut carried = told(2, false, None);
        carried.voices[0].carry = true;
        blue.handle_voices(OWNER, carried, Instant::now());
        blue.next_doing();
        blue.forget(LinkId(4), None);
        assert!(blue.next_doing().is_none(), "it has another link");
        blue.forget(LinkId(5), Some(&NodeId::new("edge-1").unwrap()));
        assert!(matches!(blue.next_doing(), Some(Doing::Unbind { child: OWNER, .. })));
        assert_eq!(heard(&blue, "edge-1", 80), None);
    }
}
