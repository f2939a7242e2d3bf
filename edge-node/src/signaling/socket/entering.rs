//! How a conversation comes to have a session: by a join, or by coming back to one.

use super::super::authorization;
use super::super::problem::Problem;
use super::conversation::{Events, Talk};
use super::said::{MessageId, check_name};
use super::told::{RoomName, SlotMid, Told, slot_uses, stage};
use crate::rooms::{JoinAsk, Present, Resume, SlotNames};
use crate::webrtc::{Downlink, SLOTS_MAX};

/// The fields of a `join`.
pub(super) struct Entrance {
    pub(super) token: String,
    pub(super) name: Option<String>,
    pub(super) sdp: String,
    pub(super) muted: bool,
    pub(super) resume: Option<String>,
}

impl Talk {
    pub(super) async fn join(
        &mut self,
        id: Option<MessageId>,
        entrance: Entrance,
    ) -> Result<Events, Problem> {
        let Entrance { token, name, sdp, muted, resume } = entrance;
        let caller = authorization::caller(&self.app, &token, &self.room)?;
        let name = name.unwrap_or_else(|| caller.name.clone());
        check_name(&name)?;
        let offer = self.app.read_offer(&sdp)?;
        let ask = JoinAsk {
            room: self.room.clone(),
            identity: caller.identity.clone(),
            name,
            role: caller.role,
            named: caller.is_named(),
            tenant: caller.tenant().to_wire(),
            tenant_participants_max: self.app.authority.participants_max(caller.tenant()),
            publishes: offer.has_uplink(),
            downlink: Downlink::Slots,
            muted,
            offer: offer.to_text(),
            wants_events: true,
            // What cannot be a former life is none: he is somebody new.
            resume: resume.as_deref().and_then(Resume::parse),
        };
        let joined = self.app.join(ask, &caller, self.client).await?;
        self.trace = Some(caller.bearer.trace(Some(&self.room)));
        let (opened, mut present) = (joined.opened, joined.present);
        let lines = opened.slot_mids.len();
        self.seated(&present, lines);
        let slots = opened.slot_mids.iter().enumerate();
        let app = self.app.clone();
        let (title, alternatives) = (title(&present), self.alternatives());
        self.tell(&Told::Joined {
            id,
            participant: &present.participant,
            room: RoomName { id: &self.room.clone(), name: &present.room.name, topic: &title },
            role: present.standing.role,
            sdp: &opened.answer,
            slots: slots.map(|(slot, mid)| SlotMid { slot, mid }).collect(),
            ice_servers: &app.ice_servers,
            stage: stage(&present.roster),
            listeners: present.roster.listeners,
            speaking: slot_uses(&SlotNames::default(), lines),
            resume: &present.resume.to_text(),
            standing: present.standing.into(),
            alternatives: &alternatives,
        });
        Ok(present.events.take())
    }

    pub(super) async fn resume(
        &mut self,
        id: Option<MessageId>,
        token: &str,
        resume: &str,
    ) -> Result<Events, Problem> {
        let caller = authorization::caller(&self.app, token, &self.room)?;
        let resume = Resume::parse(resume).ok_or_else(|| {
            let detail = "The field `resume` takes what a `joined` has given.";
            Problem::bad_request("resume-malformed", detail).about("resume")
        })?;
        let asked = self.app.rooms.resume(self.room.clone(), caller.identity.clone(), resume);
        let mut present = self.app.ask(asked).await?;
        // What opened it may be revoked too.
        let opened = self.app.authority.trace(present.session);
        self.trace = opened.or_else(|| Some(caller.bearer.trace(Some(&self.room))));
        // Its offer is of another connection; a line too many is of no harm to it.
        self.seated(&present, SLOTS_MAX);
        let (title, alternatives) = (title(&present), self.alternatives());
        self.tell(&Told::Resumed {
            id,
            participant: &present.participant,
            room: RoomName { id: &self.room.clone(), name: &present.room.name, topic: &title },
            role: present.standing.role,
            stage: stage(&present.roster),
            listeners: present.roster.listeners,
            speaking: slot_uses(&SlotNames::default(), SLOTS_MAX),
            resume: &present.resume.to_text(),
            standing: present.standing.into(),
            alternatives: &alternatives,
        });
        Ok(present.events.take())
    }

    fn seated(&mut self, present: &Present, lines: usize) {
        self.session = Some(present.session);
        self.watch.joined();
        self.outbox.set_lines(lines);
    }
}

fn title(present: &Present) -> String {
    present.room.settings.as_ref().and_then(|settings| settings.topic.clone()).unwrap_or_default()
}
