//! How good trees are, over all roots together.

use serde::Serialize;

use super::rivals::Parents;
use super::world::World;

/// A link is long when it takes more than this, in ms one way.
pub(super) const LONG_LINK_MS: f32 = 25.0;

/// Delays over the direct path.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Stretch {
    pub(super) p95: f64,
    pub(super) max: f64,
}

/// Figures of one way to make trees. Delays are one way, in ms.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Score {
    pub(super) mean_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) max_ms: f64,
    pub(super) stretch: Stretch,
    /// Links longer than [`LONG_LINK_MS`] per tree.
    pub(super) long_links: f64,
    pub(super) fan_out_max: usize,
}

/// Judges trees, each with its root; every city of every tree counts alike.
pub(super) fn score(world: &World, trees: &[(usize, Parents)]) -> Score {
    let (mut delays, mut stretches, mut long_links, mut fan_out_max) = (vec![], vec![], 0, 0);
    for (root, parents) in trees {
        let mut children = vec![0; world.len()];
        for (city, parent) in parents.iter().enumerate() {
            let Some(parent) = *parent else { continue };
            children[parent] += 1;
            long_links += usize::from(world.delay_ms(parent, city) > LONG_LINK_MS);
            let delay = delay_ms(world, parents, city);
            delays.push(delay);
            stretches.push(delay / f64::from(world.delay_ms(*root, city)).max(f64::MIN_POSITIVE));
        }
        fan_out_max = fan_out_max.max(children.into_iter().max().unwrap_or(0));
    }
    delays.sort_by(f64::total_cmp);
    stretches.sort_by(f64::total_cmp);
    Score {
        mean_ms: delays.iter().sum::<f64>() / delays.len().max(1) as f64,
        p95_ms: quantile(&delays, 0.95),
        max_ms: quantile(&delays, 1.0),
        stretch: Stretch { p95: quantile(&stretches, 0.95), max: quantile(&stretches, 1.0) },
        long_links: long_links as f64 / trees.len().max(1) as f64,
        fan_out_max,
    }
}

/// From the root to a city along its tree.
pub(super) fn delay_ms(world: &World, parents: &Parents, city: usize) -> f64 {
    let way = std::iter::successors(Some(city), |at| parents[*at]).take(world.len());
    let links = way.filter_map(|at| parents[at].map(|parent| (parent, at)));
    links.map(|(parent, at)| f64::from(world.delay_ms(parent, at))).sum()
}

/// Of sorted figures.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most the number of figures")]
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
