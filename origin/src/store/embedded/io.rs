//! The thread that owns the file. redb blocks, and a commit costs a sync of the disk whatever is in it: so
//! all writes that wait are put into one commit, and nobody is answered before it is on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use redb::backends::InMemoryBackend;
use redb::{Database, ReadTransaction, WriteTransaction};
use tokio::sync::oneshot;

use super::tables::{
    APPOINTMENTS, BANS, BLOCKS, FORM, FORM_NOW, HANDS, HERE, HOT, LOG, META, REVOCATIONS, ROOMS,
};
use super::{blocks, hot, revocations, rooms};
use crate::store::error::StoreError;
use crate::store::lease::LeaseBook;
use crate::store::limits::{CALL_LIMIT, GROUP_MAX, QUEUE_MAX};
use crate::store::operation::{Answer, Answering, Kind, Operation, Store};

type Outcome = Result<Answer, StoreError>;
type Request = (Operation, oneshot::Sender<Outcome>);

/// How many waiting writes share a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// All that wait, at most [`GROUP_MAX`].
    Waiting,
    /// Each has its own; for comparison.
    Single,
}

/// The embedded store. Dropping the last of its clones closes the file.
#[derive(Clone, Debug)]
pub struct Embedded {
    requests: Arc<SyncSender<Request>>,
}

impl Embedded {
    /// Opens or creates the file. Blocks until it is checked, which takes long only after a crash.
    ///
    /// # Errors
    /// When another process has it open, it is damaged, of a later version, or cannot be written.
    pub fn open(path: &Path, grouping: Grouping) -> Result<Self, StoreError> {
        let database = open_file(path)?;
        Self::start(Keeper {
            database: Some(database),
            path: Some(path.to_owned()),
            leases: LeaseBook::default(),
            group_max: if grouping == Grouping::Single { 1 } else { GROUP_MAX },
        })
    }

    /// A store without a file, for tests and for nodes that need not remember.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn in_memory() -> Result<Self, StoreError> {
        let database = Database::builder().create_with_backend(InMemoryBackend::new())?;
        prepare(&database)?;
        let leases = LeaseBook::default();
        Self::start(Keeper { database: Some(database), path: None, leases, group_max: GROUP_MAX })
    }

    fn start(mut keeper: Keeper) -> Result<Self, StoreError> {
        let (requests, waiting) = sync_channel(QUEUE_MAX);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || keeper.run(&waiting))
            .map_err(StoreError::unavailable)?;
        Ok(Self { requests: Arc::new(requests) })
    }
}

impl Store for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn keeps(&self, _: Kind) -> bool {
        true
    }

    fn apply(&self, operation: Operation) -> Answering<'_> {
        Box::pin(async move {
            operation.check()?;
            let (answer, answered) = oneshot::channel();
            self.requests.try_send((operation, answer)).map_err(|refused| match refused {
                TrySendError::Full(_) => StoreError::unavailable("too many operations wait"),
                TrySendError::Disconnected(_) => StoreError::unavailable("the store has ended"),
            })?;
            match tokio::time::timeout(CALL_LIMIT, answered).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(StoreError::unavailable("the store has ended")),
                Err(_) => Err(StoreError::Timeout),
            }
        })
    }
}

/// What the thread owns.
struct Keeper {
    /// Absent after an error of the disk, until it can be opened again.
    database: Option<Database>,
    /// Absent in memory.
    path: Option<PathBuf>,
    leases: LeaseBook,
    group_max: usize,
}

impl Keeper {
    /// Ends when all senders are gone.
    fn run(&mut self, waiting: &Receiver<Request>) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            while group.len() < self.group_max {
                let Ok(next) = waiting.try_recv() else { break };
                group.push(next);
            }
            self.serve(group);
        }
    }

    fn serve(&mut self, group: Vec<Request>) {
        if let Err(error) = self.reopen() {
            for (_, answer) in group {
                // Nobody waits any more: then the answer means nothing to anybody.
                let _ = answer.send(Err(error.clone()));
            }
            return;
        }
        let (leases, stored): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|(operation, _)| operation.kind() == Kind::Leases);
        for (operation, answer) in leases {
            let _ = answer.send(self.lease(&operation, Instant::now()));
        }
        let (reads, writes): (Vec<_>, Vec<_>) =
            stored.into_iter().partition(|(operation, _)| operation.reads());
        self.write(writes);
        self.read(reads);
    }

    /// All writes in one commit; the operations that were refused leave nothing in it.
    fn write(&mut self, writes: Vec<Request>) {
        let Some(database) = self.database.as_ref().filter(|_| !writes.is_empty()) else { return };
        let (operations, answers): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let outcomes = commit(database, operations);
        match outcomes {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _ = answer.send(outcome);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the embedded store could not commit; opening it anew");
                // After an error of the disk redb refuses everything until the file is opened again. What
                // stands in memory alone would be lost by that.
                self.database = self.database.take().filter(|_| self.path.is_none());
                // Part of the commit may have reached the disk.
                for answer in answers {
                    let _ = answer.send(Err(StoreError::Timeout));
                }
            }
        }
    }

    fn read(&self, reads: Vec<Request>) {
        let Some(database) = self.database.as_ref().filter(|_| !reads.is_empty()) else { return };
        let reading = redb::ReadableDatabase::begin_read(database);
        for (operation, answer) in reads {
            let outcome = match &reading {
                Ok(reading) => read(reading, &operation),
                Err(error) => Err(StoreError::unavailable(error)),
            };
            let _ = answer.send(outcome);
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        if let (None, Some(path)) = (&self.database, &self.path) {
            self.database = Some(open_file(path)?);
        }
        Ok(())
    }

    fn lease(&mut self, operation: &Operation, now: Instant) -> Outcome {
        match operation {
            Operation::Acquire { node, holder, home, life_ms } => {
                let life = Duration::from_millis(*life_ms);
                self.leases.acquire(node, *holder, home, life, now)?;
            }
            Operation::Renew { node, holder, life_ms } => {
                self.leases.renew(node, *holder, Duration::from_millis(*life_ms), now)?;
            }
            Operation::Release { node, holder } => self.leases.release(node, *holder),
            _ => return Ok(Answer::Leases(self.leases.live(now))),
        }
        Ok(Answer::Done)
    }
}

fn open_file(path: &Path) -> Result<Database, StoreError> {
    let database = Database::create(path).map_err(|error| match StoreError::from(error) {
        StoreError::Unavailable { reason } => {
            StoreError::unavailable(format!("{}: {reason}", path.display()))
        }
        other => other,
    })?;
    prepare(&database)?;
    Ok(database)
}

/// Makes sure that every table exists and is of a form that this version knows.
fn prepare(database: &Database) -> Result<(), StoreError> {
    let writing = database.begin_write()?;
    {
        let mut meta = writing.open_table(META)?;
        let form = redb::ReadableTable::get(&meta, FORM)?.map_or(FORM_NOW, |form| form.value());
        if form > FORM_NOW {
            return Err(StoreError::corrupt("the file was written by a later version"));
        }
        meta.insert(FORM, FORM_NOW)?;
        writing.open_table(ROOMS)?;
        for table in [APPOINTMENTS, BANS, HERE] {
            writing.open_table(table)?;
        }
        writing.open_table(LOG)?;
        writing.open_table(REVOCATIONS)?;
        writing.open_table(BLOCKS)?;
        writing.open_table(HOT)?;
        writing.open_table(HANDS)?;
    }
    writing.commit()?;
    Ok(())
}

fn commit(database: &Database, operations: Vec<Operation>) -> Result<Vec<Outcome>, StoreError> {
    let writing = database.begin_write()?;
    let mut outcomes = Vec::with_capacity(operations.len());
    for operation in operations {
        let outcome = write(&writing, operation);
        if let Err(error @ (StoreError::Unavailable { .. } | StoreError::Timeout)) = outcome {
            // The disk, not the operation: nothing of this transaction can be trusted.
            return Err(error);
        }
        outcomes.push(outcome);
    }
    writing.commit()?;
    Ok(outcomes)
}

fn write(writing: &WriteTransaction, operation: Operation) -> Outcome {
    match operation {
        Operation::Create(record) => rooms::create(writing, *record),
        Operation::Claim { room, before, next } => rooms::claim(writing, &room, &before, next),
        Operation::Change { room, epoch, change } => rooms::change(writing, &room, epoch, change),
        Operation::Trim { room, before_ms } => rooms::trim(writing, &room, before_ms),
        Operation::Erase { room, epoch } => rooms::erase(writing, &room, epoch),
        Operation::Note { room, epoch, changes } => hot::note(writing, &room, epoch, &changes),
        Operation::Dissolve { room, epoch } => hot::dissolve(writing, &room, epoch),
        Operation::Forget(room) => hot::forget(writing, &room),
        Operation::Revoke(kept) => revocations::revoke(writing, &kept),
        Operation::Unrevoke { id } => revocations::unrevoke(writing, &id),
        Operation::Block(kept) => blocks::block(writing, &kept),
        Operation::Unblock(key) => blocks::unblock(writing, &key),
        other => Err(StoreError::Unsupported { kind: other.kind().label() }),
    }
}

fn read(reading: &ReadTransaction, operation: &Operation) -> Outcome {
    match operation {
        Operation::Room(room) => rooms::room(reading, room),
        Operation::Rooms { after, limit } => rooms::page(reading, after.as_ref(), *limit),
        Operation::Appointments { room, after, limit } => {
            rooms::appointments(reading, room, after, *limit)
        }
        Operation::Bans { room, after, limit } => rooms::bans(reading, room, after, *limit),
        Operation::Log { room, after, limit } => rooms::log(reading, room, *after, *limit),
        Operation::Hot(room) => hot::hot(reading, room),
        Operation::Revocations { after, limit } => revocations::page(reading, after, *limit),
        Operation::Blocks { after, limit } => blocks::page(reading, after.as_deref(), *limit),
        Operation::HotRooms { after, limit } => hot::page(reading, after.as_ref(), *limit),
        other => Err(StoreError::Unsupported { kind: other.kind().label() }),
    }
}
