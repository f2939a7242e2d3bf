//! What the server runs, so that a condition and its write cannot be parted; and how changes travel to it.
//!
//! Keys: 1 the guard (marker of the generation, or the lock of who restores), 2 the index of rooms, 3 the room's
//! epoch, 4 who is here (hash of JSON by id), 5 raised hands (hash of places by id), last the writer's connection.

use crate::store::error::StoreError;
use crate::store::hot::HotChange;

/// Before each script. The first argument must stand under the guard. The last one is the number of the writer's
/// connection: what arrives on one that was given up, perhaps after its server was frozen, comes too late, because
/// the writer has repeated it on a newer connection.
pub(super) const PROLOGUE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'wiped'} end
local newest = redis.call('GET', KEYS[#KEYS])
if newest and tonumber(newest) > tonumber(ARGV[#ARGV]) then return {'late'} end
";

/// Arguments: guard, epoch, life in ms, room, most participants, then kind, id and value of each change.
pub(super) const NOTE: &str = r"
local stored = redis.call('GET', KEYS[3])
if stored and tonumber(stored) > tonumber(ARGV[2]) then return {'fenced', stored} end
local after = {}
for i = 6, #ARGV - 1, 3 do
    if ARGV[i] == 'h' then after[ARGV[i + 1]] = 1 elseif ARGV[i] == 'g' then after[ARGV[i + 1]] = 0 end
end
local count = redis.call('HLEN', KEYS[4])
for id, here in pairs(after) do count = count + here - redis.call('HEXISTS', KEYS[4], id) end
if count > tonumber(ARGV[5]) then return {'limit', tostring(count)} end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[4])
for i = 6, #ARGV - 1, 3 do
    local kind, id, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if kind == 'h' then redis.call('HSET', KEYS[4], id, value)
    elseif kind == 'g' then redis.call('HDEL', KEYS[4], id); redis.call('HDEL', KEYS[5], id)
    elseif kind == 'l' then redis.call('HDEL', KEYS[5], id)
    elseif redis.call('HEXISTS', KEYS[4], id) == 1 then redis.call('HSET', KEYS[5], id, value) end
end
redis.call('PEXPIRE', KEYS[4], ARGV[3])
redis.call('PEXPIRE', KEYS[5], ARGV[3])
return {'done'}
";

/// Arguments: guard, epoch, life in ms, room.
pub(super) const DISSOLVE: &str = r"
local stored = redis.call('GET', KEYS[3])
if stored and tonumber(stored) > tonumber(ARGV[2]) then return {'fenced', stored} end
redis.call('DEL', KEYS[4], KEYS[5])
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[4])
return {'done'}
";

/// Arguments: guard, epoch (unused), life (unused), room.
pub(super) const FORGET: &str = r"
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[2], ARGV[4])
return {'done'}
";

/// Arguments: guard. Returns epoch, values of the first hash, then pairs of the second.
pub(super) const HOT: &str = r"
local stored = redis.call('GET', KEYS[3])
if not stored then return {'absent'} end
return {'hot', stored, redis.call('HVALS', KEYS[4]), redis.call('HGETALL', KEYS[5])}
";

/// Keys: guard, index. Arguments: guard, where the page begins, its length, prefix of the rooms' epochs.
/// Rooms whose state has expired are taken off the index on the way.
pub(super) const PAGE: &str = r"
local page, from, limit = {}, ARGV[2], tonumber(ARGV[3])
while #page < limit do
    local found = redis.call('ZRANGEBYLEX', KEYS[2], from, '+', 'LIMIT', 0, limit)
    if #found == 0 then break end
    for _, room in ipairs(found) do
        if redis.call('EXISTS', ARGV[4] .. room) == 0 then redis.call('ZREM', KEYS[2], room)
        elseif #page < limit then page[#page + 1] = room end
        from = '(' .. room
    end
end
return {'page', page}
";

/// Keys: the lock. Arguments: its token, life in ms.
pub(super) const KEEP_LOCK: &str = r"
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'done'}
";

/// Keys: the lock, the marker. Arguments: the lock's token, which becomes the generation.
pub(super) const FINISH: &str = r"
redis.call('SET', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
return {'done'}
";

/// A change as three arguments: kind, id, value.
pub(super) fn arguments(change: &HotChange) -> Result<[String; 3], StoreError> {
    let id = change.participant().as_str().to_owned();
    Ok(match change {
        HotChange::Here(present) => {
            let value = serde_json::to_string(present)
                .map_err(|_| StoreError::corrupt("a participant cannot be written"))?;
            ["h".to_owned(), id, value]
        }
        HotChange::Gone(_) => ["g".to_owned(), id, String::new()],
        HotChange::Raise { place, .. } => ["r".to_owned(), id, place.to_string()],
        HotChange::Lower(_) => ["l".to_owned(), id, String::new()],
    })
}

/// The keys of everything under one prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The marker: its value is the generation of what the server remembers.
    pub(super) fn generation(&self) -> String {
        format!("{}:generation", self.prefix)
    }

    /// Held by who restores.
    pub(super) fn restoring(&self) -> String {
        format!("{}:restoring", self.prefix)
    }

    /// The number of the newest connection of one process.
    pub(super) fn writer(&self, process: &str) -> String {
        format!("{}:writer:{process}", self.prefix)
    }

    pub(super) fn index(&self) -> String {
        format!("{}:rooms", self.prefix)
    }

    /// What stands before the room in the key of its epoch.
    pub(super) fn epochs(&self) -> String {
        format!("{}:epoch:", self.prefix)
    }

    /// Epoch, who is here, hands.
    pub(super) fn room(&self, room: &str) -> [String; 3] {
        let prefix = &self.prefix;
        [
            format!("{}{room}", self.epochs()),
            format!("{prefix}:here:{room}"),
            format!("{prefix}:hands:{room}"),
        ]
    }
}
