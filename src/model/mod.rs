//! What everybody may know: ids, money, events, the clock.

pub mod precondition;
