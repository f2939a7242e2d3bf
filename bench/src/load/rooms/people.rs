//! Rooms and who comes into them: a host in each, a guest in the busy ones, and a crowd in the first.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use stoa_protocol::ids::Role;

use crate::load::entrance::Entrance;
use crate::load::http::Connection;
use crate::load::swarm::Swarm;
use crate::load::talk::{Resting, Talk};
use crate::measure::histogram::Histogram;

/// How long the last handshakes may take once everybody has been let in.
const HANDSHAKES: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// Makes so many rooms.
///
/// # Errors
/// When the edge refuses one.
pub(super) async fn make_rooms(
    edge: SocketAddr,
    count: u32,
    at_once: u32,
    bar: &ProgressBar,
) -> Result<Vec<String>> {
    let mut doors = Vec::new();
    for _ in 0..at_once.min(count) {
        doors.push(Connection::open(edge).await?);
    }
    let (doors_len, count) = (doors.len(), count as usize);
    let made = stream::iter(doors.into_iter().enumerate()).map(|(first, mut door)| async move {
        let mut rooms = Vec::new();
        for number in (first..count).step_by(doors_len) {
            rooms.push(door.create_room(&format!("Room {number}")).await?.room);
            bar.inc(1);
        }
        Ok::<_, anyhow::Error>(rooms)
    });
    let mut rooms = Vec::new();
    let mut made = made.buffer_unordered(doors_len.max(1));
    while let Some(some) = made.next().await {
        rooms.extend(some?);
    }
    Ok(rooms)
}

/// Who wants in.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Which client of the swarm.
    client: u32,
    /// Index of the room.
    room: usize,
    role: Role,
}

/// A host in each room, a guest in the first `busy`, and listeners until the first room holds `biggest`.
pub(super) fn wishes(rooms: usize, busy: usize, biggest: u32) -> Vec<Wish> {
    let hosts = (0..rooms).map(|room| (room, Role::Host));
    let guests = (0..busy).map(|room| (room, Role::Listener));
    let crowd = (2..biggest).map(|_| (0, Role::Listener));
    let all = hosts.chain(guests).chain(crowd);
    all.zip(0..).map(|((room, role), client)| Wish { client, room, role }).collect()
}

/// Who is in a room.
#[derive(Default)]
pub(super) struct Hall {
    pub(super) host: Option<Resting>,
    pub(super) guest: Option<Resting>,
    pub(super) crowd: Vec<Resting>,
}

/// What came of it.
pub(super) struct Joined {
    pub(super) halls: Vec<Hall>,
    pub(super) joined: u64,
    pub(super) failed: u64,
    /// Why the first of them failed.
    pub(super) complaint: Option<String>,
    /// From the first request to the last `joined`.
    pub(super) took: Duration,
    /// Of each, from connecting to `joined`.
    pub(super) latency: Histogram,
}

/// Lets everybody in, so many at a time; a room's people all through the same edge.
pub(super) async fn let_in(
    entrances: &[Entrance],
    rooms: &[String],
    wishes: Vec<Wish>,
    at_once: u32,
    bar: &ProgressBar,
) -> Joined {
    let mut halls: Vec<Hall> = rooms.iter().map(|_| Hall::default()).collect();
    let (mut latency, mut failed, mut joined) = (Histogram::default(), 0, 0);
    let mut complaint = None;
    let began = Instant::now();
    let mut took = Duration::ZERO;
    let entering = stream::iter(wishes).map(|wish| async {
        let asked = Instant::now();
        let entrance = &entrances[wish.room % entrances.len()];
        let talk = entrance.enter(wish.client, &rooms[wish.room], wish.role).await;
        (wish, talk, asked.elapsed())
    });
    let mut entering = entering.buffer_unordered(at_once as usize);
    while let Some((wish, talk, waited)) = entering.next().await {
        bar.inc(1);
        match talk {
            Ok(talk) => {
                (joined, took) = (joined + 1, began.elapsed());
                latency.record(waited);
                seat(&mut halls[wish.room], wish.role, talk);
            }
            Err(error) => {
                failed += 1;
                complaint.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
    Joined { halls, joined, failed, complaint, took, latency }
}

fn seat(hall: &mut Hall, role: Role, talk: Talk) {
    let talk = talk.rest();
    if role == Role::Host {
        hall.host = Some(talk);
    } else if hall.guest.is_none() {
        hall.guest = Some(talk);
    } else {
        hall.crowd.push(talk);
    }
}

/// Waits until all who were let in have shaken hands: nobody stays whose audio never came to be.
///
/// # Errors
/// When somebody's handshake fails or takes too long.
pub(super) async fn shaken_hands(swarm: &Arc<Swarm>, joined: u64) -> Result<()> {
    let began = Instant::now();
    loop {
        let connected = swarm.gauges.connected.load(Ordering::Relaxed);
        let failed = swarm.gauges.failed.load(Ordering::Relaxed);
        if connected + failed >= joined {
            ensure!(failed == 0, "{failed} of {joined} people who were let in are not connected");
            return Ok(());
        }
        ensure!(
            began.elapsed() < HANDSHAKES,
            "{connected} of {joined} people are connected after {HANDSHAKES:?}"
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes up the connections of a room's host and guest, does something with them, and lays them down again. A
/// connection that breaks is not laid down: the room is of no use any more.
///
/// # Errors
/// What was done ended so, or somebody is not there.
pub(super) async fn with_both<T>(
    hall: &mut Hall,
    act: impl AsyncFnOnce(&mut Talk, &mut Talk) -> Result<T>,
) -> Result<T> {
    let mut host = hall.host.take().context("a room lacks its host")?.wake().await?;
    let mut guest = hall.guest.take().context("a room lacks its guest")?.wake().await?;
    host.forget();
    guest.forget();
    let outcome = act(&mut host, &mut guest).await;
    hall.host = Some(host.rest());
    hall.guest = Some(guest.rest());
    outcome
}
