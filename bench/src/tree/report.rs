//! The figures of `bench tree`.

use serde::Serialize;

use super::churn::Churn;
use super::score::{Score, Stretch};
use crate::measure::machine::Machine;

/// One degree and one setting of the knobs. Keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Trees {
    /// Children at most, of both feeds together and with the slot in reserve.
    pub(super) degree: u16,
    /// `quick` or `thrifty`.
    pub(super) knobs: &'static str,
    /// Mean delay of the red feed over that of shortest ways with any number of children.
    pub(super) mean_over_bound: f64,
    /// The same over the bound for trees of this degree.
    pub(super) mean_over_degree_bound: f64,
    pub(super) stretch: Stretch,
    pub(super) long_links: f64,
    pub(super) long_links_over_greedy: f64,
    pub(super) mean_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) max_ms: f64,
    /// CPU time for both feeds with their backups, median over the roots.
    pub(super) plan_ms: f64,
    /// Mean delay of the blue feed from the standby.
    pub(super) blue_mean_ms: f64,
    /// The least over the roots.
    pub(super) feeds_effective: u8,
    /// Members that lack a backup in one feed, per plan.
    pub(super) without_backup: f64,
    /// Members both of whose parents lie in one country, per plan.
    pub(super) shared_domains: f64,
    pub(super) bound_ms: f64,
    pub(super) degree_bound_ms: f64,
    pub(super) greedy: Score,
}

/// A run: the first degree with the quick knobs at the top, everything below.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) first: Trees,
    pub(super) cities: usize,
    pub(super) estimated_pairs: usize,
    pub(super) roots: Vec<String>,
    pub(super) join_us: f64,
    pub(super) churn: Option<Churn>,
    pub(super) star: Score,
    pub(super) spanning: Score,
    pub(super) trees: Vec<Trees>,
    pub(super) machine: Machine,
}

impl Report {
    /// A table.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let heading = [
            "tree",
            "mean",
            "p95",
            "max",
            "/ bound",
            "/ degree bound",
            "stretch p95",
            "max",
            "long links",
            "plan",
        ];
        let mut rows = vec![heading.map(String::from).to_vec()];
        rows.push(row(
            "bound: shortest ways",
            [Some(self.first.bound_ms), None, None],
            [Some(1.0), None],
            None,
            None,
            None,
        ));
        rows.push(self.rival("star", &self.star, None));
        rows.push(self.rival("least length (Prim)", &self.spanning, None));
        let mut last = None;
        for trees in &self.trees {
            if last != Some(trees.degree) {
                let name = format!("degree {}: bound", trees.degree);
                let over = trees.degree_bound_ms / trees.bound_ms;
                rows.push(row(
                    &name,
                    [Some(trees.degree_bound_ms), None, None],
                    [Some(over), Some(1.0)],
                    None,
                    None,
                    None,
                ));
                rows.push(self.rival("  greedy", &trees.greedy, Some(trees.degree_bound_ms)));
                last = Some(trees.degree);
            }
            rows.push(row(
                &format!("  {}", trees.knobs),
                [trees.mean_ms, trees.p95_ms, trees.max_ms].map(Some),
                [Some(trees.mean_over_bound), Some(trees.mean_over_degree_bound)],
                Some(trees.stretch),
                Some(trees.long_links),
                Some(trees.plan_ms),
            ));
        }
        rows
    }

    fn rival(&self, name: &str, score: &Score, degree_bound_ms: Option<f64>) -> Vec<String> {
        let over = degree_bound_ms.map(|bound| score.mean_ms / bound);
        let delays = [score.mean_ms, score.p95_ms, score.max_ms].map(Some);
        let overs = [Some(score.mean_ms / self.first.bound_ms), over];
        row(name, delays, overs, Some(score.stretch), Some(score.long_links), None)
    }

    /// What the table has no columns for.
    pub(super) fn notes(&self) -> String {
        let first = &self.first;
        let mut notes = format!(
            "{} cities, {} pairs estimated; roots: {}\ndegree {}: {} feeds, blue mean {:.1} ms, {:.1} members without a backup, {:.1} with both parents in one country",
            self.cities,
            self.estimated_pairs,
            self.roots.join(", "),
            first.degree,
            first.feeds_effective,
            first.blue_mean_ms,
            first.without_backup,
            first.shared_domains,
        );
        if let Some(churn) = &self.churn {
            notes.push_str(&format!(
                "\nchurn of 20 % a minute: {:.3} of a fresh plan's mean ({:.3} at the worst), {:.1} members moved per event; join {:.0} us (p99 {:.0}), leave {:.0} us (p99 {:.0}), background {:.0} us",
                churn.mean_over_fresh, churn.worst_over_fresh, churn.moved_per_event,
                churn.join_us, churn.join_p99_us, churn.leave_us, churn.leave_p99_us, churn.improve_us,
            ));
        }
        notes
    }
}

fn row(
    name: &str,
    delays_ms: [Option<f64>; 3],
    over_bounds: [Option<f64>; 2],
    stretch: Option<Stretch>,
    long_links: Option<f64>,
    plan_ms: Option<f64>,
) -> Vec<String> {
    let cell = |figure: Option<f64>, digits: usize, unit: &str| {
        figure.map_or(String::new(), |figure| format!("{figure:.digits$}{unit}"))
    };
    let mut cells = vec![name.to_owned()];
    cells.extend(delays_ms.map(|ms| cell(ms, 1, " ms")));
    cells.extend(over_bounds.map(|over| cell(over, 3, "")));
    cells.push(cell(stretch.map(|stretch| stretch.p95), 2, ""));
    cells.push(cell(stretch.map(|stretch| stretch.max), 2, ""));
    cells.push(cell(long_links, 1, ""));
    cells.push(cell(plan_ms, 1, " ms"));
    cells
}
