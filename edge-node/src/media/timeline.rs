//! Frames of changing speakers on one RTP timeline.
//!
//! A slot carries one speaker after another. Listeners must see neither the change nor what went
//! wrong upstream: the timestamp goes on, by as much time as has really passed.

use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, Frame, FrameNumber, TrackId};

/// Samples per second of the RTP clock of Opus (RFC 7587 section 4.1).
const CLOCK_HZ: u64 = 48_000;

/// A frame that comes this much later than a newer one of its track is of no use to any jitter
/// buffer.
const LATE_MAX: Duration = Duration::from_millis(500);

/// Where a frame stands on the slot's timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// In samples since the slot's start; each listener adds an offset of his own.
    pub position: u64,
    /// Sound begins after a pause (RFC 3551 section 4.1).
    pub marker: bool,
    /// It is the first frame of its track here.
    pub changed: bool,
}

/// How a listener goes on from one timeline on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// The position on the old timeline to which `to` on the new one corresponds.
    pub from: u64,
    pub to: u64,
    /// Position on the new one up to which he has heard all, or need not hear it.
    pub heard_until: u64,
}

/// A new timeline that rests for this many samples longer than the old one has paused: what comes will come later
/// by that.
const PAUSE: u64 = CLOCK_HZ / 20;

/// The timeline of one slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timeline {
    now_playing: Option<Playing>,
}

#[derive(Clone, Copy, Debug)]
struct Playing {
    track: TrackId,
    epoch: Epoch,
    /// Number and timestamp that belong together on this track.
    anchor: (FrameNumber, u64),
    /// Number that follows the newest frame, and the timestamp that follows it.
    next: (FrameNumber, u64),
    /// When the newest frame came.
    newest_at: Instant,
}

impl Timeline {
    /// Places a frame; `None` when it is too late to be heard.
    pub(super) fn place(&mut self, frame: &Frame, now: Instant) -> Option<Placed> {
        let same = self.now_playing.filter(|p| (p.track, p.epoch) == (frame.track, frame.epoch));
        let Some(mut playing) = same else {
            return Some(self.change(frame, now));
        };
        let timestamp = timestamp_of(playing.anchor, frame.number)?;
        if frame.number < playing.next.0 {
            let late = playing.next.1.saturating_sub(timestamp);
            let late = Duration::from_micros(late.saturating_mul(1_000_000) / CLOCK_HZ);
            return (late <= LATE_MAX).then_some(Placed {
                position: timestamp,
                marker: false,
                changed: false,
            });
        }
        let marker = frame.number > playing.next.0;
        let after = frame.number.after(frame.duration);
        playing.next = (after, timestamp.saturating_add(u64::from(frame.duration.samples())));
        playing.newest_at = now;
        self.now_playing = Some(playing);
        Some(Placed { position: timestamp, marker, changed: false })
    }

    /// Adds `samples` of something that is no frame of the track; says where it stands. `None`
    /// before the first frame.
    pub(super) fn append(&mut self, samples: u32) -> Option<u64> {
        let playing = self.now_playing.as_mut()?;
        let position = playing.next.1;
        let units = u64::from(samples / FrameNumber::SAMPLES);
        playing.next = (
            FrameNumber(playing.next.0.0.saturating_add(units)),
            position.saturating_add(u64::from(samples)),
        );
        playing.newest_at += Duration::from_micros(u64::from(samples) * 1_000_000 / CLOCK_HZ);
        Some(position)
    }

    /// Timestamp that a frame would have that began at `now`; for sender reports.
    pub(super) fn timestamp_at(&self, now: Instant) -> Option<u32> {
        let playing = self.now_playing?;
        let gone = samples(now.saturating_duration_since(playing.newest_at));
        Some(wrap(playing.next.1.saturating_add(gone)))
    }

    /// Whether it has a position yet.
    pub(super) fn has_begun(&self) -> bool {
        self.now_playing.is_some()
    }

    /// How somebody who has heard everything so far goes on in `other`; `None` when either has not begun. If both
    /// play the same voice he hears none of its frames twice; where `other` is ahead, what follows is joined to
    /// what he has heard.
    pub(super) fn passage(&self, other: &Self, now: Instant) -> Option<Passage> {
        let (old, new) = (self.now_playing?, other.now_playing?);
        if (old.track, old.epoch) == (new.track, new.epoch)
            && let Some(to) = timestamp_of(new.anchor, old.next.0.max(new.next.0))
        {
            return Some(Passage { from: old.next.1, to, heard_until: to });
        }
        let gone = |playing: Playing| samples(now.saturating_duration_since(playing.newest_at));
        let (gone_old, gone_new) = (gone(old), gone(new));
        let paused = Some(gone_new.saturating_sub(gone_old)).filter(|pause| *pause > PAUSE);
        Some(Passage {
            from: old.next.1.saturating_add(gone_old.saturating_sub(gone_new)),
            to: new.next.1.saturating_add(paused.unwrap_or(0)),
            heard_until: new.next.1,
        })
    }

    fn change(&mut self, frame: &Frame, now: Instant) -> Placed {
        let timestamp = match self.now_playing {
            // `next` already counts the last frame's own duration, which has gone by in part or
            // whole while it was on its way; what is longer than that is a pause.
            Some(old) => {
                let gone = samples(now.saturating_duration_since(old.newest_at));
                old.next.1.saturating_add(gone.saturating_sub(u64::from(frame.duration.samples())))
            }
            None => 0,
        };
        let after = frame.number.after(frame.duration);
        self.now_playing = Some(Playing {
            track: frame.track,
            epoch: frame.epoch,
            anchor: (frame.number, timestamp),
            next: (after, timestamp.saturating_add(u64::from(frame.duration.samples()))),
            newest_at: now,
        });
        Placed { position: timestamp, marker: true, changed: true }
    }
}

/// `None` for a frame from before the slot's start.
fn timestamp_of((number, timestamp): (FrameNumber, u64), wanted: FrameNumber) -> Option<u64> {
    let step = u64::from(FrameNumber::SAMPLES);
    if wanted >= number {
        timestamp.checked_add((wanted.0 - number.0).checked_mul(step)?)
    } else {
        timestamp.checked_sub((number.0 - wanted.0).checked_mul(step)?)
    }
}

fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / CLOCK_HZ).saturating_mul(CLOCK_HZ)
        / 1_000_000
}

#[expect(clippy::cast_possible_truncation, reason = "RTP timestamps wrap (RFC 3550 section 5.1)")]
pub(super) const fn wrap(timestamp: u64) -> u32 {
    timestamp as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use stoa_audio::frame::{FrameDuration, Level};

    fn frame(track: u64, number: u64) -> Frame {
        Frame {
            track: TrackId(track),
            epoch: Epoch(0),
            number: FrameNumber(number),
            duration: FrameDuration::MS_20,
            level: Level::SILENCE,
            voice: true,
            payload: Bytes::from_static(&[0xf8, 1]),
        }
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn one_speaker_keeps_his_own_pace_through_pauses_and_reordering() {
        let (mut timeline, start) = (Timeline::default(), Instant::now());
        let mut place = |number, ms| timeline.place(&frame(1, number), start + at(ms)).unwrap();
        let first = place(80, 0);
        assert!(first.marker);
        assert_eq!(place(88, 23).position, first.position + 960);
        let after_pause = place(168, 240);
        assert_eq!((after_pause.position, after_pause.marker), (first.position + 88 * 120, true));
        let late = place(160, 241);
        assert_eq!((late.position, late.marker), (after_pause.position - 960, false));
        assert_eq!(place(176, 260).position, after_pause.position + 960);
    }

    #[test]
    fn a_new_speaker_goes_on_where_the_old_one_stopped() {
        let (mut timeline, start) = (Timeline::default(), Instant::now());
        let old = timeline.place(&frame(1, 1_000), start).unwrap();
        let new = timeline.place(&frame(2, 7), start + at(20)).unwrap();
        assert_eq!((new.position, new.marker), (old.position + 960, true));
        let later = timeline.place(&frame(3, 55), start + at(1_020)).unwrap();
        assert_eq!(later.position, new.position + 48_000);
    }

    #[test]
    fn timestamps_never_go_back_when_the_speaker_changes_early() {
        let (mut timeline, start) = (Timeline::default(), Instant::now());
        let old = timeline.place(&frame(1, 1_000), start).unwrap();
        let new = timeline.place(&frame(2, 7), start + at(1)).unwrap();
        assert_eq!(new.position, old.position + 960);
    }

    #[test]
    fn a_voice_goes_on_elsewhere_without_a_frame_twice_and_without_a_leap() {
        let start = Instant::now();
        let play = |first: u64, frames: u64| {
            let mut timeline = Timeline::default();
            for number in first..first + frames {
                timeline.place(&frame(1, 8 * number), start + at(20 * number)).unwrap();
            }
            timeline
        };
        let (here, behind, ahead) = (play(100, 50), play(90, 57), play(100, 55));
        let now = start + at(20 * 160);
        let passage = here.passage(&behind, now).unwrap();
        assert_eq!((passage.from, passage.to), (50 * 960, 60 * 960));
        assert_eq!(passage.heard_until, 60 * 960, "three frames come that he knows");
        let passage = here.passage(&ahead, now).unwrap();
        assert_eq!((passage.from, passage.to, passage.heard_until), (48_000, 52_800, 52_800));
        assert_eq!(here.passage(&Timeline::default(), now), None);
    }

    #[test]
    fn another_voice_is_joined_at_the_same_time_of_day() {
        let (mut old, mut new, start) = (Timeline::default(), Timeline::default(), Instant::now());
        old.place(&frame(1, 80), start + at(10)).unwrap();
        new.place(&frame(2, 800), start).unwrap();
        let passage = old.passage(&new, start + at(15)).unwrap();
        assert_eq!((passage.from, passage.to, passage.heard_until), (960, 960, 960));
        let passage = new.passage(&old, start + at(15)).unwrap();
        assert_eq!((passage.from, passage.to), (960 + 480, 960));
        old.place(&frame(1, 80 + 400), start + at(1_010)).unwrap();
        let passage = old.passage(&new, start + at(1_010)).unwrap();
        assert_eq!((passage.from, passage.to), (960 + 48_000, 960 + 48_480), "it has paused");
        assert_eq!(passage.heard_until, 960);
    }

    #[test]
    fn what_is_older_than_the_slot_or_hopelessly_late_is_dropped() {
        let (mut timeline, start) = (Timeline::default(), Instant::now());
        timeline.place(&frame(1, 1_000), start).unwrap();
        assert_eq!(timeline.place(&frame(1, 10), start), None);
        timeline.place(&frame(1, 2_000), start + at(2_500)).unwrap();
        assert_eq!(timeline.place(&frame(1, 1_008), start + at(2_500)), None);
    }
}
