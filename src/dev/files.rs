//! Small files with the right owner and mode.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::account::Account;
use super::error::{Context, StackError};

/// How much of a log an error carries.
const TAIL_BYTES: u64 = 4096;
const TAIL_LINES: usize = 15;

/// A log longer than this is put aside when its server starts.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// Writes a private file (mode 0600) in one step: readers see the old or the new content, never a part of it.
pub(super) fn write_private(path: &Path, content: &str, account: Option<Account>) -> Result<(), StackError> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        if let Some(account) = account {
            account.own(&fresh)?;
        }
        fs::rename(&fresh, path)
    };
    write().context(|| format!("cannot write {}", path.display()))
}

/// Removes a file or a whole directory, which need not exist.
pub(super) fn remove(path: &Path) -> Result<(), StackError> {
    let removed = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    removed.context(|| format!("cannot remove {}", path.display()))
}

/// Opens a log for appending; one that has grown too long is put aside first.
pub(super) fn open_log(path: &Path, account: Option<Account>) -> Result<File, StackError> {
    let open = || {
        if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_BYTES) {
            fs::rename(path, path.with_extension("log.old"))?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if let Some(account) = account {
            account.own(path)?;
        }
        Ok(file)
    };
    open().context(|| format!("cannot open {}", path.display()))
}

/// What was appended to a log since it was `from` bytes long, at most the last few kilobytes.
pub(super) fn log_since(path: &Path, from: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The last lines of a text, for an error message.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
