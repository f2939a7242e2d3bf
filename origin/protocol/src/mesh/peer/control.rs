//! What each message of the control stream does to a link, and what the owner says on it.

use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, TrackId};

use super::incoming::BindRefused;
use super::machine::{Peer, State};
use super::vocabulary::{Event, PeerError, TrackParams};
use crate::ids::{ParticipantId, RoomId};
use crate::mesh::control::{
    BindTrack, Body, Control, Drain, Goodbye, Hello, Refuse, TrackKind, UnbindTrack, Undrain,
};

/// Longest part of a peer's sentence that is shown to people.
const REASON_CHARACTERS_MAX: usize = 200;

impl Peer {
    /// Takes a message of the control stream.
    pub fn handle_control(&mut self, control: Control, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.wire.counters.control_in += 1;
        let Some(body) = control.body else {
            self.wire.counters.control_unknown += 1;
            return;
        };
        match body {
            Body::Refuse(refuse) => {
                self.end(format!("the peer refuses this node: {}", shown(&refuse.reason)), now);
            }
            Body::Hello(hello) if self.state == State::Greeting => self.handle_hello(hello, now),
            _ if self.state == State::Greeting => {
                self.wire.counters.early += 1;
                self.handle_misbehaviour(now);
            }
            Body::Hello(_) => self.refuse_claim(now),
            Body::Goodbye(goodbye) => {
                self.end(format!("the peer said goodbye: {}", shown(&goodbye.reason)), now);
            }
            Body::BindTrack(bind) => self.handle_bind(bind, now),
            Body::UnbindTrack(unbind) => self.handle_unbind(unbind.alias, now),
            Body::Reception(reception) => {
                self.wire.counters.loss_out_permille = reception.lost_permille.min(1_000);
                self.reports.handle_report(&reception);
            }
            body if self.peer.may_say(&body).is_err() => self.refuse_claim(now),
            body => self.events.push_back(Event::Control(Box::new(body))),
        }
    }

    /// Announces a track, whose frames may be sent from now on. Binding it again changes nothing,
    /// unless the epoch is newer.
    ///
    /// # Errors
    /// [`PeerError`]: not up, too many tracks, an older epoch, or a shell that lags behind.
    pub fn bind(&mut self, params: TrackParams, now: Instant) -> Result<(), PeerError> {
        self.check_room_for(2)?;
        let bound = match self.outgoing.bind(params.track, params.epoch) {
            Err(error) => {
                self.wire.counters.over_limit += u64::from(error == PeerError::TooManyTracks);
                return Err(error);
            }
            Ok(bound) => bound,
        };
        let Some(alias) = bound.alias else {
            return Ok(());
        };
        self.wire.flush(now);
        if let Some(freed) = bound.freed {
            self.wire.send_control(Body::UnbindTrack(UnbindTrack { alias: freed }));
        }
        self.wire.send_control(Body::BindTrack(BindTrack {
            alias,
            track: params.track.0,
            epoch: params.epoch.0,
            room: params.room.into(),
            participant: params.participant,
            kind: params.kind.into(),
            bitrate: params.bitrate,
        }));
        self.follow_activity(now);
        Ok(())
    }

    /// Ends a track.
    ///
    /// # Errors
    /// [`PeerError`]: not up, not bound, or a shell that lags behind.
    pub fn unbind(&mut self, track: TrackId, now: Instant) -> Result<(), PeerError> {
        self.check_room_for(1)?;
        let alias = self.outgoing.unbind(track).ok_or(PeerError::NotBound)?;
        // The track's last frames leave before the message that frees their alias.
        self.wire.flush(now);
        self.wire.send_control(Body::UnbindTrack(UnbindTrack { alias }));
        self.follow_activity(now);
        Ok(())
    }

    /// Says something on the control stream that is not the link's own business.
    ///
    /// # Errors
    /// [`PeerError`]: not up, or a shell that lags behind.
    pub fn send_control(&mut self, body: Body) -> Result<(), PeerError> {
        self.check_room_for(1)?;
        self.wire.send_control(body);
        Ok(())
    }

    /// Tells the peer that this node takes nothing new and will be gone after `deadline`.
    ///
    /// # Errors
    /// As [`Peer::send_control`].
    pub fn drain(&mut self, deadline: Duration) -> Result<(), PeerError> {
        let deadline_ms = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
        self.send_control(Body::Drain(Drain { deadline_ms }))
    }

    /// Tells the peer that this node stays after all.
    ///
    /// # Errors
    /// As [`Peer::send_control`].
    pub fn undrain(&mut self) -> Result<(), PeerError> {
        self.send_control(Body::Undrain(Undrain {}))
    }

    /// Ends the link in order: what waits is sent, then the reason.
    pub fn goodbye(&mut self, reason: impl Into<String>, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        let reason = reason.into();
        self.wire.flush(now);
        self.wire.send_control_regardless(Body::Goodbye(Goodbye { reason: reason.clone() }));
        self.end(reason, now);
    }

    /// Counts a wrong claim that the owner found, or a malformed message that the shell found. Too many end the link.
    pub fn report_misbehaviour(&mut self, now: Instant) {
        self.refuse_claim(now);
    }

    pub(super) fn refuse_claim(&mut self, now: Instant) {
        self.wire.counters.refused += 1;
        self.handle_misbehaviour(now);
    }

    pub(super) fn handle_misbehaviour(&mut self, now: Instant) {
        if self.state != State::Closed && self.misbehaviour.note(now) {
            self.refuse("too many malformed messages or wrong claims", now);
        }
    }

    pub(super) fn refuse(&mut self, reason: &str, now: Instant) {
        self.wire.send_control_regardless(Body::Refuse(Refuse { reason: reason.to_owned() }));
        self.end(format!("the peer was refused: {reason}"), now);
    }

    fn handle_hello(&mut self, hello: Hello, now: Instant) {
        if hello.node != self.peer.node.as_str() || hello.region != self.peer.region.as_str() {
            self.wire.counters.refused += 1;
            let said = format!("{}/{}", shown(&hello.region), shown(&hello.node));
            let reason = format!("the hello says {said}, but the certificate says {}", self.peer);
            self.refuse(&reason, now);
            return;
        }
        self.come_up(plausible(hello), now);
    }

    fn handle_bind(&mut self, bind: BindTrack, now: Instant) {
        let Ok(kind) = TrackKind::try_from(bind.kind) else {
            // A kind of a newer version: its frames will be of an unknown alias.
            self.wire.counters.control_unknown += 1;
            return;
        };
        let participant_is_fine =
            bind.participant.is_empty() || ParticipantId::new(&*bind.participant).is_ok();
        let (Ok(room), true) = (RoomId::new(bind.room), participant_is_fine) else {
            self.wire.counters.malformed += 1;
            self.handle_misbehaviour(now);
            return;
        };
        let (track, epoch) = (TrackId(bind.track), Epoch(bind.epoch));
        match self.incoming.bind(bind.alias, track, epoch) {
            Ok(()) => {}
            Err(BindRefused::TooMany) => {
                self.wire.counters.over_limit += 1;
                return;
            }
            Err(BindRefused::Contradiction) => {
                self.refuse_claim(now);
                return;
            }
        }
        let params = TrackParams {
            track,
            epoch,
            room,
            participant: bind.participant,
            kind,
            bitrate: bind.bitrate,
        };
        self.events.push_back(Event::Bound(Box::new(params)));
        for frame in self.incoming.take_parked(bind.alias, &mut self.wire.counters, now) {
            self.events.push_back(Event::Frame(frame));
        }
        self.follow_activity(now);
    }

    fn handle_unbind(&mut self, alias: u32, now: Instant) {
        let Some(track) = self.incoming.unbind(alias) else {
            // Its binding may have been refused for a limit, so this is no misbehaviour.
            self.wire.counters.unknown_alias += 1;
            return;
        };
        self.events.push_back(Event::Unbound(track));
        self.follow_activity(now);
    }

    fn check_room_for(&mut self, messages: usize) -> Result<(), PeerError> {
        if self.state != State::Up {
            return Err(PeerError::NotUp);
        }
        if !self.wire.has_room_for(messages) {
            self.wire.counters.over_limit += 1;
            return Err(PeerError::Congested);
        }
        Ok(())
    }
}

/// A hello whose words may be shown, and whose place is on the globe or unknown.
fn plausible(hello: Hello) -> Hello {
    let place = hello.latitude.zip(hello.longitude).filter(|(latitude, longitude)| {
        (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
    });
    let (latitude, longitude) = place.unzip();
    Hello { version: shown(&hello.version), latitude, longitude, ..hello }
}

/// A peer's words as they may stand in a log: short, and without control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(REASON_CHARACTERS_MAX).collect()
}
