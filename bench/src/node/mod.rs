//! Nodes of the network as processes of their own: this binary, started again as an origin or an edge.
//!
//! | module | what it holds |
//! |---|---|
//! | `settings` | the configuration files of nodes |
//! | `child` | a child process: started, awaited, ended |
//! | `run` | what the child does |

mod child;
mod run;
mod settings;

pub use child::{Child, raise_descriptor_limit, this_program};
pub use run::{Arguments, run_edge, run_origin};
pub use settings::{EdgeSettings, MeshSettings, OriginSettings, StorePlace, standalone_edge};
