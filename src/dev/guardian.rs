//! A small process that stops the servers when their owner ends without doing so, by whatever means: a test runner that
//! simply exits, a panic, `kill -9`.
//!
//! It is a shell that reads from a pipe of which the owner holds the other end, and so wakes up when the owner is gone. It
//! also holds the folder's lock until it is done. An owner that stops its servers itself leaves it nothing to do.

use std::path::Path;
use std::process::{Child, Stdio};

use super::error::{Context, StackError};
use super::layout::Layout;
use super::lock::Lock;
use super::process;

/// Arguments: the folder, then the pid files in the order of stopping. A pid counts only while its command line names the
/// folder, since pids are used again. INT is the fast shutdown of Postgres and of Redis; QUIT is for what hangs.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
while read -r _; do :; done
dir=$1
shift
command_line() {
    if [ -d /proc/self ]; then tr '\0' ' ' < "/proc/$1/cmdline"; else ps -o args= -p "$1"; fi
}
ours() {
    pid=$(head -n 1 "$1") && [ -n "$pid" ] || return 1
    case "$(command_line "$pid")" in *"$dir/"*) ;; *) return 1 ;; esac
}
all() {
    for file; do if ours "$file"; then kill -s "$signal" "$pid"; fi; done
}
for signal in CONT INT QUIT KILL; do
    all "$@"
    [ "$signal" = CONT ] && continue
    waited=0
    while [ "$waited" -lt 100 ]; do
        left=
        for file; do if ours "$file"; then left=yes; fi; done
        [ -z "$left" ] && exit 0
        sleep 0.1
        waited=$((waited + 1))
    done
done
"#;

/// A running guardian.
#[derive(Debug)]
pub(super) struct Guardian {
    child: Child,
}

impl Guardian {
    pub(super) fn start(layout: &Layout, lock: &Lock, replicas: &[String]) -> Result<Self, StackError> {
        let postmasters = replicas.iter().map(String::as_str).chain(["primary"]);
        let postmasters = postmasters.map(|name| layout.data(name).join("postmaster.pid"));
        let mut command = process::command(Path::new("/bin/sh"), Path::new("/"), None);
        command.args(["-c", SCRIPT, "bookstore-guardian"]).arg(layout.dir()).args(postmasters).arg(layout.redis_pid());
        // The guardian must not keep the owner's standard output open: a pipe behind it would wait.
        command.stdin(Stdio::piped()).stdout(lock.share()?).stderr(Stdio::null());
        let child = command.spawn().context(|| "cannot start the guardian".to_owned())?;
        Ok(Self { child })
    }

    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or_default()
    }
}

impl Drop for Guardian {
    /// Lets the guardian go. It ends at once when the servers have stopped, and only its end is collected here.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
