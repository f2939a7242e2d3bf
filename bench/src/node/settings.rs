//! The configuration files of nodes: the same files that operators write.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use stoa_origin::store::CassandraConfig;

use super::child::{Child, this_program};

/// How a node is linked.
#[derive(Clone, Copy, Debug)]
pub struct MeshSettings {
    /// Address at which it takes links, at a free port.
    pub listen: IpAddr,
    /// Where others reach it, if not there.
    pub advertise: Option<SocketAddr>,
    /// How many edges it sends one room to; as many as by default if absent.
    pub fan_out: Option<u16>,
}

impl Default for MeshSettings {
    fn default() -> Self {
        Self { listen: IpAddr::V4(Ipv4Addr::LOCALHOST), advertise: None, fan_out: None }
    }
}

/// What differs from edge to edge.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Its name, and its region's.
    pub node: String,
    /// Where HTTP is served; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where media is received; port 0 takes a free one.
    pub media: SocketAddr,
    /// At which addresses clients reach it; empty for its own.
    pub advertise: Vec<IpAddr>,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// The origin; none for one of its own.
    pub origin: Option<SocketAddr>,
    /// How it is linked.
    pub mesh: MeshSettings,
    /// Secret of access tokens; none draws one.
    pub secret: Option<String>,
    /// Media threads; 0 for one per core.
    pub workers: usize,
    /// Most participants.
    pub participants: u32,
    /// Seconds that clients have to go elsewhere when it is asked to end.
    pub drain_s: u32,
}

/// What differs from origin to origin.
#[derive(Clone, Debug)]
pub struct OriginSettings {
    /// Its name, and its region's.
    pub node: String,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// How it is linked.
    pub mesh: MeshSettings,
    /// Where it keeps its rooms, and who is in them.
    pub store: StorePlace,
    /// Seconds that its rooms have to go elsewhere when it is asked to end.
    pub drain_s: u32,
}

/// Where an origin keeps its rooms, and who is in them.
#[derive(Clone, Debug, Default)]
pub enum StorePlace {
    /// Both in a file of its own.
    #[default]
    Embedded,
    /// Rooms in a file of its own, who is in them in Redis.
    Redis {
        /// Where Redis is reached.
        address: SocketAddr,
        /// Seconds between two copies to the file.
        backup_s: u64,
    },
    /// Both in Cassandra.
    Cassandra(CassandraConfig),
    /// Rooms in Cassandra, who is in them in Redis.
    CassandraRedis {
        /// How Cassandra is reached.
        durable: CassandraConfig,
        /// Where Redis is reached.
        address: SocketAddr,
        /// Seconds between two copies to Cassandra.
        backup_s: u64,
    },
}

impl StorePlace {
    /// The `[store]` section; `file` is what an embedded store gets.
    #[must_use]
    pub fn to_toml(&self, file: &Path) -> String {
        let embedded = format!("durable = {{ kind = \"embedded\", file = {} }}\n", quoted(file));
        let cassandra = |config: &CassandraConfig| {
            format!(
                "durable = {{ kind = \"cassandra\", contact_points = {:?}, keyspace = \"{}\", \
                 replication = \"{}\" }}\n",
                config.contact_points, config.keyspace, config.replication
            )
        };
        let redis = |address: &SocketAddr, backup_s: &u64| {
            format!(
                "hot = {{ kind = \"redis\", url = \"redis://{address}\", backup_s = {backup_s} }}\n"
            )
        };
        match self {
            Self::Embedded => format!("[store]\n{embedded}"),
            Self::Redis { address, backup_s } => {
                format!("[store]\n{embedded}{}", redis(address, backup_s))
            }
            Self::Cassandra(config) => format!("[store]\n{}", cassandra(config)),
            Self::CassandraRedis { durable, address, backup_s } => {
                format!("[store]\n{}{}", cassandra(durable), redis(address, backup_s))
            }
        }
    }
}

impl MeshSettings {
    fn advertised(&self) -> String {
        self.advertise.map(|at| format!("advertise = \"{at}\"\n")).unwrap_or_default()
    }

    fn fan_out(&self, key: &str) -> String {
        self.fan_out.map(|edges| format!("{key} = {edges}\n")).unwrap_or_default()
    }
}

impl EdgeSettings {
    fn to_toml(&self, certificates: &Path) -> String {
        let listed: Vec<String> = self.advertise.iter().map(|ip| format!("\"{ip}\"")).collect();
        let origin = self.origin.map(|origin| format!("\"{origin}\"")).unwrap_or_default();
        // Of a port that is not known yet nobody can be told.
        let is_known = self.http.port() != 0 && !self.http.ip().is_unspecified();
        let public_url = if is_known {
            format!("public_url = \"http://{}\"\n", self.http)
        } else {
            String::new()
        };
        let mut text = node_table(&self.node, self.place);
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "[http]\nlisten = \"{}\"\nopen = true\n{public_url}\
             [http.limits]\nsessions_max = {}\nheader_read_s = 60\n\
             [media]\nlisten = \"{}\"\nadvertise = [{}]\nworkers = {}\nsessions_max = {}\n\
             [mesh]\nlisten = \"{}\"\norigins = [{origin}]\nrooms_file = {}\n{}\
             [mesh.certificates]\ndirectory = {}\n\
             [limits]\nparticipants = {}\n\
             [drain]\ndeadline_s = {}\n\
             [telemetry]\nlevel = \"warn\"\n",
            self.http,
            self.participants,
            self.media,
            listed.join(", "),
            self.workers,
            self.participants,
            SocketAddr::new(self.mesh.listen, 0),
            quoted(&certificates.with_file_name(format!("{}.redb", self.node))),
            self.mesh.advertised() + &self.mesh.fan_out("fan_out_max"),
            quoted(certificates),
            self.participants,
            self.drain_s,
        );
        if let Some(secret) = &self.secret {
            let _ = write!(text, "[[tokens.secrets]]\nid = \"bench\"\nsecret = \"{secret}\"\n");
        }
        text
    }

    /// Writes the file, starts the edge and waits until it is ready.
    ///
    /// # Errors
    /// When the file cannot be written or the edge does not start.
    pub async fn start(&self, program: &Path, folder: &Path) -> Result<Child> {
        let text = self.to_toml(&folder.join("certificates"));
        let file = write_file(folder, &self.node, &text)?;
        Child::start(program, &self.node, &arguments("node-edge", file)).await
    }
}

impl OriginSettings {
    fn to_toml(&self, certificates: &Path) -> String {
        let mut text = String::new();
        let _ = write!(
            text,
            "node = \"{0}\"\nregion = \"{1}\"\nmesh = \"{2}\"\nmetrics = \"127.0.0.1:0\"\n\
             drain_s = {3}\n{4}[limits]\n{5}",
            self.node,
            region(&self.node),
            SocketAddr::new(self.mesh.listen, 0),
            self.drain_s,
            self.mesh.advertised(),
            self.mesh.fan_out("fan_out"),
        );
        if let Some((latitude, longitude)) = self.place {
            let _ =
                writeln!(text, "[coordinates]\nlatitude = {latitude:?}\nlongitude = {longitude:?}");
        }
        let _ = write!(
            text,
            "[certificates]\ndirectory = {}\n{}[telemetry]\nlevel = \"warn\"\n",
            quoted(certificates),
            self.store.to_toml(&certificates.with_file_name(format!("{}.redb", self.node))),
        );
        text
    }

    /// Writes the file, starts the origin and waits until it is ready.
    ///
    /// # Errors
    /// When the file cannot be written or the origin does not start.
    pub async fn start(&self, program: &Path, folder: &Path) -> Result<Child> {
        let text = self.to_toml(&folder.join("certificates"));
        let file = write_file(folder, &self.node, &text)?;
        Child::start(program, &self.node, &arguments("node-origin", file)).await
    }
}

/// An edge with an origin of its own, on loopback, for up to that many participants.
///
/// # Errors
/// When it does not start.
pub async fn standalone_edge(folder: &Path, participants: u32, workers: usize) -> Result<Child> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = EdgeSettings {
        node: "loc-1".into(),
        http: any,
        media: any,
        advertise: vec![Ipv4Addr::LOCALHOST.into()],
        place: None,
        origin: None,
        mesh: MeshSettings::default(),
        secret: None,
        workers,
        participants,
        drain_s: 0,
    };
    settings.start(&this_program()?, folder).await
}

fn node_table(node: &str, place: Option<(f64, f64)>) -> String {
    let mut text = format!("[node]\nid = \"{node}\"\nregion = \"{}\"\n", region(node));
    if let Some((latitude, longitude)) = place {
        let _ = writeln!(text, "latitude = {latitude:?}\nlongitude = {longitude:?}");
    }
    text
}

/// A node is called after its region: `ams-1` stands in `ams`.
fn region(node: &str) -> &str {
    node.split('-').next().unwrap_or(node)
}

fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

fn write_file(folder: &Path, node: &str, text: &str) -> Result<PathBuf> {
    let file = folder.join(format!("{node}.toml"));
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn arguments(command: &str, file: PathBuf) -> [OsString; 3] {
    [command.into(), "--config".into(), file.into()]
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use stoa_origin::store::{CassandraConfig, DurableConfig, HotConfig};

    use super::{EdgeSettings, MeshSettings, OriginSettings, StorePlace, write_file};

    #[test]
    fn the_files_are_ones_that_the_nodes_accept() {
        let folder = tempfile::tempdir().unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let edge = EdgeSettings {
            node: "ams-1".into(),
            http: any,
            media: any,
            advertise: vec![Ipv4Addr::LOCALHOST.into()],
            place: Some((52.37, 4.9)),
            origin: Some(any),
            mesh: MeshSettings {
                advertise: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7_443))),
                fan_out: Some(3),
                ..MeshSettings::default()
            },
            secret: Some("s".repeat(32)),
            workers: 1,
            participants: 5_000,
            drain_s: 0,
        };
        let file = write_file(folder.path(), "ams-1", &edge.to_toml(folder.path())).unwrap();
        let arguments = stoa_edge::config::Arguments { config: Some(file), ..Default::default() };
        let config = stoa_edge::config::Config::load(arguments).unwrap();
        assert_eq!(config.limits.participants, 5_000);
        assert_eq!(config.mesh.fan_out_max, 3);
        assert_eq!(config.coordinates(), Some((52.37, 4.9)));
        assert!(!config.is_standalone() && config.signaling().open);

        let cassandra = CassandraConfig {
            contact_points: vec![any.to_string()],
            keyspace: "stoa".into(),
            username: None,
            password: None,
            replication: "{'class': 'SimpleStrategy', 'replication_factor': 1}".into(),
        };
        for store in [
            StorePlace::Embedded,
            StorePlace::Redis { address: any, backup_s: 1 },
            StorePlace::Cassandra(cassandra.clone()),
            StorePlace::CassandraRedis { durable: cassandra.clone(), address: any, backup_s: 1 },
        ] {
            let place = Some((50.1, 8.7));
            let mesh = MeshSettings {
                advertise: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7_443))),
                fan_out: Some(3),
                ..MeshSettings::default()
            };
            let (node, store_place) = ("fra-1".to_owned(), store.clone());
            let origin = OriginSettings { node, place, mesh, store: store_place, drain_s: 0 };
            let file = write_file(folder.path(), "fra-1", &origin.to_toml(folder.path())).unwrap();
            let arguments = stoa_origin::Arguments { config: Some(file), ..Default::default() };
            let config = stoa_origin::Config::load(arguments).unwrap();
            assert_eq!(config.limits.fan_out, 3);
            assert_eq!(config.region.unwrap().as_str(), "fra");
            let hot_is_apart = config.store.hot != HotConfig::Same;
            let redis = |store: &StorePlace| {
                matches!(store, StorePlace::Redis { .. } | StorePlace::CassandraRedis { .. })
            };
            assert_eq!(hot_is_apart, redis(&store));
            let keyspace =
                matches!(config.store.durable, DurableConfig::Cassandra(kept) if kept == cassandra);
            assert_eq!(keyspace, store.to_toml(folder.path()).contains("cassandra"));
        }
    }
}
