//! The servers behind the tests.

use std::path::PathBuf;

use bookstore::dev::{Stack, StackOptions};
use tokio::sync::OnceCell;

/// The shared stack, started by the first test that asks. It stays for the whole process and is never dropped: when the
/// process ends, in whatever way, the stack's guardian stops the servers. The files stay under `target/test-stack`, so that
/// the next run is ready sooner.
///
/// Do not inject faults here, where other tests run meanwhile: take [`own_stack`].
pub async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_init(|| async { start(options("test-stack")).await }).await
}

/// A stack for one test alone, to be disturbed at will. `name` is its folder, used again by the next run; two tests must not
/// use the same one.
pub async fn own_stack(name: &str) -> Stack {
    start(StackOptions { shared_buffers_mb: 32, ..options(&format!("test-stacks/{name}")) }).await
}

/// The options for a folder under `target`.
pub fn options(folder: &str) -> StackOptions {
    StackOptions::for_tests(target().join(folder))
}

/// The target directory.
pub fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

async fn start(options: StackOptions) -> Stack {
    match Stack::start(options, |line| eprintln!("{line}")).await {
        Ok(stack) => stack,
        Err(error) => panic!("the local stack does not start: {error}"),
    }
}
