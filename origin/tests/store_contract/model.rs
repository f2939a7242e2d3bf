//! What a store should answer, in the plainest way: maps in memory, and no thought of speed.

use std::collections::BTreeMap;

use stoa_origin::store::{
    Answer, Appointment, Ban, Hand, HotChange, HotRoom, LogEntry, Operation, Present, RoomChange,
    RoomRecord, StoreError,
};
use stoa_protocol::ids::{ParticipantId, Role, RoomId};

type Outcome = Result<Answer, StoreError>;

#[derive(Debug, Default)]
pub(crate) struct Model {
    rooms: BTreeMap<RoomId, Room>,
    hot: BTreeMap<RoomId, Hot>,
}

#[derive(Debug)]
struct Room {
    record: RoomRecord,
    appointments: BTreeMap<String, Role>,
    bans: BTreeMap<String, Ban>,
    log: BTreeMap<u64, LogEntry>,
}

#[derive(Debug, Default)]
struct Hot {
    epoch: u64,
    here: BTreeMap<ParticipantId, Present>,
    hands: BTreeMap<ParticipantId, u64>,
}

impl Model {
    pub(crate) fn apply(&mut self, operation: &Operation) -> Outcome {
        operation.check()?;
        match operation.clone() {
            Operation::Create(record) => self.create(*record),
            Operation::Claim { room, before, next } => {
                let room = self.fenced(&room, before.epoch)?;
                if room.record.ownership.owner != before.owner {
                    return Err(StoreError::Conflict { what: "the room has another owner" });
                }
                if room.record.ownership.standby != before.standby {
                    return Err(StoreError::Conflict { what: "the room has another standby" });
                }
                room.record.ownership = next;
                room.record.revision += 1;
                Ok(Answer::Done)
            }
            Operation::Change { room, epoch, change } => {
                self.fenced(&room, epoch)?.change(change);
                Ok(Answer::Done)
            }
            Operation::Trim { room, before_ms } => {
                let Some(room) = self.rooms.get_mut(&room) else { return Ok(Answer::Trimmed(0)) };
                let old = room.log.values().take_while(|entry| entry.at_ms < before_ms);
                let old: Vec<u64> = old.map(|entry| entry.sequence).collect();
                room.log.retain(|sequence, _| !old.contains(sequence));
                Ok(Answer::Trimmed(u32::try_from(old.len()).unwrap()))
            }
            Operation::Erase { room, epoch } => {
                self.fenced(&room, epoch)?;
                self.rooms.remove(&room);
                Ok(Answer::Done)
            }
            other => match self.read(&other) {
                Some(answer) => Ok(answer),
                None => self.hot(other),
            },
        }
    }

    fn create(&mut self, record: RoomRecord) -> Outcome {
        if self.rooms.contains_key(&record.room) {
            return Err(StoreError::Conflict { what: "the room exists already" });
        }
        let room = Room {
            record: RoomRecord { revision: 1, log_end: 0, ..record.clone() },
            appointments: BTreeMap::new(),
            bans: BTreeMap::new(),
            log: BTreeMap::new(),
        };
        self.rooms.insert(record.room, room);
        Ok(Answer::Done)
    }

    fn fenced(&mut self, room: &RoomId, epoch: u64) -> Result<&mut Room, StoreError> {
        let room = self.rooms.get_mut(room).ok_or(StoreError::Absent)?;
        let stored = room.record.ownership.epoch;
        if stored > epoch {
            return Err(StoreError::Fenced { stored });
        }
        if stored < epoch {
            return Err(StoreError::Conflict { what: "the epoch is newer than the room's" });
        }
        Ok(room)
    }

    /// The answer to a question about rooms; none to anything else.
    fn read(&self, operation: &Operation) -> Option<Answer> {
        Some(match operation {
            Operation::Room(room) => {
                Answer::Room(self.rooms.get(room).map(|room| Box::new(room.record.clone())))
            }
            Operation::Rooms { after, limit } => {
                let behind = self.rooms.values().filter(|r| after.as_ref() < Some(&r.record.room));
                Answer::Rooms(behind.take(*limit as usize).map(|r| r.record.clone()).collect())
            }
            Operation::Appointments { room, after, limit } => {
                let all = self.rooms.get(room).into_iter().flat_map(|room| &room.appointments);
                let page = all.filter(|(identity, _)| *identity > after).take(*limit as usize);
                let page = page.map(|(identity, role)| Appointment {
                    identity: identity.clone(),
                    role: *role,
                });
                Answer::Appointments(page.collect())
            }
            Operation::Bans { room, after, limit } => {
                let all = self.rooms.get(room).into_iter().flat_map(|room| room.bans.values());
                let page = all.filter(|ban| ban.identity > *after).take(*limit as usize);
                Answer::Bans(page.cloned().collect())
            }
            Operation::Log { room, after, limit } => {
                let all = self.rooms.get(room).into_iter().flat_map(|room| room.log.values());
                let page = all.filter(|entry| entry.sequence > *after).take(*limit as usize);
                Answer::Log(page.cloned().collect())
            }
            _ => return None,
        })
    }

    fn hot(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::Note { room, epoch, changes } => {
                self.unfenced(&room, epoch)?;
                let hot = self.hot.entry(room).or_default();
                hot.epoch = epoch;
                changes.into_iter().for_each(|change| hot.change(change));
            }
            Operation::Dissolve { room, epoch } => {
                self.unfenced(&room, epoch)?;
                self.hot.insert(room, Hot { epoch, ..Hot::default() });
            }
            Operation::Forget(room) => {
                self.hot.remove(&room);
            }
            Operation::Hot(room) => return Ok(Answer::Hot(self.hot.get(&room).map(Hot::whole))),
            Operation::HotRooms { after, limit } => {
                let behind = self.hot.keys().filter(|room| after.as_ref() < Some(room));
                return Ok(Answer::HotRooms(behind.take(limit as usize).cloned().collect()));
            }
            other => panic!("the model knows nothing of {other:?}"),
        }
        Ok(Answer::Done)
    }

    fn unfenced(&self, room: &RoomId, epoch: u64) -> Result<(), StoreError> {
        match self.hot.get(room) {
            Some(hot) if hot.epoch > epoch => Err(StoreError::Fenced { stored: hot.epoch }),
            _ => Ok(()),
        }
    }
}

impl Room {
    fn change(&mut self, change: RoomChange) {
        match change {
            RoomChange::Settings(settings) => {
                self.record.settings = settings;
                self.record.revision += 1;
            }
            RoomChange::Close { at_ms } => {
                if self.record.closed_ms.is_none() {
                    self.record.closed_ms = Some(at_ms);
                    self.record.revision += 1;
                }
            }
            RoomChange::Appoint { identity, role: Some(role) } => {
                self.appointments.insert(identity, role);
            }
            RoomChange::Appoint { identity, role: None } => {
                self.appointments.remove(&identity);
            }
            RoomChange::Ban(ban) => {
                self.bans.insert(ban.identity.clone(), ban);
            }
            RoomChange::Unban { identity } => {
                self.bans.remove(&identity);
            }
            RoomChange::Amend(entries) => {
                for entry in entries {
                    self.log.entry(entry.sequence).and_modify(|kept| *kept = entry);
                }
            }
            RoomChange::Append(entries) => {
                for entry in entries {
                    if entry.sequence > self.record.log_end {
                        self.record.log_end = entry.sequence;
                        self.log.insert(entry.sequence, entry);
                    }
                }
            }
        }
    }
}

impl Hot {
    fn change(&mut self, change: HotChange) {
        match change {
            HotChange::Here(present) => {
                self.here.insert(present.id.clone(), present);
            }
            HotChange::Gone(id) => {
                self.here.remove(&id);
                self.hands.remove(&id);
            }
            HotChange::Raise { participant, place } => {
                if self.here.contains_key(&participant) {
                    self.hands.insert(participant, place);
                }
            }
            HotChange::Lower(id) => {
                self.hands.remove(&id);
            }
        }
    }

    fn whole(&self) -> HotRoom {
        let hands = self.hands.iter();
        let hands = hands.map(|(id, place)| Hand { place: *place, participant: id.clone() });
        let mut hands: Vec<Hand> = hands.collect();
        hands.sort();
        HotRoom { epoch: self.epoch, present: self.here.values().cloned().collect(), hands }
    }
}
