//! Everything that is kept of one room, as it is read when an origin takes it.

use crate::store::hot::HotRoom;
use crate::store::record::{Appointment, Ban, LogEntry, RoomRecord};

/// Everything that is kept of a room.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its record.
    pub record: RoomRecord,
    /// Roles by identity.
    pub appointments: Vec<Appointment>,
    /// Who is kept out.
    pub bans: Vec<Ban>,
    /// The newest entries of its log, in order.
    pub log: Vec<LogEntry>,
    /// Who was there.
    pub hot: HotRoom,
}

impl Kept {
    /// A room of which nothing but its record is known.
    #[must_use]
    pub fn bare(record: RoomRecord) -> Self {
        let (appointments, bans, log) = (Vec::new(), Vec::new(), Vec::new());
        Self { record, appointments, bans, log, hot: HotRoom::default() }
    }
}
