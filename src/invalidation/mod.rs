//! From domain events to what the rest of the world must hear of them. Today: the outbox that every write
//! transaction fills.

pub mod outbox;
