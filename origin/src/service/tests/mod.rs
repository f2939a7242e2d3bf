//! The service under virtual time, with links that only remember.
//!
//! | module | what it holds |
//! |---|---|
//! | `world` | links, clock and shorthand for the tests |
//! | `rooms` | requests and their answers |
//! | `durable` | rooms that outlive their origin |
//! | `people` | what people do to each other |
//! | `blocks` | whom a host keeps out of his rooms |
//! | `lanes` | which edges of a stage hear of each other |
//! | `links` | lost links, drains, distrust |
//! | `moves` | people who move to another edge, and edges that leave |
//! | `tenants` | whose rooms, and whose tokens |
//! | `tracks` | who is heard where |
//! | `cluster` | several services around one store, and failures between them |
//! | `pump` | what services owe each other and the store, carried out |
//! | `origins` | owners die, freeze, leave and come back |
//! | `relocations` | rooms go where their speakers are |
//! | `model` | random operations beside a plain model |

mod blocks;
mod cluster;
mod durable;
mod feeds;
mod lanes;
mod links;
mod looks;
mod model;
mod moves;
mod origins;
mod people;
mod pump;
mod relocations;
mod rooms;
mod survey;
mod tenants;
mod tracks;
mod world;
