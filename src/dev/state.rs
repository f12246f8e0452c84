//! Ports and passwords, kept in `state.json`.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::error::{Context, StackError};
use super::files;
use super::layout::Layout;

/// The superuser of the clusters.
pub(super) const ADMIN: &str = "postgres";
/// The role of the service: owns its database, may create others, sees the statistics, is no superuser.
pub(super) const SERVICE: &str = "bookstore";
/// The role of the replicas.
pub(super) const REPLICATION: &str = "replicator";
/// The database of the service.
pub(super) const DATABASE: &str = "bookstore";

/// What a stack keeps between two runs. A port of 0 is not chosen yet.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) primary_port: u16,
    pub(super) replica_ports: Vec<u16>,
    pub(super) redis_port: u16,
    pub(super) admin_password: String,
    pub(super) service_password: String,
    pub(super) replication_password: String,
    pub(super) redis_password: String,
}

impl State {
    fn generate() -> Result<Self, StackError> {
        Ok(Self {
            primary_port: 0,
            replica_ports: Vec::new(),
            redis_port: 0,
            admin_password: password()?,
            service_password: password()?,
            replication_password: password()?,
            redis_password: password()?,
        })
    }

    /// Reads the state, or generates it in a new folder.
    pub(super) fn load(layout: &Layout) -> Result<Self, StackError> {
        let path = layout.state();
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| StackError::Folder {
                dir: path,
                why: format!("is damaged ({error}): restore it, or start anew with `make clean-stack`"),
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if layout.ready("primary").exists() {
                    let why =
                        "is missing, and with it the passwords: restore it, or start anew with `make clean-stack`";
                    return Err(StackError::Folder { dir: path, why: why.to_owned() });
                }
                Self::generate()
            }
            Err(error) => Err(error).context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the state, and the password file that goes with it.
    pub(super) fn save(&self, layout: &Layout, account: Option<Account>) -> Result<(), StackError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(std::io::Error::from)
            .context(|| "cannot write state.json".to_owned())?;
        files::write_private(&layout.state(), &text, account)?;
        let lines = format!(
            "127.0.0.1:*:*:{ADMIN}:{}\n127.0.0.1:*:*:{REPLICATION}:{}\n",
            self.admin_password, self.replication_password
        );
        files::write_private(&layout.passfile(), &lines, account)
    }

    pub(super) fn service_url(&self, port: u16, database: &str) -> String {
        format!("postgres://{SERVICE}:{}@127.0.0.1:{port}/{database}", self.service_password)
    }

    pub(super) fn admin_url(&self, port: u16, database: &str) -> String {
        format!("postgres://{ADMIN}:{}@127.0.0.1:{port}/{database}", self.admin_password)
    }

    pub(super) fn redis_url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.redis_password, self.redis_port)
    }
}

/// 32 letters and digits (160 bits), which need no escaping in a URL or a configuration file.
fn password() -> Result<String, StackError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context(|| "cannot read /dev/urandom".to_owned())?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}
