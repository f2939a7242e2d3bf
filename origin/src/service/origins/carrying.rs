//! Voices of edges that this origin has lost while its standby still hears them: the standby passes them on, so that the
//! owner goes on deciding who is heard, and the death of a single link silences nobody.

use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;

use super::network::Readiness;
use crate::service::core::Service;
use crate::service::hall::{Hall, RoomKey};

impl Service {
    /// The link to the edge of a voice has ended: it is to come over the standby, or not at all. A settlement must follow.
    pub(in crate::service) fn lose_voice(
        &mut self,
        track: TrackId,
        link: LinkId,
        edge: &NodeId,
        now: Instant,
    ) {
        let publication = self.publications.get_mut(&track).filter(|p| p.link == link);
        let Some(publication) = publication else { return };
        let standby = self.halls.get(&publication.room).and_then(Hall::blue_root);
        match standby.filter(|standby| standby.state == Readiness::Ready) {
            Some(standby) => {
                publication.link = standby.link;
                publication.carried = Some(edge.clone());
                self.counts.voices_carried += 1;
            }
            None => {
                self.withdraw(track, link, now);
            }
        }
    }

    /// Whether a voice comes over this link of the standby.
    pub(in crate::service) fn is_carried(&self, track: TrackId, link: LinkId) -> bool {
        let publication = self.publications.get(&track);
        publication.is_some_and(|p| p.link == link && p.carried.is_some())
    }

    /// A frame has come over the standby: whose it is is still there.
    pub(in crate::service) fn note_carried(&mut self, key: RoomKey, track: TrackId, now: Instant) {
        if let (Some(owner), Some(hall)) = (self.owners.get(&track), self.halls.get_mut(&key)) {
            hall.room.handle_sign_of_life(&owner.participant, now);
        }
    }

    /// A room has its standby no longer, and no voice that came over it.
    pub(in crate::service) fn end_carried(&mut self, key: RoomKey, now: Instant) {
        let tracks = self.halls.get(&key).map(|hall| hall.tracks.clone()).unwrap_or_default();
        let mut ended = false;
        for track in tracks {
            let carried = self.publications.get(&track).filter(|p| p.carried.is_some());
            if let Some(link) = carried.map(|publication| publication.link) {
                ended |= self.withdraw(track, link, now).is_some();
            }
        }
        if ended {
            self.settle(key, now);
        }
    }
}
