//! What a standby must know to root the blue tree: who speaks in a room, through which edge, and who is heard.

use stoa_protocol::mesh::control::{Body, VOICES_MAX, Voice, Voices};

use crate::service::core::Service;
use crate::service::hall::RoomKey;
use stoa_link::LinkId;

/// What a standby was told last.
#[derive(Debug, Default)]
pub(in crate::service) struct Told {
    link: Option<LinkId>,
    voices: Vec<Voice>,
}

impl Service {
    /// Tells the standby of a room who speaks, if that has changed; that nobody does, where it roots no tree any more.
    pub(in crate::service) fn tell_voices(&mut self, key: RoomKey) {
        let Some(hall) = self.halls.get(&key) else { return };
        let Some(standby) = hall.standby.as_ref().map(|standby| standby.link) else { return };
        if hall.blue_root().is_none() && hall.voices_told.voices.is_empty() {
            return;
        }
        let selection = hall.stage.selection(&hall.room).selected;
        let from = |track: u64| selection.iter().find(|s| s.track == track).map(|s| s.from_number);
        let mut voices = Vec::new();
        for track in hall.blue_root().into_iter().flat_map(|_| &hall.tracks) {
            let (Some(publication), Some(owner)) =
                (self.publications.get(track), self.owners.get(track))
            else {
                continue;
            };
            let here = || self.links.get(&publication.link).map(|neighbour| &neighbour.peer.node);
            let Some(edge) = publication.carried.as_ref().or_else(here) else { continue };
            voices.push(Voice {
                track: track.0,
                epoch: publication.epoch.0,
                participant: owner.participant.as_str().to_owned(),
                edge: edge.as_str().to_owned(),
                muted: publication.muted,
                from_number: from(track.0),
                carry: publication.carried.is_some(),
            });
        }
        // Whoever is heard comes first, in case there are too many.
        voices.sort_by_key(|voice| voice.from_number.is_none());
        voices.truncate(VOICES_MAX);
        if hall.voices_told.link == Some(standby) && hall.voices_told.voices == voices {
            return;
        }
        let (room, epoch) = (hall.room.id().as_str().to_owned(), hall.room.epoch().0);
        let told = Voices { room, epoch, voices: voices.clone() };
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.voices_told = Told { link: Some(standby), voices };
        }
        self.send(standby, Body::Voices(told));
    }
}
