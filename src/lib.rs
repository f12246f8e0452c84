//! An online book shop's back end.

pub mod config;
pub mod db;
pub mod dev;
pub mod domain;
pub mod http;
pub mod invalidation;
pub mod model;
pub mod store;
pub mod telemetry;
