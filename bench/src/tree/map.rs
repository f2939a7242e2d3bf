//! A tree as a map, drawn as the origin's status page draws it.

use stoa_origin::status::map::{self, Line, Spot};
use stoa_origin::tree::{Feed, NodeIndex};

use super::planning::Planned;
use super::world::World;

/// Draws one feed of a plan.
pub(super) fn draw(world: &World, planned: &Planned, feed: &Feed, title: &str) -> String {
    let spots: Vec<Spot<'_>> = NodeIndex::all(planned.network.len())
        .map(|node| {
            let city = world.cities.get(node.at());
            let degrees = |c: stoa_geo::coordinates::Coordinates| (c.latitude(), c.longitude());
            Spot {
                name: city.map_or("root", |city| city.name.as_str()),
                place: city.map(|city| degrees(city.coordinates)),
                delay_ms: feed.delay_ms(node),
                children: feed.children(node).len(),
            }
        })
        .collect();
    let lines: Vec<Line> = feed
        .links()
        .map(|(parent, child)| Line {
            parent: parent.at(),
            child: child.at(),
            hop_ms: planned.network.delay_ms(parent, child),
        })
        .collect();
    map::draw(title, &spots, feed.root().at(), &lines).into_string()
}

#[cfg(test)]
mod tests {
    use stoa_origin::tree::Knobs;

    use super::*;
    use crate::tree::planning::plan;

    #[test]
    fn every_city_and_every_link_is_on_the_map() {
        let world = World::modelled(1).unwrap();
        let planned = plan(&world, 5, 8, Knobs::QUICK, 1).unwrap();
        let svg = draw(&world, &planned, planned.plan.red(), "a < b");
        assert_eq!(svg.matches("<title>").count(), world.len());
        assert!(svg.matches('Q').count() >= world.len() - 1);
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }
}
