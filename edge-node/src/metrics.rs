//! What this edge tells Prometheus about itself; links, rooms, media and signaling have their own.

use prometheus::{IntGaugeVec, Opts, Registry};
use stoa_link::PeerName;

/// Says which node this is.
///
/// # Errors
/// When `registry` says so already.
pub fn register_node(
    registry: &Registry,
    name: &PeerName,
    coordinates: Option<(f64, f64)>,
) -> prometheus::Result<()> {
    let opts = Opts::new("stoa_edge_node", "Always 1; its labels say which node this is.");
    let labels = ["node", "region", "version", "latitude", "longitude"];
    let node = IntGaugeVec::new(opts, &labels)?;
    registry.register(Box::new(node.clone()))?;
    let degrees = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let labels = [
        name.node.as_str(),
        name.region.as_str(),
        env!("CARGO_PKG_VERSION"),
        &degrees(coordinates.map(|(latitude, _)| latitude)),
        &degrees(coordinates.map(|(_, longitude)| longitude)),
    ];
    node.with_label_values(&labels).set(1);
    Ok(())
}
