//! Who may publish what, and the way of a frame through this origin.

use std::time::Instant;

use stoa_audio::frame::{Epoch, Frame, TrackId};
use stoa_audio::recent::Recent;
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::{NodeId, ParticipantId, RoomId};
use stoa_protocol::mesh::control::TrackKind;
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::core::Service;
use super::counts::{ClaimRefusal, FrameDrop};
use super::effects::Command;
use super::hall::RoomKey;
use super::tree::BlueRoute;

/// Whose a track is: the participant who joined with it.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) room: RoomKey,
    pub(super) participant: ParticipantId,
    /// The track's newest epoch. It counts who made its frames, apart from the room's epoch, and
    /// outlives a lost link, so that nothing older gets through afterwards.
    pub(super) epoch: Epoch,
}

impl Owner {
    pub(super) fn is(&self, room: RoomKey, participant: &ParticipantId) -> bool {
        self.room == room && self.participant == *participant
    }
}

/// A track announced by a link that may: everything a frame is checked against.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) link: LinkId,
    pub(super) room: RoomKey,
    pub(super) epoch: Epoch,
    pub(super) muted: bool,
    /// The edge, if that is lost and `link` is the standby's, which still hears it.
    pub(super) carried: Option<NodeId>,
}

/// Where a frame goes; see [`Service::children`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route(Way);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// Of a room of this origin.
    Own { room: RoomKey, track: TrackId },
    /// Of a room of which it is the standby.
    Blue(BlueRoute),
}

impl Service {
    /// A link announces that it will send a track.
    pub fn handle_bound(&mut self, link: LinkId, binding: &TrackBinding, now: Instant) {
        if self.is_carried(binding.track, link) {
            return;
        }
        match self.bind_blue(link, binding) {
            Ok(true) => return,
            Ok(false) => {}
            Err(refusal) => return self.counts.refuse_claim(refusal),
        }
        let (key, muted) = match self.check_claim(link, binding) {
            Ok(granted) => granted,
            Err(refusal) => {
                self.counts.refuse_claim(refusal);
                // Once its participant is here it holds, and the edge does not say it twice.
                self.note_announced(link, binding);
                if is_mistake(refusal) {
                    self.note_mistake(link, now);
                }
                return;
            }
        };
        let publication =
            Publication { link, room: key, epoch: binding.epoch, muted, carried: None };
        let before = self.publications.insert(binding.track, publication);
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.tracks.insert(binding.track);
        }
        if let Some(neighbour) = self.links.get_mut(&link) {
            neighbour.tracks.insert(binding.track);
        }
        if let Some(before) = before.filter(|before| before.link != link)
            && let Some(neighbour) = self.links.get_mut(&before.link)
        {
            neighbour.tracks.remove(&binding.track);
        }
        if let (Some(owner), Some(hall)) =
            (self.owners.get_mut(&binding.track), self.halls.get_mut(&key))
            && owner.epoch < binding.epoch
        {
            owner.epoch = binding.epoch;
            hall.tree.handle_epoch(binding.track);
        }
        self.settle(key, now);
    }

    /// A link ends a track; the participant stays and may announce it again.
    pub fn handle_unbound(&mut self, link: LinkId, track: TrackId, now: Instant) {
        if let Some(neighbour) = self.links.get_mut(&link) {
            neighbour.announced.remove(&track);
        }
        if let Some(key) = self.withdraw(track, link, now) {
            self.settle(key, now);
        }
    }

    /// A frame of a link. `None` when it goes nowhere, which is counted; otherwise take the commands
    /// owed and then send it to [`Self::children`].
    pub fn handle_frame(&mut self, link: LinkId, frame: &Frame, now: Instant) -> Option<Route> {
        self.counts.frames_in += 1;
        match self.route(link, frame, now) {
            Ok(route) => {
                if let Some(recent) = self.recent_mut(&route) {
                    recent.push(frame, now);
                }
                self.counts.frames_out += self.children(&route).count() as u64;
                Some(route)
            }
            Err(reason) => {
                self.counts.drop_frame(reason);
                None
            }
        }
    }

    fn recent_mut(&mut self, route: &Route) -> Option<&mut Recent> {
        match &route.0 {
            Way::Own { room, .. } => self.halls.get_mut(room).map(|hall| &mut hall.recent),
            Way::Blue(route) if !route.heard => None,
            Way::Blue(BlueRoute { room, .. }) => {
                self.trees.blue.get_mut(room).map(|blue| &mut blue.recent)
            }
        }
    }

    /// Somebody has lost his parent and comes here instead: he gets what was heard in the last moments, of tracks that
    /// are announced to him by now.
    pub(super) fn back_fill(&mut self, link: LinkId, room: &str, now: Instant) {
        let own = self.key_of(room).and_then(|key| self.halls.get(&key));
        let frames: Vec<Frame> = match own {
            Some(hall) => {
                let gets = |frame: &&Frame| hall.tree.children(frame.track).contains(&link);
                hall.recent.since(now).filter(gets).cloned().collect()
            }
            None => {
                let room = RoomId::new(room).ok();
                let blue = room.and_then(|room| self.trees.blue.get(&room));
                let gets = |frame: &&Frame| {
                    blue.is_some_and(|blue| blue.children(frame.track).contains(&link))
                };
                blue.into_iter()
                    .flat_map(|blue| blue.recent.since(now))
                    .filter(gets)
                    .cloned()
                    .collect()
            }
        };
        if !frames.is_empty() {
            self.counts.frames_back_filled += frames.len() as u64;
            self.commands.push_back(Command::BackFill { link, frames });
        }
    }

    /// The links that get a frame, prepared, each once.
    pub fn children(&self, route: &Route) -> impl Iterator<Item = LinkId> {
        let (children, owner) = match &route.0 {
            Way::Own { room, track } => {
                let hall = self.halls.get(room);
                (hall.map_or(&[][..], |hall| hall.tree.children(*track)), None)
            }
            Way::Blue(BlueRoute { room, track, heard }) => {
                let blue = self.trees.blue.get(room);
                let children = blue.filter(|_| *heard).map(|blue| blue.children(*track));
                (children.unwrap_or_default(), blue.and_then(|blue| blue.carries_to(*track)))
            }
        };
        children.iter().copied().chain(owner)
    }

    fn route(&mut self, link: LinkId, frame: &Frame, now: Instant) -> Result<Route, FrameDrop> {
        let Some(publication) = self.publications.get(&frame.track) else {
            let blue = self.route_blue(link, frame).ok_or(FrameDrop::UnknownTrack)??;
            return Ok(Route(Way::Blue(blue)));
        };
        if publication.link != link {
            return Err(FrameDrop::ForeignTrack);
        }
        if frame.epoch < publication.epoch {
            return Err(FrameDrop::OlderEpoch);
        }
        if frame.epoch > publication.epoch {
            return Err(FrameDrop::NewerEpoch);
        }
        if publication.muted {
            return Err(FrameDrop::Muted);
        }
        let key = publication.room;
        if publication.carried.is_some() {
            self.note_carried(key, frame.track, now);
        }
        self.note_arrival(key, frame, now);
        let hall = self.halls.get_mut(&key).ok_or(FrameDrop::UnknownTrack)?;
        let heard = hall.stage.handle_frame(frame, now);
        if heard.changed {
            self.settle(key, now);
        } else {
            self.reschedule(key, now);
        }
        if heard.forward {
            Ok(Route(Way::Own { room: key, track: frame.track }))
        } else {
            Err(FrameDrop::Unselected)
        }
    }

    /// Lets frames of a track in or keeps them out. A settlement must follow.
    pub(super) fn set_track_muted(&mut self, track: TrackId, muted: bool, now: Instant) {
        let Some(publication) = self.publications.get_mut(&track) else { return };
        publication.muted = muted;
        let key = publication.room;
        if muted && let Some(hall) = self.halls.get_mut(&key) {
            hall.stage.handle_track_end(track, now);
        }
    }

    /// Ends a publication if it came through `link`; returns its room. A settlement must follow.
    pub(super) fn withdraw(
        &mut self,
        track: TrackId,
        link: LinkId,
        now: Instant,
    ) -> Option<RoomKey> {
        let publication = self.publications.get(&track).filter(|p| p.link == link)?;
        let key = publication.room;
        self.publications.remove(&track);
        if let Some(neighbour) = self.links.get_mut(&link) {
            neighbour.tracks.remove(&track);
        }
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.tracks.remove(&track);
            hall.stage.handle_track_end(track, now);
        }
        Some(key)
    }

    /// Checks that the participant joined through this very link, with this very track, and may speak.
    fn check_claim(
        &self,
        link: LinkId,
        binding: &TrackBinding,
    ) -> Result<(RoomKey, bool), ClaimRefusal> {
        let neighbour = self.links.get(&link).ok_or(ClaimRefusal::ForeignParticipant)?;
        if binding.kind != TrackKind::Speaker {
            return Err(ClaimRefusal::ForeignKind);
        }
        let key = *self.rooms.get(&binding.room).ok_or(ClaimRefusal::UnknownRoom)?;
        let room = self.halls.get(&key).map(|hall| &hall.room).ok_or(ClaimRefusal::UnknownRoom)?;
        let participant = ParticipantId::new(binding.participant.as_str())
            .ok()
            .and_then(|id| room.participant(&id))
            .ok_or(ClaimRefusal::UnknownParticipant)?;
        if participant.link() != Some(link) {
            return Err(ClaimRefusal::ForeignParticipant);
        }
        if participant.track != Some(binding.track) {
            return Err(ClaimRefusal::ForeignTrack);
        }
        if !participant.role.may_speak() {
            return Err(ClaimRefusal::OffStage);
        }
        if self.owners.get(&binding.track).is_some_and(|owner| binding.epoch < owner.epoch) {
            return Err(ClaimRefusal::OlderEpoch);
        }
        let crowded = neighbour.tracks.len() >= TRACKS_PER_LINK_MAX;
        if crowded && !neighbour.tracks.contains(&binding.track) {
            return Err(ClaimRefusal::TooMany);
        }
        Ok((key, participant.muted.is_some()))
    }
}

/// Whether a refused claim is beyond what an honest edge says when messages cross.
fn is_mistake(refusal: ClaimRefusal) -> bool {
    match refusal {
        ClaimRefusal::ForeignParticipant
        | ClaimRefusal::OffStage
        | ClaimRefusal::ForeignTrack
        | ClaimRefusal::ForeignKind => true,
        ClaimRefusal::UnknownRoom
        | ClaimRefusal::UnknownParticipant
        | ClaimRefusal::OlderEpoch
        // Ending the link would end those who are heard, and the edge would announce them all again.
        | ClaimRefusal::TooMany => false,
    }
}
