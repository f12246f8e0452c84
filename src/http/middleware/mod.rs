//! What happens to every request around its handler. From the outside in:
//!
//! | layer | does |
//! |---|---|
//! | `observe` | request id, client address, span, access log, metrics |
//! | `finish` | bare errors become problems, problems are written out, security headers |
//! | `coding` | compression, and the entity tags that belong to it |
//! | `rate_limit` | counts requests, tells what is left, refuses what is too much |
//! | `shed` | refuses work that there is no room for |
//! | panic | a handler's panic becomes a 500 |
//! | `bounds` | body size, time, slow bodies |

pub mod bounds;
pub mod coding;
pub mod context;
pub mod finish;
pub mod observe;
pub mod rate_limit;
pub mod shed;
