//! What the signaling server counts.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};
use stoa_protocol::ids::TenantId;
use stoa_protocol::tenant::Quota;

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
    /// Addresses whose joins are counted.
    QuotaAddresses,
    /// Revocations of tokens.
    Revocations,
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
            Self::QuotaAddresses => "quota-addresses",
            Self::Revocations => "revocations",
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
    token_refusals: IntCounterVec,
    quota_refusals: IntCounterVec,
    revocations: IntGauge,
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
            token_refusals: IntCounterVec::new(
                Opts::new(
                    "stoa_edge_token_refusals_total",
                    "Access tokens that were refused, by the code of the problem.",
                ),
                &["code"],
            )?,
            quota_refusals: IntCounterVec::new(
                Opts::new(
                    "stoa_edge_quota_refusals_total",
                    "Joins and rooms refused because of a quota, here or by a room's owner, by tenant and quota.",
                ),
                &["tenant", "quota"],
            )?,
            revocations: IntGauge::new(
                "stoa_edge_revocations",
                "Revocations of tokens, identities and keys that are in force.",
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.request_seconds.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.websockets.clone()))?;
        registry.register(Box::new(metrics.session_urls.clone()))?;
        registry.register(Box::new(metrics.websocket_messages.clone()))?;
        registry.register(Box::new(metrics.limits.clone()))?;
        registry.register(Box::new(metrics.token_refusals.clone()))?;
        registry.register(Box::new(metrics.quota_refusals.clone()))?;
        registry.register(Box::new(metrics.revocations.clone()))?;
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

    /// A token was refused with this code.
    pub fn token_refused(&self, code: &str) {
        self.token_refusals.with_label_values(&[code]).inc();
    }

    /// A join was refused because of a quota. Tenants are those of the configuration.
    pub fn quota_reached(&self, tenant: &TenantId, quota: Quota) {
        self.quota_refusals.with_label_values(&[tenant.as_str(), quota.name()]).inc();
    }

    /// How often a quota of a tenant was reached.
    #[must_use]
    pub fn times_quota_reached(&self, tenant: &TenantId, quota: Quota) -> u64 {
        self.quota_refusals.with_label_values(&[tenant.as_str(), quota.name()]).get()
    }

    /// How many revocations are in force.
    pub fn set_revocations(&self, count: usize) {
        self.revocations.set(i64::try_from(count).unwrap_or(i64::MAX));
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
