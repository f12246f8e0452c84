//! Processes: starting them as the right user, looking at them, signalling them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::account::Account;
use super::error::{Context, StackError};
use super::files;

/// How often a condition is looked at again.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// A command that runs as `account` in `dir`, in a process group of its own so that the terminal's Ctrl-C does not reach
/// it: this module stops its servers itself, in order.
pub(super) fn command(program: &Path, dir: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null()).process_group(0);
    // PGDATA, PGHOST, PGOPTIONS and their like would change what the programs do.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    // The messages are read here, and root's home is closed to the servers.
    command.env("LC_ALL", "C").env("HOME", dir);
    if let Some(account) = account {
        // As root, std also clears the supplementary groups.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Runs a command to its end and returns what it printed.
///
/// # Errors
/// When it cannot be started or fails; the error carries the last lines that it wrote.
pub(super) fn run(mut command: Command, what: &str) -> Result<String, StackError> {
    let output = command.output().context(|| format!("cannot run {}", display(command.get_program())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = files::last_lines(&String::from_utf8_lossy(&said));
    Err(StackError::failed(format!("{what} failed ({})", output.status), said))
}

fn display(program: &OsStr) -> String {
    program.to_string_lossy().into_owned()
}

/// A process as the system lists it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    /// Ended, but not yet collected by its parent.
    pub(super) zombie: bool,
    /// Program and arguments, separated by spaces.
    pub(super) command_line: String,
}

/// Every process of the machine that may be seen.
#[cfg(target_os = "linux")]
pub(super) fn list() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| look(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// One process, if it exists.
#[cfg(target_os = "linux")]
fn look(pid: i32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid ...: the name may hold anything, also a closing bracket.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command_line = String::from_utf8_lossy(&arguments).replace('\0', " ");
    Some(Process { pid, parent, zombie, command_line })
}

/// Every process of the machine that may be seen.
#[cfg(not(target_os = "linux"))]
pub(super) fn list() -> Vec<Process> {
    let output = Command::new("ps").args(["-axo", "pid=,ppid=,stat=,args="]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().filter_map(parse_ps).collect()
}

/// One process, if it exists.
#[cfg(not(target_os = "linux"))]
fn look(pid: i32) -> Option<Process> {
    let output = Command::new("ps").args(["-o", "pid=,ppid=,stat=,args=", "-p", &pid.to_string()]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().find_map(parse_ps)
}

#[cfg(not(target_os = "linux"))]
fn parse_ps(line: &str) -> Option<Process> {
    let (pid, rest) = line.trim_start().split_once(char::is_whitespace)?;
    let (parent, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let (status, arguments) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some(Process {
        pid: pid.parse().ok()?,
        parent: parent.parse().ok()?,
        zombie: status.starts_with('Z'),
        command_line: arguments.trim_start().to_owned(),
    })
}

/// Whether a process exists and has not ended.
pub(super) fn alive(pid: i32) -> bool {
    look(pid).is_some_and(|process| !process.zombie)
}

/// The children of a process: a Postgres server is a postmaster and these.
pub(super) fn children(parent: i32) -> Vec<i32> {
    list()
        .into_iter()
        .filter(|process| process.parent == parent && !process.zombie)
        .map(|process| process.pid)
        .collect()
}

/// Sends a signal; a process that is gone already is no error.
pub(super) fn signal(pid: i32, signal: Signal) -> Result<(), StackError> {
    let Some(target) = Pid::from_raw(pid).filter(|_| pid > 1) else {
        return Ok(());
    };
    match kill_process(target, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(io::Error::from(error)).context(|| format!("cannot signal process {pid}")),
    }
}

/// Looks at a condition until it holds or the time is over; returns whether it held.
pub(super) fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        thread::sleep(POLL);
    }
}
