//! What happens to origins, once, while people are in the room, and what came of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::census::Census;
use super::command::Fate;
use super::network::Network;
use super::people::{People, Said};
use super::report::Takeover;
use super::voice::Voice;
use crate::measure::histogram::Histogram;

/// What the last hands have before the owner goes; some are acknowledged by then, others are under way.
const LAST_WORDS: Duration = Duration::from_millis(4);
/// The same where the standby goes, too: time for the store to hear of the first.
const LAST_WORDS_OF_BOTH: Duration = Duration::from_millis(30);
/// When people want something of an owner that is gone.
const SOON_AFTER: Duration = Duration::from_millis(30);
/// How long something stays frozen at least: until leases are over, by the store's clock too.
const FROZEN: Duration = Duration::from_secs(4);
/// How long people go on after an origin has come.
const SETTLED: Duration = Duration::from_secs(2);
/// An origin that comes.
const NEWCOMER: &str = "bru-1";

/// Who and what is there.
pub(super) struct Scene<'a> {
    pub(super) network: &'a mut Network,
    pub(super) people: &'a mut People,
    pub(super) voice: &'a mut Option<Voice>,
}

/// Lets it happen.
///
/// # Errors
/// When somebody is refused for good, or an origin does not do what it must.
pub(super) async fn go_through(
    fate: Fate,
    scene: Scene<'_>,
    report: &mut Takeover,
    again: &mut Histogram,
) -> Result<()> {
    let Scene { network, people, voice } = scene;
    people.begin().await?;
    let (before, owner) = network.settled().await?;
    note_lists(network, report).await?;
    if let Some(voice) = voice {
        voice.begin();
    }
    let gone = match fate {
        Fate::Added => {
            add(network, people, (&before, &owner), report, again).await?;
            Vec::new()
        }
        Fate::Both => {
            let standby = network.holder(&owner).await?;
            take(fate, (network, people), vec![owner, standby], report, again).await?
        }
        _ => take(fate, (network, people), vec![owner], report, again).await?,
    };
    if let Some(voice) = voice {
        voice.end(report.voice.get_or_insert_default()).await?;
    }
    network.linked().await?;
    let (after, _) = network.settled().await?;
    if fate != Fate::Added {
        let orphaned: f64 = gone.iter().map(|name| before.of(name).rooms).sum();
        report.orphaned += orphaned;
        report.taken += network.taken_since(&before, &gone, orphaned).await?;
        report.moved_needlessly += after.without(&gone).given_up - before.without(&gone).given_up;
        if fate != Fate::Frozen {
            report.moved_needlessly += gone.iter().map(|name| after.of(name).taken).sum::<f64>();
        }
    }
    note_lists(network, report).await
}

/// Takes origins away, the owner of the people's room first, and gives them back.
async fn take(
    fate: Fate,
    (network, people): (&mut Network, &mut People),
    gone: Vec<String>,
    report: &mut Takeover,
    again: &mut Histogram,
) -> Result<Vec<String>> {
    let owner = gone.first().context("nobody is to go")?;
    if fate == Fate::KilledWithoutStore {
        network.cassandra.freeze()?;
        tokio::time::sleep(FROZEN).await;
    }
    let mut starting = None;
    let strike = async {
        match fate {
            Fate::Frozen => network.freeze(owner)?,
            // It goes on until its rooms have moved.
            Fate::Leaves => network.ask_to_leave(owner)?,
            _ => gone.iter().try_for_each(|name| network.kill(name))?,
        }
        if fate == Fate::Restarted {
            starting = Some(network.starting(owner)?);
        }
        Ok(())
    };
    let last_words = if fate == Fate::Both { LAST_WORDS_OF_BOTH } else { LAST_WORDS };
    let struck = Instant::now() + last_words;
    let later = struck + SOON_AFTER;
    let mut busy = std::mem::take(&mut people.busy);
    let (raised, said) = tokio::join!(people.raise_until(last_words, strike), async {
        tokio::time::sleep_until(later.into()).await;
        People::act(&mut busy, true).await
    });
    people.busy = busy;
    let (raised, said) = (raised?, said?);
    note_said(&said, SOON_AFTER, report, again);
    let up = people.hands().await?;
    report.acknowledged += (raised.len() + people.busy.len()) as u64;
    let busy = people.busy.iter().map(|talk| talk.participant().to_owned());
    let lost = raised.iter().cloned().chain(busy).filter(|who| !up.contains(who));
    report.lost += lost.count() as u64;
    match fate {
        Fate::KilledWithoutStore => network.cassandra.thaw()?,
        Fate::Frozen => {
            tokio::time::sleep(FROZEN.saturating_sub(struck.elapsed())).await;
            let (given_up, fenced) = network.thaw(owner).await?;
            report.given_up += given_up;
            report.fenced += fenced;
        }
        Fate::Leaves => network.gone(owner).await?,
        _ => {}
    }
    match starting {
        Some(starting) => network.started(starting).await?,
        None if fate == Fate::Frozen => {}
        None => {
            for name in &gone {
                network.start_origin(name).await?;
            }
        }
    }
    Ok(gone)
}

/// Another origin comes while people act; then only the owner of their room and the newcomer are left, and at last it
/// goes again.
async fn add(
    network: &mut Network,
    people: &mut People,
    (before, owner): (&Census, &str),
    report: &mut Takeover,
    again: &mut Histogram,
) -> Result<()> {
    let others = network.others(owner);
    let come = async {
        network.start_origin(NEWCOMER).await?;
        network.linked().await?;
        tokio::time::sleep(SETTLED).await;
        Ok(())
    };
    let ((), said) = people.act_until(come).await?;
    note_said(&said, Duration::ZERO, report, again);
    let (after, still) = network.settled().await?;
    ensure!(still == owner, "the people's room has moved to {still}");
    let moved = |of: &Census| of.without(&[]).taken + of.without(&[]).given_up;
    report.moved_needlessly += moved(&after) - moved(before);
    for name in &others {
        network.kill(name)?;
        // Counts of before the loss was noticed say that all is well.
        network.linked().await?;
        network.settled().await?;
    }
    let (after, still) = network.settled().await?;
    ensure!(still == owner, "the people's room has moved to {still}");
    report.newcomer_replicas += network.replicas_of(NEWCOMER, after.of(owner).rooms).await?;
    let up = people.hands().await?;
    report.acknowledged += people.busy.len() as u64;
    let busy = people.busy.iter().filter(|talk| !up.contains(talk.participant()));
    report.lost += busy.count() as u64;
    for name in &others {
        network.start_origin(name).await?;
    }
    network.linked().await?;
    network.ask_to_leave(NEWCOMER)?;
    network.gone(NEWCOMER).await
}

fn note_said(said: &[Said], late: Duration, report: &mut Takeover, again: &mut Histogram) {
    for said in said {
        again.record(late + said.took);
        report.refused += u64::from(said.refused);
    }
}

async fn note_lists(network: &Network, report: &mut Takeover) -> Result<()> {
    report.lists += network.edges.len() as u64;
    report.wrong.extend(network.wrong_lists().await?);
    report.lists_wrong = report.wrong.len() as u64;
    Ok(())
}
