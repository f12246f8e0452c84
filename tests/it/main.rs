//! Tests of the whole, against real servers.

mod http_frame;
