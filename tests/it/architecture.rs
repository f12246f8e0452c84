//! The table of who may import whom, held against the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A layer, the layers it may import, and the libraries that are none of its business.
struct Layer {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

const DATA: &[&str] = &["sqlx", "deadpool_redis", "redis", "moka"];
const WEB: &[&str] = &["axum", "utoipa", "utoipa_axum", "tower_http"];

/// `config` and `telemetry` are leaves that every layer above `model` may use.
const LAYERS: &[Layer] = &[
    Layer { name: "http", may: &["domain", "model", "config", "telemetry"], never: DATA },
    Layer {
        name: "domain",
        may: &["store", "model", "config", "telemetry"],
        never: &["axum", "utoipa", "utoipa_axum", "tower_http", "sqlx", "deadpool_redis", "redis", "moka"],
    },
    Layer { name: "store", may: &["invalidation", "cache", "db", "model", "telemetry"], never: WEB },
    Layer { name: "invalidation", may: &["cache", "db", "model", "telemetry"], never: WEB },
    Layer {
        name: "cache",
        may: &["model", "telemetry"],
        never: &["sqlx", "axum", "utoipa", "utoipa_axum", "tower_http"],
    },
    Layer {
        name: "db",
        may: &["config", "telemetry"],
        never: &["deadpool_redis", "redis", "moka", "axum", "utoipa", "utoipa_axum", "tower_http"],
    },
    Layer {
        name: "model",
        may: &[],
        never: &[
            "sqlx",
            "deadpool_redis",
            "redis",
            "moka",
            "axum",
            "utoipa",
            "utoipa_axum",
            "tower_http",
            "garde",
            "tokio",
        ],
    },
    Layer { name: "dev", may: &[], never: &["axum", "utoipa", "moka"] },
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code without its comments, so that a docstring may name what it must not import.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What stands between the head of a path and the next boundary: `domain` in `crate::domain::users`, and each name of
/// `crate::{db, model::ids}`.
fn modules_of_this_crate(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            None => {
                found.insert(name(rest));
            }
            Some(group) => {
                let mut depth = 1;
                let mut start = true;
                for (at, c) in group.char_indices() {
                    if start && (c.is_alphanumeric() || c == '_') {
                        found.insert(name(&group[at..]));
                        start = false;
                    }
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    found
}

fn uses_library(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':')
    })
}

#[test]
fn every_layer_imports_only_what_it_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let layers: BTreeSet<String> = sources(&root)
        .iter()
        .filter_map(|path| {
            path.strip_prefix(&root).ok()?.iter().next()?.to_str().map(|top| top.trim_end_matches(".rs").to_owned())
        })
        .collect();
    let mut broken = Vec::new();
    for layer in LAYERS {
        let files: Vec<_> = sources(&root.join(layer.name));
        assert!(!files.is_empty(), "the layer {} has no source", layer.name);
        for file in files {
            let code = code(&file);
            for module in modules_of_this_crate(&code) {
                if layers.contains(&module) && module != layer.name && !layer.may.contains(&module.as_str()) {
                    broken.push(format!("{}: {} must not import {module}", file.display(), layer.name));
                }
            }
            for library in layer.never {
                if uses_library(&code, library) {
                    broken.push(format!("{}: {} must not use {library}", file.display(), layer.name));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn queries_live_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let homes = [root.join("store/sql"), root.join("db"), root.join("invalidation"), root.join("dev")];
    for file in sources(&root) {
        let at_home = homes.iter().any(|home| file.starts_with(home));
        let code = code(&file);
        assert!(at_home || !code.contains("sqlx::query"), "{} holds a query", file.display());
    }
}

#[test]
fn the_scan_sees_groups_and_single_paths() {
    let seen = modules_of_this_crate("use crate::{db::{Db, x}, model::ids};\nuse crate::store::Store;");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["db", "model", "store"]);
    assert!(uses_library("use sqlx::PgPool;", "sqlx"));
    assert!(!uses_library("use my_sqlx::PgPool;", "sqlx"));
}
