//! What the room side may change of a session while it lasts, wherever the session is.

use super::Class;
use super::session::Session;
use crate::media::PacketLength;

/// A change; the last one of each kind is what holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Lets his frames in, or not.
    Muted(bool),
    /// Puts him on the stage, or takes him off.
    Stage(bool),
    /// Makes his packets as long as this, whenever he is in the audience.
    Length(PacketLength),
}

impl Change {
    /// Keeps the last change of each kind, so that there are never more than kinds.
    pub(super) fn add_to(self, changes: &mut Vec<Self>) {
        changes.retain(|old| std::mem::discriminant(old) != std::mem::discriminant(&self));
        changes.push(self);
    }
}

impl Session {
    /// Changes what is said of the session itself; where it is played to is the caller's to follow.
    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::Muted(muted) => {
                if self.muted && !muted {
                    self.resume();
                }
                self.muted = muted;
            }
            Change::Length(length) => self.audience_length = length,
            Change::Stage(on) => {
                let class = if on { Class::Stage } else { Class::Audience };
                if on && class != self.class {
                    self.resume();
                }
                self.class = class;
            }
        }
        self.booking.change(self.length());
    }

    /// Length of its packets: the stage hears the shortest ones, because delay matters most there.
    pub(super) fn length(&self) -> PacketLength {
        match self.class {
            Class::Stage => PacketLength::Ms20,
            Class::Audience => self.audience_length,
        }
    }

    fn resume(&mut self) {
        if let Some(microphone) = &mut self.microphone {
            microphone.resume();
        }
    }
}
