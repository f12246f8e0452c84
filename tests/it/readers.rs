//! Many readers at once, through three processes: they write reviews, change and withdraw them, vote, keep books in mind, buy
//! and give back, while an administrator hides what some wrote and Redis forgets everything. Afterwards every number that is
//! derived from that is what a recount from scratch gives.

mod actions;
mod recount;

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;

use crate::coherence::ground::Ground;
use crate::support::eventually;
use crate::support::selling::assert_books_balance;
use actions::Crowd;

/// How many things each reader does.
const ACTIONS: usize = 45;

/// Plays the storm; `meanwhile` is done beside it.
async fn storm(ground: &Ground, seed: u64, meanwhile: impl AsyncFnOnce(&Crowd)) {
    let crowd = Crowd::gather(ground, seed).await;
    tokio::join!(
        async { join_all((0..crowd.readers.len()).map(|reader| crowd.act(reader, ACTIONS))).await },
        async { crowd.moderate(ACTIONS / 2).await },
        meanwhile(&crowd)
    );
    println!("seed {seed}: {:?}", crowd.done.lock().unwrap());
    crowd.assert_everything_was_tried();
    let mut sql = ground.sql().await;
    assert_books_balance(&mut sql).await;
    recount::assert_ratings(&mut sql).await;
    recount::assert_votes(&mut sql).await;
    recount::assert_verified(&mut sql).await;
    recount::assert_leaderboards(&crowd, &mut sql).await;
    recount::assert_tastes(&mut sql).await;
    for process in &crowd.processes {
        recount::assert_pages(&crowd, process, &mut sql).await;
        recount::assert_people(&crowd, process, &mut sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_storm_every_derived_number_is_what_a_recount_gives() {
    let ground = Ground::take().await;
    storm(&ground, 1, async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgets_everything_in_the_middle_changes_nothing() {
    let ground = Ground::take().await;
    storm(&ground, 2, async |crowd: &Crowd| {
        for part in 1..=3 {
            let goal = crowd.readers.len() * ACTIONS * part / 4;
            eventually("the storm goes on", async || crowd.steps.load(Ordering::Relaxed) >= goal).await;
            ground.redis::<String>(&["FLUSHALL"]).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}
