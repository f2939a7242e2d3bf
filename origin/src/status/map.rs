//! A tree as a map: nodes where they are, links in the colour of the delay at their lower end. Equirectangular, without
//! land: the places speak for themselves.

use super::html::Html;

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
/// Longer links are drawn thinner, in ms one way.
const LONG_LINK_MS: f64 = 25.0;
/// With so few nodes there is room for larger dots, and for names where they do not lie over each other.
const FEW: usize = 48;
const NAME_WIDTH: f64 = 130.0;
const NAME_HEIGHT: f64 = 20.0;
/// From near to far.
const SCALE: [(u8, u8, u8); 5] =
    [(94, 234, 212), (96, 165, 250), (167, 139, 250), (244, 114, 182), (251, 146, 60)];

/// A node of a tree.
#[derive(Clone, Debug)]
pub struct Spot<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Latitude and longitude in degrees; who has none is not drawn.
    pub place: Option<(f64, f64)>,
    /// One way from the root along the tree; infinite for who is not in it.
    pub delay_ms: f32,
    /// How many hang from it.
    pub children: usize,
}

/// A link of a tree, between two nodes by their places in the list.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Who sends.
    pub parent: usize,
    /// Who gets.
    pub child: usize,
    /// One way.
    pub hop_ms: f32,
}

/// Draws the tree below `root`, one of the `spots`.
#[must_use]
pub fn draw(title: &str, spots: &[Spot<'_>], root: usize, lines: &[Line]) -> Html {
    let mut svg = Html::default();
    frame(&mut svg, title);
    let place = |at: usize| {
        let (latitude, longitude) = spots.get(at)?.place?;
        Some((x(longitude), y(latitude)))
    };
    let root_place = place(root).or_else(|| {
        let nearest = lines.iter().filter(|line| line.parent == root);
        nearest.min_by(|a, b| a.hop_ms.total_cmp(&b.hop_ms)).and_then(|line| place(line.child))
    });
    let scale = if spots.len() <= FEW { 2.0 } else { 1.0 };
    let mut lines = lines.to_vec();
    // Short links are drawn last, so that they are seen among the long ones.
    lines.sort_by(|a, b| b.hop_ms.total_cmp(&a.hop_ms));
    for line in lines {
        let Some((from, to)) = place(line.parent).or(root_place).zip(place(line.child)) else {
            continue;
        };
        let is_long = f64::from(line.hop_ms) > LONG_LINK_MS;
        let (width, opacity) = if is_long { (1.3, 0.6) } else { (1.7, 0.95) };
        let delay_ms = spots.get(line.child).map_or(0.0, |spot| f64::from(spot.delay_ms));
        for (from, to) in shorter_way(from, to) {
            link(&mut svg, from, to);
            svg.put(
                " stroke=\"{}\" stroke-width=\"{}\" stroke-opacity=\"{}\"/>\n",
                &[&colour(delay_ms), &(width * scale), &opacity],
            );
        }
    }
    for (at, spot) in spots.iter().enumerate() {
        let Some((x, y)) = place(at) else { continue };
        let children = f64::from(u16::try_from(spot.children).unwrap_or(u16::MAX));
        let radius = (2.0 + children * 0.55) * scale;
        let delay_ms = f64::from(spot.delay_ms);
        svg.put(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\" stroke=\"#0b1020\" stroke-width=\"0.8\"><title>{}: {} ms</title></circle>\n",
            &[&tenths(x), &tenths(y), &tenths(radius), &colour(delay_ms), &spot.name, &tenths(delay_ms)],
        );
    }
    if spots.len() <= FEW {
        names(&mut svg, spots);
    }
    if let Some((x, y)) = root_place {
        svg.put(
            "<g fill=\"none\" stroke=\"#fff\" stroke-width=\"2.5\"><circle cx=\"{}\" cy=\"{}\" r=\"11\"/></g>",
            &[&tenths(x), &tenths(y)],
        );
        svg.put(
            "<circle cx=\"{}\" cy=\"{}\" r=\"4.5\" fill=\"#fff\"/>\n",
            &[&tenths(x), &tenths(y)],
        );
    }
    svg.put("</svg>\n", &[]);
    svg
}

/// Writes the names that find room.
fn names(svg: &mut Html, spots: &[Spot<'_>]) {
    let mut written: Vec<(f64, f64)> = Vec::new();
    for spot in spots {
        let Some((latitude, longitude)) = spot.place else { continue };
        let at = (x(longitude), y(latitude));
        let is_near = |other: &(f64, f64)| {
            (at.0 - other.0).abs() < NAME_WIDTH && (at.1 - other.1).abs() < NAME_HEIGHT
        };
        if written.iter().any(is_near) {
            continue;
        }
        // At the right edge there is room on the left.
        let (anchor, dx) = if at.0 > WIDTH - NAME_WIDTH { ("end", -12.0) } else { ("start", 12.0) };
        svg.put(
            "<text x=\"{}\" y=\"{}\" fill=\"#cdd6f4\" font-size=\"16\" text-anchor=\"{}\">{}</text>\n",
            &[&tenths(at.0 + dx), &tenths(at.1 + 5.0), &anchor, &spot.name],
        );
        written.push(at);
    }
}

/// Background, grid, title and legend.
fn frame(svg: &mut Html, title: &str) {
    svg.put(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" font-family=\"system-ui, sans-serif\">\n",
        &[&WIDTH, &HEIGHT, &WIDTH, &HEIGHT],
    );
    svg.put("<rect width=\"{}\" height=\"{}\" fill=\"#0b1020\"/>\n", &[&WIDTH, &HEIGHT]);
    for longitude in (-150..=150).step_by(30) {
        let (x, bottom) = (tenths(x(f64::from(longitude))), tenths(HEIGHT - BOTTOM));
        svg.put("<path d=\"M{} {}V{}\" stroke=\"#26304f\"/>\n", &[&x, &TOP, &bottom]);
    }
    for latitude in (-30..=60).step_by(30) {
        let y = tenths(y(f64::from(latitude)));
        svg.put("<path d=\"M0 {}H{}\" stroke=\"#26304f\"/>\n", &[&y, &WIDTH]);
    }
    svg.put(
        "<text x=\"28\" y=\"40\" fill=\"#e6ebff\" font-size=\"22\" font-weight=\"600\">{}</text>\n",
        &[&title],
    );
    let baseline = HEIGHT - 22.0;
    for step in 0..100 {
        let at = f64::from(step) / 100.0;
        svg.put(
            "<rect x=\"{}\" y=\"{}\" width=\"3.2\" height=\"10\" fill=\"{}\"/>\n",
            &[&tenths(28.0 + at * 300.0), &tenths(baseline - 9.0), &colour(at * SCALE_MS)],
        );
    }
    svg.put(
        "<text x=\"342\" y=\"{}\" fill=\"#aab4d6\" font-size=\"16\">0 to {} ms from the root, one way; larger dots relay to more children; the ring is the root</text>\n",
        &[&baseline, &SCALE_MS],
    );
}

/// A link without its style: the element is left open.
fn link(svg: &mut Html, from: (f64, f64), to: (f64, f64)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    // A slight bow tells links apart that lie over each other.
    let bow = 0.12;
    let (cx, cy) = (from.0 + dx / 2.0 + dy * dx.signum() * bow, from.1 + dy / 2.0 - dx.abs() * bow);
    let ends = [from.0, from.1, cx, cy, to.0, to.1].map(tenths);
    let [x1, y1, cx, cy, x2, y2] = &ends;
    svg.put("<path d=\"M{} {}Q{} {} {} {}\" fill=\"none\"", &[x1, y1, cx, cy, x2, y2]);
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

/// As it is written.
pub(super) fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

fn colour(delay_ms: f64) -> String {
    let last = SCALE.len() - 1;
    let at = (delay_ms / SCALE_MS).clamp(0.0, 1.0) * 4.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of colours"
    )]
    let first = (at as usize).min(last - 1);
    let share = at - f64::from(u8::try_from(first).unwrap_or(0));
    let (from, to) = (SCALE[first], SCALE[first + 1]);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two bytes"
    )]
    let mixed = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mixed(from.0, to.0), mixed(from.1, to.1), mixed(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_and_every_link_is_on_the_map_and_names_are_text() {
        let spot = |name, latitude, longitude, delay_ms| Spot {
            name,
            place: Some((latitude, longitude)),
            delay_ms,
            children: 1,
        };
        let spots = [
            spot("fra", 50.0, 8.6, 0.0),
            spot("<ams>", 52.4, 4.9, 6.0),
            spot("nrt", 35.7, 139.7, 120.0),
            Spot { place: None, ..spot("nowhere", 0.0, 0.0, f32::INFINITY) },
        ];
        let line = |parent, child, hop_ms| Line { parent, child, hop_ms };
        let svg = draw("a < b", &spots, 0, &[line(0, 1, 6.0), line(1, 2, 114.0), line(1, 3, 1.0)]);
        let svg = svg.into_string();
        assert_eq!((svg.matches("<title>").count(), svg.matches('Q').count()), (3, 2));
        assert!(svg.contains("a &lt; b") && svg.contains("&lt;ams&gt;: 6.0 ms"), "{svg}");
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_link_over_the_pacific_leaves_at_one_edge_and_comes_in_at_the_other() {
        let (tokyo, seattle) = ((x(139.0), 0.0), (x(-122.0), 0.0));
        let parts = shorter_way(tokyo, seattle);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].1.0 > WIDTH && parts[1].0.0 < 0.0);
    }
}
