//! Lua scripts, sent by their hash.

use std::sync::OnceLock;

use deadpool_redis::redis::{self, Cmd, ToRedisArgs};

/// A script, to be put in a `static`. All keys of a call must be of one slot.
#[derive(Debug)]
pub struct Script {
    code: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    /// A script with this code.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        Self { code, hash: OnceLock::new() }
    }

    /// A call that has its keys and arguments still to come.
    #[must_use]
    pub const fn call(&'static self) -> ScriptCall {
        ScriptCall { script: self, keys: Vec::new(), arguments: Vec::new() }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| redis::Script::new(self.code).get_hash().to_owned())
    }
}

/// A script with its keys and arguments.
#[derive(Debug, Clone)]
pub struct ScriptCall {
    script: &'static Script,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl ScriptCall {
    /// Adds a key.
    #[must_use]
    pub fn key(mut self, key: impl ToRedisArgs) -> Self {
        self.keys.extend(key.to_redis_args());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.arguments.extend(argument.to_redis_args());
        self
    }

    /// The call of a script that the server should know.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", self.script.hash())
    }

    /// The call that brings the script along; the server knows it from then on.
    pub(super) fn by_code(&self) -> Cmd {
        self.command("EVAL", self.script.code)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
        command
    }
}
