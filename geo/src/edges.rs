//! The edges an operator lists in a file: `[[edge]]` tables with a node, a region or coordinates, and
//! optionally load and health.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::coordinates::{Coordinates, CoordinatesError};
use crate::places::{self, PLACES};

/// Most edges that are ranked.
pub const EDGES_MAX: usize = 4_096;

/// Longest name of a node or region, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// Whether an edge takes clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It does.
    #[default]
    Healthy,
    /// It keeps those it has and takes no new ones.
    Draining,
    /// It does not answer.
    Down,
}

/// An edge as the choice sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Name of the node, unique.
    pub node: String,
    /// Its region.
    pub region: String,
    /// Where it is.
    pub coordinates: Coordinates,
    /// Share of its capacity in use, 0 to 1,000 permille.
    pub load_permille: u16,
    /// Whether it takes clients.
    pub health: Health,
}

/// The file of edges, as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgesFile {
    /// One `[[edge]]` table each.
    #[serde(default)]
    pub edge: Vec<EdgeEntry>,
}

/// One `[[edge]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeEntry {
    /// Name of the node.
    pub node: String,
    /// Its region; a known code (`ams`) brings the coordinates.
    pub region: String,
    /// Degrees north; with `longitude`.
    pub latitude: Option<f64>,
    /// Degrees east; with `latitude`.
    pub longitude: Option<f64>,
    /// Share of its capacity in use, 0 to 1,000 permille.
    #[serde(default)]
    pub load_permille: u16,
    /// Whether it takes clients.
    #[serde(default)]
    pub health: Health,
}

/// Why a list of edges was refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum EdgesError {
    /// There is none.
    #[error("there is no edge in the file; add a table [[edge]] with node and region")]
    None,
    /// More than [`EDGES_MAX`].
    #[error("the file lists {0} edges; at most {EDGES_MAX} are ranked")]
    TooMany(usize),
    /// A name is empty, too long or not printable ASCII.
    #[error(
        "edge {0:?}: node and region have 1 to {NAME_CHARACTERS_MAX} printable ASCII characters"
    )]
    Name(String),
    /// The same name again.
    #[error("edge {0:?} is listed twice; every node has its own name")]
    Twice(String),
    /// The region is unknown and there are no coordinates.
    #[error("edge {node:?}: region {region:?} is no known place; add latitude and longitude")]
    Place {
        /// Which edge.
        node: String,
        /// Its region.
        region: String,
    },
    /// Only one of the two.
    #[error("edge {0:?}: latitude and longitude go together")]
    HalfPoint(String),
    /// Not on Earth.
    #[error("edge {node:?}: {reason}")]
    Coordinates {
        /// Which edge.
        node: String,
        /// What is wrong.
        reason: CoordinatesError,
    },
    /// More than 1,000 permille.
    #[error("edge {node:?}: load_permille lies between 0 and 1000, not at {load}")]
    Load {
        /// Which edge.
        node: String,
        /// What was written.
        load: u16,
    },
}

impl EdgesFile {
    /// Checks every table.
    ///
    /// # Errors
    /// The first [`EdgesError`] in order of the file.
    pub fn edges(self) -> Result<Vec<Edge>, EdgesError> {
        match self.edge.len() {
            0 => return Err(EdgesError::None),
            count if count > EDGES_MAX => return Err(EdgesError::TooMany(count)),
            _ => {}
        }
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = self.edge.iter().find(|entry| !names.insert(&entry.node)) {
            return Err(EdgesError::Twice(twice.node.clone()));
        }
        self.edge.into_iter().map(checked).collect()
    }
}

/// One edge in every place that is known without a file, idle and healthy.
#[must_use]
pub fn everywhere() -> Vec<Edge> {
    let edge = |place: &places::Place| Edge {
        node: place.city.to_owned(),
        region: place.code.to_owned(),
        coordinates: place.coordinates,
        load_permille: 0,
        health: Health::Healthy,
    };
    PLACES.iter().map(edge).collect()
}

fn checked(entry: EdgeEntry) -> Result<Edge, EdgesError> {
    let node = entry.node;
    if !is_name(&node) || !is_name(&entry.region) {
        return Err(EdgesError::Name(node));
    }
    if entry.load_permille > 1_000 {
        return Err(EdgesError::Load { node, load: entry.load_permille });
    }
    let coordinates = match (entry.latitude, entry.longitude) {
        (Some(latitude), Some(longitude)) => Coordinates::new(latitude, longitude)
            .map_err(|reason| EdgesError::Coordinates { node: node.clone(), reason })?,
        (None, None) => match places::find(&entry.region) {
            Some(place) => place.coordinates,
            None => return Err(EdgesError::Place { node, region: entry.region }),
        },
        _ => return Err(EdgesError::HalfPoint(node)),
    };
    let (region, load_permille, health) = (entry.region, entry.load_permille, entry.health);
    Ok(Edge { node, region, coordinates, load_permille, health })
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Vec<Edge>, String> {
        stoa_runtime::configuration::parse::<EdgesFile>(text, Path::new("edges.toml"))
            .map_err(|error| error.to_string())?
            .edges()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_beside_the_binary_is_correct() {
        let edges = read(include_str!("../stoa-geo.edges.example.toml")).unwrap();
        let names: Vec<&str> = edges.iter().map(|edge| edge.node.as_str()).collect();
        assert_eq!(names, ["edge-ams-1", "edge-iad-1", "edge-own-1"]);
    }

    #[test]
    fn a_known_region_brings_its_coordinates() {
        let edges = read("[[edge]]\nnode = \"a\"\nregion = \"ams\"\n").unwrap();
        assert_eq!(edges[0].coordinates, places::find("ams").unwrap().coordinates);
        assert_eq!((edges[0].load_permille, edges[0].health), (0, Health::Healthy));
    }

    #[test]
    fn every_mistake_names_the_edge_and_what_to_do() {
        let named = |rest: &str| read(&format!("[[edge]]\nnode = \"a\"\n{rest}")).unwrap_err();
        assert!(named("region = \"moon\"").contains("add latitude and longitude"));
        assert!(named("region = \"x\"\nlatitude = 1").contains("go together"));
        assert!(named("region = \"x\"\nlatitude = 91\nlongitude = 0").contains("between -90"));
        assert!(named("region = \"ams\"\nload_permille = 1001").contains("between 0 and 1000"));
        assert!(named("region = \"\"").contains("printable"));
        assert!(named("region = \"ams\"\nhealth = \"helthy\"").contains("did you mean `healthy`?"));
        assert!(
            named("region = \"ams\"\n[[edge]]\nnode = \"a\"\nregion = \"fra\"").contains("twice")
        );
        assert!(read("").unwrap_err().contains("no edge"));
    }
}
