//! Tables, migrations, statements. Rows of a room carry its `life`, drawn anew when the room is created or emptied:
//! what an interrupted removal leaves behind belongs to a life that nobody reads.

/// Each is applied once, in order. Never change one that has been released; add another.
pub(super) const MIGRATIONS: [&[&str]; 4] = [
    &[
        "CREATE TABLE IF NOT EXISTS room (
        room text, life text, kind text, key text, value text,
        version text STATIC, current text STATIC, epoch bigint STATIC, owner text STATIC,
        standby text STATIC, revision bigint STATIC, settings text STATIC, created_ms bigint STATIC,
        closed_ms bigint STATIC, log_end bigint STATIC, appointments int STATIC, bans int STATIC,
        PRIMARY KEY (room, life, kind, key))",
        "CREATE TABLE IF NOT EXISTS presence (
        room text, life text, kind text, key text, value text,
        version text STATIC, current text STATIC, epoch bigint STATIC, here int STATIC,
        PRIMARY KEY (room, life, kind, key))",
        // One partition for each table: some hundred bytes for each of ten thousand rooms.
        "CREATE TABLE IF NOT EXISTS room_index (
        part text, room text, at_ms bigint, PRIMARY KEY (part, room))",
        "CREATE TABLE IF NOT EXISTS lease (node text PRIMARY KEY, holder text)",
    ],
    &["ALTER TABLE lease ADD IF NOT EXISTS home text"],
    // One partition: some hundred bytes for each of a hundred thousand.
    &["CREATE TABLE IF NOT EXISTS revocation (
        part text, id text, body text, expires_unix_s bigint, PRIMARY KEY (part, id))"],
    // One partition: some hundred bytes for each of two hundred thousand.
    &["CREATE TABLE IF NOT EXISTS block (
        part text, tenant text, identity text, other text, at_ms bigint,
        PRIMARY KEY (part, tenant, identity, other))"],
];

pub(super) const MIGRATION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY)";
pub(super) const MIGRATION_DONE: &str = "INSERT INTO migration (number) VALUES (?) IF NOT EXISTS";
pub(super) const MIGRATIONS_READ: &str = "SELECT number FROM migration";

pub(super) const ROOM: &str =
    "SELECT DISTINCT room, version, current, epoch, owner, standby, revision, settings,
    created_ms, closed_ms, log_end, appointments, bans FROM room WHERE room = ?";
pub(super) const ROOMS: &str =
    "SELECT DISTINCT room, version, current, epoch, owner, standby, revision, settings,
    created_ms, closed_ms, log_end, appointments, bans FROM room WHERE room IN ?";
pub(super) const ROOM_PUT: &str = "UPDATE room SET current = ?, epoch = ?, owner = ?, standby = ?, revision = ?,
    settings = ?, created_ms = ?, closed_ms = ?, log_end = ?, appointments = ?, bans = ? WHERE room = ?";

pub(super) const PRESENCE: &str =
    "SELECT DISTINCT room, version, current, epoch, here FROM presence WHERE room = ?";
pub(super) const PRESENCES: &str = "SELECT DISTINCT room, epoch FROM presence WHERE room IN ?";
pub(super) const PRESENCE_PUT: &str =
    "UPDATE presence SET current = ?, epoch = ?, here = ? WHERE room = ?";

pub(super) const INDEX_PUT: &str = "INSERT INTO room_index (part, room, at_ms) VALUES (?, ?, ?)";
pub(super) const INDEX_TIME: &str =
    "SELECT WRITETIME(at_ms) FROM room_index WHERE part = ? AND room = ?";
/// No newer entry than that which was read is removed.
pub(super) const INDEX_DELETE: &str =
    "DELETE FROM room_index USING TIMESTAMP ? WHERE part = ? AND room = ?";
pub(super) const INDEX_FIRST: &str = "SELECT room FROM room_index WHERE part = ? LIMIT ?";
pub(super) const INDEX_PAGE: &str =
    "SELECT room FROM room_index WHERE part = ? AND room > ? LIMIT ?";

pub(super) const LEASE_ACQUIRE: &str =
    "INSERT INTO lease (node, holder, home) VALUES (?, ?, ?) IF NOT EXISTS USING TTL ?";
pub(super) const LEASE_RENEW: &str =
    "UPDATE lease USING TTL ? SET holder = ?, home = ? WHERE node = ? IF holder = ?";
pub(super) const LEASE_RELEASE: &str = "DELETE FROM lease WHERE node = ? IF holder = ?";
pub(super) const LEASE_HOME: &str = "SELECT home FROM lease WHERE node = ?";
pub(super) const LEASE_READ: &str = "SELECT holder FROM lease WHERE node = ?";
pub(super) const LEASES: &str = "SELECT node, holder, home, TTL(holder) FROM lease LIMIT ?";

pub(super) const REVOCATION_PUT: &str =
    "INSERT INTO revocation (part, id, body, expires_unix_s) VALUES (?, ?, ?, ?)";
pub(super) const REVOCATION_DELETE: &str = "DELETE FROM revocation WHERE part = ? AND id = ?";
pub(super) const REVOCATIONS: &str =
    "SELECT id, body, expires_unix_s FROM revocation WHERE part = ? AND id > ? LIMIT ?";

pub(super) const BLOCK_PUT: &str =
    "INSERT INTO block (part, tenant, identity, other, at_ms) VALUES (?, ?, ?, ?, ?)";
pub(super) const BLOCK_DELETE: &str =
    "DELETE FROM block WHERE part = ? AND tenant = ? AND identity = ? AND other = ?";
pub(super) const BLOCKS: &str = "SELECT tenant, identity, other, at_ms FROM block
    WHERE part = ? AND (tenant, identity, other) > (?, ?, ?) LIMIT ?";

/// One of the two tables whose partition is a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Room,
    Presence,
}

/// Statements that both tables have.
pub(super) struct Statements {
    pub(super) part: &'static str,
    /// Binds life of the version in seconds (0: for good), new version, room, version before.
    pub(super) swap: &'static str,
    pub(super) version: &'static str,
    pub(super) put: &'static str,
    pub(super) delete: &'static str,
    pub(super) page: &'static str,
    pub(super) keys: &'static str,
    pub(super) all: &'static str,
    pub(super) purge: &'static str,
}

impl Table {
    pub(super) fn statements(self) -> Statements {
        match self {
            Self::Room => Statements {
                part: "room",
                swap: "UPDATE room USING TTL ? SET version = ? WHERE room = ? IF version = ?",
                version: "SELECT version FROM room WHERE room = ? LIMIT 1",
                put: "UPDATE room SET value = ? WHERE room = ? AND life = ? AND kind = ? AND key = ?",
                delete: "DELETE FROM room WHERE room = ? AND life = ? AND kind = ? AND key = ?",
                page: "SELECT key, value FROM room WHERE room = ? AND life = ? AND kind = ? AND key > ? LIMIT ?",
                keys: "SELECT key FROM room WHERE room = ? AND life = ? AND kind = ? AND key IN ?",
                all: "SELECT kind, key, value FROM room WHERE room = ? AND life = ?",
                purge: "DELETE FROM room WHERE room = ? AND life = ?",
            },
            Self::Presence => Statements {
                part: "presence",
                swap: "UPDATE presence USING TTL ? SET version = ? WHERE room = ? IF version = ?",
                version: "SELECT version FROM presence WHERE room = ? LIMIT 1",
                put: "UPDATE presence SET value = ? WHERE room = ? AND life = ? AND kind = ? AND key = ?",
                delete: "DELETE FROM presence WHERE room = ? AND life = ? AND kind = ? AND key = ?",
                page: "SELECT key, value FROM presence WHERE room = ? AND life = ? AND kind = ? AND key > ? LIMIT ?",
                keys: "SELECT key FROM presence WHERE room = ? AND life = ? AND kind = ? AND key IN ?",
                all: "SELECT kind, key, value FROM presence WHERE room = ? AND life = ?",
                purge: "DELETE FROM presence WHERE room = ? AND life = ?",
            },
        }
    }
}
