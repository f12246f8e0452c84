//! Reading the layers, and telling everything that is wrong with them at once.

use std::{collections::BTreeMap, fmt, path::Path};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};

use super::{Config, ENV_PREFIX, Key, Raw, Setting};

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The key as the file writes it, `http.bind`; empty when the file itself is the problem.
    pub key: String,
    /// The value, unless it is a secret or there is none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Option<String>,
    /// Why it cannot be used, as half a sentence.
    pub why: String,
    /// What could be used instead.
    pub allowed: String,
}

/// Everything that is wrong with the configuration. Its text is meant for the person who starts the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        writeln!(f, "the configuration has {count} {}:", if count == 1 { "problem" } else { "problems" })?;
        for problem in &self.0 {
            writeln!(f)?;
            if problem.key.is_empty() {
                writeln!(f, "  {}", problem.why)?;
            } else {
                let value = problem.value.as_ref().map(|value| format!(" = {value:?}")).unwrap_or_default();
                writeln!(f, "  {}{value}", problem.key)?;
                writeln!(f, "    variable: {}", env_name(&problem.key))?;
                if let Some(source) = &problem.source {
                    writeln!(f, "    set in:   {source}")?;
                }
                writeln!(f, "    problem:  {}", problem.why)?;
            }
            writeln!(f, "    allowed:  {}", problem.allowed)?;
        }
        Ok(())
    }
}

/// The name of the environment variable of a key: `http.bind` is `BOOKSTORE_HTTP__BIND`.
#[must_use]
pub fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// One layer of text values.
struct Layer {
    name: &'static str,
    values: Dict,
}

impl Layer {
    fn new(name: &'static str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values = Dict::new();
        for (key, text) in pairs {
            match key.split_once('.') {
                None => drop(values.insert(key, Value::from(text))),
                Some((section, name)) => {
                    let section = values.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
                    if !matches!(section, Value::Dict(..)) {
                        *section = Value::from(Dict::new());
                    }
                    if let Value::Dict(_, section) = section {
                        section.insert(name.to_owned(), Value::from(text));
                    }
                }
            }
        }
        Self { name, values }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// The merged layers, and the problems found while reading from them.
pub(super) struct Layers {
    merged: Figment,
    problems: Vec<ConfigProblem>,
}

impl Layers {
    /// Merges defaults, file, environment and overrides, each stronger than the one before.
    pub(super) fn new(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        overrides: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let defaults = Config::keys().iter().filter_map(|key| Some((key.path(), key.default?.to_owned())));
        let mut merged = Figment::from(Layer::new("the defaults", defaults));
        if let Some(path) = file {
            if !path.is_file() {
                return Err(unreadable_file(path, "there is no such file"));
            }
            let toml = Toml::file_exact(path);
            if let Err(error) = toml.data() {
                return Err(unreadable_file(path, &error.kind.to_string()));
            }
            merged = merged.merge(toml);
        }
        let env = env.into_iter().filter_map(|(name, text)| {
            let rest = name.strip_prefix(ENV_PREFIX)?;
            // Where the file is, and where `dev` keeps its servers, is no setting of the shop.
            let is_setting = !["CONFIG", "DEV_DIR"].contains(&rest);
            is_setting.then(|| (rest.to_lowercase().replace("__", "."), text))
        });
        merged = merged.merge(Layer::new("the environment", env)).merge(Layer::new("the command line", overrides));
        Ok(Self { merged, problems: Vec::new() })
    }

    /// Reads one setting. A problem with it is remembered, and the default stands in for it, so that the rest can be
    /// checked as well.
    pub(super) fn read<T: Setting>(&mut self, key: &Key) -> Option<T> {
        let read = match self.raw(&key.path()) {
            Some(raw) => T::read(&raw),
            None => Err("is not set, and has no default".to_owned()),
        };
        read.or_else(|why| {
            self.complain(key, why);
            T::read(&Raw::One(key.default.unwrap_or_default().to_owned()))
        })
        .ok()
    }

    /// Remembers a problem with the value of a key, unless there is one already.
    pub(super) fn complain(&mut self, key: &Key, why: String) {
        let path = key.path();
        if self.problems.iter().any(|problem| problem.key == path) {
            return;
        }
        let raw = self.raw(&path);
        let source = raw.as_ref().and_then(|_| self.source(&path));
        let value = raw.map(|raw| raw.to_string()).filter(|_| !key.secret);
        self.problems.push(ConfigProblem { key: path, value, source, why, allowed: key.allowed.to_owned() });
    }

    /// Remembers every key that is set but does not exist.
    pub(super) fn complain_of_unknown_keys(&mut self) {
        let mut set = BTreeMap::new();
        if let Ok(values) = self.merged.extract::<Dict>() {
            flatten(&values, "", &mut set);
        }
        let known: Vec<String> = Config::keys().iter().map(Key::path).collect();
        for path in set.into_keys().filter(|path| !known.contains(path)) {
            let nearest = known
                .iter()
                .map(|candidate| (strsim::damerau_levenshtein(candidate, &path), candidate))
                .min()
                .filter(|(distance, _)| *distance <= 1 + path.len() / 4);
            let allowed = nearest.map_or_else(
                || "the keys of the README's table".to_owned(),
                |(_, candidate)| format!("did you mean {candidate} ({})?", env_name(candidate)),
            );
            let source = self.source(&path);
            self.problems.push(ConfigProblem {
                key: path,
                // It may be the value of a mistyped secret.
                value: None,
                source,
                why: "is no key of this program".to_owned(),
                allowed,
            });
        }
    }

    /// All problems, ordered by key; `Ok` when there are none.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort_by(|a, b| a.key.cmp(&b.key));
        Err(ConfigError(self.problems))
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn raw(&self, path: &str) -> Option<Raw> {
        self.merged.find_value(path).ok().and_then(|value| raw_of(&value))
    }

    fn source(&self, path: &str) -> Option<String> {
        let metadata = self.merged.find_metadata(path)?;
        let place = metadata.source.as_ref().map(|source| format!(" {source}")).unwrap_or_default();
        Some(if place.is_empty() { metadata.name.to_string() } else { format!("the file{place}") })
    }
}

fn unreadable_file(path: &Path, why: &str) -> ConfigError {
    ConfigError(vec![ConfigProblem {
        key: String::new(),
        value: None,
        source: None,
        why: format!("the file {} cannot be read: {}", path.display(), why.trim_end()),
        allowed: "a TOML file with one table a section, such as [http]".to_owned(),
    }])
}

fn raw_of(value: &Value) -> Option<Raw> {
    fn text(value: &Value) -> Option<String> {
        match value {
            Value::String(_, text) => Some(text.clone()),
            Value::Char(_, char) => Some(char.to_string()),
            Value::Bool(_, bool) => Some(bool.to_string()),
            Value::Num(_, num) => num
                .to_i128()
                .map(|num| num.to_string())
                .or_else(|| num.to_u128().map(|num| num.to_string()))
                .or_else(|| num.to_f64().map(|num| num.to_string())),
            Value::Empty(..) => Some(String::new()),
            Value::Dict(..) | Value::Array(..) => None,
        }
    }
    match value {
        Value::Array(_, values) => values.iter().map(text).collect::<Option<_>>().map(Raw::Many),
        Value::Dict(..) => Some(Raw::Many(Vec::new())),
        _ => text(value).map(Raw::One),
    }
}

/// The leaves of nested tables by their dotted path.
fn flatten(values: &Dict, prefix: &str, into: &mut BTreeMap<String, ()>) {
    for (name, value) in values {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Dict(_, inner) if !inner.is_empty() => flatten(inner, &path, into),
            _ => drop(into.insert(path, ())),
        }
    }
}
