//! Running a command against the stack with a database of its own.

use std::error::Error;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use super::account;
use super::binaries::Binaries;
use super::cluster::Maker;
use super::error::{Context, StackError};
use super::layout::Layout;
use super::stack::{Stack, StackOptions, blocking};
use super::state::{SERVICE, State};

/// Starts the stack, or uses the running one of the same folder; creates a scratch database; lets `migrate` prepare it
/// (it gets the URL); and runs `command` with `sh -c`, with `DATABASE_URL`, `REPLICA_URLS` (separated by commas) and
/// `REDIS_URL` set. Afterwards the database is dropped and what was started is stopped.
///
/// Returns the command's exit code, 128 plus the signal when a signal ended it.
///
/// # Errors
/// When the stack cannot be started, `migrate` fails, or the command cannot be run.
pub async fn exec<M, F>(
    options: StackOptions,
    command: &str,
    migrate: M,
    progress: impl Fn(&str),
) -> Result<i32, StackError>
where
    M: FnOnce(String) -> F,
    F: Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
{
    let database = format!("bookstore_exec_{}", std::process::id());
    let stack = match Stack::start(options.clone(), &progress).await {
        Ok(stack) => Some(stack),
        Err(StackError::AlreadyRunning { pid, .. }) => {
            progress(&format!("Using the running stack of process {pid}"));
            None
        }
        Err(error) => return Err(error),
    };
    let place = database.clone();
    let scratch = blocking(move || Scratch::create(options, place)).await?;
    let outcome = match migrate(scratch.primary_url()).await {
        Ok(()) => {
            let mut shell = scratch.command(command);
            // Not a tokio child: the terminal and its signals belong to the command while it runs.
            blocking(move || shell.status().context(|| "cannot run sh".to_owned())).await.map(code)
        }
        Err(error) => Err(StackError::failed(format!("the scratch database cannot be migrated: {error}"), "")),
    };
    let dropped = blocking(move || scratch.drop_database()).await;
    if let Some(stack) = stack {
        stack.stop().await?;
    }
    dropped.and(outcome)
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// A database that lives as long as the command, on a stack that may belong to another process.
struct Scratch {
    options: StackOptions,
    layout: Layout,
    binaries: Binaries,
    account: Option<account::Account>,
    state: State,
    database: String,
}

impl Scratch {
    fn create(options: StackOptions, database: String) -> Result<Self, StackError> {
        let (dir, account) = account::prepare(&options.dir, &|_| ())?;
        let layout = Layout::new(dir);
        let binaries = Binaries::find(&layout.data("primary"))?;
        let state = State::load(&layout)?;
        let scratch = Self { options, layout, binaries, account, state, database };
        scratch.psql(&format!("CREATE DATABASE {} OWNER {SERVICE}", scratch.database))?;
        Ok(scratch)
    }

    fn primary_url(&self) -> String {
        self.state.service_url(self.state.primary_port, &self.database)
    }

    fn command(&self, command: &str) -> Command {
        let replicas = self.state.replica_ports.iter().take(self.options.replicas);
        let replicas: Vec<_> = replicas.map(|port| self.state.service_url(*port, &self.database)).collect();
        let mut shell = Command::new(Path::new("/bin/sh"));
        shell.args(["-c", command]);
        shell.env("DATABASE_URL", self.primary_url());
        shell.env("REPLICA_URLS", replicas.join(","));
        shell.env("REDIS_URL", self.state.redis_url());
        shell
    }

    fn drop_database(&self) -> Result<(), StackError> {
        self.psql(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database))
    }

    fn psql(&self, sql: &str) -> Result<(), StackError> {
        let Self { options, layout, binaries, account, state, .. } = self;
        Maker { layout, options, binaries, account: *account, state }.psql("postgres", sql).map(drop)
    }
}
