//! The page and its JSON, of a network whose names are as hostile as names can be, and over HTTP.

use stoa_link::PeerName;
use stoa_protocol::ids::{NodeId, NodeRole, Region};

use super::page;
use super::survey::{
    Branch, Link, NODES_SHOWN_MAX, Node, Origin, ROOMS_PER_PAGE, Room, Site, Survey, Tree, Trees,
};

/// What somebody might call his room.
const HOSTILE: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;";

fn node(name: &str) -> Node {
    Node {
        node: name.to_owned(),
        region: "ams".to_owned(),
        place: Some((52.3, -4.8)),
        participants: 7,
        used_percent: 12.5,
        rooms: 1,
        fan_out_max: 8,
        draining: false,
        link: Link { rtt_ms: 80.0, loss_in_percent: 3.0, ..Link::default() },
    }
}

fn room(id: &str, name: &str) -> Room {
    Room {
        room: id.to_owned(),
        name: name.to_owned(),
        tenant: name.to_owned(),
        stage: 1,
        listeners: 9,
        edges: 3,
        standby: Some(name.to_owned()),
        feeds: 2,
        feeds_effective: 2,
    }
}

fn branch(node: &str, parent: &str, hop_ms: f32, delay_ms: f32) -> Branch {
    Branch {
        node: node.to_owned(),
        region: "ams".to_owned(),
        place: Some((10.0, 20.0)),
        parent: parent.to_owned(),
        hop_ms,
        delay_ms,
    }
}

fn survey(name: &str) -> Survey {
    let tree = |root: &str| Tree {
        root: root.to_owned(),
        place: Some((50.0, 8.0)),
        branches: vec![
            branch("far", name, 90.0, 100.0),
            branch(name, root, 10.0, 10.0),
            branch("near", root, 5.0, 5.0),
        ],
    };
    Survey {
        origin: Origin {
            node: name.to_owned(),
            region: name.to_owned(),
            version: "1",
            draining: true,
        },
        origins: vec![node(name)],
        edges: vec![node(name)],
        rooms: vec![room("agora", name)],
        rooms_total: 1,
        next: Some("agora".to_owned()),
        trees: Some(Trees {
            room: room("agora", name),
            red: tree("origin-1"),
            blue: Some(tree("origin-2")),
        }),
    }
}

#[test]
fn no_name_becomes_markup() {
    let honest = page::write(&survey("name")).into_string();
    let hostile = page::write(&survey(HOSTILE)).into_string();
    for sign in ["<", ">", "\"", "'"] {
        assert_eq!(hostile.matches(sign).count(), honest.matches(sign).count(), "{sign}");
    }
    assert!(hostile.contains("&lt;script&gt;") && !hostile.contains("<script"), "{hostile}");
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let page = page::write(&survey("name")).into_string();
    for word in
        ["<script", "<link", "<img", "<iframe", "<form", "url(", "@import", "src=", "javascript:"]
    {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_list_says_who_hangs_from_whom_nearest_first() {
    let page = page::write(&survey("relay")).into_string();
    let list = page.split("class=\"tree\">").nth(1).unwrap().split("</div>").next().unwrap();
    let expected = "<li>near <small>ams</small> +5.0 ms = 5.0 ms</li>\n\
                    <li>relay <small>ams</small> +10.0 ms = 10.0 ms<ul>\
                    <li>far <small>ams</small> +90.0 ms = 100.0 ms</li>\n\
                    </ul></li>\n</ul>";
    assert_eq!(list, expected);
}

#[test]
fn a_tree_that_is_none_ends_too() {
    let mut survey = survey("relay");
    let red = &mut survey.trees.as_mut().unwrap().red;
    red.branches = vec![branch("a", "origin-1", 1.0, 1.0), branch("origin-1", "a", 1.0, 1.0)];
    assert!(page::write(&survey).into_string().ends_with("</body></html>\n"));
}

#[test]
fn what_is_told_is_bounded() {
    let mut large = survey("n");
    large.edges = vec![node("n"); NODES_SHOWN_MAX];
    large.rooms = vec![room("r", &"x".repeat(100)); ROOMS_PER_PAGE];
    let branches = (0..NODES_SHOWN_MAX).map(|i| branch(&format!("n-{i}"), "origin-1", 1.0, 1.0));
    large.trees.as_mut().unwrap().red.branches = branches.collect();
    let page = page::write(&large).into_string();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(serde_json::to_string(&large).unwrap().len() < 1_000_000);
}

#[test]
fn a_site_without_coordinates_is_where_its_region_is() {
    let region = Region::new("fra").unwrap();
    let name = PeerName { node: NodeId::new("o").unwrap(), role: NodeRole::Origin, region };
    let place = Site { name, place: None }.coordinates().unwrap();
    assert!((place.latitude() - 50.0).abs() < 1.0, "{place:?}");
}
