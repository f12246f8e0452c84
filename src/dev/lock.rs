//! One owner per folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use super::account::Account;
use super::error::{Context, StackError};
use super::layout::Layout;
use super::process;

/// How long the guardian of a dead owner may take to stop the servers.
const GUARDIAN_LIMIT: Duration = Duration::from_secs(60);

/// The lock of a folder: an advisory lock that the system releases when the last holder of the open file ends, however it
/// ends. The owner's guardian holds the same open file, so that nobody starts while it is still stopping servers.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, waiting for the guardian of an owner that is gone.
    ///
    /// # Errors
    /// [`StackError::AlreadyRunning`] when the owner is alive.
    pub(super) fn acquire(layout: &Layout, account: Option<Account>) -> Result<Self, StackError> {
        let path = layout.lock();
        let what = || format!("cannot lock {}", path.display());
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).context(what)?;
        if let Some(account) = account {
            account.own(&path).context(what)?;
        }
        let mut outcome = Ok(());
        let in_time = process::wait_until(GUARDIAN_LIMIT, || match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::Error(error)) => {
                outcome = Err(error).context(what);
                true
            }
            Err(TryLockError::WouldBlock) => match owner(&mut file) {
                Some(pid) if process::alive(pid) => {
                    outcome = Err(StackError::AlreadyRunning { pid, dir: layout.dir().to_owned() });
                    true
                }
                _ => false,
            },
        });
        outcome?;
        if !in_time {
            let why = "is still being stopped after its owner died; look for its processes with `ps`".to_owned();
            return Err(StackError::Folder { dir: layout.dir().to_owned(), why });
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).context(what)?;
        Ok(Self { file })
    }

    /// A second handle of the same lock, to be given to the guardian.
    pub(super) fn share(&self) -> Result<File, StackError> {
        self.file.try_clone().context(|| "cannot share the lock".to_owned())
    }
}

fn owner(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
