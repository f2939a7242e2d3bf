//! Configuration: one TOML file, overruled by the command line. Unknown keys are refused with their
//! line. The defaults make a standalone node: an edge with an origin of its own.

mod own_origin;
mod tokens;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::{Parser, ValueEnum};
use serde::Deserialize;
use stoa_link::{Identity, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, Region};
use stoa_protocol::mesh::control::ORIGINS_MAX;
use stoa_runtime::configuration::{self, Secret};
use stoa_runtime::telemetry::TelemetryConfig;

use crate::drain::DrainConfig;
use crate::rooms;
use crate::signaling::{self, Tls};
use crate::webrtc::PlaneConfig;

pub use own_origin::OwnOrigin;
pub use tokens::{Moment, TenantConfig, TokenKey, TokenSecret, TokensConfig};

/// Most participants that may be configured.
pub const PARTICIPANTS_MAX: usize = 1_000_000;

/// Most rooms that may be configured.
pub const ROOMS_MAX: usize = 100_000;

/// The command line of `stoa-edge`.
#[derive(Debug, Default, Parser)]
#[command(
    name = "stoa-edge",
    version,
    about = "Takes people's voices in by WebRTC and brings others' voices to their ears.",
    after_help = "Without any option this is a standalone node: an edge with an origin of its own."
)]
pub struct Arguments {
    /// Configuration file (TOML); without one the defaults hold.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// TCP address of pages, API and metrics.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// UDP address of media.
    #[arg(long, value_name = "ADDR")]
    pub media: Option<SocketAddr>,
    /// Address at which clients reach this host's media, if it is not its own (1:1 NAT); repeatable.
    #[arg(long, value_name = "IP")]
    pub advertise: Vec<IpAddr>,
    /// Origin to link to; repeatable, and each names the others. Without one this node has an origin of its own.
    #[arg(long, value_name = "HOST:PORT")]
    pub origin: Vec<String>,
    /// How pages are served: browsers give a page the microphone over HTTPS or on localhost only.
    #[arg(long, value_name = "MODE")]
    pub tls: Option<TlsMode>,
    /// PEM file of the HTTPS certificate chain.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the HTTPS certificate's key.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Name of this node, unique in the network.
    #[arg(long)]
    pub node: Option<NodeId>,
    /// Region of this node, e.g. ams.
    #[arg(long)]
    pub region: Option<Region>,
    /// Directory of the mesh's development certificate authority.
    #[arg(long, value_name = "DIR")]
    pub certificates: Option<PathBuf>,
    /// Secret of access tokens, at least 32 bytes. Give it by the environment: a command line can
    /// be read by every user of the machine.
    #[arg(long, value_name = "SECRET", env = "STOA_TOKEN_SECRET", hide_env_values = true)]
    #[arg(value_parser = |text: &str| Ok::<_, String>(Secret::new(text)))]
    pub token_secret: Option<Secret>,
}

/// How pages are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsMode {
    /// By HTTP.
    Off,
    /// By HTTPS, with a certificate made at start.
    SelfSigned,
    /// By HTTPS, with certificate files.
    Files,
}

/// Everything an operator can set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which node this is.
    pub node: NodeConfig,
    /// Pages, API and metrics.
    pub http: signaling::Settings,
    /// WebRTC.
    pub media: PlaneConfig,
    /// Links to origins.
    pub mesh: MeshConfig,
    /// Access tokens of the tenant `default`.
    pub tokens: TokensConfig,
    /// Other tenants.
    pub tenants: Vec<TenantConfig>,
    /// Maxima.
    pub limits: LimitsConfig,
    /// Who is told what happens in the rooms of a node with an origin of its own.
    #[cfg(feature = "standalone")]
    pub webhooks: Vec<stoa_origin::webhook::Settings>,
    /// How long such a node keeps what is personal.
    #[cfg(feature = "standalone")]
    pub retention: stoa_origin::archive::Retention,
    /// How this edge leaves.
    pub drain: DrainConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

/// Which node this is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Unique in the network and part of its certificate; `edge-1` if absent.
    pub id: Option<NodeId>,
    /// Where it stands, as the operator calls it; `local` if absent.
    pub region: Option<Region>,
    /// In degrees, -90 to 90.
    pub latitude: Option<f64>,
    /// In degrees, -180 to 180.
    pub longitude: Option<f64>,
}

/// Links to origins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeshConfig {
    /// UDP address for links; port 0 picks one.
    pub listen: SocketAddr,
    /// Some of the network's origins as `host:port`, at most [`ORIGINS_MAX`], which name the others;
    /// none for an origin of one's own.
    pub origins: Vec<String>,
    /// `host:port` at which other edges reach `listen`; by default `listen` itself, if that says where. An edge that
    /// cannot be reached passes nothing on.
    pub advertise: Option<String>,
    /// Edges that one room is passed on to, at most [`FAN_OUT_MAX`]; 0 to pass nothing on.
    pub fan_out_max: u32,
    /// How this node proves who it is.
    pub certificates: Certificates,
    /// Audio rate below which congestion control never throttles a link, in bit/s.
    pub booked_bits_per_second: u64,
    /// File in which a node with an origin of its own keeps its rooms, made on first start; empty to forget them when
    /// it ends.
    pub rooms_file: PathBuf,
}

/// Most edges that one room may be passed on to.
pub const FAN_OUT_MAX: u32 = 64;

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

/// Maxima.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Participants at this edge, 1 to [`PARTICIPANTS_MAX`].
    pub participants: usize,
    /// Rooms with somebody at this edge, 1 to [`ROOMS_MAX`].
    pub rooms: usize,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0)),
            origins: Vec::new(),
            advertise: None,
            fan_out_max: 8,
            certificates: Certificates::default(),
            booked_bits_per_second: stoa_link::Limits::default().booked_bits_per_second,
            rooms_file: PathBuf::from("stoa-rooms.redb"),
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
        Self { participants: 25_000, rooms: 10_000 }
    }
}

impl Config {
    /// Reads the file that the command line names, then lets the command line overrule it.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit, or a value is out of range.
    pub fn load(arguments: Arguments) -> anyhow::Result<Self> {
        let mut config: Self = configuration::load(arguments.config.as_deref())?;
        config.overrule(arguments)?;
        config.check()?;
        Ok(config)
    }

    fn overrule(&mut self, arguments: Arguments) -> anyhow::Result<()> {
        let Arguments { http, media, advertise, origin, node, region, .. } = arguments;
        self.node.id = node.or(self.node.id.take());
        self.node.region = region.or(self.node.region.take());
        self.http.listen = http.unwrap_or(self.http.listen);
        self.media.listen = media.unwrap_or(self.media.listen);
        if !advertise.is_empty() {
            self.media.advertise = advertise;
        }
        if !origin.is_empty() {
            self.mesh.origins = origin;
        }
        if let Some(directory) = arguments.certificates {
            self.mesh.certificates = Certificates { directory, ..Certificates::default() };
        }
        if let Some(secret) = arguments.token_secret {
            self.tokens.secrets =
                vec![TokenSecret { id: "default".to_owned(), secret, not_after: None }];
        }
        let files = arguments.tls_certificate.zip(arguments.tls_key);
        self.http.tls = match (arguments.tls, files) {
            (None, None) => std::mem::take(&mut self.http.tls),
            (None | Some(TlsMode::Files), Some((certificate, key))) => {
                Tls::Files { certificate, key }
            }
            (Some(TlsMode::Files), None) if matches!(self.http.tls, Tls::Files { .. }) => {
                std::mem::take(&mut self.http.tls)
            }
            (Some(TlsMode::Files), None) => {
                bail!(
                    "--tls files needs --tls-certificate and --tls-key, or [http.tls] in the file"
                )
            }
            (Some(_), Some(_)) => bail!("--tls-certificate and --tls-key go with --tls files"),
            (Some(TlsMode::Off), None) => Tls::Off,
            (Some(TlsMode::SelfSigned), None) => Tls::SelfSigned,
        };
        Ok(())
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what is allowed.
    pub fn check(&self) -> anyhow::Result<()> {
        let limits = [
            ("limits.participants", self.limits.participants, PARTICIPANTS_MAX),
            ("limits.rooms", self.limits.rooms, ROOMS_MAX),
        ];
        for (key, value, max) in limits {
            ensure!((1..=max).contains(&value), "{key} is {value}; it may be 1 to {max}");
        }
        let NodeConfig { latitude, longitude, .. } = self.node;
        ensure!(
            latitude.is_some() == longitude.is_some(),
            "node.latitude and node.longitude go together: set both or none"
        );
        ensure!(
            latitude.is_none_or(|degrees| (-90.0..=90.0).contains(&degrees)),
            "node.latitude may be -90 to 90"
        );
        ensure!(
            longitude.is_none_or(|degrees| (-180.0..=180.0).contains(&degrees)),
            "node.longitude may be -180 to 180"
        );
        let origins = self.mesh.origins.len();
        ensure!(
            origins <= ORIGINS_MAX,
            "mesh.origins (--origin) names {origins} origins; it may name {ORIGINS_MAX}, \
             and one or two are enough: they name the others"
        );
        ensure!(
            !self.is_standalone() || cfg!(feature = "standalone"),
            "this binary has no origin of its own: name one by --origin or mesh.origins"
        );
        self.check_tenants()?;
        #[cfg(feature = "standalone")]
        self.check_own_origin()?;
        ensure!(
            self.mesh.fan_out_max <= FAN_OUT_MAX,
            "mesh.fan_out_max is {}; it may be 0 to {FAN_OUT_MAX}",
            self.mesh.fan_out_max
        );
        let reached = self.mesh.advertise.as_deref().is_none_or(crate::mesh::is_address);
        ensure!(reached, "mesh.advertise is no HOST:PORT, e.g. \"edge-1.example.org:7443\"");
        self.mesh.certificates.identity()?;
        self.media.check()?;
        self.drain.check()
    }

    /// Whether this node has an origin of its own.
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        self.mesh.origins.is_empty()
    }

    /// This node's name in the mesh.
    ///
    /// # Errors
    /// None in practice: the names for absent values are valid.
    pub fn name(&self) -> anyhow::Result<PeerName> {
        let node = self.node.id.clone().map_or_else(|| NodeId::new("edge-1"), Ok)?;
        let region = self.node.region.clone().map_or_else(|| Region::new("local"), Ok)?;
        Ok(PeerName { node, role: NodeRole::Edge, region })
    }

    /// Latitude and longitude in degrees, if known.
    #[must_use]
    pub fn coordinates(&self) -> Option<(f64, f64)> {
        self.node.latitude.zip(self.node.longitude)
    }

    /// The signaling server's settings. A standalone node without a key has no operator who could
    /// hand out tokens, so it hands them out itself.
    #[must_use]
    pub fn signaling(&self) -> signaling::Settings {
        let mut settings = self.http.clone();
        settings.open |= self.is_standalone() && !self.names_keys();
        settings.drain = self.drain;
        settings
    }

    /// The bounds of the room side.
    #[must_use]
    pub fn room_limits(&self) -> rooms::Limits {
        let LimitsConfig { participants, rooms } = self.limits;
        rooms::Limits { participants_max: participants, rooms_max: rooms }
    }
}

impl Certificates {
    /// As the mesh endpoint takes it.
    ///
    /// # Errors
    /// When one or two of the three files are set.
    pub fn identity(&self) -> anyhow::Result<Identity> {
        let Self { directory, authority, certificate, key } = self.clone();
        match (authority, certificate, key) {
            (None, None, None) => Ok(Identity::Development { directory }),
            (Some(authority), Some(certificate), Some(key)) => {
                Ok(Identity::Files { authority, certificate, key })
            }
            _ => {
                bail!("mesh.certificates: set authority, certificate and key, or none of the three")
            }
        }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
