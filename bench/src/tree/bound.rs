//! What no tree can beat: shortest ways in the whole graph, and the same with at most K children per node.

use stoa_origin::tree::DEPTH_MAX;

use super::world::World;

/// Mean delay of shortest ways from `root` over any other cities, in ms: no tree's mean is lower.
pub(super) fn shortest_ways_ms(world: &World, root: usize) -> f64 {
    let mut ways: Vec<f32> = (0..world.len()).map(|to| world.delay_ms(root, to)).collect();
    let mut open: Vec<usize> = (0..world.len()).collect();
    let nearest = |open: &[usize], ways: &[f32]| {
        (0..open.len()).min_by(|a, b| ways[open[*a]].total_cmp(&ways[open[*b]]))
    };
    while let Some(next) = nearest(&open, &ways) {
        let over = open.swap_remove(next);
        let so_far = ways[over];
        for (to, way) in ways.iter_mut().enumerate() {
            *way = way.min(so_far + world.delay_ms(over, to));
        }
    }
    mean(ways.iter().enumerate().filter(|(to, _)| *to != root).map(|(_, way)| f64::from(*way)))
}

/// The same for trees whose nodes have at most `fan_out_max` children and whose depth is at most [`DEPTH_MAX`].
///
/// A tree has at most K^h nodes h links from its root, and whoever is there has at least the delay of the shortest walk
/// of exactly h links that comes back neither to the root nor to himself at its last but one. The bound is the
/// cheapest assignment of cities to distances under these two facts alone, so that no such tree can be below.
pub(super) fn with_fan_out_ms(world: &World, root: usize, fan_out_max: usize) -> f64 {
    let cities: Vec<usize> = (0..world.len()).filter(|at| *at != root).collect();
    let walks = walks_ms(world, root);
    let mut room = 1;
    let rooms: Vec<usize> = walks
        .iter()
        .map(|_| {
            room = (room * fan_out_max).min(world.len());
            room
        })
        .collect();
    let cost = |level: usize, city: usize| f64::from(walks[level][city]);
    let mut levels: Vec<Vec<usize>> = vec![Vec::new(); walks.len()];
    for city in &cities {
        assign(*city, &mut levels, &rooms, &cost);
    }
    let costs = levels
        .iter()
        .enumerate()
        .flat_map(|(level, there)| there.iter().map(move |city| (level, *city)));
    mean(costs.map(|(level, city)| cost(level, city)))
}

/// For each number of links from 1, the shortest walk to each city.
fn walks_ms(world: &World, root: usize) -> Vec<Vec<f32>> {
    let count = world.len();
    let mut walks: Vec<Vec<f32>> = vec![(0..count).map(|to| world.delay_ms(root, to)).collect()];
    for links in 1..usize::from(DEPTH_MAX) {
        let before = &walks[links - 1];
        let walk = |to: usize| {
            let last = (0..count).filter(|over| *over != root && *over != to);
            last.map(|over| before[over] + world.delay_ms(over, to)).fold(f32::INFINITY, f32::min)
        };
        walks.push((0..count).map(walk).collect());
    }
    walks
}

/// Adds a city to the cheapest assignment, which may move others from level to level (successive shortest paths).
fn assign(
    city: usize,
    levels: &mut [Vec<usize>],
    rooms: &[usize],
    cost: &impl Fn(usize, usize) -> f64,
) {
    let count = levels.len();
    let mut price: Vec<f64> = (0..count).map(|level| cost(level, city)).collect();
    // Whoever was there goes on from that level, to make room for who comes from there.
    let mut via: Vec<Option<(usize, usize)>> = vec![None; count];
    for _ in 0..count {
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from) {
                let moving =
                    levels[from].iter().map(|who| (cost(to, *who) - cost(from, *who), *who));
                let Some((more, who)) = moving.min_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
                if price[from] + more < price[to] - 1e-9 {
                    price[to] = price[from] + more;
                    via[to] = Some((from, who));
                }
            }
        }
    }
    let open = (0..count).filter(|level| levels[*level].len() < rooms[*level]);
    let Some(mut at) = open.min_by(|a, b| price[*a].total_cmp(&price[*b])) else { return };
    let mut steps = 0;
    while let Some((from, who)) = via[at].filter(|_| steps < count) {
        levels[from].retain(|other| *other != who);
        levels[at].push(who);
        at = from;
        steps += 1;
    }
    levels[at].push(city);
}

fn mean(figures: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = figures.fold((0.0, 0.0), |(count, sum), figure| (count + 1.0, sum + figure));
    if count == 0.0 { 0.0 } else { sum / count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_limit_of_children_both_bounds_are_about_the_same_and_a_limit_lifts_one() {
        let world = World::modelled(3).unwrap();
        let ways = shortest_ways_ms(&world, 7);
        let loose = with_fan_out_ms(&world, 7, 240);
        let tight = with_fan_out_ms(&world, 7, 2);
        assert!(ways <= loose + 1e-3 && loose < ways * 1.001, "{ways} {loose}");
        assert!(tight > loose, "{loose} {tight}");
    }

    #[test]
    fn an_assignment_moves_others_away_when_that_is_cheaper() {
        // The first level has room for one; the second costs city 0 ten more, and city 1 fifty more.
        let cost = |level: usize, city: usize| [[1.0, 1.0], [11.0, 51.0]][level][city];
        let mut levels = vec![Vec::new(), Vec::new()];
        for city in [0, 1] {
            assign(city, &mut levels, &[1, 2], &cost);
        }
        assert_eq!(levels, [vec![1], vec![0]]);
    }
}
