//! What the metrics page shows.

use prometheus::{Registry, TextEncoder};
use stoa_link::{LinkId, LinkStatistics, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, Region};
use stoa_protocol::mesh::control::Load;

use super::{LinkReport, Metrics, NodeLabels};

#[test]
fn a_link_that_went_down_leaves_its_counters_but_not_its_gauges() {
    let registry = Registry::new();
    let mut metrics = register(&registry);
    metrics.note_link(&report(LinkId(1), 100));
    metrics.note_link(&report(LinkId(1), 150));
    metrics.forget_link(LinkId(1), &name("edge-1", NodeRole::Edge));
    metrics.note_link(&report(LinkId(2), 30));
    metrics.forget_link(LinkId(2), &name("edge-1", NodeRole::Edge));

    let page = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();

    let frames =
        "stoa_origin_link_frames_total{direction=\"in\",peer=\"edge-1\",region=\"ams\"} 180";
    assert!(page.contains(frames), "{page}");
    assert!(!page.contains("stoa_origin_link_rtt_seconds{"), "{page}");
    assert!(!page.contains("stoa_origin_link_peer_used_ratio{"), "{page}");
}

#[test]
fn help_texts_are_the_doc_comments() {
    let registry = Registry::new();
    let metrics = register(&registry);
    metrics.note_inbox(&stoa_link::inbox().0);

    let page = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();

    assert!(page.contains("# HELP stoa_origin_rooms Rooms that this origin owns.\n"), "{page}");
    assert!(page.contains("stoa_origin_inbox_waits_total 0\n"), "{page}");
}

#[test]
fn a_second_origin_on_one_registry_is_refused() {
    let registry = Registry::new();
    register(&registry);
    let name = name("origin-2", NodeRole::Origin);

    assert!(Metrics::register(&registry, &NodeLabels { name: &name, coordinates: None }).is_err());
}

fn register(registry: &Registry) -> Metrics {
    let name = name("origin-1", NodeRole::Origin);
    Metrics::register(registry, &NodeLabels { name: &name, coordinates: Some((52.37, 4.9)) })
        .unwrap()
}

fn report(id: LinkId, frames_in: u64) -> LinkReport<'static> {
    let peer = Box::leak(Box::new(name("edge-1", NodeRole::Edge)));
    let statistics = LinkStatistics { frames_in, rtt_ms: 80.0, ..LinkStatistics::default() };
    LinkReport { id, peer, load: Load::default(), statistics }
}

fn name(node: &str, role: NodeRole) -> PeerName {
    PeerName { node: NodeId::new(node).unwrap(), role, region: Region::new("ams").unwrap() }
}
