//! What a room is told of itself: each kind at its own pace, and always as it is when it is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::command::Command;
use super::ears::Circle;
use super::hub::{Hub, Timer};
use super::order::SeatId;
use super::pace::{Due, Pace, interval};
use super::roster::ParticipantEvent;
use crate::webrtc::RoomKey;

/// Least time between two rosters, and between two queues of hands.
const STAGE_INTERVAL: Duration = Duration::from_millis(200);

/// Least time between two counts: an idle listener of a large room is to cost less than 50 bytes a second.
const COUNTS_INTERVAL: Duration = Duration::from_secs(1);
const COUNTS_INTERVAL_LARGE: Duration = Duration::from_secs(5);

/// From how many listening connections of a room at this edge counts are told more rarely.
const LARGE: usize = 100;

/// Least time between two sums of reactions.
const REACTIONS_INTERVAL: Duration = Duration::from_millis(500);

/// A kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    /// Who is on the stage.
    Roster,
    /// How many listen, how many hands are up.
    Counts,
    /// Whose hands are up.
    Hands,
    /// What the room is called.
    Title,
    /// What was given.
    Reactions,
}

impl News {
    fn interval(self, ears: usize) -> Duration {
        let floor = match self {
            Self::Roster | Self::Hands | Self::Title => STAGE_INTERVAL,
            Self::Counts if ears >= LARGE => COUNTS_INTERVAL_LARGE,
            Self::Counts => COUNTS_INTERVAL,
            Self::Reactions => REACTIONS_INTERVAL,
        };
        interval(floor, ears)
    }

    fn circle(self) -> Circle {
        match self {
            Self::Hands => Circle::Moderators,
            Self::Roster | Self::Counts | Self::Title | Self::Reactions => Circle::Everybody,
        }
    }
}

/// When each kind was told in a room.
#[derive(Debug, Default)]
pub(super) struct Paces(BTreeMap<News, Pace>);

impl Paces {
    fn of(&mut self, news: News) -> &mut Pace {
        self.0.entry(news).or_default()
    }
}

impl Hub {
    /// Something about a room has changed: tell it, now or soon.
    pub(super) fn note(&mut self, key: RoomKey, news: News, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        match room.paces.of(news).note(news.interval(room.ears), now) {
            Due::Now => self.announce(key, news),
            Due::At(at) => self.set_timer(at, Timer::News(key, news)),
            Due::Later => {}
        }
    }

    pub(super) fn fire_news(&mut self, key: RoomKey, news: News, now: Instant) {
        if self.directory.get_mut(key).is_some_and(|room| room.paces.of(news).take(now)) {
            self.announce(key, news);
        }
    }

    fn announce(&mut self, key: RoomKey, news: News) {
        let Some(event) = self.event_of(key, news) else { return };
        self.owe(Command::Announce { room: key, circle: news.circle(), event });
    }

    /// Tells one participant at once, because he is new to this kind of news.
    pub(super) fn tell_at_once(&mut self, seat: SeatId, key: RoomKey, news: News) {
        if let Some(event) = self.event_of(key, news) {
            self.owe(Command::Tell { seat, event });
        }
    }

    fn event_of(&mut self, key: RoomKey, news: News) -> Option<ParticipantEvent> {
        let room = self.directory.get_mut(key)?;
        if news == News::Reactions {
            // Told or not, they are of the moment.
            let applause = std::mem::take(&mut room.applause);
            return Some(ParticipantEvent::Reactions(applause)).filter(|_| room.ears > 0);
        }
        Some(room).filter(|room| room.ears > 0).map(|room| match news {
            News::Roster => ParticipantEvent::Roster(room.roster.clone()),
            News::Counts => ParticipantEvent::Counts(room.counts()),
            News::Hands => ParticipantEvent::Hands(room.hands.clone()),
            News::Title | News::Reactions => ParticipantEvent::Title(room.title()),
        })
    }
}
