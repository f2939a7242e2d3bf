//! The course of a scenario: everybody comes in, the trees settle, something happens, and what was heard is counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;
use stoa_geo::places::Place;

use super::account::{Account, Heard};
use super::feeds::Feeds;
use super::report::{Course, Report, Row, Span, Standing};
use crate::demo::{Network, round_trip};
use crate::load::joining::{FRAMES_PER_SECOND, Scene, reach};
use crate::load::speaker::Speaker;
use crate::load::swarm::Swarm;
use crate::load::takeover::census::{Census, wait};
use crate::node::Child;

/// Packets of the listeners, in ms.
const PACKET_MS: u32 = 20;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// How long everybody may take to come in, and the trees to settle.
const PATIENCE: Duration = Duration::from_secs(90);
/// Seconds that count before and after the event.
const BEFORE_S: u32 = 3;
pub(crate) const AFTER_S: u32 = 12;
/// How long bytes are counted to see who feeds whom, at leisure and after the event.
const CALM: Duration = Duration::from_secs(2);
const QUICK: Duration = Duration::from_millis(300);
const AT_LAST: Duration = Duration::from_millis(1_500);
/// By then everybody has noticed whom he has lost, so that what he says of his feeds holds.
const NOTICED: Duration = Duration::from_millis(500);
/// Frames that are held until they are looked at: all edges' for a minute.
const HEARD_MAX: usize = 1 << 20;

/// What happens to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// An edge that passes the room on to others is killed
    KillParent,
    /// The link between such an edge and one of those is cut
    CutLink,
    /// The same, but only from the parent to the child
    CutOneWay,
    /// The link between the speaker's edge and the room's origin is cut
    CutUplink,
    /// The room's origin is killed
    KillOrigin,
    /// An edge that passes the room on is asked to leave
    Drain,
    /// Nothing: for paths that lose packets all the time, by --loss
    Calm,
}

/// Everybody who is in the room.
struct Cast {
    speaker: Speaker,
    heard: Receiver<Heard>,
    epoch: Instant,
    /// Both stay as long as they are kept.
    _swarm: Arc<Swarm>,
    _session: crate::load::http::Session,
}

/// What is done to whom.
struct Event {
    told: String,
    victim: String,
    /// At the other end of the link that is cut.
    child: Option<String>,
}

/// Plays a scenario on a network, counts for so many seconds after it, prints what came of it, and ends the network.
///
/// # Errors
/// When somebody cannot come in, nobody passes anything on, or frames are lost though there were two feeds and something
/// else than paths is to blame.
pub(crate) async fn play(
    mut network: Network,
    scenario: Scenario,
    after_s: u32,
    json: bool,
) -> Result<()> {
    let tell = |what: &str| {
        if !json {
            eprintln!("{what} ..");
        }
    };
    tell("waiting until all are linked to all");
    linked(&network).await?;
    tell("somebody speaks, and somebody comes to listen at every edge");
    let cast = Cast::enter(&network).await?;
    tell("waiting for the trees");
    let owner = owner(&network).await?;
    let feeds = settled(&network).await?;
    let event = choose(&network, scenario, &owner, &feeds)?;
    tell(&event.told);
    let course = Course { scenario, event: event.told.clone(), origins: network.origins.len() };
    let report = watch(&mut network, course, &cast, (&feeds, after_s), event).await?;
    // They would wait for their clients, who stay.
    drop(network);
    if json {
        println!("{}", serde_json::to_string_pretty(&report).context("no JSON")?);
    } else {
        print!("\n{}", report.text());
    }
    let may_lose = scenario == Scenario::Calm || report.feeds < 2;
    ensure!(may_lose || report.lost == 0, "frames were lost though there were two feeds");
    Ok(())
}

impl Cast {
    async fn enter(network: &Network) -> Result<Self> {
        let first = network.edges.first().context("no edge")?;
        let scene = Scene::of(first.site.node.http(), network.room.clone(), PACKET_MS)?;
        let clients = u32::try_from(network.edges.len()).unwrap_or(u32::MAX);
        let (noting, heard) = sync_channel(HEARD_MAX);
        let length = Duration::from_millis(PACKET_MS.into());
        let swarm = Arc::new(Swarm::noting(clients, scene.epoch, length, noting)?);
        for (edge, client) in network.edges.iter().zip(0..) {
            scene.beside(edge.site.node.http()).door(&swarm).await?.join(client).await?;
        }
        let (speaker, session) = scene.speak().await?;
        let began = Instant::now();
        while swarm.gauges.hearing.load(Ordering::Relaxed) < u64::from(clients) {
            let hearing = swarm.gauges.hearing.load(Ordering::Relaxed);
            ensure!(
                began.elapsed() < PATIENCE,
                "only {hearing} of {clients} edges hear the speaker"
            );
            tokio::time::sleep(LOOK).await;
        }
        Ok(Self { speaker, heard, epoch: scene.epoch, _swarm: swarm, _session: session })
    }
}

async fn linked(network: &Network) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred")]
    let links = (network.origins.len() - 1 + network.edges.len()) as f64;
    for origin in &network.origins {
        wait(&origin.node, "stoa_origin_links", links).await?;
    }
    Ok(())
}

/// Waits until the room has an owner, and a ready standby where there is another origin.
async fn owner(network: &Network) -> Result<String> {
    if let [only] = &network.origins[..] {
        return Ok(only.node.name().to_owned());
    }
    let began = Instant::now();
    loop {
        let nodes: Vec<&Child> = network.origins.iter().map(|origin| &origin.node).collect();
        let census = Census::take(nodes).await?;
        if let Some(owner) = census.settled(1) {
            return Ok(owner.to_owned());
        }
        ensure!(began.elapsed() < PATIENCE, "the room has no standby: {census:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until every edge has as many feeds as there can be, and the same ones for a while.
async fn settled(network: &Network) -> Result<Feeds> {
    let (began, wanted) = (Instant::now(), network.origins.len().min(2));
    let mut before = Feeds::default();
    loop {
        let feeds = Feeds::watch(network, CALM).await;
        if is_fed(network, &feeds, wanted) && parents(network, &feeds) == parents(network, &before)
        {
            return Ok(feeds);
        }
        let parents = parents(network, &feeds);
        ensure!(began.elapsed() < PATIENCE, "the trees do not settle: {parents:?}");
        before = feeds;
    }
}

fn is_fed(network: &Network, feeds: &Feeds, wanted: usize) -> bool {
    network.edges.iter().all(|edge| feeds.count(edge.site.node.name()) >= wanted)
}

fn parents<'a>(network: &'a Network, feeds: &'a Feeds) -> Vec<Vec<&'a str>> {
    let parents = network.edges.iter().map(|edge| feeds.to(edge.site.node.name()));
    parents
        .map(|mut parents| {
            parents.sort_unstable();
            parents
        })
        .collect()
}

/// Whom it befalls: the edge that feeds most others, except the speaker's own.
fn choose(network: &Network, scenario: Scenario, owner: &str, feeds: &Feeds) -> Result<Event> {
    let none =
        |told: String, victim: &str| Ok(Event { told, victim: victim.to_owned(), child: None });
    match scenario {
        Scenario::Calm => return none("nothing happens".to_owned(), ""),
        Scenario::KillOrigin => {
            return none(format!("{owner}, which owns the room, is killed"), owner);
        }
        Scenario::CutUplink => {
            let child = network.edges.first().context("no edge")?.site.node.name().to_owned();
            let told = format!(
                "{owner}, which owns the room, and {child}, where the speaker is, hear nothing of each other"
            );
            return Ok(Event { told, victim: owner.to_owned(), child: Some(child) });
        }
        _ => {}
    }
    let names = || network.edges.iter().skip(1).map(|edge| edge.site.node.name());
    let children = |name: &str| -> Vec<&str> {
        names().filter(|child| feeds.from(name).contains(child)).collect()
    };
    let victim = names().max_by_key(|name| children(name).len()).context("no edge")?;
    let fed = children(victim);
    let child = fed.iter().max_by(|a, b| feeds.rate(victim, a).total_cmp(&feeds.rate(victim, b)));
    let child = *child.context("no edge passes the room on; give fewer places by --fan-out")?;
    let told = match scenario {
        Scenario::KillParent => format!("{victim}, which feeds {}, is killed", fed.join(" ")),
        Scenario::Drain => format!("{victim}, which feeds {}, is asked to leave", fed.join(" ")),
        Scenario::CutLink => {
            format!("{victim} and {child}, which it feeds, hear nothing of each other")
        }
        _ => format!("{child} hears nothing more from {victim}, which feeds it and hears it"),
    };
    let cuts = matches!(scenario, Scenario::CutLink | Scenario::CutOneWay);
    Ok(Event { told, victim: victim.to_owned(), child: cuts.then(|| child.to_owned()) })
}

/// Lets it happen, and counts what everybody hears around it.
async fn watch(
    network: &mut Network,
    course: Course,
    cast: &Cast,
    (before, after_s): (&Feeds, u32),
    event: Event,
) -> Result<Report> {
    let places: Vec<(String, &Place)> = network
        .edges
        .iter()
        .map(|edge| (edge.site.node.name().to_owned(), edge.site.place))
        .collect();
    let (scenario, wanted) = (course.scenario, course.origins.min(2));
    // The next one may be on its way while this is said.
    let first = cast.speaker.sent() + 2;
    reach(&cast.speaker, first + BEFORE_S * FRAMES_PER_SECOND, LOOK).await?;
    let (struck, at) = (cast.speaker.sent(), Instant::now());
    strike(network, scenario, &event);
    let gone = match (scenario, &event.child) {
        (Scenario::KillParent | Scenario::Drain, _) => Some(event.victim.as_str()),
        _ => None,
    };
    let after = struck + after_s * FRAMES_PER_SECOND;
    let repaired_after = repaired(network, cast, (wanted, gone), at, after).await?;
    reach(&cast.speaker, after, LOOK).await?;
    let then = Feeds::watch(network, AT_LAST).await;
    let heard: Vec<Heard> = cast.heard.try_iter().collect();
    let rows = places.iter().zip(0..).map(|((name, place), client)| {
        let own: Vec<Heard> =
            heard.iter().filter(|heard| heard.client == client).copied().collect();
        let account = Account::new(&own, first..after, at - cast.epoch);
        let standing = Standing {
            edge: short(name),
            feeds: before.count(name),
            parents: before.to(name).into_iter().map(short).collect(),
            parents_after: then.to(name).into_iter().map(short).collect(),
            new_parent_rtt_ms: farthest_new(network, place, &before.to(name), &then.to(name)),
            survives: gone != Some(name),
        };
        (Row::new(standing, &account), account)
    });
    let rows = rows.collect();
    Ok(Report::new(course, Span { first, after, struck, repaired_after }, rows))
}

/// Round-trip time to whoever sends now and did not before.
fn farthest_new(network: &Network, place: &Place, before: &[&str], now: &[&str]) -> Option<f64> {
    let new = network
        .sites()
        .filter(|site| now.contains(&site.node.name()) && !before.contains(&site.node.name()));
    new.map(|site| round_trip(&network.matrix, place, site.place).ms).reduce(f64::max)
}

fn strike(network: &mut Network, scenario: Scenario, event: &Event) {
    let site = |name: &str| network.sites().find(|site| site.node.name() == name);
    match (scenario, &event.child) {
        (Scenario::Drain, _) => {
            if let Some(victim) = site(&event.victim) {
                victim.node.ask_to_end();
            }
        }
        (_, Some(child)) => {
            if let (Some(parent), Some(child)) = (site(&event.victim), site(child)) {
                parent.cut_to(child);
                if scenario != Scenario::CutOneWay {
                    child.cut_to(parent);
                }
            }
        }
        (Scenario::Calm, _) => {}
        (_, None) => network.kill(&event.victim),
    }
}

/// After how long it was seen that all who are still there have as many feeds as before, and not from who is gone.
async fn repaired(
    network: &Network,
    cast: &Cast,
    (wanted, gone): (usize, Option<&str>),
    struck: Instant,
    until: u32,
) -> Result<Option<Duration>> {
    while cast.speaker.sent() < until {
        ensure!(!cast.speaker.has_ended(), "the speaker has ended; the edge's log stands above");
        let began = struck.elapsed();
        let feeds = Feeds::watch(network, QUICK).await;
        let mut staying = network.edges.iter().map(|edge| edge.site.node.name());
        let is_whole = staying.all(|edge| {
            gone == Some(edge) || {
                let parents = feeds.to(edge);
                let count = if began < NOTICED { parents.len() } else { feeds.count(edge) };
                count >= wanted && gone.is_none_or(|gone| !parents.contains(&gone))
            }
        });
        if is_whole {
            return Ok(Some(struck.elapsed()));
        }
    }
    Ok(None)
}

/// A node's place.
fn short(name: &str) -> String {
    name.strip_suffix("-edge").unwrap_or(name).to_owned()
}
