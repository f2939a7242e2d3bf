//! Writes in the order of each room. What makes a room or changes its owner is asked of the store until it has
//! answered, and whatever else is to be written of that room waits for it; the rest goes through the journals.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use stoa_protocol::ids::{NodeId, RoomId};
use tokio::sync::{mpsc, oneshot};

use crate::store::{
    Answer, Kept, KeptBlock, KeptRevocation, Kind as StoredKind, Operation, Ownership, PAGE_MAX,
    Receipt, RoomRecord, StoreError, Stores,
};

/// For how long an answer to an edge waits until what it acknowledges is stored. Beyond it the store counts as away:
/// the change waits in a journal, and the room goes on.
pub const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(500);

/// Pauses between two attempts while the store is away.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Writes of one room that wait until it is made or claimed; more are dropped and told.
const WAITING_MAX: usize = 10_000;

/// What a store has said of a write.
pub type Stored = Result<(), StoreError>;

/// Writes down what changes.
#[derive(Clone, Debug)]
pub struct Scribe {
    stores: Arc<Stores>,
    /// Rooms that are being made or claimed, with what waits for that.
    openings: Arc<Mutex<BTreeMap<RoomId, Waiting>>>,
    /// Who hears of openings. At most one of each room is under way.
    told: Option<mpsc::UnboundedSender<Opened>>,
}

type Waiting = VecDeque<(Operation, oneshot::Sender<Stored>)>;

/// What became of a write that makes a room, claims it or erases it.
#[derive(Debug)]
pub struct Opened {
    /// The write.
    pub operation: Operation,
    /// What the store said at last.
    pub outcome: Stored,
}

/// Tells when a write is stored; the write goes on without it.
#[derive(Debug)]
pub struct Promise(Kind);

#[derive(Debug)]
enum Kind {
    Journal(Receipt),
    Opening(oneshot::Receiver<Stored>),
    Refused(StoreError),
}

impl Promise {
    /// Waits until the write has ended.
    ///
    /// # Errors
    /// When the store refused it for good, or the origin ends first.
    pub async fn kept(self) -> Stored {
        match self.0 {
            Kind::Journal(receipt) => receipt.stored().await,
            Kind::Opening(told) => {
                let ended = StoreError::Unavailable { reason: "the origin has ended".to_owned() };
                told.await.unwrap_or(Err(ended))
            }
            Kind::Refused(error) => Err(error),
        }
    }
}

impl Scribe {
    /// Into these stores.
    #[must_use]
    pub fn new(stores: Arc<Stores>) -> Self {
        Self { stores, openings: Arc::default(), told: None }
    }

    /// From now on, what became of each opening is told here.
    pub fn opened(&mut self) -> mpsc::UnboundedReceiver<Opened> {
        let (told, opened) = mpsc::unbounded_channel();
        self.told = Some(told);
        opened
    }

    /// The stores.
    #[must_use]
    pub fn stores(&self) -> &Arc<Stores> {
        &self.stores
    }

    /// Changes each time the store of who is here has come back with an older copy.
    #[must_use]
    pub fn found(&self) -> tokio::sync::watch::Receiver<u64> {
        self.stores.found()
    }

    /// Asks the stores, now; what waits in a journal is not seen.
    ///
    /// # Errors
    /// As the store says.
    pub async fn ask(&self, operation: Operation) -> Result<Answer, StoreError> {
        self.stores.ask(operation).await
    }

    /// Writes something down, after everything else that was given for its room.
    ///
    /// # Panics
    /// Outside a tokio runtime, as [`tokio::spawn`] does.
    pub fn write(&self, operation: Operation) -> Promise {
        let of_no_room = matches!(operation.kind(), StoredKind::Revocations | StoredKind::Blocks);
        if of_no_room && !operation.reads() {
            let written = self.stores.write(operation);
            return Promise(written.map_or_else(Kind::Refused, Kind::Journal));
        }
        let Some(room) = operation.room().cloned() else {
            return Promise(Kind::Refused(StoreError::Unsupported {
                kind: "writes without a room",
            }));
        };
        let mut openings = lock(&self.openings);
        let opens = operation.opens();
        if !opens && !openings.contains_key(&room) {
            return Promise(match self.stores.write(operation) {
                Ok(receipt) => Kind::Journal(receipt),
                Err(error) => Kind::Refused(error),
            });
        }
        let (told, promise) = oneshot::channel();
        if let Some(waiting) = openings.get_mut(&room) {
            if waiting.len() >= WAITING_MAX {
                let found = waiting.len() as u64;
                let max = WAITING_MAX as u64;
                let limit = StoreError::Limit { what: "what waits for a room", found, max };
                return Promise(Kind::Refused(limit));
            }
            waiting.push_back((operation, told));
        } else {
            openings.insert(room.clone(), VecDeque::from([(operation, told)]));
            tokio::spawn(self.clone().open(room));
        }
        Promise(Kind::Opening(promise))
    }

    /// Works off what waits for a room, in order.
    async fn open(self, room: RoomId) {
        loop {
            let next = {
                let mut openings = lock(&self.openings);
                let next = openings.get_mut(&room).and_then(VecDeque::pop_front);
                if next.is_none() {
                    openings.remove(&room);
                }
                next
            };
            let Some((operation, told)) = next else { return };
            if operation.opens() {
                let outcome = self.insist(operation.clone()).await;
                if let Err(error) = &outcome {
                    tracing::warn!(%room, %error, operation = operation.label(), "refused by the store");
                }
                if let Some(told) = &self.told {
                    // Whoever listens may have ended.
                    let _ = told.send(Opened { operation, outcome: outcome.clone() });
                }
                // Nobody may wait for it.
                let _ = told.send(outcome);
                continue;
            }
            match self.stores.write(operation) {
                Ok(receipt) => {
                    tokio::spawn(async move { told.send(receipt.stored().await) });
                }
                Err(error) => {
                    let _ = told.send(Err(error));
                }
            }
        }
    }

    /// Whether an earlier try, of which no answer came, has done it.
    async fn has_happened(&self, operation: &Operation) -> Result<bool, StoreError> {
        Ok(match operation {
            Operation::Create(record) => {
                owner_of(&self.stores, &record.room).await?.as_ref() == Some(&record.ownership)
            }
            Operation::Claim { room, next, .. } => {
                owner_of(&self.stores, room).await?.as_ref() == Some(next)
            }
            Operation::Erase { room, .. } => owner_of(&self.stores, room).await?.is_none(),
            _ => false,
        })
    }

    /// Who answers for a room, as the store has it.
    ///
    /// # Errors
    /// As the store says.
    pub async fn ownership(&self, room: &RoomId) -> Result<Option<Ownership>, StoreError> {
        owner_of(&self.stores, room).await
    }

    /// Asks until the store has answered. What may have happened unseen is looked for: a room that is there already
    /// with this very owner, an owner that is the owner already.
    async fn insist(&self, operation: Operation) -> Stored {
        let mut pause = PAUSE_MIN;
        let mut unknown = false;
        let erases = matches!(operation, Operation::Erase { .. });
        loop {
            match self.stores.ask(operation.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_transient() => {
                    unknown |= error == StoreError::Timeout;
                    tracing::debug!(%error, "the store is away");
                }
                Err(error) if unknown => match self.has_happened(&operation).await {
                    Ok(true) => return Ok(()),
                    Ok(false) => return Err(error),
                    Err(_) => {}
                },
                // Retention was faster.
                Err(StoreError::Absent) if erases => return Ok(()),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

async fn owner_of(stores: &Stores, room: &RoomId) -> Result<Option<Ownership>, StoreError> {
    match stores.ask(Operation::Room(room.clone())).await? {
        Answer::Room(Some(record)) => Ok(Some(record.ownership)),
        _ => Ok(None),
    }
}

/// Reads everything that is kept of the rooms of `node`, and of those without an owner; of others' the records alone.
///
/// # Errors
/// When the store cannot be read.
pub async fn load(stores: &Stores, node: &NodeId) -> anyhow::Result<Vec<Kept>> {
    let mut all = Vec::new();
    for record in records(stores).await? {
        let foreign = record.ownership.owner.as_ref().is_some_and(|owner| owner != node);
        let over = record.closed_ms.is_some();
        all.push(if foreign || over {
            Kept::bare(record)
        } else {
            load_room(stores, record).await?
        });
    }
    Ok(all)
}

/// Reads the records of all rooms.
///
/// # Errors
/// When the store cannot be read.
pub async fn records(stores: &Stores) -> anyhow::Result<Vec<RoomRecord>> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let records = match ask(stores, Operation::Rooms { after, limit: PAGE_MAX }).await? {
            Answer::Rooms(records) => records,
            _ => Vec::new(),
        };
        let more = records.len() >= usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
        after = records.last().map(|record| record.room.clone());
        all.extend(records);
        if !more {
            return Ok(all);
        }
    }
}

/// Reads all revocations.
///
/// # Errors
/// When the store cannot be read.
pub async fn load_revocations(stores: &Stores) -> anyhow::Result<Vec<KeptRevocation>> {
    let mut all: Vec<KeptRevocation> = Vec::new();
    loop {
        let after = all.last().map(|kept| kept.id.clone()).unwrap_or_default();
        let page = ask(stores, Operation::Revocations { after, limit: PAGE_MAX }).await?;
        let Answer::Revocations(page) = page else { return Ok(all) };
        let more = page.len() >= usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

/// Reads all blocks.
///
/// # Errors
/// When the store cannot be read.
pub async fn load_blocks(stores: &Stores) -> anyhow::Result<Vec<KeptBlock>> {
    let mut all: Vec<KeptBlock> = Vec::new();
    loop {
        let after = all.last().map(|kept| Box::new(kept.key.clone()));
        let page = ask(stores, Operation::Blocks { after, limit: PAGE_MAX }).await?;
        let Answer::Blocks(page) = page else { return Ok(all) };
        let more = page.len() >= usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

/// Reads everything that is kept of one room; `None` when it is not in the store.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(stores: &Stores, room: &RoomId) -> anyhow::Result<Option<Kept>> {
    match ask(stores, Operation::Room(room.clone())).await? {
        Answer::Room(Some(record)) => load_room(stores, *record).await.map(Some),
        _ => Ok(None),
    }
}

async fn load_room(stores: &Stores, record: RoomRecord) -> anyhow::Result<Kept> {
    let mut kept = Kept::bare(record.clone());
    let room = &record.room;
    let limit = PAGE_MAX;
    let full = |length: usize| length > 0 && length.is_multiple_of(limit as usize);
    loop {
        let after = kept.appointments.last().map(|one| one.identity.clone()).unwrap_or_default();
        let page =
            ask(stores, Operation::Appointments { room: room.clone(), after, limit }).await?;
        let Answer::Appointments(page) = page else { break };
        let (empty, before) = (page.is_empty(), kept.appointments.len());
        kept.appointments.extend(page);
        if empty || !full(kept.appointments.len() - before) {
            break;
        }
    }
    loop {
        let after = kept.bans.last().map(|one| one.identity.clone()).unwrap_or_default();
        let page = ask(stores, Operation::Bans { room: room.clone(), after, limit }).await?;
        let Answer::Bans(page) = page else { break };
        let (empty, before) = (page.is_empty(), kept.bans.len());
        kept.bans.extend(page);
        if empty || !full(kept.bans.len() - before) {
            break;
        }
    }
    let after = record.log_end.saturating_sub(u64::from(limit));
    if let Answer::Log(log) =
        ask(stores, Operation::Log { room: room.clone(), after, limit }).await?
    {
        kept.log = log;
    }
    if let Answer::Hot(Some(hot)) = ask(stores, Operation::Hot(room.clone())).await? {
        kept.hot = hot;
    }
    Ok(kept)
}

async fn ask(stores: &Stores, operation: Operation) -> anyhow::Result<Answer> {
    stores.ask(operation).await.context("the rooms cannot be read from the store")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in it is changed in single steps.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
