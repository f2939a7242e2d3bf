//! Proof that the network does what it says: it is run, loaded, impaired and measured here.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the commands of `bench` |
//! | [`demo`] | a network of one origin and three edges on this machine |
//! | [`express`] | what the express path delivers and costs, between two network namespaces |
//! | [`fanout`] | what one packet of the fan-out costs |
//! | [`impair`] | a UDP path with delay, jitter, loss, rate and cuts |
//! | [`load`] | many real listeners against a real edge |
//! | [`measure`] | recordings compared with their source, latencies, what a process costs |
//! | [`node`] | origins and edges as child processes |
//! | [`repair`] | what frames miss over hops that lose datagrams |
//! | [`screen`] | tables on the terminal |
//! | [`simulate`] | the real cores under virtual time |
//! | [`servers`] | real servers of stores as child processes |
//! | [`tree`] | distribution trees on the cities of the world |

pub mod cli;
pub mod demo;
pub mod express;
pub mod fanout;
pub mod impair;
pub mod load;
pub mod measure;
pub mod node;
pub mod repair;
pub mod screen;
pub mod servers;
pub mod simulate;
pub mod tree;
