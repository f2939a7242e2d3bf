//! Why the express path cannot be had, and what to do.

use std::io;
use std::net::IpAddr;

/// Refusals, each with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum ExpressError {
    /// There is no such interface.
    #[error("there is no network interface {name:?} here: name one that `ip link` shows")]
    NoInterface {
        /// As configured.
        name: String,
    },
    /// It carries something else.
    #[error("{name} is no Ethernet interface; the express path needs one")]
    NotEthernet {
        /// As configured.
        name: String,
    },
    /// It has no address to send from.
    #[error("{name} has no IPv4 address and route yet: bring it up before this edge starts")]
    NoAddress {
        /// As configured.
        name: String,
    },
    /// Listeners would get packets from an address that they did not send to.
    #[error(
        "media.listen is {listen}, which is not of {name}: set it to [::], 0.0.0.0 or {name}'s IPv4 address"
    )]
    Listen {
        /// As configured.
        name: String,
        /// As configured.
        listen: IpAddr,
    },
    /// The kernel gives no socket.
    #[error(
        "the kernel gives no AF_XDP socket ({0}): it needs CONFIG_XDP_SOCKETS, and the process \
         CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW)"
    )]
    Socket(io::Error),
    /// The kernel locks no memory.
    #[error(
        "the kernel does not lock the memory for packets ({0}): it takes somewhat more than 4 MiB a \
         worker; raise the limit \
         (systemd: LimitMEMLOCK=64M)"
    )]
    Memory(io::Error),
    /// The queue is not to be had.
    #[error(
        "queue {queue} of the interface is not to be had ({error}); another process may hold it: one process \
         a queue"
    )]
    Bind {
        /// Counted from 0.
        queue: u32,
        /// What the kernel says.
        error: io::Error,
    },
    /// No thread to watch routes.
    #[error("cannot start the thread that watches routes: {0}")]
    Thread(io::Error),
}
