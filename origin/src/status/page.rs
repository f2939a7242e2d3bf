//! The page for people: tables, the tree of a room as a list and as a map. Nothing in it runs.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::html::Html;
use super::map::{self, Line, Spot, tenths};
use super::survey::{Branch, Link, Node, Room, Survey, Tree, Trees};

const STYLE: &str = "<style>
:root { color-scheme: light dark; --line: #8884; --dim: #777 }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 72rem }
h1 { font-size: 1.4rem; margin: 0 0 .2rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .3rem 0 } .dim, small { color: var(--dim) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
td.name { white-space: normal; overflow-wrap: anywhere; min-width: 10rem }
th { font-weight: 600 } .number { text-align: right }
ul.tree, ul.tree ul { list-style: none; margin: 0; padding-left: 1.2rem; border-left: 1px solid var(--line) }
ul.tree { padding-left: .6rem } ul.tree li { padding: .1rem 0 }
.trees { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem 2rem }
svg { width: 100%; height: auto; border-radius: 8px; margin: .6rem 0 }
.mark { border-radius: 4px; padding: 0 .35rem; color: #fff } .red { background: #c2453d } .blue { background: #3667c4 }
.bad { color: #c2453d; font-weight: 600 }
</style>
";

/// From this share of lost datagrams on a link is shown as a bad one, in percent.
const BAD_LOSS_PERCENT: f64 = 2.0;

/// Writes the page.
pub(super) fn write(survey: &Survey) -> Html {
    let mut page = Html::default();
    page.put("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n", &[]);
    page.put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n", &[]);
    page.put("<title>{}: status</title>\n", &[&survey.origin.node]);
    page.put(STYLE, &[]);
    page.put("</head><body>\n", &[]);
    let origin = &survey.origin;
    page.put(
        "<h1>{}</h1>\n<p class=\"dim\">origin in {}, version {}",
        &[&origin.node, &origin.region, &origin.version],
    );
    page.put(if origin.draining { ", <b class=\"bad\">about to leave</b>" } else { "" }, &[]);
    page.put(" · <a href=\"/status.json\">JSON</a> · <a href=\"/metrics\">metrics</a></p>\n", &[]);
    if let Some(trees) = &survey.trees {
        room(&mut page, trees);
    }
    nodes(&mut page, "Edges", &survey.edges);
    nodes(&mut page, "Other origins", &survey.origins);
    rooms(&mut page, survey);
    page.put("</body></html>\n", &[]);
    page
}

fn nodes(page: &mut Html, title: &'static str, nodes: &[Node]) {
    page.put("<h2>{} ({})</h2>\n", &[&title, &nodes.len()]);
    if nodes.is_empty() {
        page.put("<p class=\"dim\">None are linked.</p>\n", &[]);
        return;
    }
    page.put("<div class=\"wide\"><table><tr><th>node<th>region<th>place<th class=\"number\">people<th class=\"number\">used<th class=\"number\">rooms<th class=\"number\">fan-out<th class=\"number\">round trip<th class=\"number\">one way, excess<th class=\"number\">loss in<th class=\"number\">loss out</tr>\n", &[]);
    for node in nodes {
        page.put("<tr><td>{}", &[&node.node]);
        page.put(if node.draining { " <small>leaving</small>" } else { "" }, &[]);
        page.put("<td>{}<td>{}", &[&node.region, &place(node.place)]);
        let used = format!("{:.0} %", node.used_percent);
        for value in [&node.participants as &dyn Display, &used, &node.rooms, &node.fan_out_max] {
            page.put("<td class=\"number\">{}", &[value]);
        }
        link(page, &node.link);
        page.put("</tr>\n", &[]);
    }
    page.put("</table></div>\n", &[]);
}

fn link(page: &mut Html, link: &Link) {
    for time_ms in [link.rtt_ms, link.one_way_excess_ms] {
        page.put("<td class=\"number\">{} ms", &[&tenths(time_ms)]);
    }
    for loss in [link.loss_in_percent, link.loss_out_percent] {
        let is_bad = loss >= BAD_LOSS_PERCENT;
        page.put(if is_bad { "<td class=\"number bad\">" } else { "<td class=\"number\">" }, &[]);
        page.put("{} %", &[&tenths(loss)]);
    }
}

fn rooms(page: &mut Html, survey: &Survey) {
    page.put("<h2>Rooms ({})</h2>\n", &[&survey.rooms_total]);
    if survey.rooms.is_empty() {
        page.put("<p class=\"dim\">None on this page.</p>\n", &[]);
        return;
    }
    page.put("<div class=\"wide\"><table><tr><th>room<th>name<th>tenant<th class=\"number\">stage<th class=\"number\">listeners<th class=\"number\">edges<th>standby<th class=\"number\">feeds, effective</tr>\n", &[]);
    for room in &survey.rooms {
        page.put("<tr><td><a href=\"/status?room={}\">{}</a>", &[&room.room, &room.room]);
        page.put("<td class=\"name\">{}<td>{}", &[&room.name, &room.tenant]);
        for value in [&room.stage as &dyn Display, &room.listeners, &room.edges] {
            page.put("<td class=\"number\">{}", &[value]);
        }
        page.put("<td>{}", &[&room.standby.as_deref().unwrap_or("none")]);
        page.put("<td class=\"number\">{}, {}</tr>\n", &[&room.feeds, &room.feeds_effective]);
    }
    page.put("</table></div>\n", &[]);
    if let Some(next) = &survey.next {
        page.put("<p><a href=\"/status?after={}\">further rooms</a></p>\n", &[next]);
    }
}

fn room(page: &mut Html, trees: &Trees) {
    let Room { room, name, feeds, feeds_effective, edges, .. } = &trees.room;
    page.put("<h2>{} <small>{}</small></h2>\n", &[name, room]);
    page.put(
        "<p>{} edges with people; {} of {} feeds for everybody. Delays are one way, as planned.",
        &[edges, feeds_effective, feeds],
    );
    page.put(" <a href=\"/status\">all rooms</a></p>\n", &[]);
    if trees.red.branches.is_empty() {
        page.put("<p class=\"dim\">Nobody gets the room now.</p>\n", &[]);
        return;
    }
    page.append(&drawn("Red tree, from the owner", &trees.red));
    if let Some(blue) = &trees.blue {
        page.append(&drawn("Blue tree, from the standby", blue));
    }
    page.put("<div class=\"trees\">\n", &[]);
    listed(page, "<p><span class=\"mark red\">red</span> from {}</p>\n", &trees.red);
    if let Some(blue) = &trees.blue {
        listed(page, "<p><span class=\"mark blue\">blue</span> from {}</p>\n", blue);
    }
    page.put("</div>\n", &[]);
}

/// Children by who sends to them, nearest first.
fn by_parent(tree: &Tree) -> BTreeMap<&str, Vec<&Branch>> {
    let mut children: BTreeMap<&str, Vec<&Branch>> = BTreeMap::new();
    for branch in &tree.branches {
        children.entry(&branch.parent).or_default().push(branch);
    }
    for siblings in children.values_mut() {
        siblings.sort_by(|a, b| a.hop_ms.total_cmp(&b.hop_ms).then_with(|| a.node.cmp(&b.node)));
    }
    children
}

/// Who hangs from whom.
fn listed(page: &mut Html, title: &'static str, tree: &Tree) {
    page.put("<div>", &[]);
    page.put(title, &[&tree.root]);
    let children = by_parent(tree);
    page.put("<ul class=\"tree\">", &[]);
    // The way to where the list is written; a tree is no deeper than there are nodes in it.
    let mut open: Vec<std::slice::Iter<'_, &Branch>> = Vec::new();
    open.extend(children.get(tree.root.as_str()).map(|siblings| siblings.iter()));
    let mut left = tree.branches.len();
    while let Some(siblings) = open.last_mut() {
        let Some(branch) = siblings.next().filter(|_| left > 0) else {
            open.pop();
            page.put(if open.is_empty() { "" } else { "</ul></li>\n" }, &[]);
            continue;
        };
        left -= 1;
        let (hop, delay) = (tenths(f64::from(branch.hop_ms)), tenths(f64::from(branch.delay_ms)));
        page.put(
            "<li>{} <small>{}</small> +{} ms = {} ms",
            &[&branch.node, &branch.region, &hop, &delay],
        );
        match children.get(branch.node.as_str()) {
            Some(below) => {
                page.put("<ul>", &[]);
                open.push(below.iter());
            }
            None => page.put("</li>\n", &[]),
        }
    }
    page.put("</ul></div>\n", &[]);
}

fn drawn(title: &str, tree: &Tree) -> Html {
    let children = by_parent(tree);
    let below = |node: &str| children.get(node).map_or(0, Vec::len);
    let root =
        Spot { name: &tree.root, place: tree.place, delay_ms: 0.0, children: below(&tree.root) };
    let spots = tree.branches.iter().map(|branch| Spot {
        name: &branch.node,
        place: branch.place,
        delay_ms: branch.delay_ms,
        children: below(&branch.node),
    });
    let spots: Vec<Spot<'_>> = std::iter::once(root).chain(spots).collect();
    let places: BTreeMap<&str, usize> =
        spots.iter().enumerate().map(|(at, spot)| (spot.name, at)).collect();
    let lines = tree.branches.iter().filter_map(|branch| {
        let parent = *places.get(branch.parent.as_str())?;
        let child = *places.get(branch.node.as_str())?;
        Some(Line { parent, child, hop_ms: branch.hop_ms })
    });
    map::draw(title, &spots, 0, &lines.collect::<Vec<_>>())
}

fn place(place: Option<(f64, f64)>) -> String {
    let Some((latitude, longitude)) = place else { return "unknown".to_owned() };
    let side = |degrees: f64, positive, negative| if degrees < 0.0 { negative } else { positive };
    let (north, east) = (side(latitude, "N", "S"), side(longitude, "E", "W"));
    format!("{:.1}° {north}, {:.1}° {east}", latitude.abs(), longitude.abs())
}
