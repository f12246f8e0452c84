//! Reading one's own writes within a request: what its sender presents, and what its writes give to be presented later.
//!
//! It is carried by the task, as traces are: every write of a request adds to it, and every read is bound by it, without each
//! signature in between having to say so.

use std::cell::RefCell;
use std::future::Future;

use crate::model::consistency::ConsistencyToken;

#[derive(Default)]
struct Scope {
    presented: Option<ConsistencyToken>,
    written: Option<ConsistencyToken>,
}

tokio::task_local! {
    static SCOPE: RefCell<Scope>;
}

/// Runs a request that presents a token. Gives too what its writes add up to, the presented token included, where it wrote.
pub async fn scope<F: Future>(
    presented: Option<ConsistencyToken>,
    request: F,
) -> (F::Output, Option<ConsistencyToken>) {
    let scope = RefCell::new(Scope { presented, written: None });
    SCOPE
        .scope(scope, async {
            let output = request.await;
            let written = SCOPE.with(|scope| scope.borrow_mut().written.take());
            (output, written)
        })
        .await
}

/// What reads of this request are bound by.
pub(super) fn presented() -> Option<ConsistencyToken> {
    SCOPE
        .try_with(|scope| {
            let scope = scope.borrow();
            scope.written.clone().or_else(|| scope.presented.clone())
        })
        .ok()
        .flatten()
}

/// Adds a write.
pub(super) fn note(token: &ConsistencyToken) {
    // Outside of a request nobody reads it.
    let _ = SCOPE.try_with(|scope| {
        let mut scope = scope.borrow_mut();
        let before = scope.written.take().or_else(|| scope.presented.clone());
        scope.written = Some(before.map_or_else(|| token.clone(), |before| before.and(token)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::position::{Epoch, Position, Stamp};
    use crate::model::tags::{Tag, TagHash};

    fn token(position: u64, tag: &str) -> ConsistencyToken {
        let stamp = Stamp { epoch: Epoch(1), position: Position(position) };
        ConsistencyToken::new(stamp, &[tag.parse::<Tag>().unwrap()])
    }

    #[tokio::test]
    async fn writes_add_to_what_was_presented_and_bind_the_reads_after_them() {
        assert_eq!(presented(), None, "outside of a request");
        let (before, written) = scope(Some(token(5, "a")), async {
            let before = presented();
            note(&token(9, "b"));
            assert_eq!(presented().unwrap().demand(Epoch(1), &[TagHash::of("a")]), Position(9));
            before
        })
        .await;
        assert_eq!(before, Some(token(5, "a")));
        assert_eq!(written, Some(token(5, "a").and(&token(9, "b"))));
        assert_eq!(scope(Some(token(5, "a")), async {}).await.1, None, "only writes give something");
    }
}
