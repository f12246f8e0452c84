//! `bookstore dev`: the shop with everything that it needs, on this machine alone.

use std::{
    fs,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::seed::Wanted;
use crate::{
    app::{self, App},
    config::{Config, env_name},
    db::{self, Db},
    dev::{self, Stack, StackOptions},
    domain::{seed::SeedError, users::Administration},
    lifecycle::Lifecycle,
    model::clock::SystemClock,
    telemetry::Telemetry,
};

/// The account of whoever runs the shop here.
const ADMINISTRATOR: &str = "admin@bookstore.example";
/// How many ports after a taken one are tried.
const PORTS_TO_TRY: u16 = 50;

/// What to run.
pub struct Options {
    /// A file of settings, where there is one.
    pub config: Option<PathBuf>,
    /// How many books an empty catalogue is filled with.
    pub books: u64,
    /// How many orders and reviews the readers of such a catalogue have.
    pub orders: u64,
    /// Where the stack lives, if not in the usual place.
    pub dir: Option<PathBuf>,
}

impl Options {
    fn stack(&self) -> StackOptions {
        StackOptions::new(self.dir.clone().unwrap_or_else(dev::default_dir))
    }
}

fn say(line: &str) {
    // Nobody is left to be told where the terminal is gone.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Runs a command against the stack, with a migrated scratch database in `DATABASE_URL`.
///
/// # Errors
/// When the stack does not start or the command cannot be run.
pub fn exec(options: &Options, command: &str) -> anyhow::Result<ExitCode> {
    super::block_on(async {
        let migrate = |url: String| async move {
            // As they are on disk: a query may be newer than the program that starts the stack for its sake.
            db::migrate_from(Path::new("migrations"), &url.into()).await.map(drop).map_err(Into::into)
        };
        let code = dev::exec(options.stack(), command, migrate, say).await?;
        Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
    })
}

/// By which the test provider signs its events, unless the configuration says otherwise.
const WEBHOOK_SECRET: &str = "whsec_bookstore_dev";

/// Starts the stack, fills the shop on the first run, and serves until a signal.
///
/// # Errors
/// When something does not start; what was started is stopped again.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let lifecycle = Lifecycle::new();
    let Some(stack) = runtime.block_on(until_signal(&lifecycle, start(options)))? else { return Ok(ExitCode::FAILURE) };
    let config = configure(options, &stack)?;
    // Outside the runtime: the exporter of traces has one of its own.
    let telemetry = Telemetry::install(&config.telemetry)?;
    let metrics = telemetry.metrics();
    let served = runtime.block_on(async {
        let Some(password) = until_signal(&lifecycle, prepare(options, &stack, &config)).await? else { return Ok(()) };
        let app = App::build(config.clone(), Some(metrics)).await?;
        introduce(&app, &config, &stack, &password)?;
        app.serve().await?;
        anyhow::Ok(())
    });
    say("Stopping PostgreSQL and Redis");
    let stopped = runtime.block_on(stack.stop());
    telemetry.flush();
    served?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

/// The outcome of `work`; nothing where a signal came first. What was begun is dropped then, and so undone.
async fn until_signal<T>(
    lifecycle: &Lifecycle,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    tokio::select! {
        outcome = work => outcome.map(Some),
        signalled = lifecycle.wait_for_signal() => {
            signalled?;
            Ok(None)
        }
    }
}

async fn start(options: &Options) -> anyhow::Result<Stack> {
    let stack = options.stack();
    say(&format!("Starting PostgreSQL (a primary and a replica) and Redis under {}", stack.dir.display()));
    Ok(Stack::start(stack, say).await?)
}

/// The configuration for this stack, with ports that are free. What the environment says counts, but for the servers.
fn configure(options: &Options, stack: &Stack) -> anyhow::Result<Config> {
    let servers = [
        ("database.url".to_owned(), stack.primary_url().to_owned()),
        ("database.replicas".to_owned(), stack.replica_urls().join(",")),
        ("redis.url".to_owned(), stack.redis_url().to_owned()),
    ];
    let mut config = super::load_config(options.config.as_deref(), servers.clone())?;
    config.http.bind = free_address(config.http.bind, "API")?;
    config.metrics.bind = free_address(config.metrics.bind, "metrics")?;
    if std::env::var_os(env_name("telemetry.log_format")).is_none() && options.config.is_none() {
        config.telemetry.log_format = crate::config::LogFormat::Text;
    }
    // Without a secret the test provider could tell nothing of its own accord. Nobody else can reach this shop.
    config.payments.webhook_secret.get_or_insert_with(|| WEBHOOK_SECRET.to_owned().into());
    write_settings(stack.dir(), &servers)?;
    Ok(config)
}

/// The address itself, or the next free port after it: another checkout may be running.
fn free_address(wanted: SocketAddr, what: &str) -> anyhow::Result<SocketAddr> {
    let mut address = wanted;
    for _ in 0..PORTS_TO_TRY {
        match TcpListener::bind(address) {
            Ok(_) => {
                if address != wanted {
                    say(&format!("{wanted} is taken: the {what} will be on {address}"));
                }
                return Ok(address);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() < u16::MAX => {
                address.set_port(address.port() + 1);
            }
            Err(error) => return Err(error).with_context(|| format!("{address} cannot be listened on")),
        }
    }
    anyhow::bail!("{wanted} and the {PORTS_TO_TRY} ports after it are taken")
}

fn settings_file(dir: &Path) -> PathBuf {
    dir.join("bookstore.toml")
}

/// A file for the other commands, so that they find this stack.
fn write_settings(dir: &Path, servers: &[(String, String)]) -> anyhow::Result<()> {
    let mut text = String::from("# Written by `bookstore dev` at every start: how to reach its servers.\n");
    for (key, value) in servers {
        // URLs that this program made: nothing in them needs escaping.
        text += &match key.as_str() {
            "database.replicas" => format!(
                "{key} = [{}]\n",
                value.split(',').map(|url| format!("\"{url}\"")).collect::<Vec<_>>().join(", ")
            ),
            _ => format!("{key} = \"{value}\"\n"),
        };
    }
    write_secret(&settings_file(dir), &text)
}

/// Writes a file that its owner alone may read.
fn write_secret(file: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
        open.set_permissions(fs::Permissions::from_mode(0o600))?;
        open.write_all(text.as_bytes())
    };
    write().with_context(|| format!("{} cannot be written", file.display()))
}

/// Migrates, fills an empty catalogue, and makes the administrator. Returns the administrator's password.
async fn prepare(options: &Options, stack: &Stack, config: &Config) -> anyhow::Result<SecretString> {
    db::migrate(&config.database.url).await?;
    let db = Db::new(&config.database)?;
    db.probe_once().await;
    if options.books > 0 {
        let (books, orders) = (options.books, options.orders);
        let wanted = Wanted { books, orders, reviews: orders, seed: 1, more: false };
        match super::seed::fill(config, &app::store(config, &db)?, &wanted).await {
            Ok(()) | Err(SeedError::NotEmpty | SeedError::HasReaders) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let users = app::state(config, &db, &app::store(config, &db)?, Arc::new(SystemClock))?.users.clone();
    let kept = stack.dir().join("administrator-password");
    let password = match users.ensure_administrator(ADMINISTRATOR).await?.1 {
        Administration::Created { password } => {
            write_secret(&kept, password.expose_secret())?;
            password
        }
        Administration::Promoted | Administration::Unchanged => {
            fs::read_to_string(&kept).unwrap_or_else(|_| "(the one that you chose)".to_owned()).into()
        }
    };
    db.close().await;
    Ok(password)
}

/// Tells the newcomer where everything is.
fn introduce(app: &App, config: &Config, stack: &Stack, password: &SecretString) -> anyhow::Result<()> {
    let address = app.address()?;
    let base = format!("http://{address}");
    let api = format!("{base}{}", crate::http::API_PREFIX);
    let settings = settings_file(stack.dir());
    writeln!(
        io::stdout(),
        "
The shop is open.

  Browse          {base}/docs
  Metrics         http://{metrics}/metrics
  Administrator   {ADMINISTRATOR}
  Password        {password}
  Settings        {settings}  (for the other commands: bookstore --config FILE …)

Try
  curl '{api}/products?genre=fantasy&limit=3'
  curl '{api}/products/search?q=draagon'
  curl -X POST '{api}/sessions' -H 'Content-Type: application/json' \\
       -d '{{\"email\": \"{ADMINISTRATOR}\", \"password\": \"{password}\"}}'

Ctrl-C stops all of it.
",
        metrics = config.metrics.bind,
        password = password.expose_secret(),
        settings = settings.display(),
    )?;
    Ok(())
}
