//! What happens to every request around its handler; [`super::Frame`] puts it together. From the outside in:
//!
//! | step | does |
//! |---|---|
//! | `observe` | request id (`ids`), client address (`context`), access log, metrics (`samples`), span |
//! | `finish` | bare errors become problems, problems are written out, security headers |
//! | `coding` | compression, and the entity tags that belong to it |
//! | `rate_limit` | counts requests, tells what is left, refuses what is too much |
//! | `shed` | refuses work that there is no room for |
//! | panic | a handler's panic becomes a 500 |
//! | `bounds` | body size, time, slow bodies |
//! | `consistency` | tells the tokens of writes, and binds reads by them |
//! | `route` | notes the route, for the log and the metrics |

pub mod bounds;
pub mod coding;
pub mod consistency;
pub mod context;
pub mod finish;
pub mod ids;
pub mod observe;
pub mod rate_limit;
pub mod route;
mod samples;
pub mod shed;
