//! What else one could do: everybody from the root, the least length of links, and greedy shortest ways.

use super::world::World;

/// Who hangs below whom; nobody above the root.
pub(super) type Parents = Vec<Option<usize>>;

/// Everybody hangs from the root, whatever its fan-out is.
pub(super) fn star(world: &World, root: usize) -> Parents {
    (0..world.len()).map(|at| (at != root).then_some(root)).collect()
}

/// The tree of the least length of all links (Prim), with any number of children.
pub(super) fn spanning(world: &World, root: usize) -> Parents {
    grown(world, root, usize::MAX, 0.0)
}

/// Whoever would then be nearest to the root is hung up next, where it is nearest (Dijkstra with limited children).
pub(super) fn greedy(world: &World, root: usize, fan_out_max: usize) -> Parents {
    grown(world, root, fan_out_max, 1.0)
}

fn grown(world: &World, root: usize, fan_out_max: usize, delay_share: f32) -> Parents {
    let mut parents: Parents = vec![None; world.len()];
    let mut inside = vec![(root, 0.0, 0)];
    let mut outside: Vec<usize> = (0..world.len()).filter(|at| *at != root).collect();
    while !outside.is_empty() {
        let pairs = inside.iter().enumerate().flat_map(|(at, (from, delay, children))| {
            let score = |to: &usize| delay * delay_share + world.delay_ms(*from, *to);
            let best = outside.iter().enumerate().map(move |(to, city)| (score(city), at, to));
            best.filter(|_| *children < fan_out_max).min_by(|a, b| a.0.total_cmp(&b.0))
        });
        let Some((_, at, to)) = pairs.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        let city = outside.swap_remove(to);
        let (from, delay, children) = &mut inside[at];
        *children += 1;
        parents[city] = Some(*from);
        let delay = *delay + world.delay_ms(*from, city);
        inside.push((city, delay, 0));
    }
    parents
}
