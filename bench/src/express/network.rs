//! Two network namespaces with a pair of virtual interfaces between them: the sender's, whose default gateway
//! is the other, and the audience's, where a whole network is local.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// The sender's interface, in its namespace.
pub(super) const INTERFACE: &str = "tx0";
/// Its queues, one for each worker of the express path.
pub(super) const QUEUES: usize = 3;

/// The sender's address. These networks are for benchmarks (RFC 2544).
pub(super) const SENDER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// The audience's address on the link: the gateway.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// Another one: a neighbour that is no gateway.
pub(super) const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 3);
/// An address on the link that nobody has.
pub(super) const NOBODY: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 77);
/// First address behind the gateway.
const FAR: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 1);

/// Port of the sender, as of an edge.
pub(super) const MEDIA_PORT: u16 = 8_089;
/// Ports of the audience for what is measured.
pub(super) const PORTS: std::ops::Range<u16> = 7_000..7_008;
/// Its port for what is checked.
pub(super) const CHECKED_PORT: u16 = 7_100;

/// Names of namespaces begin with this and the number of the process that made them.
const PREFIX: &str = "stoa-";

/// A listener behind the gateway.
pub(super) fn far(number: u32) -> SocketAddr {
    let ports = u32::from(PORTS.end - PORTS.start);
    let port = PORTS.start + u16::try_from(number % ports).unwrap_or(0);
    SocketAddr::from((Ipv4Addr::from_bits(FAR.to_bits() + number / ports), port))
}

/// The namespaces; dropping it removes them with all that is in them.
#[derive(Debug)]
pub(super) struct Network {
    sender: String,
    audience: String,
}

impl Network {
    /// Makes them, and removes those of runs that had no time to.
    ///
    /// # Errors
    /// When this process may not, or there is no `ip` command.
    pub(super) fn create() -> Result<Self> {
        sweep()?;
        let name = |side: &str| format!("{PREFIX}{}-{side}", std::process::id());
        let network = Self { sender: name("tx"), audience: name("rx") };
        network.set_up().context("not possible here: cannot make network namespaces")?;
        Ok(network)
    }

    fn set_up(&self) -> Result<()> {
        let (tx, rx) = (&self.sender, &self.audience);
        let (sender, gateway, neighbour) =
            (format!("{SENDER}/24"), format!("{GATEWAY}/24"), format!("{NEIGHBOUR}/24"));
        let (gateway_alone, queues) = (GATEWAY.to_string(), QUEUES.to_string());
        let words: &[&[&str]] = &[
            &["netns", "add", tx],
            &["netns", "add", rx],
            &[
                "-n",
                tx,
                "link",
                "add",
                INTERFACE,
                "numtxqueues",
                &queues,
                "numrxqueues",
                &queues,
                "type",
                "veth",
                "peer",
                "name",
                "rx0",
                "netns",
                rx,
            ],
            &["-n", tx, "addr", "add", &sender, "dev", INTERFACE],
            &["-n", rx, "addr", "add", &gateway, "dev", "rx0"],
            &["-n", rx, "addr", "add", &neighbour, "dev", "rx0"],
            &["-n", tx, "link", "set", "lo", "up"],
            &["-n", rx, "link", "set", "lo", "up"],
            &["-n", tx, "link", "set", INTERFACE, "up"],
            &["-n", rx, "link", "set", "rx0", "up"],
            &["-n", tx, "route", "add", "default", "via", &gateway_alone],
            &["-n", rx, "route", "add", "local", "198.19.0.0/16", "dev", "lo"],
        ];
        words.iter().try_for_each(|words| ip(words).map(drop))
    }

    /// Starts this binary again in the sender's namespace.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn sender(&self, program: &Path, arguments: &[&str]) -> Result<Child> {
        start(&self.sender, program, arguments)
    }

    /// The same in the audience's.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn audience(&self, program: &Path, arguments: &[&str]) -> Result<Child> {
        start(&self.audience, program, arguments)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in [&self.sender, &self.audience] {
            // One that was not made cannot be removed.
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

/// `ip netns exec` becomes the program, so the child's number is the program's.
fn start(namespace: &str, program: &Path, arguments: &[&str]) -> Result<Child> {
    Command::new("ip")
        .args(["netns", "exec", namespace])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a child in a network namespace")
}

/// Removes the namespaces of processes that are gone.
fn sweep() -> Result<()> {
    let list = ip(&["netns", "list"]).context("not possible here: no `ip` command")?;
    for name in list.lines().filter_map(|line| line.split_ascii_whitespace().next()) {
        let rest = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        let Some((Ok(pid), "tx" | "rx")) = rest.map(|(pid, side)| (pid.parse::<u32>(), side))
        else {
            continue;
        };
        if !Path::new("/proc").join(pid.to_string()).exists() {
            ip(&["netns", "delete", name])?;
        }
    }
    Ok(())
}

/// Runs `ip`; returns what it says.
///
/// # Errors
/// When it fails, with what it says about that.
pub(super) fn ip<S: AsRef<OsStr>>(words: &[S]) -> Result<String> {
    let output = Command::new("ip").args(words).output().context("cannot run `ip`")?;
    if !output.status.success() {
        bail!("`ip`: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
