//! Which user runs the servers, and in which folder.
//!
//! Postgres refuses to run as root. Started by root, the servers run as the user behind `sudo`, else as `postgres`, else as
//! `nobody`; everybody else runs them as themselves.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::error::{Context, StackError};
use super::process;

/// The user and group that the servers run as, when they are not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// Gives a file or folder to this account.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))
    }

    /// For root: who made `dir` before, else the user behind `sudo`, else a system user.
    fn for_root(dir: &Path) -> Result<Self, StackError> {
        let owner = fs::metadata(dir).ok().filter(|found| found.uid() != 0);
        let owner = owner.map(|found| Self { uid: found.uid(), gid: found.gid() });
        let by_name = || ["postgres", "_postgres", "nobody"].into_iter().find_map(Self::named);
        owner.or_else(Self::behind_sudo).or_else(by_name).ok_or_else(|| StackError::Folder {
            dir: dir.to_owned(),
            why: "Postgres refuses to run as root, and there is neither a user `postgres` nor `nobody`".to_owned(),
        })
    }

    fn behind_sudo() -> Option<Self> {
        let number = |name| std::env::var(name).ok()?.parse().ok().filter(|id| *id != 0);
        Some(Self { uid: number("SUDO_UID")?, gid: number("SUDO_GID")? })
    }

    fn named(name: &str) -> Option<Self> {
        let ask = |option| {
            let output =
                Command::new("id").args([option, name]).output().ok().filter(|output| output.status.success())?;
            String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|id| *id != 0)
        };
        Some(Self { uid: ask("-u")?, gid: ask("-g")? })
    }
}

/// Makes the folder usable: returns its canonical path, which is another one when the account cannot reach the wanted one,
/// and the account for the servers (`None`: ourselves).
pub(super) fn prepare(wanted: &Path, say: &dyn Fn(&str)) -> Result<(PathBuf, Option<Account>), StackError> {
    let wanted = std::path::absolute(wanted).context(|| format!("cannot resolve {}", wanted.display()))?;
    if !rustix::process::geteuid().is_root() {
        make(&wanted, None)?;
        return Ok((canonical(&wanted)?, None));
    }
    let account = Account::for_root(&wanted)?;
    let existed = wanted.exists();
    make(&wanted, Some(account))?;
    let wanted = canonical(&wanted)?;
    if reaches(account, &wanted) {
        return Ok((wanted, Some(account)));
    }
    if !existed {
        fs::remove_dir(&wanted).context(|| format!("cannot remove {}", wanted.display()))?;
    }
    let hash = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let instead = PathBuf::from(format!("/var/tmp/bookstore-{hash}"));
    let account = Account::for_root(&instead)?;
    make(&instead, Some(account))?;
    let instead = canonical(&instead)?;
    say(&format!("User {} cannot reach {}: using {}", account.uid, wanted.display(), instead.display()));
    if reaches(account, &instead) {
        Ok((instead, Some(account)))
    } else {
        Err(StackError::Folder { dir: instead, why: format!("user {} cannot write here", account.uid) })
    }
}

fn canonical(dir: &Path) -> Result<PathBuf, StackError> {
    dir.canonicalize().context(|| format!("cannot resolve {}", dir.display()))
}

/// Creates the folder, or checks that the existing one is a folder of ours: in /var/tmp anybody may have made it.
fn make(dir: &Path, account: Option<Account>) -> Result<(), StackError> {
    let what = || format!("cannot create {}", dir.display());
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).context(what)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error).context(what),
        _ => {}
    }
    let found = fs::symlink_metadata(dir).context(what)?;
    let ours = rustix::process::geteuid().as_raw();
    if !found.is_dir() || (found.uid() != ours && account.is_none_or(|account| account.uid != found.uid())) {
        return Err(StackError::Folder {
            dir: dir.to_owned(),
            why: format!("belongs to user {}: run as that user, or remove it", found.uid()),
        });
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).context(what)?;
    account.map_or(Ok(()), |account| account.own(dir)).context(what)
}

/// Whether the account can enter the folder and write there: asked as the account itself, since every folder above counts.
fn reaches(account: Account, dir: &Path) -> bool {
    let mut test = process::command(Path::new("/bin/sh"), dir, Some(account));
    test.args(["-c", "test -w . && test -x ."]).status().is_ok_and(|status| status.success())
}
