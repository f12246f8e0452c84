//! Several processes, one truth: what was written through one is read through all, whatever breaks.
//!
//! The tests take turns on one stack of their own, since each of them starts several processes and breaks servers.

mod clocks;
mod death;
mod feed;
pub mod ground;
mod loads;
mod news;
mod outages;
mod positions;
mod restart;
