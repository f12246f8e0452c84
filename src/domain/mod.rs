//! Rules, authorization and transaction boundaries: one service and one error enum a resource.

pub mod health;
