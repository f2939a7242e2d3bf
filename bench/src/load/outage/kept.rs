//! What the store holds afterwards, read by a client of one's own and compared with what the room's owner says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use stoa_origin::store::{Answer, Embedded, HotRoom, Operation, Store};
use stoa_protocol::ids::{Role, RoomId};

use super::trouble::Reader;
use crate::load::talk::Talk;

/// How long changes may take to be stored once the store is back: the longest pause between two attempts, several
/// times over, and a restoration.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

/// Who is in a room, by id: his role, and whether his hand is up.
type People = BTreeMap<String, (String, bool)>;

/// Waits until the store says what the owner says; what differs in the end, in words, and how long it took.
///
/// # Errors
/// When the owner does not answer.
pub(super) async fn compare(
    reader: &Reader,
    room: &str,
    topic: &str,
    host: &mut Talk,
) -> Result<(Vec<String>, Duration)> {
    let began = Instant::now();
    loop {
        let differences = match read(reader, room).await {
            Ok((stored, stored_topic)) => {
                let mut differences = differences(&stored, &owners(host).await?);
                if let Some(stored) = stored_topic.filter(|stored| stored != topic) {
                    differences.push(format!("the topic is stored as {stored:?}, not {topic:?}"));
                }
                differences
            }
            Err(error) => vec![format!("the store cannot be read: {error:#}")],
        };
        if differences.is_empty() || began.elapsed() > PATIENCE {
            return Ok((differences, began.elapsed()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn owners(host: &mut Talk) -> Result<People> {
    let page = host.ask(json!({ "type": "participants", "limit": 100 })).await?;
    let people = page["participants"].as_array().context("the owner tells nobody")?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of = |one: &serde_json::Value| (text(&one["role"]), one["hand"] == true);
    Ok(people.iter().map(|one| (text(&one["participant"]), of(one))).collect())
}

/// Who is here, and the topic where rooms are kept in the same store.
async fn read(reader: &Reader, room: &str) -> Result<(People, Option<String>)> {
    let room = RoomId::new(room).context("no id of a room")?;
    match reader {
        Reader::Redis(redis) => {
            // Refuses to read what has been wiped, and restores nothing from an empty store.
            if redis.adopt_or_restore(&Embedded::in_memory()?).await?.is_some() {
                bail!("Redis had not been restored");
            }
            Ok((hot(redis, room).await?, None))
        }
        Reader::Cassandra(cassandra) => {
            let record = match cassandra.apply(Operation::Room(room.clone())).await? {
                Answer::Room(record) => record.context("the room is not stored")?,
                other => bail!("an answer of another kind: {other:?}"),
            };
            Ok((hot(cassandra, room).await?, Some(record.settings.topic)))
        }
    }
}

async fn hot(store: &dyn Store, room: RoomId) -> Result<People> {
    match store.apply(Operation::Hot(room)).await? {
        Answer::Hot(hot) => Ok(people_of(&hot.context("nobody is stored")?)),
        other => bail!("an answer of another kind: {other:?}"),
    }
}

fn people_of(hot: &HotRoom) -> People {
    let hand = |id: &_| hot.hands.iter().any(|hand| hand.participant == *id);
    let one = |one: &stoa_origin::store::Present| {
        (one.id.as_str().to_owned(), (word(one.role), hand(&one.id)))
    };
    hot.present.iter().map(one).collect()
}

/// As the WebSocket says it.
fn word(role: Role) -> String {
    serde_json::to_value(role)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn differences(stored: &People, owners: &People) -> Vec<String> {
    let missing = owners.iter().filter(|(id, _)| !stored.contains_key(*id));
    let ghosts = stored.iter().filter(|(id, _)| !owners.contains_key(*id));
    let other = stored.iter().filter_map(|(id, one)| {
        let owners = owners.get(id).filter(|owners| *owners != one)?;
        Some(format!("{id} is stored as {one:?}, and is {owners:?}"))
    });
    missing
        .map(|(id, one)| format!("{id} {one:?} is not stored"))
        .chain(ghosts.map(|(id, one)| format!("{id} {one:?} is stored, and has gone")))
        .chain(other)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{People, differences};

    #[test]
    fn everything_that_differs_is_named() {
        let people = |all: &[(&str, &str, bool)]| -> People {
            all.iter().map(|(id, role, hand)| ((*id).into(), ((*role).into(), *hand))).collect()
        };
        let owners =
            people(&[("a", "host", false), ("b", "speaker", false), ("c", "listener", true)]);
        assert_eq!(differences(&owners, &owners), [""; 0]);
        let stored =
            people(&[("a", "host", false), ("b", "listener", false), ("d", "listener", false)]);
        assert_eq!(
            differences(&stored, &owners),
            [
                r#"c ("listener", true) is not stored"#,
                r#"d ("listener", false) is stored, and has gone"#,
                r#"b is stored as ("listener", false), and is ("speaker", false)"#,
            ]
        );
    }
}
