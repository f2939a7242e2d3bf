//! The command line of `stoa-geo` and what it prints. Reading and writing is left to `io`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde_json::json;

use crate::choice::{Candidate, Ranking};
use crate::coordinates::{Coordinates, CoordinatesError};
use crate::matrix::Band;

/// Where Stoa's clients should go, and why.
#[derive(Debug, Parser)]
#[command(name = "stoa-geo", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Rank edges for a client by modelled round-trip time, load and health.
    Rank(Rank),
    /// Compare the built-in model with measured round-trip times.
    Model(Model),
}

/// Rank edges for a client.
#[derive(Debug, Args)]
pub struct Rank {
    /// Where the client is, in degrees north (-90 to 90).
    #[arg(long, allow_negative_numbers = true)]
    pub latitude: f64,
    /// Where the client is, in degrees east (-180 to 180).
    #[arg(long, allow_negative_numbers = true)]
    pub longitude: f64,
    /// A TOML file with `[[edge]]` tables: node, region, and optionally latitude, longitude,
    /// load_permille and health. Without it, one edge in every place that is built in.
    #[arg(long, value_name = "FILE")]
    pub edges: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

impl Rank {
    /// Where the client is.
    ///
    /// # Errors
    /// When the point is not on Earth.
    pub fn client(&self) -> Result<Coordinates, CoordinatesError> {
        Coordinates::new(self.latitude, self.longitude)
    }
}

/// Compare the built-in model with measurements.
#[derive(Debug, Args)]
pub struct Model {
    /// A CSV file with lines of name,lat,lon,city and the milliseconds to each place of the header.
    #[arg(long, value_name = "FILE")]
    pub rtt: PathBuf,
}

/// A ranking as a table.
#[must_use]
pub fn ranking_table(ranking: &Ranking<'_>) -> String {
    let nodes = ranking.candidates.iter().map(|candidate| candidate.edge);
    let nodes = nodes.chain(ranking.refused.iter().map(|(edge, _)| *edge));
    let width = nodes.map(|edge| edge.node.chars().count()).max().unwrap_or(0).max(4);
    let mut table = format!(
        "{:>4}  {:<width$}  {:<8}  {:>7}  {:>7}  {:>6}  {:>8}\n",
        "rank", "edge", "region", "rtt ms", "km", "load %", "score ms"
    );
    for (at, candidate) in ranking.candidates.iter().enumerate() {
        let edge = candidate.edge;
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{:>4}  {:<width$}  {:<8}  {:>7.1}  {:>7.0}  {:>6.1}  {:>8.1}",
            at + 1,
            edge.node,
            edge.region,
            candidate.rtt_ms,
            candidate.distance_km,
            f64::from(edge.load_permille) / 10.0,
            candidate.score_ms,
        );
    }
    for (edge, reason) in &ranking.refused {
        let _ = writeln!(table, "{:>4}  {:<width$}  {:<8}  {reason}", "-", edge.node, edge.region);
    }
    table
}

/// A ranking as JSON.
#[must_use]
pub fn ranking_json(ranking: &Ranking<'_>) -> String {
    let tenths = |number: f64| (number * 10.0).round() / 10.0;
    let candidate = |candidate: &Candidate<'_>| {
        json!({
            "node": candidate.edge.node,
            "region": candidate.edge.region,
            "rtt_ms": tenths(candidate.rtt_ms),
            "distance_km": tenths(candidate.distance_km),
            "load_permille": candidate.edge.load_permille,
            "score_ms": tenths(candidate.score_ms),
        })
    };
    let refused = ranking.refused.iter().map(|(edge, reason)| {
        json!({ "node": edge.node, "region": edge.region, "reason": reason.to_string() })
    });
    let document = json!({
        "edges": ranking.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

/// How far the model is off, as a table.
#[must_use]
pub fn model_table(bands: &[Band]) -> String {
    let mut table =
        "    up to km  pairs  median error ms  median error %  p90 error ms\n".to_owned();
    for (at, band) in bands.iter().enumerate() {
        let all = if at + 1 == bands.len() { "all " } else { "    " };
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{all}{:>8.0}  {:>5}  {:>15.1}  {:>14.1}  {:>12.1}",
            band.up_to_km,
            band.pairs,
            band.median_error_ms,
            band.median_error_share * 100.0,
            band.p90_error_ms,
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::choice::rank;
    use crate::edges::{Edge, Health};

    fn edges() -> [Edge; 2] {
        let edge = |node: &str, latitude, health| Edge {
            node: node.to_owned(),
            region: "ams".to_owned(),
            coordinates: Coordinates::new(latitude, 5.0).unwrap(),
            load_permille: 120,
            health,
        };
        [edge("edge-ams-1", 52.0, Health::Healthy), edge("edge-ams-2", 52.0, Health::Draining)]
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn southern_and_western_coordinates_need_no_tricks() {
        let line = ["stoa-geo", "rank", "--latitude", "-33.9", "--longitude", "-70.1", "--json"];
        let Action::Rank(rank) = Arguments::try_parse_from(line).unwrap().action else {
            panic!("this is a ranking");
        };
        assert_eq!(rank.client(), Coordinates::new(-33.9, -70.1));
    }

    #[test]
    fn the_table_shows_candidates_and_why_others_were_refused() {
        let edges = edges();
        let table = ranking_table(&rank(Coordinates::new(52.0, 5.0).unwrap(), &edges));
        let expected = "\
rank  edge        region     rtt ms       km  load %  score ms
   1  edge-ams-1  ams           2.0        0    12.0       2.0
   -  edge-ams-2  ams       draining
";
        assert_eq!(table, expected);
    }

    #[test]
    fn the_json_holds_the_same() {
        let edges = edges();
        let text = ranking_json(&rank(Coordinates::new(52.0, 5.0).unwrap(), &edges));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["edges"][0]["node"], "edge-ams-1");
        assert_eq!(value["edges"][0]["rtt_ms"], 2.0);
        assert_eq!(value["refused"][0]["reason"], "draining");
    }
}
