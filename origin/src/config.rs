//! Configuration: one TOML file, overruled by the command line. Unknown keys are refused with their line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use serde::Deserialize;
use stoa_geo::coordinates::Coordinates;
use stoa_link::{EndpointConfig, Identity, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, Region};
use stoa_runtime::configuration;
use stoa_runtime::telemetry::TelemetryConfig;

use crate::archive::Retention;
use crate::command::Action;
use crate::room::{Capacity, PARTICIPANTS_MAX, STAGE_MAX};
use crate::service::{EMPTY_ROOM_LIFE, FAN_OUT, FAN_OUT_MAX, LINKS_MAX, Limits, ROOMS_MAX};
use crate::store::{Home, StoreConfig};
use crate::webhook;

/// The command line of `stoa-origin`.
#[derive(Debug, Default, Parser)]
#[command(
    name = "stoa-origin",
    version,
    about = "Owns rooms and sends their loudest speakers to the edges.",
    args_conflicts_with_subcommands = true
)]
pub struct Arguments {
    /// Without one, an origin is run.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Configuration file (TOML); without one the defaults hold.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of this node, unique in the network.
    #[arg(long)]
    pub node: Option<NodeId>,
    /// Region of this node, e.g. ams.
    #[arg(long)]
    pub region: Option<Region>,
    /// UDP address for links to edges.
    #[arg(long, value_name = "ADDR")]
    pub mesh: Option<SocketAddr>,
    /// TCP address of the metrics page.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// Directory of the development certificate authority.
    #[arg(long, value_name = "DIR")]
    pub certificates: Option<PathBuf>,
}

/// Everything an operator can set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of this node, unique in the network and part of its certificate; `origin-1` if absent.
    pub node: Option<NodeId>,
    /// Where this node stands, as the operator calls it; `local` if absent.
    pub region: Option<Region>,
    /// Latitude and longitude in degrees; shown in metrics.
    pub coordinates: Option<Coordinates>,
    /// UDP address for links to edges; port 0 picks one.
    pub mesh: SocketAddr,
    /// `HOST:PORT` at which edges and other origins reach `mesh`, if that is not its address. Needed where `mesh` listens
    /// on all addresses and the store is shared with other origins.
    pub advertise: Option<String>,
    /// What fails together with this node, e.g. a rack or a region; the region if absent. Rooms have their standby in
    /// another one where there is one.
    pub failure_domain: Option<String>,
    /// TCP address of `/metrics`, `/health/live` and `/health/ready`.
    pub metrics: SocketAddr,
    /// How long a drain takes at most, in seconds.
    pub drain_s: u64,
    /// How this node proves who it is.
    pub certificates: Certificates,
    /// Maxima.
    pub limits: LimitsConfig,
    /// Where rooms are kept.
    pub store: StoreConfig,
    /// How long what is personal is kept.
    pub retention: Retention,
    /// Who is told what happens in rooms, at most [`webhook::ENDPOINTS_MAX`].
    pub webhooks: Vec<webhook::Settings>,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

/// How this node proves who it is: a directory for development, or three files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Certificates {
    /// A certificate authority made on first start, shared by nodes that are given the same
    /// directory. Unused when the three files are set.
    pub directory: PathBuf,
    /// PEM file of the authorities whose nodes are believed.
    pub authority: Option<PathBuf>,
    /// PEM file of this node's certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file of its private key.
    pub key: Option<PathBuf>,
}

/// Maxima; the hard ones stand beside each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Rooms at a time, at most [`ROOMS_MAX`].
    pub rooms: usize,
    /// Links at a time, at most [`LINKS_MAX`].
    pub links: usize,
    /// Participants of one room, at most [`PARTICIPANTS_MAX`].
    pub participants_per_room: usize,
    /// Of these on the stage, at most [`STAGE_MAX`].
    pub stage: usize,
    /// Seconds that a room lives after the last participant has left.
    pub empty_room_s: u64,
    /// Edges that this origin sends one room to, of both trees, at most [`FAN_OUT_MAX`]; others get it from edges.
    pub fan_out: u16,
    /// Audio rate below which congestion control never throttles a link, in bit/s.
    pub booked_bits_per_second: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            node: None,
            region: None,
            coordinates: None,
            mesh: SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 7443)),
            advertise: None,
            failure_domain: None,
            metrics: SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 9465)),
            drain_s: 30,
            certificates: Certificates::default(),
            limits: LimitsConfig::default(),
            store: StoreConfig::default(),
            retention: Retention::default(),
            webhooks: Vec::new(),
            telemetry: TelemetryConfig::default(),
        }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        let directory = PathBuf::from("stoa-certificates");
        Self { directory, authority: None, certificate: None, key: None }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            rooms: ROOMS_MAX,
            links: stoa_link::Limits::default().links_max,
            participants_per_room: PARTICIPANTS_MAX,
            stage: STAGE_MAX,
            empty_room_s: EMPTY_ROOM_LIFE.as_secs(),
            fan_out: FAN_OUT,
            booked_bits_per_second: stoa_link::Limits::default().booked_bits_per_second,
        }
    }
}

impl Config {
    /// Reads the file that the command line names, then lets the command line overrule it.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit, or a value is out of range.
    pub fn load(arguments: Arguments) -> anyhow::Result<Self> {
        let mut config: Self = configuration::load(arguments.config.as_deref())?;
        config.node = arguments.node.or(config.node);
        config.region = arguments.region.or(config.region);
        config.mesh = arguments.mesh.unwrap_or(config.mesh);
        config.metrics = arguments.metrics.unwrap_or(config.metrics);
        if let Some(directory) = arguments.certificates {
            config.certificates = Certificates { directory, ..Certificates::default() };
        }
        config.check()?;
        Ok(config)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what is allowed.
    pub fn check(&self) -> anyhow::Result<()> {
        let limits = [
            ("limits.rooms", self.limits.rooms, ROOMS_MAX),
            ("limits.links", self.limits.links, LINKS_MAX),
            ("limits.participants_per_room", self.limits.participants_per_room, PARTICIPANTS_MAX),
            ("limits.stage", self.limits.stage, STAGE_MAX),
            ("limits.fan_out", self.limits.fan_out.into(), FAN_OUT_MAX.into()),
        ];
        for (key, value, max) in limits {
            ensure!((1..=max).contains(&value), "{key} is {value}; it may be 1 to {max}");
        }
        ensure!(
            !self.store.is_shared() || self.advertise.is_some() || !self.mesh.ip().is_unspecified(),
            "advertise is missing: other origins find this one in the store by a HOST:PORT, and mesh = \"{}\" says none",
            self.mesh
        );
        self.certificates.identity()?;
        self.store.check().map_err(anyhow::Error::msg)?;
        self.retention.check()?;
        webhook::Settings::check_all(&self.webhooks)?;
        Ok(())
    }

    /// This node's name in the mesh.
    ///
    /// # Errors
    /// None in practice: the names for absent values are valid.
    pub fn name(&self) -> anyhow::Result<PeerName> {
        let node = self.node.clone().map_or_else(|| NodeId::new("origin-1"), Ok)?;
        let region = self.region.clone().map_or_else(|| Region::new("local"), Ok)?;
        Ok(PeerName { node, role: NodeRole::Origin, region })
    }

    /// How others reach this node, whose mesh listens on `mesh`.
    #[must_use]
    pub fn home(&self, mesh: SocketAddr) -> Home {
        let region = || self.region.as_ref().map_or("local", Region::as_str).to_owned();
        Home {
            address: self.advertise.clone().unwrap_or_else(|| mesh.to_string()),
            domain: self.failure_domain.clone().unwrap_or_else(region),
        }
    }

    /// What the mesh endpoint needs.
    ///
    /// # Errors
    /// When the certificates are half given.
    pub fn endpoint(&self) -> anyhow::Result<EndpointConfig> {
        Ok(EndpointConfig {
            listen: self.mesh,
            identity: self.certificates.identity()?,
            name: self.name()?,
            limits: stoa_link::Limits {
                links_max: self.limits.links,
                booked_bits_per_second: self.limits.booked_bits_per_second,
                ..stoa_link::Limits::default()
            },
        })
    }

    /// The limits of the service.
    #[must_use]
    pub fn service_limits(&self) -> Limits {
        Limits {
            rooms: self.limits.rooms,
            links: self.limits.links,
            capacity: Capacity {
                participants: self.limits.participants_per_room,
                stage: self.limits.stage,
            },
            empty_room_life: Duration::from_secs(self.limits.empty_room_s),
            fan_out: self.limits.fan_out,
        }
    }

    /// How long a drain takes at most.
    #[must_use]
    pub fn drain_limit(&self) -> Duration {
        Duration::from_secs(self.drain_s)
    }

    /// Latitude and longitude in degrees, if known.
    #[must_use]
    pub fn latitude_longitude(&self) -> Option<(f64, f64)> {
        self.coordinates.map(|place| (place.latitude(), place.longitude()))
    }
}

impl Certificates {
    /// As the mesh endpoint takes it.
    ///
    /// # Errors
    /// When one or two of the three files are set.
    pub fn identity(&self) -> anyhow::Result<Identity> {
        let Self { directory, authority, certificate, key } = self.clone();
        if authority.is_none() && certificate.is_none() && key.is_none() {
            return Ok(Identity::Development { directory });
        }
        let missing = |name: &'static str| {
            format!(
                "certificates.{name} is missing: set authority, certificate and key, or none of them"
            )
        };
        Ok(Identity::Files {
            authority: authority.with_context(|| missing("authority"))?,
            certificate: certificate.with_context(|| missing("certificate"))?,
            key: key.with_context(|| missing("key"))?,
        })
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
