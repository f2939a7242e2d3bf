//! How many rooms each origin has, and which of them have moved: only those of who is gone may.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::demo::Page;
use crate::load::http::Connection;
use crate::node::Child;

/// Between two looks at metrics.
pub(super) const LOOK: Duration = Duration::from_millis(20);
/// How long origins may take to find each other, and rooms their standbys.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What one origin says of its rooms.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) rooms: f64,
    /// Of these, those with a standby that could take over at once.
    pub(super) safe: f64,
    /// Replicas of other origins' rooms.
    pub(super) replicas: f64,
    /// People in its rooms.
    pub(super) people: f64,
    /// Rooms that it has taken from others since it began.
    pub(super) taken: f64,
    /// Rooms that others have taken.
    pub(super) given_up: f64,
}

/// What all origins say, by name.
#[derive(Clone, Debug, Default)]
pub(in crate::load) struct Census(BTreeMap<String, Counts>);

impl Census {
    /// Asks all.
    ///
    /// # Errors
    /// When one does not answer.
    pub(in crate::load) async fn take<'a>(
        origins: impl IntoIterator<Item = &'a Child>,
    ) -> Result<Self> {
        let mut census = BTreeMap::new();
        for origin in origins {
            let page = Page::read(origin.http()).await?;
            let sum = |metric: &str| page.sum(metric, "").unwrap_or(0.0);
            let counts = Counts {
                rooms: sum("stoa_origin_rooms"),
                safe: sum("stoa_origin_rooms_with_standby"),
                replicas: sum("stoa_origin_replicas"),
                people: sum("stoa_origin_participants"),
                taken: sum("stoa_origin_rooms_taken_total"),
                given_up: sum("stoa_origin_rooms_given_up_total"),
            };
            census.insert(origin.name().to_owned(), counts);
        }
        Ok(Self(census))
    }

    /// Of one origin; nothing of one that was not there.
    pub(super) fn of(&self, name: &str) -> Counts {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Of all but `gone`, added up.
    pub(super) fn without(&self, gone: &[String]) -> Counts {
        let others = self.0.iter().filter(|(name, _)| !gone.contains(name));
        others.fold(Counts::default(), |sum, (_, one)| Counts {
            rooms: sum.rooms + one.rooms,
            safe: sum.safe + one.safe,
            replicas: sum.replicas + one.replicas,
            people: sum.people + one.people,
            taken: sum.taken + one.taken,
            given_up: sum.given_up + one.given_up,
        })
    }

    /// Who has the room with the people, if all of `rooms` rooms have an owner with a ready standby.
    pub(in crate::load) fn settled(&self, rooms: u32) -> Option<&str> {
        let all = self.without(&[]);
        let wanted = f64::from(rooms);
        let is_settled = (all.rooms - wanted).abs() < 0.5 && (all.safe - wanted).abs() < 0.5;
        let mut owners = self.0.iter().filter(|(_, counts)| counts.people > 0.5);
        match (owners.next(), owners.next()) {
            (Some((name, _)), None) if is_settled => Some(name),
            _ => None,
        }
    }

    /// Names of those with rooms or without, as asked.
    pub(super) fn with_rooms(&self, some: bool) -> Vec<&str> {
        let wanted = self.0.iter().filter(|(_, counts)| (counts.rooms > 0.5) == some);
        wanted.map(|(name, _)| name.as_str()).collect()
    }
}

/// Waits until a metric has a value.
///
/// # Errors
/// When that takes too long.
pub(in crate::load) async fn wait(origin: &Child, metric: &str, value: f64) -> Result<()> {
    let began = Instant::now();
    loop {
        let found = Page::read(origin.http()).await?.sum(metric, "").unwrap_or(0.0);
        if (found - value).abs() < 0.5 {
            return Ok(());
        }
        let name = origin.name();
        ensure!(began.elapsed() < PATIENCE, "{metric} of {name} is {found}, not {value}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Ids of all rooms that an edge lists, in order.
///
/// # Errors
/// When it does not answer.
pub(super) async fn listed(edge: &Child) -> Result<Vec<String>> {
    let mut http = Connection::open(edge.http()).await?;
    let (mut rooms, mut after) = (Vec::new(), String::new());
    loop {
        let path = match after.as_str() {
            "" => "/v1/rooms?limit=10".to_owned(),
            after => format!("/v1/rooms?limit=10&after={after}"),
        };
        let answer = http.send(Method::GET, &path, None, None).await?;
        let page: Value = serde_json::from_str(answer.expect(StatusCode::OK, &path)?)?;
        let told = page["rooms"].as_array().context("a list without rooms")?;
        let ids = told.iter().filter_map(|room| room["room"].as_str());
        rooms.extend(ids.map(ToOwned::to_owned));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(rooms),
        }
    }
}
