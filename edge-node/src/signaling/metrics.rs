//! What the signaling server counts.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// Which upper bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Open connections.
    Connections,
    /// Open WebSockets.
    Websockets,
    /// Sessions with an address.
    Sessions,
    /// Bytes of a body or message.
    BodyBytes,
    /// Bytes of an SDP offer.
    OfferBytes,
    /// ICE restarts of a session per second.
    RestartRate,
    /// Seconds for TLS, headers or a body.
    ReadTime,
    /// Seconds for a write to leave.
    WriteTime,
    /// Seconds for the room side's answer.
    RoomsAnswer,
    /// Seconds until the first message of a WebSocket.
    JoinTime,
    /// Messages of a WebSocket per second.
    MessageRate,
    /// Reactions of a WebSocket per second.
    ReactionRate,
    /// Answers waiting for a WebSocket that does not read.
    SlowReader,
    /// Seconds without a sign of life from a WebSocket.
    Silence,
}

impl Limit {
    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Websockets => "websockets",
            Self::Sessions => "sessions",
            Self::BodyBytes => "body-bytes",
            Self::OfferBytes => "offer-bytes",
            Self::RestartRate => "restart-rate",
            Self::ReadTime => "read-time",
            Self::WriteTime => "write-time",
            Self::RoomsAnswer => "rooms-answer",
            Self::JoinTime => "join-time",
            Self::MessageRate => "message-rate",
            Self::ReactionRate => "reaction-rate",
            Self::SlowReader => "slow-reader",
            Self::Silence => "silence",
        }
    }
}

/// The signaling server's metrics.
#[derive(Clone, Debug)]
pub struct SignalingMetrics {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    connections: IntGauge,
    websockets: IntGauge,
    session_urls: IntGauge,
    websocket_messages: IntCounterVec,
    limits: IntCounterVec,
}

/// Upper bounds of the duration histogram in seconds; a join answers within 0.3 s on a good day.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 5.0];

impl SignalingMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When a name is registered already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("stoa_edge_http_requests_total", "HTTP requests by route and status."),
                &["route", "status"],
            )?,
            request_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "stoa_edge_http_request_seconds",
                    "Time from an HTTP request's headers to its answer, by route.",
                )
                .buckets(SECONDS.to_vec()),
                &["route"],
            )?,
            connections: IntGauge::new("stoa_edge_http_connections", "Open HTTP connections.")?,
            websockets: IntGauge::new("stoa_edge_websockets", "Open WebSockets.")?,
            session_urls: IntGauge::new(
                "stoa_edge_session_urls",
                "WHIP and WHEP sessions that have a URL.",
            )?,
            websocket_messages: IntCounterVec::new(
                Opts::new("stoa_edge_websocket_messages_total", "WebSocket messages by direction."),
                &["direction"],
            )?,
            limits: IntCounterVec::new(
                Opts::new(
                    "stoa_edge_signaling_limits_total",
                    "How often an upper bound of the signaling server was reached, by bound.",
                ),
                &["limit"],
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.request_seconds.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.websockets.clone()))?;
        registry.register(Box::new(metrics.session_urls.clone()))?;
        registry.register(Box::new(metrics.websocket_messages.clone()))?;
        registry.register(Box::new(metrics.limits.clone()))?;
        Ok(metrics)
    }

    /// A request was answered. `route` is the pattern, never the path: paths are the client's choice.
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[route, &status.to_string()]).inc();
        self.request_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// An upper bound was reached.
    pub fn reached(&self, limit: Limit) {
        self.limits.with_label_values(&[limit.name()]).inc();
    }

    /// How often an upper bound was reached.
    #[must_use]
    pub fn times_reached(&self, limit: Limit) -> u64 {
        self.limits.with_label_values(&[limit.name()]).get()
    }

    /// How many sessions have a URL.
    pub fn set_session_urls(&self, count: usize) {
        self.session_urls.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A WebSocket message came in.
    pub fn message_received(&self) {
        self.websocket_messages.with_label_values(&["in"]).inc();
    }

    /// A WebSocket message went out.
    pub fn message_sent(&self) {
        self.websocket_messages.with_label_values(&["out"]).inc();
    }

    /// Counts an open connection until the result is dropped.
    #[must_use]
    pub fn connection(&self) -> Open {
        Open::new(&self.connections)
    }

    /// Counts an open WebSocket until the result is dropped.
    #[must_use]
    pub fn websocket(&self) -> Open {
        Open::new(&self.websockets)
    }
}

/// Something open that a gauge counts.
#[derive(Debug)]
pub struct Open(IntGauge);

impl Open {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
