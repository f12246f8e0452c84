//! Servers that a killed owner left behind.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::error::StackError;
use super::process::{self, Process};

/// The programs that this module starts on a folder.
const PROGRAMS: [&str; 5] = ["postgres", "initdb", "pg_basebackup", "redis-server", "valkey-server"];

/// Stops every server and half-done preparation that works on this folder. The caller holds the folder's lock.
///
/// They are recognised by program and command line, which names the folder: a pid file may be missing (killed too early) or
/// name a process of somebody else (pids are used again).
pub(super) fn stop(dir: &Path, say: &dyn Fn(&str)) -> Result<(), StackError> {
    let found = find(dir);
    if found.is_empty() {
        return Ok(());
    }
    say(&format!("Taking over what an earlier run left behind ({} processes)", found.len()));
    // Paused processes obey only when they are awake.
    for pid in family(&found) {
        process::signal(pid, Signal::CONT)?;
    }
    // INT is the fast shutdown of Postgres and the orderly one of Redis; QUIT is Postgres' immediate one.
    for (signal, limit) in [(Signal::INT, 30), (Signal::QUIT, 10)] {
        for process in find(dir) {
            process::signal(process.pid, signal)?;
        }
        if process::wait_until(Duration::from_secs(limit), || find(dir).is_empty()) {
            return Ok(());
        }
    }
    for pid in family(&find(dir)) {
        process::signal(pid, Signal::KILL)?;
    }
    if process::wait_until(Duration::from_secs(10), || find(dir).is_empty()) {
        return Ok(());
    }
    let pids: Vec<String> = find(dir).iter().map(|process| process.pid.to_string()).collect();
    Err(StackError::failed(format!("cannot stop the processes {} of an earlier run", pids.join(", ")), ""))
}

fn find(dir: &Path) -> Vec<Process> {
    process::list().into_iter().filter(|process| belongs(process, dir)).collect()
}

fn belongs(process: &Process, dir: &Path) -> bool {
    let program = process.command_line.split(' ').next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    !process.zombie && PROGRAMS.contains(&program) && process.command_line.contains(&format!("{}/", dir.display()))
}

/// These processes and their children.
fn family(found: &[Process]) -> Vec<i32> {
    let own = found.iter().map(|process| process.pid);
    own.flat_map(|pid| std::iter::once(pid).chain(process::children(pid))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(command_line: &str) -> Process {
        Process { pid: 2, parent: 1, zombie: false, command_line: command_line.to_owned() }
    }

    #[test]
    fn only_our_programs_on_this_very_folder_count() {
        let dir = Path::new("/a/.bookstore");
        assert!(belongs(&process("/usr/lib/postgresql/15/bin/postgres -D /a/.bookstore/primary"), dir));
        assert!(belongs(&process("redis-server /a/.bookstore/redis.conf"), dir));
        assert!(!belongs(&process("tail -f /a/.bookstore/primary.log"), dir));
        assert!(!belongs(&process("postgres -D /a/.bookstore-2/primary"), dir));
        assert!(!belongs(&process("postgres -D /var/lib/postgresql/15/main"), dir));
        assert!(!belongs(&process("postgres: walwriter"), dir));
    }
}
