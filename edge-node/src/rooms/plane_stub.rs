//! Stands in for `crate::webrtc::Plane` until that lands; refuses every session.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use crate::webrtc::{Delivery, FromPlane, OfferError, OpenSession, Opened, Restarted, SessionId};

/// See `[media]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlaneConfig {
    /// Where clients send media.
    pub listen: SocketAddr,
    /// Addresses put into answers.
    pub advertise: Vec<IpAddr>,
}

impl Default for PlaneConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 7400)), advertise: Vec::new() }
    }
}

/// The media plane.
#[derive(Clone, Debug)]
pub struct Plane;

/// What the plane hands up.
#[derive(Debug)]
pub struct FromPlaneQueue;

/// Counters.
#[derive(Clone, Debug)]
pub struct PlaneMetrics;

impl PlaneMetrics {
    /// Registers.
    ///
    /// # Errors
    /// Never.
    pub fn new(_: &prometheus::Registry) -> prometheus::Result<Self> {
        Ok(Self)
    }
}

impl Plane {
    /// Starts.
    ///
    /// # Errors
    /// Never.
    pub fn start(_: &PlaneConfig, _: PlaneMetrics) -> anyhow::Result<(Self, FromPlaneQueue)> {
        Ok((Self, FromPlaneQueue))
    }
    /// Opens.
    ///
    /// # Errors
    /// Always.
    pub fn open(&self, _: OpenSession) -> Result<Opened, OfferError> {
        Err(OfferError::Full("no media plane"))
    }
    /// Restarts.
    ///
    /// # Errors
    /// Always.
    pub async fn restart(&self, _: SessionId, _: String) -> Result<Restarted, OfferError> {
        Err(OfferError::Gone)
    }
    /// Closes.
    pub fn close(&self, _: SessionId) {}
    /// Mutes.
    pub fn set_muted(&self, _: SessionId, _: bool) {}
    /// Plays.
    pub fn deliver(&self, _: Delivery) {}
    /// Stops.
    pub fn stop(&self) {}
}

impl FromPlaneQueue {
    /// Waits for ever.
    pub async fn recv(&mut self) -> Option<FromPlane> {
        std::future::pending().await
    }
}
