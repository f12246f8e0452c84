//! An online book shop's back end.

pub mod config;
pub mod domain;
pub mod http;
pub mod model;
