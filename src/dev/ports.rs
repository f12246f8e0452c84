//! Ports of the stack's own on loopback.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::StackError;
use super::state::State;

/// Below the range that systems use for outgoing connections (Linux: 32768 and up), and clear of 5432 and 6379.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Keeps the state's ports that are free and chooses others for the rest; `taken` are ports that turned out to be in use.
///
/// The search begins at a place which depends on the folder, so that two checkouts seldom want the same port even while only
/// one of them is running.
pub(super) fn choose(state: &mut State, dir: &Path, replicas: usize, taken: &BTreeSet<u16>) -> Result<(), StackError> {
    let hash = Sha256::digest(dir.as_os_str().as_encoded_bytes());
    let start = u16::from_be_bytes([hash[0], hash[1]]) % COUNT;
    let mut candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
    if state.replica_ports.len() < replicas {
        state.replica_ports.resize(replicas, 0);
    }
    let mut used = taken.clone();
    let ports = [&mut state.primary_port, &mut state.redis_port];
    for port in ports.into_iter().chain(state.replica_ports.iter_mut().take(replicas)) {
        if *port == 0 || used.contains(port) || !free(*port) {
            *port = candidates
                .find(|candidate| !used.contains(candidate) && free(*candidate))
                .ok_or_else(|| StackError::failed("no free port on 127.0.0.1 between 20000 and 29999", ""))?;
        }
        used.insert(*port);
    }
    Ok(())
}

fn free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
