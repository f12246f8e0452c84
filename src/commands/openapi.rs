//! `bookstore openapi`

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::Value;

/// The document as it is kept in the repository.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn text() -> anyhow::Result<String> {
    Ok(crate::http::document().to_pretty_json()? + "\n")
}

/// Prints the document.
///
/// # Errors
/// When it cannot be written.
pub fn print() -> anyhow::Result<ExitCode> {
    std::io::stdout().write_all(text()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Compares the document with a file, and tells what differs.
///
/// # Errors
/// When the file cannot be read.
pub fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let kept = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let current = text()?;
    if kept == current {
        return Ok(ExitCode::SUCCESS);
    }
    let kept = serde_json::from_str(&kept).with_context(|| format!("{} is no JSON", file.display()))?;
    let mut out = std::io::stderr().lock();
    writeln!(out, "{} is not what the code says:", file.display())?;
    for line in differences(&kept, &serde_json::from_str(&current)?) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out, "Bring it up to date with: bookstore openapi > {}", file.display())?;
    Ok(ExitCode::FAILURE)
}

/// Which parts differ: operations and components by name, the rest by its place.
fn differences(kept: &Value, current: &Value) -> Vec<String> {
    let (kept, current) = (parts(kept), parts(current));
    let names: BTreeSet<&String> = kept.keys().chain(current.keys()).collect();
    let lines: Vec<String> = names
        .into_iter()
        .filter_map(|name| match (kept.get(name), current.get(name)) {
            (Some(kept), Some(current)) => (kept != current).then(|| format!("changed  {name}")),
            (Some(_), None) => Some(format!("removed  {name}")),
            _ => Some(format!("added    {name}")),
        })
        .collect();
    if lines.is_empty() { vec!["changed  the layout of the file".to_owned()] } else { lines }
}

fn parts(document: &Value) -> BTreeMap<String, &Value> {
    let mut parts = BTreeMap::new();
    for (section, value) in document.as_object().into_iter().flatten() {
        match (section.as_str(), value) {
            ("paths", Value::Object(paths)) => {
                for (path, item) in paths {
                    for (method, operation) in item.as_object().into_iter().flatten() {
                        parts.insert(format!("{} {path}", method.to_uppercase()), operation);
                    }
                }
            }
            ("components", Value::Object(components)) => {
                for (kind, named) in components {
                    for (name, value) in named.as_object().into_iter().flatten() {
                        parts.insert(format!("components/{kind}/{name}"), value);
                    }
                }
            }
            _ => drop(parts.insert(section.clone(), value)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named() {
        let kept = json!({"info": {"version": "1"}, "paths": {"/a": {"get": 1, "put": 1}, "/b": {"get": 1}}});
        let current = json!({"info": {"version": "2"}, "paths": {"/a": {"get": 2, "put": 1}, "/c": {"get": 1}}});
        assert_eq!(
            differences(&kept, &current),
            ["changed  GET /a", "removed  GET /b", "added    GET /c", "changed  info"]
        );
    }

    #[test]
    fn a_file_that_drifted_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("openapi.json");
        std::fs::write(&file, text().unwrap()).unwrap();
        assert_eq!(check(&file).unwrap(), ExitCode::SUCCESS);
        std::fs::write(&file, text().unwrap().replace("/livez", "/alive")).unwrap();
        assert_eq!(check(&file).unwrap(), ExitCode::FAILURE);
        assert!(check(&dir.path().join("none.json")).is_err());
    }
}
