//! What an origin knows at one moment, bounded, as `/status.json` tells it.

use serde::Serialize;
use stoa_geo::coordinates::Coordinates;
use stoa_geo::places;
use stoa_link::{LinkStatistics, PeerName};

/// Nodes of each kind that are told of; there may be more.
pub const NODES_SHOWN_MAX: usize = 1_024;
/// Rooms of a page.
pub const ROOMS_PER_PAGE: usize = 50;

/// Where this origin is, and what it is called.
#[derive(Clone, Debug)]
pub struct Site {
    /// The node.
    pub name: PeerName,
    /// As configured; by its region otherwise.
    pub place: Option<Coordinates>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Survey {
    /// This origin.
    pub origin: Origin,
    /// Other origins that are linked.
    pub origins: Vec<Node>,
    /// Edges that are linked.
    pub edges: Vec<Node>,
    /// A page of rooms that this origin owns, by id.
    pub rooms: Vec<Room>,
    /// How many rooms it owns.
    pub rooms_total: usize,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The trees of the room that was asked for, if this origin owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trees: Option<Trees>,
}

/// This origin.
#[derive(Clone, Debug, Serialize)]
pub struct Origin {
    /// Its node.
    pub node: String,
    /// Its region.
    pub region: String,
    /// Its software.
    pub version: &'static str,
    /// Whether it is about to leave.
    pub draining: bool,
}

/// Another node.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Its name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// Latitude and longitude in degrees, where they are known.
    pub place: Option<(f64, f64)>,
    /// People whom it says it carries.
    pub participants: u32,
    /// Share of its capacity in use, in percent.
    pub used_percent: f64,
    /// Rooms of this origin that it takes part in.
    pub rooms: usize,
    /// Edges that it passes one room on to at most; 0 where none can reach it.
    pub fan_out_max: u16,
    /// Whether it has said that it leaves; of origins alone.
    pub draining: bool,
    /// The link to it.
    pub link: Link,
}

/// A link of this origin.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Link {
    /// Smoothed round-trip time.
    pub rtt_ms: f64,
    /// How much longer datagrams from there take now than the quickest lately.
    pub one_way_excess_ms: f64,
    /// Share of the datagrams from there that is lost.
    pub loss_in_percent: f64,
    /// Share of those to there.
    pub loss_out_percent: f64,
}

impl From<LinkStatistics> for Link {
    fn from(statistics: LinkStatistics) -> Self {
        Self {
            rtt_ms: statistics.rtt_ms,
            one_way_excess_ms: statistics.queueing_ms,
            loss_in_percent: f64::from(statistics.loss_in_permille) / 10.0,
            loss_out_percent: f64::from(statistics.loss_out_permille) / 10.0,
        }
    }
}

/// A room.
#[derive(Clone, Debug, Serialize)]
pub struct Room {
    /// Its id.
    pub room: String,
    /// What people read.
    pub name: String,
    /// Whose it is; empty for the default tenant.
    pub tenant: String,
    /// How many are on the stage.
    pub stage: u32,
    /// How many listen.
    pub listeners: u32,
    /// Edges with people in it.
    pub edges: usize,
    /// The origin that would take it over.
    pub standby: Option<String>,
    /// Over how many trees each edge is to get it.
    pub feeds: u8,
    /// Over how many every edge gets it.
    pub feeds_effective: u8,
}

/// The trees of one room, as planned.
#[derive(Clone, Debug, Serialize)]
pub struct Trees {
    /// The room.
    pub room: Room,
    /// From the owner.
    pub red: Tree,
    /// From the standby, if there is one.
    pub blue: Option<Tree>,
}

/// A tree.
#[derive(Clone, Debug, Serialize)]
pub struct Tree {
    /// Whence frames come.
    pub root: String,
    /// Where that is.
    pub place: Option<(f64, f64)>,
    /// Who hangs from it, children in any order.
    pub branches: Vec<Branch>,
}

/// Somebody in a tree.
#[derive(Clone, Debug, Serialize)]
pub struct Branch {
    /// Who.
    pub node: String,
    /// Its region.
    pub region: String,
    /// Where that is.
    pub place: Option<(f64, f64)>,
    /// From whom frames come.
    pub parent: String,
    /// One way from there: half of the round trip, measured or estimated, and what a hop takes besides.
    pub hop_ms: f32,
    /// One way from the root, along the tree.
    pub delay_ms: f32,
}

/// As they stand in a survey.
pub(crate) fn degrees(place: Coordinates) -> (f64, f64) {
    (place.latitude(), place.longitude())
}

impl Site {
    /// Where it is, as far as that is known.
    pub(crate) fn coordinates(&self) -> Option<Coordinates> {
        let by_region = || places::find(self.name.region.as_str()).map(|place| place.coordinates);
        self.place.or_else(by_region)
    }
}
