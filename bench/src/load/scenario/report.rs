//! What a scenario has shown. Keys of its JSON are never renamed, because other tools read them.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::account::{Account, Fate};
use super::play::Scenario;

/// Frames before the event that are drawn, and frames in all.
const DRAWN: (u32, usize) = (20, 90);

/// Where paths lose much, whoever is asked to send again stands out like a parent.
const PARENTS_SHOWN: usize = 2;

/// What a scenario has shown.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) scenario: Scenario,
    /// What was done to whom.
    pub(super) event: String,
    pub(super) origins: usize,
    /// Feeds that reached every edge before.
    pub(super) feeds: usize,
    /// Frames of 20 ms that were spoken around the event.
    pub(super) frames: u32,
    /// Frames that surviving edges lost, all together.
    pub(super) lost: usize,
    /// The longest time without a new frame at any of them, beyond the 20 ms from frame to frame.
    pub(super) gap_ms: f64,
    /// From the event until every frame came on time again at all of them; `null` when it never did.
    pub(super) whole_after_ms: Option<f64>,
    /// From the event until every surviving edge had as many feeds as before; `null` when that took longer than it was
    /// looked at.
    pub(super) repaired_after_ms: Option<f64>,
    pub(super) edges: Vec<Row>,
    #[serde(skip)]
    first: u32,
    #[serde(skip)]
    struck: u32,
    #[serde(skip)]
    accounts: Vec<Account>,
}

/// An edge in the trees.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Standing {
    pub(super) edge: String,
    /// How many nodes would have sent it the room before. One that has a voice from this edge does not send that back.
    pub(super) feeds: usize,
    /// Those of them that did, and those that do at the end.
    pub(super) parents: Vec<String>,
    pub(super) parents_after: Vec<String>,
    /// Round-trip time to the farthest of the latter that was none of the former.
    pub(super) new_parent_rtt_ms: Option<f64>,
    /// Whether it was there after the event.
    pub(super) survives: bool,
}

/// One edge's listener.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    pub(super) standing: Standing,
    /// Numbers of frames that never came, since the speaker began.
    pub(super) lost: Vec<u32>,
    /// Frames that came more than 40 ms later than usual.
    pub(super) late: usize,
    /// Frames that came again.
    pub(super) duplicates: usize,
    pub(super) gap_ms: f64,
    pub(super) usual_delay_ms: f64,
    pub(super) usual_delay_after_ms: f64,
    pub(super) whole_after_ms: Option<f64>,
}

impl Row {
    pub(super) fn new(standing: Standing, account: &Account) -> Self {
        Self {
            standing,
            lost: account.lost.clone(),
            late: account.fates.iter().filter(|fate| **fate == Fate::Late).count(),
            duplicates: account.again,
            gap_ms: ms(account.gap),
            usual_delay_ms: ms(account.usual),
            usual_delay_after_ms: ms(account.usual_after),
            whole_after_ms: whole_ms(account.whole_after),
        }
    }
}

/// What is known beside the listeners' accounts.
pub(super) struct Course {
    pub(super) scenario: Scenario,
    pub(super) event: String,
    pub(super) origins: usize,
}

/// The time that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Frames that count, and the one that was spoken at the event.
    pub(super) first: u32,
    pub(super) after: u32,
    pub(super) struck: u32,
    pub(super) repaired_after: Option<Duration>,
}

impl Report {
    pub(super) fn new(course: Course, span: Span, rows: Vec<(Row, Account)>) -> Self {
        let Course { scenario, event, origins } = course;
        let Span { first, after, struck, repaired_after } = span;
        let (edges, accounts): (Vec<Row>, Vec<Account>) = rows.into_iter().unzip();
        let surviving = || edges.iter().filter(|row| row.standing.survives);
        let whole: Option<Vec<f64>> = surviving().map(|row| row.whole_after_ms).collect();
        Self {
            scenario,
            event,
            origins,
            feeds: edges.iter().map(|row| row.standing.feeds).min().unwrap_or(0),
            frames: after - first,
            lost: surviving().map(|row| row.lost.len()).sum(),
            gap_ms: surviving().map(|row| row.gap_ms).fold(0.0, f64::max),
            whole_after_ms: whole.map(|whole| whole.into_iter().fold(0.0, f64::max)),
            repaired_after_ms: repaired_after.map(ms),
            edges,
            first,
            struck,
            accounts,
        }
    }

    /// For people: a row per edge, and its frames around the event.
    pub(super) fn text(&self) -> String {
        let from = self.struck.saturating_sub(self.first).saturating_sub(DRAWN.0) as usize;
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "{}\n\n{:<10}{:>6}{:>9}{:>9}{:>9}  {:<21}{} frames of 20 ms around it: # on time, - late, . lost",
            self.event, "edge", "lost", "gap", "delay", "then", "from", DRAWN.1
        );
        for (row, account) in self.edges.iter().zip(&self.accounts) {
            let lost =
                if row.standing.survives { row.lost.len().to_string() } else { "gone".into() };
            let _ = writeln!(
                text,
                "{:<10}{lost:>6}{:>6.0} ms{:>6.0} ms{:>6.0} ms  {:<21}{}",
                row.standing.edge,
                row.gap_ms,
                row.usual_delay_ms,
                row.usual_delay_after_ms,
                row.standing.parents[..row.standing.parents.len().min(PARENTS_SHOWN)].join(" "),
                account.strip(from..from + DRAWN.1)
            );
        }
        let told = |ms: Option<f64>| match ms {
            None => "not within the time that counts".to_owned(),
            Some(0.0) => "all the time".to_owned(),
            Some(ms) => format!("again after {ms:.0} ms"),
        };
        let surviving = || self.edges.iter().filter(|row| row.standing.survives);
        let _ = writeln!(
            text,
            "\nAt edges that survive {} of {} frames lost, {} late, longest gap {:.0} ms; every frame on time {}; \
             {} feed(s) at every edge {}",
            self.lost,
            self.frames as usize * surviving().count(),
            surviving().map(|row| row.late).sum::<usize>(),
            self.gap_ms,
            told(self.whole_after_ms),
            self.feeds,
            told(self.repaired_after_ms)
        );
        text
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn whole_ms(time: Duration) -> Option<f64> {
    (time < Duration::from_secs(3_600)).then(|| ms(time))
}
