//! Distribution trees on the cities of the world, beside what else one could do and what nobody can beat.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench tree` |
//! | `world` | cities and round-trip times, measured or made up |
//! | `csv` | tables in files |
//! | `planning` | the planner at work |
//! | `churn` | members that come and go |
//! | `rivals` | star, least length, greedy |
//! | `bound` | what no tree can beat |
//! | `score` | how good trees are |
//! | `map` | a tree as SVG |
//! | `report` | the figures |

mod bound;
mod churn;
mod command;
mod csv;
mod map;
mod planning;
mod report;
mod rivals;
mod score;
mod world;

pub use command::{Arguments, run};
