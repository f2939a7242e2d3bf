//! The store on the connection. It speaks only to the generation of data that it knows; see `restoration`.

use std::sync::{Arc, PoisonError, RwLock};

use redis::{FromRedisValue, Script, Value};
use stoa_protocol::ids::{ParticipantId, RoomId};
use tokio::sync::Notify;

use super::connection::Connection;
use crate::store::config::RedisConfig;
use crate::store::error::StoreError;
use crate::store::hot::{Hand, HotRoom, Present};
use crate::store::limits::{HOT_LIFE, PARTICIPANTS_MAX};
use crate::store::operation::{Answer, Answering, Kind, Operation, Store};
use crate::store::redis::scripts::{self, DISSOLVE, FORGET, HOT, Keys, NOTE, PAGE, PROLOGUE};

/// Hot state in Redis. Clones share one connection.
#[derive(Clone, Debug)]
pub struct Redis {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connection: Connection,
    pub(super) keys: Keys,
    /// The generation that this process speaks to; none before the first, and after a loss.
    generation: RwLock<Option<String>>,
    /// Told when a call has found another generation, or none.
    pub(super) lost: Notify,
}

/// What must stand under which key for a script to do anything.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) key: String,
    pub(super) value: String,
}

impl Redis {
    /// Nothing is connected yet; see [`Redis::adopt_or_restore`].
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub fn new(config: &RedisConfig) -> Result<Self, StoreError> {
        let keys = Keys::new(&config.prefix);
        let process = format!("{:032x}", rand::random::<u128>());
        let shared = Shared {
            connection: Connection::new(config.url.expose(), keys.writer(&process))?,
            keys,
            generation: RwLock::new(None),
            lost: Notify::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(super) fn know(&self, generation: Option<String>) {
        let mut known = self.shared.generation.write().unwrap_or_else(PoisonError::into_inner);
        *known = generation;
    }

    pub(super) fn known(&self) -> Option<String> {
        self.shared.generation.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does what is asked, if the guard stands.
    pub(super) async fn guarded(
        &self,
        guard: &Guard,
        operation: Operation,
    ) -> Result<Answer, StoreError> {
        let life = HOT_LIFE.as_millis().to_string();
        match operation {
            Operation::Note { room, epoch, changes } => {
                let mut arguments =
                    vec![epoch.to_string(), life, room.to_string(), PARTICIPANTS_MAX.to_string()];
                for change in &changes {
                    arguments.extend(scripts::arguments(change)?);
                }
                self.run(NOTE, guard, &room, arguments).await.and_then(written)
            }
            Operation::Dissolve { room, epoch } => {
                let arguments = vec![epoch.to_string(), life, room.to_string()];
                self.run(DISSOLVE, guard, &room, arguments).await.and_then(written)
            }
            Operation::Forget(room) => {
                let arguments = vec![String::new(), life, room.to_string()];
                self.run(FORGET, guard, &room, arguments).await.and_then(written)
            }
            Operation::Hot(room) => {
                let answer = self.run(HOT, guard, &room, vec![]).await?;
                hot(&answer)
            }
            Operation::HotRooms { after, limit } => self.page(guard, after, limit).await,
            other => Err(StoreError::Unsupported { kind: other.kind().label() }),
        }
    }

    async fn run(
        &self,
        script: &str,
        guard: &Guard,
        room: &RoomId,
        arguments: Vec<String>,
    ) -> Result<Vec<Value>, StoreError> {
        let mut keys = vec![guard.key.clone(), self.shared.keys.index()];
        keys.extend(self.shared.keys.room(room.as_str()));
        self.invoke(script, guard, keys, arguments).await
    }

    async fn page(
        &self,
        guard: &Guard,
        after: Option<RoomId>,
        limit: u32,
    ) -> Result<Answer, StoreError> {
        let from = after.map_or_else(|| "-".to_owned(), |room| format!("({room}"));
        let keys = vec![guard.key.clone(), self.shared.keys.index()];
        let arguments = vec![from, limit.to_string(), self.shared.keys.epochs()];
        let answer = self.invoke(PAGE, guard, keys, arguments).await?;
        let rooms: Vec<String> = part(&answer, 1)?;
        let rooms = rooms.into_iter().map(|room| RoomId::new(room).map_err(StoreError::corrupt));
        Ok(Answer::HotRooms(rooms.collect::<Result<_, _>>()?))
    }

    pub(super) async fn invoke(
        &self,
        script: &str,
        guard: &Guard,
        keys: Vec<String>,
        arguments: Vec<String>,
    ) -> Result<Vec<Value>, StoreError> {
        let script = Script::new(&format!("{PROLOGUE}{script}"));
        let mut invocation = script.prepare_invoke();
        let connection = &self.shared.connection;
        invocation.key(keys).key(connection.writer()).arg(&guard.value).arg(arguments);
        let answer = connection
            .call(async |connection, number| {
                invocation.arg(number);
                invocation.invoke_async(connection).await
            })
            .await?;
        let answer = Vec::<Value>::from_redis_value(answer)
            .map_err(|_| StoreError::corrupt("an answer of Redis"))?;
        match part::<String>(&answer, 0)?.as_str() {
            "wiped" => {
                self.know(None);
                self.shared.lost.notify_one();
                Err(empty())
            }
            "late" => Err(StoreError::Timeout),
            "fenced" => Err(StoreError::Fenced { stored: number(&part::<String>(&answer, 1)?)? }),
            "limit" => Err(StoreError::Limit {
                what: "the number of participants",
                found: number(&part::<String>(&answer, 1)?)?,
                max: PARTICIPANTS_MAX.into(),
            }),
            _ => Ok(answer),
        }
    }
}

impl Store for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn keeps(&self, kind: Kind) -> bool {
        kind == Kind::Hot
    }

    fn apply(&self, operation: Operation) -> Answering<'_> {
        Box::pin(async move {
            operation.check()?;
            let Some(value) = self.known() else {
                self.shared.lost.notify_one();
                return Err(empty());
            };
            let guard = Guard { key: self.shared.keys.generation(), value };
            self.guarded(&guard, operation).await
        })
    }
}

fn empty() -> StoreError {
    StoreError::unavailable("Redis has lost its memory, or was never filled; it is being restored")
}

fn written(_: Vec<Value>) -> Result<Answer, StoreError> {
    Ok(Answer::Done)
}

fn hot(answer: &[Value]) -> Result<Answer, StoreError> {
    if part::<String>(answer, 0)? == "absent" {
        return Ok(Answer::Hot(None));
    }
    let mut state = HotRoom { epoch: number(&part::<String>(answer, 1)?)?, ..HotRoom::default() };
    for json in part::<Vec<String>>(answer, 2)? {
        let present: Present =
            serde_json::from_str(&json).map_err(|_| StoreError::corrupt("a participant"))?;
        state.present.push(present);
    }
    for (participant, place) in part::<Vec<(String, String)>>(answer, 3)? {
        let participant = ParticipantId::new(participant).map_err(StoreError::corrupt)?;
        state.hands.push(Hand { place: number(&place)?, participant });
    }
    Ok(Answer::Hot(Some(state.sorted())))
}

fn part<T: FromRedisValue>(answer: &[Value], index: usize) -> Result<T, StoreError> {
    let unreadable = || StoreError::corrupt("an answer of Redis");
    let value = answer.get(index).ok_or_else(unreadable)?;
    T::from_redis_value_ref(value).map_err(|_| unreadable())
}

fn number(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt("a number in Redis"))
}
