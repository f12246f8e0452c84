//! One running server: start until ready, stop in order, and the faults that tests inject.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::account::Account;
use super::error::{Context, StackError};
use super::files;
use super::process;
use super::redis;

/// A crashed primary replays up to `max_wal_size` before it is ready.
const START_LIMIT: Duration = Duration::from_secs(180);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const QUIT_LIMIT: Duration = Duration::from_secs(10);
/// The shared memory of a killed Postgres is in use until the last of its processes is gone.
const MEMORY_LIMIT: Duration = Duration::from_secs(10);

/// How a server says that it is ready, and how it is stopped.
pub(super) enum Kind {
    Postgres { data: PathBuf },
    Redis { password: String },
}

/// A server process of ours.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) dir: PathBuf,
    pub(super) log: PathBuf,
    pub(super) port: u16,
    pub(super) account: Option<Account>,
    pub(super) child: Mutex<Option<Child>>,
}

impl Server {
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process id, while it runs.
    pub(super) fn pid(&self) -> Option<i32> {
        running(&mut self.child())
    }

    /// Starts the server and waits until it is ready; one that runs already is left alone.
    ///
    /// # Errors
    /// [`StackError::PortTaken`], or a failure with the end of the server's log.
    pub(super) fn start(&self) -> Result<(), StackError> {
        let mut child = self.child();
        if running(&mut child).is_some() {
            return Ok(());
        }
        let begun = Instant::now();
        loop {
            match self.start_once(&mut child) {
                Err(StackError::Failed { log, .. })
                    if log.contains("shared memory block") && begun.elapsed() < MEMORY_LIMIT =>
                {
                    thread::sleep(Duration::from_millis(100));
                }
                other => return other,
            }
        }
    }

    fn start_once(&self, slot: &mut Option<Child>) -> Result<(), StackError> {
        let log = files::open_log(&self.log, self.account)?;
        let from = self.log_length();
        let mut command = process::command(&self.program, &self.dir, self.account);
        command.args(&self.arguments);
        command.stdout(log.try_clone().context(|| "cannot share a log".to_owned())?).stderr(log);
        let child = slot.insert(command.spawn().context(|| format!("cannot run {}", self.program.display()))?);
        let mut ended = None;
        let ready = process::wait_until(START_LIMIT, || {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || self.ready(child.id())
        });
        if ready && ended.is_none() {
            return Ok(());
        }
        let said = files::log_since(&self.log, from);
        if ended.is_none() {
            self.kill_family(slot)?;
        }
        *slot = None;
        if said.contains("Address already in use") {
            return Err(StackError::PortTaken(self.port));
        }
        let how = ended.map_or_else(
            || format!("{} was not ready within {} s", self.name, START_LIMIT.as_secs()),
            |status| format!("{} did not start ({status})", self.name),
        );
        Err(StackError::failed(how, files::last_lines(&said)))
    }

    fn ready(&self, pid: u32) -> bool {
        match &self.kind {
            // The first line is the pid, the eighth the postmaster's state, as `pg_ctl` reads them.
            Kind::Postgres { data } => fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| {
                let mut lines = text.lines();
                lines.next() == Some(pid.to_string().as_str()) && lines.nth(6).map(str::trim) == Some("ready")
            }),
            Kind::Redis { password } => redis::answers(self.port, password),
        }
    }

    /// The present length of the log, to read later what has been added.
    pub(super) fn log_length(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }

    /// Stops the server in an orderly way; by force when it does not obey.
    pub(super) fn stop(&self) -> Result<(), StackError> {
        let mut child = self.child();
        let Some(pid) = running(&mut child) else {
            *child = None;
            return Ok(());
        };
        let (gentle, hard) = match self.kind {
            Kind::Postgres { .. } => (Signal::INT, Signal::QUIT),
            Kind::Redis { .. } => (Signal::TERM, Signal::KILL),
        };
        signal_family(pid, Signal::CONT)?;
        for (signal, limit) in [(gentle, STOP_LIMIT), (hard, QUIT_LIMIT)] {
            process::signal(pid, signal)?;
            if process::wait_until(limit, || running(&mut child).is_none()) {
                *child = None;
                return Ok(());
            }
        }
        self.kill_family(&mut child)
    }

    /// Kills the server and all its processes at once, as a crash of the machine would.
    pub(super) fn kill(&self) -> Result<(), StackError> {
        self.kill_family(&mut self.child())
    }

    fn kill_family(&self, child: &mut Option<Child>) -> Result<(), StackError> {
        if let Some(pid) = running(child) {
            // Stopped first, so that the list of its children is complete.
            process::signal(pid, Signal::STOP)?;
            let family: Vec<i32> = std::iter::once(pid).chain(process::children(pid)).collect();
            for pid in &family {
                process::signal(*pid, Signal::KILL)?;
            }
            let gone = || running(child).is_none() && !family.iter().skip(1).any(|pid| process::alive(*pid));
            if !process::wait_until(QUIT_LIMIT, gone) {
                return Err(StackError::failed(format!("{} (pid {pid}) cannot be killed", self.name), ""));
            }
        }
        *child = None;
        Ok(())
    }

    /// Freezes the server with all its processes: connections stay open and nothing answers.
    pub(super) fn pause(&self) -> Result<(), StackError> {
        self.pid().map_or(Ok(()), |pid| signal_family(pid, Signal::STOP))
    }

    /// Wakes a paused server.
    pub(super) fn resume(&self) -> Result<(), StackError> {
        self.pid().map_or(Ok(()), |pid| signal_family(pid, Signal::CONT))
    }
}

/// The parent first, so that a paused one makes no new children meanwhile.
fn signal_family(pid: i32, signal: Signal) -> Result<(), StackError> {
    process::signal(pid, signal)?;
    process::children(pid).into_iter().try_for_each(|child| process::signal(child, signal))
}

/// The pid of a child that has not ended; collects one that has.
fn running(child: &mut Option<Child>) -> Option<i32> {
    let child = child.as_mut()?;
    match child.try_wait() {
        Ok(None) => i32::try_from(child.id()).ok(),
        _ => None,
    }
}
