//! What keeps a worker's sessions going: waking them in time, polling them until they rest, ending them.

use std::time::{Duration, Instant};

use super::containment::{Panicked, contain};
use super::session::Progress;
use super::sessions::{Sessions, Timer};
use super::{Class, FromPlane, SessionEvent, Uplinked};
use crate::media::kernel::Address;
use crate::media::srtp::{Masters, Sender};
use crate::media::{Listener, Outbox};

/// Changes that one poll of a session may ask for, so that no session can hold up the others.
const STEPS_MAX: usize = 256;

/// Sender reports are looked at this often.
const REPORT_TICK: Duration = Duration::from_millis(100);

/// Listeners' reports that wait to be published: a fifth of a second of 50,000 listeners.
const REPORTS_MAX: usize = 4_096;

impl Sessions {
    /// Looks at every session whose time has come.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut impl Outbox) {
        let mut due = std::mem::take(&mut self.due);
        self.timers.expire(now, |timer| due.push(timer));
        for timer in due.drain(..) {
            self.wake(timer, now, out);
        }
        self.due = due;
        if now >= self.report_at {
            self.report_at = now + REPORT_TICK;
            let ntp = self.clock.ntp(now);
            self.fanout.report(now, ntp, out);
        }
        self.fanout.handle_timeout(now, out);
    }

    /// When to call [`Self::handle_timeout`].
    pub(super) fn poll_timeout(&self) -> Instant {
        let due = [self.timers.poll_timeout(), self.fanout.poll_timeout()];
        due.into_iter().flatten().fold(self.report_at, Instant::min)
    }

    fn wake(&mut self, Timer { at, index }: Timer, now: Instant, out: &mut impl Outbox) {
        let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
        if entry.queued_at != Some(at) {
            return;
        }
        entry.queued_at = None;
        if entry.wake_at > now {
            self.schedule(index);
            return;
        }
        match contain(|| entry.session.handle_timeout(now)) {
            Ok(()) => self.drive(index, now, out),
            Err(Panicked) => self.give_up(index, now, out),
        }
    }

    /// Polls a session until it rests.
    pub(super) fn drive(&mut self, index: usize, now: Instant, out: &mut impl Outbox) {
        let mut ended = None;
        for _ in 0..STEPS_MAX {
            let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
            let session = &mut entry.session;
            let Ok(progress) = contain(|| session.poll(now, out)) else {
                self.give_up(index, now, out);
                return;
            };
            match progress {
                Progress::Connected(masters) => ended = self.connected(index, &masters, out),
                Progress::Wait(at) => {
                    entry.wake_at = at;
                    break;
                }
                Progress::Ended(reason) => ended = Some(reason),
            }
            if ended.is_some() {
                break;
            }
        }
        self.pass_on(index, out);
        match ended {
            Some(reason) => self.end(index, reason, now, out),
            None => self.schedule(index),
        }
    }

    /// Says why the session must end instead, if it must.
    fn connected(
        &mut self,
        index: usize,
        masters: &Masters,
        out: &mut impl Outbox,
    ) -> Option<&'static str> {
        let entry = self.entries.get_mut(index).and_then(Option::as_mut)?;
        let session = &mut entry.session;
        let Some(remote) = session.path else { return Some("failed") };
        if !session.take_keys(masters) {
            return Some("failed");
        }
        if session.listens() {
            let Ok(sender) = Sender::new(&masters.local) else { return Some("failed") };
            let to = Address::new(remote, out.dual_stack());
            let listener = Listener::new(session.id, to, sender, session.streams);
            let (single, length) = (session.single, session.length());
            if !self.fanout.add(session.room, session.class, single, length, listener) {
                return Some("failed");
            }
            entry.playing_to = Some(remote);
        }
        let event = SessionEvent::Connected { session: session.id, remote };
        self.outputs.push(FromPlane::Session(event));
        None
    }

    /// Passes on the session's frames and reports, and follows it to a new address.
    pub(super) fn pass_on(&mut self, index: usize, out: &impl Outbox) {
        let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
        let (session, room) = (entry.session.id, entry.session.room);
        let uplinked = self.frames.drain(..).map(|frame| Uplinked { session, room, frame });
        self.outputs.extend(uplinked.map(FromPlane::Uplinked));
        self.counters.count(&mut entry.session);
        if let Some(report) = entry.session.take_report() {
            if self.reports.len() < REPORTS_MAX {
                self.reports.push(report);
            } else {
                self.counters.untold_reports += 1;
            }
        }
        if let Some(path) = entry.session.path
            && entry.playing_to.is_some_and(|old| old != path)
        {
            entry.playing_to = Some(path);
            self.fanout.redirect(session, Address::new(path, out.dual_stack()));
        }
    }

    fn schedule(&mut self, index: usize) {
        let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
        if entry.queued_at.is_none_or(|queued| entry.wake_at < queued) {
            entry.queued_at = Some(entry.wake_at);
            self.timers.insert(entry.wake_at, Timer { at: entry.wake_at, index });
        }
    }

    /// Sends `count` listeners away, so that the others hear everything: those who came last.
    pub(super) fn shed(&mut self, count: usize, now: Instant, out: &mut impl Outbox) {
        let entries = self.entries.iter().enumerate();
        let mut audience: Vec<_> = entries
            .filter_map(|(index, entry)| Some((entry.as_ref()?, index)))
            .filter(|(entry, _)| entry.session.class == Class::Audience)
            .filter(|(entry, _)| entry.playing_to.is_some())
            .map(|(entry, index)| (entry.session.id, index))
            .collect();
        audience.sort_unstable();
        for (_, index) in audience.into_iter().rev().take(count) {
            self.end(index, "overloaded", now, out);
        }
    }

    /// A session has panicked: it ends without being touched again.
    pub(super) fn give_up(&mut self, index: usize, now: Instant, out: &mut impl Outbox) {
        self.counters.panics += 1;
        self.frames.clear();
        if let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) {
            entry.broken = true;
        }
        self.end(index, "failed", now, out);
    }

    pub(super) fn end(
        &mut self,
        index: usize,
        reason: &'static str,
        now: Instant,
        out: &mut impl Outbox,
    ) {
        let Some(mut entry) = self.entries.get_mut(index).and_then(Option::take) else { return };
        let id = entry.session.id;
        let ntp = self.clock.ntp(now);
        self.fanout.remove(id, now, ntp, out);
        if !entry.broken && contain(|| entry.session.close(out)).is_err() {
            self.counters.panics += 1;
        }
        self.counters.count(&mut entry.session);
        self.directory.leave(&entry.names, index);
        self.free.push(index);
        self.registry.remove(id);
        self.outputs.push(FromPlane::Session(SessionEvent::Closed { session: id, reason }));
    }
}
