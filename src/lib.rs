//! An online book shop's back end.

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod http;
pub mod lifecycle;
pub mod model;
pub mod server;
pub mod telemetry;
