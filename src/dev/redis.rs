//! Redis: its configuration, and asking whether it answers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::layout::Layout;
use super::state::State;

/// The configuration: a cache that starts empty, so nothing is written to disk. Entries with a lifetime may be evicted,
/// others (the stream of invalidations) may not. 1024 databases, so that every test can have its own.
pub(super) fn configuration(layout: &Layout, state: &State) -> String {
    format!(
        "bind 127.0.0.1\n\
         port {port}\n\
         protected-mode yes\n\
         requirepass {password}\n\
         dir \"{dir}\"\n\
         pidfile \"{pid}\"\n\
         daemonize no\n\
         set-proc-title no\n\
         databases 1024\n\
         save \"\"\n\
         appendonly no\n\
         maxmemory 256mb\n\
         maxmemory-policy volatile-lru\n\
         tcp-keepalive 60\n",
        port = state.redis_port,
        password = state.redis_password,
        dir = layout.dir().display(),
        pid = layout.redis_pid().display(),
    )
}

/// Whether the server on this port knows our password and answers.
pub(super) fn answers(port: u16, password: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let limit = Duration::from_millis(500);
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(format!("AUTH {password}\r\nPING\r\n").as_bytes())?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+OK\r\n+PONG\r\n")
    };
    ask().unwrap_or(false)
}
