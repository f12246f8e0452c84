//! Finding the programs of Postgres and Redis.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::StackError;

const OLDEST_POSTGRES: u32 = 15;
const OLDEST_REDIS: u32 = 7;

/// Where packages put Postgres: a directory of versions, what stands before and what stands after the version.
const POSTGRES_PLACES: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

const PLACES: [&str; 4] = ["/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "/usr/bin"];

/// The programs to run.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    postgres: PathBuf,
    pub(super) redis: PathBuf,
}

impl Binaries {
    /// Finds Postgres (`BOOKSTORE_PG_BIN`, `pg_config --bindir`, the places of the usual packages, `PATH`) and Redis or
    /// Valkey (`BOOKSTORE_REDIS_BIN`, `PATH`, Homebrew). `data` is the primary's data directory: what an earlier run made is
    /// only readable by the same major version of Postgres.
    pub(super) fn find(data: &Path) -> Result<Self, StackError> {
        Ok(Self { postgres: postgres(data)?, redis: redis()? })
    }

    /// A program of Postgres.
    pub(super) fn postgres(&self, program: &str) -> PathBuf {
        let beside = self.postgres.join(program);
        if beside.is_file() { beside } else { PathBuf::from(program) }
    }
}

fn postgres(data: &Path) -> Result<PathBuf, StackError> {
    let set = std::env::var_os("BOOKSTORE_PG_BIN").filter(|set| !set.is_empty()).map(PathBuf::from);
    let candidates = set.map_or_else(postgres_candidates, |set| vec![set]);
    let mut found = BTreeMap::new();
    for dir in candidates {
        if let Some(major) = major_version(&dir.join("postgres")).filter(|_| dir.join("initdb").is_file()) {
            found.entry(major).or_insert(dir);
        }
    }
    let made_by = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
    if let Some(made_by) = made_by {
        let list = list(found.keys());
        return found.remove(&made_by).ok_or(StackError::OtherVersion { dir: data.to_owned(), made_by, found: list });
    }
    let list = list(found.keys());
    match found.pop_last() {
        Some((major, dir)) if major >= OLDEST_POSTGRES => Ok(dir),
        _ => Err(StackError::Missing {
            program: "PostgreSQL",
            wanted: OLDEST_POSTGRES,
            found: format!("found: {list}"),
            variable: "BOOKSTORE_PG_BIN",
        }),
    }
}

fn list<'a>(majors: impl Iterator<Item = &'a u32>) -> String {
    let majors: Vec<String> = majors.map(ToString::to_string).collect();
    if majors.is_empty() { "none".to_owned() } else { majors.join(", ") }
}

fn postgres_candidates() -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    if let Some(output) =
        Command::new("pg_config").arg("--bindir").output().ok().filter(|output| output.status.success())
    {
        candidates.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (dir, before, after) in POSTGRES_PLACES {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(before) {
                candidates.push(entry.path().join(after));
            }
        }
    }
    candidates.extend(search_path());
    candidates
}

fn redis() -> Result<PathBuf, StackError> {
    let set = std::env::var_os("BOOKSTORE_REDIS_BIN").filter(|set| !set.is_empty()).map(PathBuf::from);
    let candidates = set.map_or_else(redis_candidates, |set| vec![set]);
    let mut found = None;
    for program in candidates {
        if let Some(major) = major_version(&program) {
            if major >= OLDEST_REDIS {
                return Ok(program);
            }
            found = found.max(Some(major));
        }
    }
    Err(StackError::Missing {
        program: "Redis",
        wanted: OLDEST_REDIS,
        found: found.map_or_else(|| "found: none".to_owned(), |major| format!("found: {major}")),
        variable: "BOOKSTORE_REDIS_BIN",
    })
}

fn redis_candidates() -> Vec<PathBuf> {
    let programs = |dir: PathBuf| [dir.join("redis-server"), dir.join("valkey-server")];
    search_path().into_iter().flat_map(programs).filter(|program| program.is_file()).collect()
}

fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(PLACES.map(PathBuf::from)).collect()
}

/// The first number that `--version` prints: "postgres (PostgreSQL) 15.8", "Redis server v=7.0.15 sha=...".
fn major_version(program: &Path) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let output = Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    first_number(&String::from_utf8_lossy(&output.stdout))
}

fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|character: char| !character.is_ascii_digit());
    digits.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::first_number;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(first_number("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(first_number("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(first_number("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0"), Some(7));
        assert_eq!(first_number("no version"), None);
    }
}
