//! What this origin tells Prometheus. The doc comment of a field is the metric's help text.

use std::sync::atomic::Ordering;

use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use stoa_link::{InboxSender, LinkId, LinkMetrics, LinkStatistics, PeerName};
use stoa_protocol::ids::NodeRole;
use stoa_protocol::mesh::control::Load;
use stoa_protocol::token::REVOCATIONS_MAX;

use crate::archive::Tally;
use crate::service::{BLOCKS_MAX, ClaimRefusal, ControlRefusal, FrameDrop, Moved, Service, Why};

macro_rules! metrics {
    (@make $type:ident, $name:literal, $help:expr) => {
        $type::with_opts(Opts::new($name, $help))
    };
    (@make $type:ident, $name:literal, $help:expr, $($label:literal),+) => {
        $type::new(Opts::new($name, $help), &[$($label),+])
    };
    ($families:ident: $($(#[doc = $help:literal])+ $field:ident: $type:ident = $name:literal $([$($label:literal),+])?;)+) => {
        #[derive(Debug)]
        struct $families {
            $($(#[doc = $help])+ $field: $type,)+
        }

        impl $families {
            fn register(registry: &Registry) -> prometheus::Result<Self> {
                $(
                    let help = concat!($($help),+).trim();
                    let $field = metrics!(@make $type, $name, help $(, $($label),+)?)?;
                    registry.register(boxed(&$field))?;
                )+
                Ok(Self { $($field,)+ })
            }
        }
    };
}

metrics! { Families:
    /// Always 1; its labels say which node this is.
    node: IntGaugeVec = "stoa_origin_node" ["node", "region", "version", "latitude", "longitude"];
    /// Rooms that this origin owns.
    rooms: IntGauge = "stoa_origin_rooms";
    /// Most rooms that this origin takes.
    rooms_max: IntGauge = "stoa_origin_rooms_max";
    /// Participants by place: on a stage or in an audience.
    participants: IntGaugeVec = "stoa_origin_participants" ["place"];
    /// Rooms whose edges all get every frame from two different neighbours.
    rooms_doubled: IntGauge = "stoa_origin_rooms_doubled";
    /// Edges that were told from whom they get a room.
    branches: IntCounter = "stoa_origin_branches_total";
    /// Voices that were heard by their old edge until the new one brought them.
    voices_handed_over: IntCounter = "stoa_origin_voices_handed_over_total";
    /// Voices that came over the standby from then on, because the link to their edge had ended.
    voices_carried: IntCounter = "stoa_origin_voices_carried_total";
    /// Edges that are about to leave.
    edges_draining: IntGauge = "stoa_origin_edges_draining";
    /// Messages to edges of stages about each other.
    lanes: IntCounter = "stoa_origin_lanes_told_total";
    /// Edges left out of a stage's lane because it has too many.
    lane_edges_over: IntCounter = "stoa_origin_lane_edges_over_total";
    /// Links to edges that are up.
    links: IntGauge = "stoa_origin_links";
    /// Whether this origin takes nothing new because it is about to leave.
    draining: IntGauge = "stoa_origin_draining";
    /// Revocations of access tokens in force.
    revocations: IntGauge = "stoa_origin_revocations";
    /// Most revocations of tokens and identities that can be in force.
    revocations_max: IntGauge = "stoa_origin_revocations_max";
    /// Revocations refused because as many are in force as can be.
    revocations_refused: IntCounter = "stoa_origin_revocations_refused_total";
    /// Blocks that are known: who keeps whom out of rooms that he hosts.
    blocks: IntGauge = "stoa_origin_blocks";
    /// Most blocks that can be known.
    blocks_max: IntGauge = "stoa_origin_blocks_max";
    /// Blocks refused because somebody has as many as he may, or this origin as many as it can know.
    blocks_refused: IntCounter = "stoa_origin_blocks_refused_total";
    /// Questions to the store refused because too many were under way.
    looks_refused: IntCounter = "stoa_origin_looks_refused_total";
    /// Ended rooms that retention has erased.
    retention_rooms: IntCounter = "stoa_origin_retention_rooms_total";
    /// Entries of logs that retention has erased.
    retention_entries: IntCounter = "stoa_origin_retention_log_entries_total";
    /// Times that retention did not get to its end because a store was away.
    retention_failures: IntCounter = "stoa_origin_retention_failures_total";
    /// Frames received from edges.
    frames_in: IntCounter = "stoa_origin_frames_in_total";
    /// Frames sent to edges, counted once per edge.
    frames_out: IntCounter = "stoa_origin_frames_out_total";
    /// Frames of the last moments sent to edges that had lost a parent.
    frames_back_filled: IntCounter = "stoa_origin_frames_back_filled_total";
    /// Frames dropped, by reason.
    frames_dropped: IntCounterVec = "stoa_origin_frames_dropped_total" ["reason"];
    /// Announced tracks refused, by reason.
    claims_refused: IntCounterVec = "stoa_origin_claims_refused_total" ["reason"];
    /// Control messages that had no effect, by reason.
    controls_refused: IntCounterVec = "stoa_origin_controls_refused_total" ["reason"];
    /// Decisions about who is heard.
    selections: IntCounter = "stoa_origin_selections_total";
    /// Snapshots of rooms made for edges, counted once per room.
    room_states: IntCounter = "stoa_origin_room_states_total";
    /// Requests by kind and outcome: done, or the code of the problem.
    requests: IntCounterVec = "stoa_origin_requests_total" ["kind", "outcome"];
    /// Links closed because there were too many, or because an origin may not link here.
    links_refused: IntCounter = "stoa_origin_links_refused_total";
    /// Links closed because of persistent wrong claims.
    links_distrusted: IntCounter = "stoa_origin_links_distrusted_total";
    /// Participants who left because their edge did not come back in time.
    participants_lost: IntCounter = "stoa_origin_participants_lost_total";
    /// Rooms closed because nobody came for long.
    rooms_expired: IntCounter = "stoa_origin_rooms_expired_total";
    /// Whether this origin may act on the strength of its lease; always 1 where it is alone.
    lease: IntGauge = "stoa_origin_lease_held";
    /// Links to other origins that are up.
    origins: IntGauge = "stoa_origin_origins";
    /// Rooms of other origins that this one could take over.
    replicas: IntGauge = "stoa_origin_replicas";
    /// Own rooms whose standby holds everything and is named in the store.
    rooms_with_standby: IntGauge = "stoa_origin_rooms_with_standby";
    /// Rooms taken from other origins, by reason.
    rooms_taken: IntCounterVec = "stoa_origin_rooms_taken_total" ["reason"];
    /// Rooms that other origins have taken.
    rooms_given_up: IntCounter = "stoa_origin_rooms_given_up_total";
    /// Rooms handed over to other origins, by reason.
    rooms_moved: IntCounterVec = "stoa_origin_rooms_moved_total" ["reason"];
    /// Times that a room was not moved to a better origin because too many were moving.
    moves_put_off: IntCounter = "stoa_origin_room_moves_put_off_total";
    /// Requests refused because another origin may answer for the room.
    requests_uncertain: IntCounter = "stoa_origin_requests_uncertain_total";
    /// Replicas refused because their owner was replaced already.
    replicas_superseded: IntCounter = "stoa_origin_replicas_superseded_total";
    /// Replicas, lost owners and waiting requests beyond their limits.
    network_over_limit: IntCounter = "stoa_origin_network_over_limit_total";
    /// Participants that an edge says it carries.
    link_peer_participants: IntGaugeVec = "stoa_origin_link_peer_participants" ["peer", "region"];
    /// Share of an edge's capacity that it says is in use, 0 to 1.
    link_peer_used_ratio: GaugeVec = "stoa_origin_link_peer_used_ratio" ["peer", "region"];
}

/// Which node this is, for the `stoa_origin_node` metric.
#[derive(Clone, Debug)]
pub struct NodeLabels<'a> {
    /// The node's name.
    pub name: &'a PeerName,
    /// Latitude and longitude in degrees, if known.
    pub coordinates: Option<(f64, f64)>,
}

/// A link at one moment.
#[derive(Clone, Debug)]
pub struct LinkReport<'a> {
    /// The link.
    pub id: LinkId,
    /// Who is at the other end.
    pub peer: &'a PeerName,
    /// What the other end says it carries.
    pub load: Load,
    /// How the link does.
    pub statistics: LinkStatistics,
}

/// Every metric of an origin but those of its endpoint.
#[derive(Debug)]
pub struct Metrics {
    families: Families,
    links: LinkMetrics,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already: one origin per registry.
    pub fn register(registry: &Registry, node: &NodeLabels<'_>) -> prometheus::Result<Self> {
        let families = Families::register(registry)?;
        let degrees = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
        let labels = [
            node.name.node.as_str(),
            node.name.region.as_str(),
            env!("CARGO_PKG_VERSION"),
            &degrees(node.coordinates.map(|(latitude, _)| latitude)),
            &degrees(node.coordinates.map(|(_, longitude)| longitude)),
        ];
        families.node.with_label_values(&labels).set(1);
        Ok(Self { families, links: LinkMetrics::register(registry, NodeRole::Origin)? })
    }

    /// Brings everything that the service counts up to date.
    pub fn note_service(&self, service: &Service) {
        let f = &self.families;
        let counts = service.counts();
        let (speakers, listeners) = service.participants_len();
        set(&f.rooms, service.rooms_len() as u64);
        set(&f.rooms_max, service.limits().rooms as u64);
        set(&f.participants.with_label_values(&["stage"]), speakers);
        set(&f.participants.with_label_values(&["audience"]), listeners);
        set(&f.rooms_doubled, service.rooms_doubled() as u64);
        raise(&f.branches, counts.branches_told);
        raise(&f.voices_handed_over, counts.voices_handed_over);
        raise(&f.voices_carried, counts.voices_carried);
        set(&f.edges_draining, service.edges_draining() as u64);
        raise(&f.lanes, counts.lanes_told);
        raise(&f.lane_edges_over, counts.lane_edges_over);
        set(&f.links, service.links().count() as u64);
        self.note_network(service);
        set(&f.draining, u64::from(service.is_draining()));
        set(&f.revocations, service.revocations_len() as u64);
        set(&f.revocations_max, REVOCATIONS_MAX as u64);
        set(&f.blocks, service.blocks_len() as u64);
        set(&f.blocks_max, BLOCKS_MAX as u64);
        raise(&f.revocations_refused, counts.requests_ended("revocations-full"));
        raise(&f.blocks_refused, service.blocks_refused());
        raise(&f.frames_in, counts.frames_in);
        raise(&f.frames_out, counts.frames_out);
        raise(&f.frames_back_filled, counts.frames_back_filled);
        raise(&f.selections, counts.selections);
        raise(&f.room_states, counts.room_states);
        raise(&f.links_refused, counts.links_refused);
        raise(&f.links_distrusted, counts.links_distrusted);
        raise(&f.participants_lost, counts.participants_lost);
        raise(&f.rooms_expired, counts.rooms_expired);
        // Every reason is shown from the start, so that an alert can tell zero from absent.
        for &reason in FrameDrop::ALL {
            let count = counts.frames_dropped.get(&reason).copied().unwrap_or(0);
            raise(&f.frames_dropped.with_label_values(&[reason.label()]), count);
        }
        for &reason in ClaimRefusal::ALL {
            let count = counts.claims_refused.get(&reason).copied().unwrap_or(0);
            raise(&f.claims_refused.with_label_values(&[reason.label()]), count);
        }
        for &reason in ControlRefusal::ALL {
            let count = counts.controls_refused.get(&reason).copied().unwrap_or(0);
            raise(&f.controls_refused.with_label_values(&[reason.label()]), count);
        }
        for ((kind, outcome), count) in &counts.requests {
            raise(&f.requests.with_label_values(&[kind, outcome]), *count);
        }
    }

    fn note_network(&self, service: &Service) {
        let f = &self.families;
        let (origins, replicas, safe) = service.network_sizes();
        set(&f.origins, origins as u64);
        set(&f.replicas, replicas as u64);
        set(&f.rooms_with_standby, safe as u64);
        let counts = service.network_counts();
        for reason in Why::ALL {
            let taken = counts.taken.get(&reason).copied().unwrap_or(0);
            raise(&f.rooms_taken.with_label_values(&[reason.label()]), taken);
        }
        raise(&f.rooms_given_up, counts.given_up);
        for reason in Moved::ALL {
            let moved = counts.moved.get(&reason).copied().unwrap_or(0);
            raise(&f.rooms_moved.with_label_values(&[reason.label()]), moved);
        }
        raise(&f.moves_put_off, counts.moves_put_off);
        raise(&f.requests_uncertain, counts.uncertain);
        raise(&f.replicas_superseded, counts.superseded);
        raise(&f.network_over_limit, counts.over_limit);
    }

    /// Says whether the lease holds.
    pub fn note_lease(&self, holds: bool) {
        set(&self.families.lease, u64::from(holds));
    }

    /// Brings the archive's counts up to date.
    pub fn note_archive(&self, tally: &Tally) {
        let f = &self.families;
        let counts = [
            (&f.looks_refused, &tally.busy),
            (&f.retention_rooms, &tally.rooms),
            (&f.retention_entries, &tally.entries),
            (&f.retention_failures, &tally.failures),
        ];
        for (family, count) in counts {
            raise(family, count.load(Ordering::Relaxed));
        }
    }

    /// Brings the inbox's counts up to date.
    pub fn note_inbox(&self, inbox: &InboxSender) {
        self.links.note_inbox(inbox);
    }

    /// Brings a link's figures up to date.
    pub fn note_link(&mut self, report: &LinkReport<'_>) {
        self.links.note(report.id, report.peer, report.statistics);
        let f = &self.families;
        let here = [report.peer.node.as_str(), report.peer.region.as_str()];
        set(&f.link_peer_participants.with_label_values(&here), report.load.participants.into());
        let used = f64::from(report.load.used_permille) / 1_000.0;
        f.link_peer_used_ratio.with_label_values(&here).set(used);
    }

    /// Takes the gauges of a link that went down off the page; its counters stay, as counters do.
    pub fn forget_link(&mut self, id: LinkId, peer: &PeerName) {
        self.links.forget(id, peer);
        let (f, here) = (&self.families, [peer.node.as_str(), peer.region.as_str()]);
        // Removing what was never exported is an error that means nothing.
        let _ = f.link_peer_participants.remove_label_values(&here);
        let _ = f.link_peer_used_ratio.remove_label_values(&here);
    }
}

fn boxed<C: Collector + Clone + 'static>(collector: &C) -> Box<dyn Collector> {
    Box::new(collector.clone())
}

/// Brings a counter up to a total that is kept elsewhere.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
