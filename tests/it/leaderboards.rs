//! Leaderboards: what they count, in which time, and how they come back.

mod api;
mod follow;
mod ground;
mod pages;
mod shared;
mod windows;
