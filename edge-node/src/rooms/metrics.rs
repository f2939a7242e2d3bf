//! What the hub counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::tree::{LaneMetrics, TreeMetrics};

/// Counters and gauges of the rooms, `stoa_edge_*`.
#[derive(Clone, Debug)]
pub struct RoomsMetrics {
    /// Rooms with somebody here, or that ended a moment ago.
    pub(super) rooms: IntGauge,
    /// Participants here, by class.
    pub(super) stage: IntGauge,
    pub(super) audience: IntGauge,
    /// Requests to owners that wait for an answer.
    pub(super) requests: IntGauge,
    /// Frames from this edge's clients that went to the owner.
    pub(super) frames_up: IntCounter,
    /// Frames that came down the tree and were new.
    pub(super) frames_down: IntCounter,
    /// Frames handed to the media plane for the stage.
    pub(super) deliveries_stage: IntCounter,
    /// Frames handed to the media plane for the audience.
    pub(super) deliveries_audience: IntCounter,
    /// Participants who were put on the stage while they were here, and taken off it.
    pub(super) moves_on: IntCounter,
    pub(super) moves_off: IntCounter,
    /// Reactions of this edge's clients.
    pub(super) reactions_up: IntCounter,
    /// Who came back and got his seat, came back through a new session, or brought a wrong secret.
    pub(super) resumes_seat: IntCounter,
    pub(super) resumes_join: IntCounter,
    pub(super) resumes_refused: IntCounter,
    pub(super) moves: Moves,
    pub(super) ownership: Ownership,
    pub(super) tree: TreeMetrics,
    pub(super) lane: LaneMetrics,
    pub(super) dropped: Dropped,
    pub(super) limits: Limited,
    pub(super) refused: Refused,
}

/// Who goes to another edge, and who was still here when this one had to leave.
#[derive(Clone, Debug)]
pub(super) struct Moves {
    pub(super) moved: IntCounter,
    /// Those who were told before, and those who could not be.
    pub(super) expelled_sockets: IntCounter,
    pub(super) expelled_players: IntCounter,
}

impl Moves {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let moved = IntCounter::new(
            "stoa_edge_moved_total",
            "Participants here who have joined through another edge.",
        )?;
        registry.register(Box::new(moved.clone()))?;
        let expelled = by(
            registry,
            "stoa_edge_drain_expelled_total",
            "Participants who were still here at the deadline of a drain: with a WebSocket, or WHIP and WHEP players.",
            "kind",
        )?;
        Ok(Self {
            moved,
            expelled_sockets: expelled.with_label_values(&["websocket"]),
            expelled_players: expelled.with_label_values(&["player"]),
        })
    }
}

/// Whose rooms are.
#[derive(Clone, Debug)]
pub(super) struct Ownership {
    pub(super) told: IntCounter,
    pub(super) redirected: IntCounter,
    pub(super) returned: IntCounter,
    pub(super) stale: IntCounter,
    pub(super) redirects: IntCounter,
    pub(super) orphans: IntGauge,
    pub(super) held: IntGauge,
    pub(super) held_asked: IntCounter,
    pub(super) held_given_up: IntCounter,
    pub(super) lists_incomplete: IntCounter,
}

/// Frames that went nowhere, by reason.
#[derive(Clone, Debug)]
pub(super) struct Dropped {
    pub(super) muted: IntCounter,
    pub(super) off_stage: IntCounter,
    pub(super) foreign: IntCounter,
    pub(super) unbound: IntCounter,
    pub(super) duplicate: IntCounter,
    pub(super) too_old: IntCounter,
    pub(super) old_epoch: IntCounter,
    pub(super) no_room: IntCounter,
    pub(super) no_owner: IntCounter,
    pub(super) other_owner: IntCounter,
    pub(super) no_slot: IntCounter,
    pub(super) unselected: IntCounter,
    pub(super) programme: IntCounter,
}

/// Maximums that were reached, by name.
#[derive(Clone, Debug)]
pub(super) struct Limited {
    pub(super) participants: IntCounter,
    pub(super) rooms: IntCounter,
    pub(super) requests: IntCounter,
    pub(super) publishers: IntCounter,
    pub(super) tracks: IntCounter,
    pub(super) stage: IntCounter,
    pub(super) events: IntCounter,
    pub(super) announcements: IntCounter,
    pub(super) held: IntCounter,
    pub(super) redirects: IntCounter,
    pub(super) origins: IntCounter,
}

/// Messages of peers that were not accepted, by reason.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) unexpected: IntCounter,
    pub(super) malformed: IntCounter,
    pub(super) stale: IntCounter,
    pub(super) timed_out: IntCounter,
}

impl RoomsMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// When `registry` holds one of the names already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, text: &str| {
            let counter = IntCounter::new(name, text)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, text: &str| {
            let gauge = IntGauge::new(name, text)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let participants = IntGaugeVec::new(
            Opts::new("stoa_edge_participants", "Participants at this edge, by class."),
            &["class"],
        )?;
        registry.register(Box::new(participants.clone()))?;
        let deliveries = by(
            registry,
            "stoa_edge_deliveries_total",
            "Frames handed to the media plane, by class of listeners.",
            "class",
        )?;
        let moves = by(
            registry,
            "stoa_edge_stage_moves_total",
            "Participants here who were put on the stage or taken off it, by direction.",
            "direction",
        )?;
        let resumes = by(
            registry,
            "stoa_edge_resumes_total",
            "Participants who came back: to their seat, by a new join, or with a wrong secret.",
            "outcome",
        )?;
        Ok(Self {
            moves: Moves::new(registry)?,
            moves_on: moves.with_label_values(&["on"]),
            moves_off: moves.with_label_values(&["off"]),
            reactions_up: counter(
                "stoa_edge_reactions_total",
                "Reactions given by this edge's clients.",
            )?,
            resumes_seat: resumes.with_label_values(&["seat"]),
            resumes_join: resumes.with_label_values(&["join"]),
            resumes_refused: resumes.with_label_values(&["refused"]),
            rooms: gauge("stoa_edge_rooms", "Rooms that have somebody at this edge.")?,
            stage: participants.with_label_values(&["stage"]),
            audience: participants.with_label_values(&["audience"]),
            requests: gauge(
                "stoa_edge_requests_pending",
                "Requests to rooms' owners that wait for an answer.",
            )?,
            frames_up: counter(
                "stoa_edge_frames_up_total",
                "Frames of this edge's clients sent to rooms' owners.",
            )?,
            frames_down: counter(
                "stoa_edge_frames_down_total",
                "Frames received over the mesh, without duplicates.",
            )?,
            deliveries_stage: deliveries.with_label_values(&["stage"]),
            deliveries_audience: deliveries.with_label_values(&["audience"]),
            ownership: Ownership::new(registry)?,
            tree: TreeMetrics::new(registry)?,
            lane: LaneMetrics::new(registry)?,
            dropped: Dropped::new(registry)?,
            limits: Limited::new(registry)?,
            refused: Refused::new(registry)?,
        })
    }
}

impl Ownership {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, text: &str| {
            let counter = IntCounter::new(name, text)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, text: &str| {
            let gauge = IntGauge::new(name, text)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let changes = by(
            registry,
            "stoa_edge_owner_changes_total",
            "Rooms here that got another owner, or theirs back, by how this edge came to know.",
            "cause",
        )?;
        let waited = by(
            registry,
            "stoa_edge_requests_held_total",
            "Requests that have waited for a lost owner's successor, by what came of it.",
            "outcome",
        )?;
        Ok(Self {
            told: changes.with_label_values(&["told"]),
            redirected: changes.with_label_values(&["redirected"]),
            returned: changes.with_label_values(&["returned"]),
            stale: counter(
                "stoa_edge_stale_owners_total",
                "Messages of origins about rooms that they own no longer.",
            )?,
            redirects: counter(
                "stoa_edge_redirects_total",
                "Requests that an origin answered by naming the room's owner.",
            )?,
            orphans: gauge(
                "stoa_edge_rooms_orphaned",
                "Rooms here whose owner is known and not linked.",
            )?,
            held: gauge(
                "stoa_edge_requests_held",
                "Requests that wait for a lost owner's successor.",
            )?,
            held_asked: waited.with_label_values(&["asked"]),
            held_given_up: waited.with_label_values(&["given-up"]),
            lists_incomplete: counter(
                "stoa_edge_list_pages_missing_total",
                "Origins that did not answer in time, or not well, when rooms were listed.",
            )?,
        })
    }
}

impl Dropped {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let text = "Frames that the room side dropped, by reason.";
        let all = by(registry, "stoa_edge_frames_dropped_total", text, "reason")?;
        let of = |reason: &str| all.with_label_values(&[reason]);
        Ok(Self {
            muted: of("muted"),
            off_stage: of("off-stage"),
            foreign: of("foreign"),
            unbound: of("unbound"),
            duplicate: of("duplicate"),
            too_old: of("too-old"),
            old_epoch: of("old-epoch"),
            no_room: of("no-room"),
            no_owner: of("no-owner"),
            other_owner: of("other-owner"),
            no_slot: of("no-slot"),
            unselected: of("unselected"),
            programme: of("programme"),
        })
    }
}

impl Limited {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let text = "How often the room side reached a maximum, by its name.";
        let all = by(registry, "stoa_edge_rooms_limits_total", text, "limit")?;
        let of = |limit: &str| all.with_label_values(&[limit]);
        Ok(Self {
            participants: of("participants"),
            rooms: of("rooms"),
            requests: of("requests"),
            publishers: of("publishers"),
            tracks: of("tracks"),
            stage: of("stage"),
            events: of("events"),
            announcements: of("announcements"),
            held: of("held"),
            redirects: of("redirects"),
            origins: of("origins"),
        })
    }
}

impl Refused {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let text = "Messages of mesh peers that were not accepted or did not come, by reason.";
        let all = by(registry, "stoa_edge_mesh_messages_refused_total", text, "reason")?;
        let of = |reason: &str| all.with_label_values(&[reason]);
        Ok(Self {
            unexpected: of("unexpected"),
            malformed: of("malformed"),
            stale: of("stale"),
            timed_out: of("timed-out"),
        })
    }
}

fn by(
    registry: &Registry,
    name: &str,
    text: &str,
    label: &str,
) -> prometheus::Result<IntCounterVec> {
    let counters = IntCounterVec::new(Opts::new(name, text), &[label])?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}
