//! Making Postgres clusters: `initdb` for the primary, `pg_basebackup` for a replica, and their configuration.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::account::Account;
use super::binaries::Binaries;
use super::error::{Context, StackError};
use super::files;
use super::layout::{Layout, slot_name};
use super::process;
use super::stack::StackOptions;
use super::state::{ADMIN, DATABASE, REPLICATION, SERVICE, State};

/// Our settings, in a file of their own which `postgresql.conf` includes last and every start writes anew.
const SETTINGS: &str = "bookstore.conf";

/// Everything that making a cluster needs to know.
pub(super) struct Maker<'a> {
    pub(super) layout: &'a Layout,
    pub(super) options: &'a StackOptions,
    pub(super) binaries: &'a Binaries,
    pub(super) account: Option<Account>,
    pub(super) state: &'a State,
}

impl Maker<'_> {
    /// A command of Postgres which finds the passwords in the password file.
    fn command(&self, program: &str) -> std::process::Command {
        let mut command = process::command(&self.binaries.postgres(program), self.layout.dir(), self.account);
        command.env("PGPASSFILE", self.layout.passfile()).env("PGCONNECT_TIMEOUT", "10");
        command
    }

    /// Creates the primary's files.
    pub(super) fn init_primary(&self) -> Result<(), StackError> {
        let data = self.layout.data("primary");
        files::remove(&self.layout.ready("primary"))?;
        files::remove(&data)?;
        let password = self.layout.dir().join("initdb-password");
        files::write_private(&password, &self.state.admin_password, self.account)?;
        // C.UTF-8 sorts alike everywhere; a system that does not have it still has C.
        let mut made = self.initdb(&data, &password, "C.UTF-8");
        if matches!(&made, Err(StackError::Failed { log, .. }) if log.contains("locale")) {
            files::remove(&data)?;
            made = self.initdb(&data, &password, "C");
        }
        files::remove(&password)?;
        made?;
        append(&data.join("postgresql.conf"), &format!("\ninclude '{SETTINGS}'\n"))
    }

    fn initdb(&self, data: &Path, password: &Path, locale: &str) -> Result<(), StackError> {
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(data).arg("--pwfile").arg(password);
        initdb.args(["--username", ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", locale]);
        if !self.options.durable {
            initdb.arg("--no-sync");
        }
        process::run(initdb, "initdb").map(drop)
    }

    /// Creates roles and databases in a primary that has just been made and runs, and marks it as complete.
    pub(super) fn populate_primary(&self) -> Result<(), StackError> {
        // template1 first: databases made later have the extension from there. It is the only one that needs a superuser.
        self.psql("template1", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")?;
        let service = &self.state.service_password;
        let replication = &self.state.replication_password;
        self.psql(
            "postgres",
            &format!(
                "CREATE ROLE {SERVICE} LOGIN CREATEDB PASSWORD '{service}' IN ROLE pg_monitor;\n\
                 CREATE ROLE {REPLICATION} LOGIN REPLICATION PASSWORD '{replication}';\n\
                 CREATE DATABASE {DATABASE} OWNER {SERVICE};\n"
            ),
        )?;
        files::write_private(&self.layout.ready("primary"), "", self.account)
    }

    /// Copies the running primary. Its slot is made anew, so that the primary keeps what the copy will ask for.
    pub(super) fn copy_primary(&self, name: &str) -> Result<(), StackError> {
        let (data, part, slot) = (self.layout.data(name), self.layout.part(name), slot_name(name));
        for old in [self.layout.ready(name), data.clone(), part.clone()] {
            files::remove(&old)?;
        }
        self.psql(
            "postgres",
            &format!(
                "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots \
                 WHERE slot_name = '{slot}' AND active_pid IS NOT NULL;\n\
                 SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{slot}';\n"
            ),
        )?;
        let mut copy = self.command("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-p", &self.state.primary_port.to_string(), "-U", REPLICATION, "-w"]);
        copy.arg("-D").arg(&part).args(["-R", "-C", "-S", &slot, "-X", "stream", "--checkpoint=fast"]);
        if !self.options.durable {
            copy.arg("--no-sync");
        }
        process::run(copy, "pg_basebackup")?;
        // `-R` wrote where the primary is, and there it would win over our settings, which know the current port.
        let written = part.join("postgresql.auto.conf");
        let text = fs::read_to_string(&written).context(|| format!("cannot read {}", written.display()))?;
        let kept = text
            .lines()
            .filter(|line| !line.starts_with("primary_"))
            .fold(String::new(), |kept, line| kept + line + "\n");
        files::write_private(&written, &kept, self.account)?;
        fs::rename(&part, &data).context(|| format!("cannot move {}", part.display()))?;
        files::write_private(&self.layout.ready(name), "", self.account)
    }

    /// Whether a replica's files are complete and still those of a replica.
    pub(super) fn is_replica(&self, name: &str) -> bool {
        self.layout.ready(name).exists() && self.layout.data(name).join("standby.signal").exists()
    }

    /// Writes the settings of a cluster; `primary_port` makes it a replica.
    pub(super) fn configure(&self, name: &str, port: u16, primary_port: Option<u16>) -> Result<(), StackError> {
        let mut text = settings(self.options, port);
        if let Some(primary) = primary_port {
            text.push_str(&format!(
                "primary_conninfo = 'host=127.0.0.1 port={primary} user={REPLICATION} application_name={name} \
                 passfile=''{passfile}'' sslmode=disable'\n\
                 primary_slot_name = '{slot}'\n",
                passfile = self.layout.passfile().display(),
                slot = slot_name(name),
            ));
        }
        files::write_private(&self.layout.data(name).join(SETTINGS), &text, self.account)
    }

    /// Runs SQL on the primary as the superuser; returns the rows, fields separated by `|`.
    pub(super) fn psql(&self, database: &str, sql: &str) -> Result<String, StackError> {
        let mut psql = self.command("psql");
        psql.args(["-XAtq", "-w", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", ADMIN]);
        psql.args(["-p", &self.state.primary_port.to_string(), "-d", database, "-f", "-"]);
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = psql.spawn().context(|| "cannot run psql".to_owned())?;
        // Through standard input: a command line can be seen by everybody, and some statements hold passwords.
        if let Some(mut input) = child.stdin.take() {
            input.write_all(sql.as_bytes()).context(|| "cannot write to psql".to_owned())?;
        }
        let output = child.wait_with_output().context(|| "cannot run psql".to_owned())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = files::last_lines(&String::from_utf8_lossy(&output.stderr));
        Err(StackError::failed(format!("psql failed ({})", output.status), said))
    }
}

fn append(path: &Path, text: &str) -> Result<(), StackError> {
    let write = || fs::OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes());
    write().context(|| format!("cannot write {}", path.display()))
}

/// The settings of primary and replicas alike (a replica needs at least the primary's limits).
fn settings(options: &StackOptions, port: u16) -> String {
    let buffers = options.shared_buffers_mb;
    let durable = if options.durable { "on" } else { "off" };
    format!(
        "# Written by `bookstore dev` at every start.\n\
         listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = ''\n\
         password_encryption = 'scram-sha-256'\n\
         max_connections = 300\n\
         shared_buffers = '{buffers}MB'\n\
         effective_cache_size = '{cache}MB'\n\
         work_mem = '16MB'\n\
         random_page_cost = 1.1\n\
         jit = off\n\
         fsync = {durable}\n\
         full_page_writes = {durable}\n\
         wal_level = replica\n\
         max_wal_senders = 10\n\
         max_replication_slots = 10\n\
         # A replica that stays away must not fill the disk; it is copied anew when it returns.\n\
         max_slot_wal_keep_size = '4GB'\n\
         max_wal_size = '2GB'\n\
         wal_writer_delay = '10ms'\n\
         hot_standby = on\n\
         hot_standby_feedback = on\n\
         wal_receiver_status_interval = '1s'\n\
         # A replica looks for a restarted primary at once, not every five seconds.\n\
         wal_retrieve_retry_interval = '100ms'\n\
         shared_preload_libraries = 'pg_stat_statements'\n\
         pg_stat_statements.track = all\n\
         track_io_timing = on\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         lc_messages = 'C'\n\
         log_line_prefix = '%m [%p] %q%u@%d '\n\
         log_checkpoints = off\n",
        cache = buffers * 4,
    )
}
