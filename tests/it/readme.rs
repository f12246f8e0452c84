//! The README's table of settings is the code's.

use bookstore::config::{Config, env_name};

/// One line of the table.
fn line(key: &bookstore::config::Key) -> String {
    let path = key.path();
    let default = match key.default {
        None => "required".to_owned(),
        Some("") => "none".to_owned(),
        Some(default) => format!("`{default}`"),
    };
    let secret = if key.secret { " Secret." } else { "" };
    format!("| `{path}` | `{}` | {default} | {}{secret} | {} |", env_name(&path), key.meaning.trim(), key.allowed)
}

#[test]
fn every_setting_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    let missing: Vec<String> = Config::keys().iter().map(line).filter(|line| !readme.contains(line)).collect();
    assert!(missing.is_empty(), "README.md lacks or contradicts:\n{}", missing.join("\n"));
}
