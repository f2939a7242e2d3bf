//! The hub under virtual time, with a made-up owner at the other end of a link.
//!
//! | module | what it holds |
//! |---|---|
//! | `bench` | the hub, the owner's answers, and short ways to drive both |
//! | `joins` | in and out |
//! | `mutes` | who is muted, and from when |
//! | `reconnects` | what survives a lost link |
//! | `standings` | roles, hands and mutes as owners tell them |
//! | `news` | what rooms are told of themselves |
//! | `resumes` | coming back |
//! | `frames` | where frames go |
//! | `drains` | how an edge leaves |
//! | `lanes` | voices between the edges of a stage |
//! | `lists` | what is asked of all origins |
//! | `orphans` | what origins hear of lost owners |
//! | `redirects` | rooms that are elsewhere |
//! | `successors` | rooms that change their owner |

mod bench;
mod drains;
mod frames;
mod joins;
mod lanes;
mod lists;
mod mutes;
mod news;
mod orphans;
mod reconnects;
mod redirects;
mod resumes;
mod standings;
mod successors;
