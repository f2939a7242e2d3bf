//! A tree as a map: cities where they are, links in the colour of the delay at their lower end.

use std::fmt::Write as _;

use stoa_origin::tree::{Feed, NodeIndex};

use super::planning::Planned;
use super::score::LONG_LINK_MS;
use super::world::World;

const WIDTH: f64 = 1_600.0;
const HEIGHT: f64 = 860.0;
/// The map ends here in the south and north, in degrees.
const SOUTH: f64 = -50.0;
const NORTH: f64 = 68.0;
/// Room for the title above and the legend below.
const TOP: f64 = 64.0;
const BOTTOM: f64 = 56.0;
/// Delay at which the scale of colours ends, in ms.
const SCALE_MS: f64 = 200.0;
/// From near to far.
const SCALE: [(u8, u8, u8); 5] =
    [(94, 234, 212), (96, 165, 250), (167, 139, 250), (244, 114, 182), (251, 146, 60)];

/// Draws one feed of a plan.
pub(super) fn draw(world: &World, planned: &Planned, feed: &Feed, title: &str) -> String {
    let mut svg = String::new();
    frame(&mut svg, title);
    let place = |node: NodeIndex| {
        let city = world.cities.get(node.at())?;
        Some((x(city.coordinates.longitude()), y(city.coordinates.latitude())))
    };
    let root = place(feed.root()).or_else(|| {
        let nearest = feed.children(feed.root()).iter().copied();
        nearest.min_by(|a, b| feed.delay_ms(*a).total_cmp(&feed.delay_ms(*b))).and_then(place)
    });
    let mut links: Vec<(NodeIndex, NodeIndex)> = feed.links().collect();
    // Short links are drawn last, so that they are seen among the long ones.
    links.sort_by(|a, b| {
        let length = |link: &(NodeIndex, NodeIndex)| planned.network.delay_ms(link.0, link.1);
        length(b).total_cmp(&length(a))
    });
    for (parent, child) in links {
        let Some((from, to)) = place(parent).or(root).zip(place(child)) else { continue };
        let is_long = planned.network.delay_ms(parent, child) > LONG_LINK_MS;
        let (width, opacity) = if is_long { (1.3, 0.6) } else { (1.7, 0.95) };
        let colour = colour(f64::from(feed.delay_ms(child)));
        for (from, to) in shorter_way(from, to) {
            link(
                &mut svg,
                from,
                to,
                &format!(
                    "stroke=\"{colour}\" stroke-width=\"{width}\" stroke-opacity=\"{opacity}\""
                ),
            );
        }
    }
    for node in NodeIndex::all(world.len()) {
        let Some((x, y)) = place(node) else { continue };
        let children = feed.children(node).len() as f64;
        let (radius, colour) = (2.0 + children * 0.55, colour(f64::from(feed.delay_ms(node))));
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{colour}\" stroke=\"#0b1020\" stroke-width=\"0.8\"><title>{}: {:.1} ms</title></circle>",
            escaped(&world.cities[node.at()].name),
            feed.delay_ms(node)
        );
    }
    if let Some((x, y)) = root {
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"11\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2.5\"/><circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"#fff\"/>"
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Background, grid, title and legend.
fn frame(svg: &mut String, title: &str) {
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"system-ui, sans-serif\">"
    );
    let _ = writeln!(svg, "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#0b1020\"/>");
    for longitude in (-150..=150).step_by(30) {
        let x = x(f64::from(longitude));
        let _ =
            writeln!(svg, "<path d=\"M{x:.1} {TOP}V{:.1}\" stroke=\"#1b2440\"/>", HEIGHT - BOTTOM);
    }
    for latitude in (-30..=60).step_by(30) {
        let y = y(f64::from(latitude));
        let _ = writeln!(svg, "<path d=\"M0 {y:.1}H{WIDTH}\" stroke=\"#1b2440\"/>");
    }
    let _ = writeln!(
        svg,
        "<text x=\"28\" y=\"40\" fill=\"#e6ebff\" font-size=\"22\" font-weight=\"600\">{}</text>",
        escaped(title)
    );
    let baseline = HEIGHT - 22.0;
    for step in 0..100 {
        let at = f64::from(step) / 100.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"3.2\" height=\"10\" fill=\"{}\"/>",
            28.0 + at * 300.0,
            baseline - 9.0,
            colour(at * SCALE_MS)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"342\" y=\"{baseline}\" fill=\"#aab4d6\" font-size=\"14\">0 to {SCALE_MS} ms from the root, one way; larger dots relay to more children; the ring is the root</text>"
    );
}

fn link(svg: &mut String, from: (f64, f64), to: (f64, f64), style: &str) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    // A slight bow tells links apart that lie over each other.
    let bow = 0.12;
    let (cx, cy) = (from.0 + dx / 2.0 + dy * dx.signum() * bow, from.1 + dy / 2.0 - dx.abs() * bow);
    let _ = writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}Q{cx:.1} {cy:.1} {:.1} {:.1}\" fill=\"none\" {style}/>",
        from.0, from.1, to.0, to.1
    );
}

/// Across the date line where that is shorter: then the link is drawn at both edges of the map.
fn shorter_way(from: (f64, f64), to: (f64, f64)) -> Vec<((f64, f64), (f64, f64))> {
    let across = to.0 - from.0;
    if across.abs() <= WIDTH / 2.0 {
        return vec![(from, to)];
    }
    let shift = WIDTH * across.signum();
    vec![(from, (to.0 - shift, to.1)), ((from.0 + shift, from.1), to)]
}

fn x(longitude: f64) -> f64 {
    (longitude + 180.0) / 360.0 * WIDTH
}

fn y(latitude: f64) -> f64 {
    TOP + (NORTH - latitude) / (NORTH - SOUTH) * (HEIGHT - TOP - BOTTOM)
}

fn colour(delay_ms: f64) -> String {
    let at = (delay_ms / SCALE_MS).clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "below the number of colours")]
    let first = (at as usize).min(SCALE.len() - 2);
    let (from, to, share) = (SCALE[first], SCALE[first + 1], at - first as f64);
    #[expect(clippy::cast_possible_truncation, reason = "between two bytes")]
    let mixed = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mixed(from.0, to.0), mixed(from.1, to.1), mixed(from.2, to.2))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
        assert!(svg.matches("Q").count() >= world.len() - 1);
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }

    #[test]
    fn a_link_over_the_pacific_leaves_at_one_edge_and_comes_in_at_the_other() {
        let (tokyo, seattle) = ((x(139.0), 0.0), (x(-122.0), 0.0));
        let parts = shorter_way(tokyo, seattle);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].1.0 > WIDTH && parts[1].0.0 < 0.0);
    }
}
