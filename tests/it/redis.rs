//! The client of Redis, while its servers are killed, frozen and cut off.

use std::time::Duration;

use bookstore::cache::redis::{
    BreakerOptions, BreakerState, Redis, RedisError, RedisOptions, Script, cmd, pipe, streams::StreamReadReply,
};

use crate::support::{RedisCluster, RedisServer, eventually};

const HARD: Duration = Duration::from_secs(1);

/// Opens soon, and is soon half open again.
const SHORT: BreakerOptions =
    BreakerOptions { failures: 3, min_pause: Duration::from_millis(100), max_pause: Duration::from_millis(400) };

/// Stays open for the rest of the test.
const LONG: BreakerOptions =
    BreakerOptions { failures: 3, min_pause: Duration::from_secs(600), max_pause: Duration::from_secs(600) };

/// Never opens.
const NONE: BreakerOptions = BreakerOptions { failures: u32::MAX, ..SHORT };

fn client(server: &RedisServer, breaker: BreakerOptions) -> Redis {
    client_of(vec![server.url()], false, breaker)
}

fn client_of(nodes: Vec<String>, cluster: bool, breaker: BreakerOptions) -> Redis {
    Redis::new(RedisOptions {
        nodes,
        cluster,
        max_connections: 2,
        soft_deadline: Duration::from_millis(50),
        hard_deadline: HARD,
        breaker,
    })
    .unwrap()
}

async fn set(redis: &Redis, key: &str, value: &str) -> Result<(), RedisError> {
    redis.run("set", cmd("SET").arg(key).arg(value)).await
}

async fn get(redis: &Redis, key: &str) -> Result<Option<String>, RedisError> {
    redis.run("get", cmd("GET").arg(key)).await
}

async fn get_softly(redis: &Redis, key: &str) -> Result<Option<String>, RedisError> {
    let mut command = cmd("GET");
    command.arg(key);
    redis.run_softly("get", command).await
}

async fn closes_by_itself(redis: &Redis) {
    eventually("the breaker is closed again", async || {
        let _ = get(redis, "key").await;
        redis.breaker().state == BreakerState::Closed
    })
    .await;
    get(redis, "key").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_server_keeps_nobody_waiting_and_is_left_alone() {
    let server = RedisServer::start().await;
    let redis = client(&server, LONG);
    set(&redis, "key", "value").await.unwrap();
    assert_eq!(get_softly(&redis, "key").await.unwrap().as_deref(), Some("value"));
    server.pause();
    // Nobody waits for the outcome of these, and still it counts.
    for _ in 0..3 {
        let error = get_softly(&redis, "key").await.unwrap_err();
        assert!(matches!(error, RedisError::Slow(_)), "{error:?}");
    }
    eventually("the breaker opens", async || redis.breaker().opened_total == 1).await;
    assert!(matches!(redis.breaker().state, BreakerState::Open { .. }));
    let error = get(&redis, "key").await.unwrap_err();
    assert!(matches!(error, RedisError::Open), "{error:?}");
    let error = get_softly(&redis, "key").await.unwrap_err();
    assert!(matches!(error, RedisError::Open), "{error:?}");
    let error = redis.run_idempotent::<()>("get", cmd("GET").arg("key"), 1_000_000).await.unwrap_err();
    assert!(matches!(error, RedisError::Open), "{error:?}");
    let error = redis.ping().await.unwrap_err();
    assert!(matches!(error, RedisError::Open), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wakes_up_is_used_again() {
    let server = RedisServer::start().await;
    let redis = client(&server, SHORT);
    set(&redis, "key", "value").await.unwrap();
    server.pause();
    let error = get(&redis, "key").await.unwrap_err();
    assert!(matches!(error, RedisError::Timeout(HARD)), "{error:?}");
    eventually("probes fail", async || {
        let _ = get(&redis, "key").await;
        redis.breaker().opened_total >= 3
    })
    .await;
    server.resume();
    closes_by_itself(&redis).await;
    assert_eq!(get(&redis, "key").await.unwrap().as_deref(), Some("value"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hung_is_not_used_again() {
    let server = RedisServer::start().await;
    let redis = client(&server, NONE);
    let id = async || redis.run::<u64>("id", cmd("CLIENT").arg("ID")).await;
    let (first, second) = (id().await.unwrap(), id().await.unwrap());
    assert_ne!(first, second, "calls take turns");
    assert_eq!((first, second), (id().await.unwrap(), id().await.unwrap()), "connections are kept");
    server.pause();
    for _ in 0..2 {
        let error = id().await.unwrap_err();
        assert!(matches!(error, RedisError::Timeout(HARD)), "{error:?}");
    }
    server.resume();
    for _ in 0..2 {
        let later = redis.run_idempotent::<u64>("id", cmd("CLIENT").arg("ID"), 10).await.unwrap();
        assert!(later > second, "{later} after {first} and {second}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_found_again() {
    let mut server = RedisServer::start().await;
    let redis = client(&server, SHORT);
    set(&redis, "key", "value").await.unwrap();
    server.kill();
    assert!(get(&redis, "key").await.unwrap_err().is_failure());
    eventually("the breaker opens", async || {
        let _ = get(&redis, "key").await;
        redis.breaker().opened_total > 0
    })
    .await;
    server.revive().await;
    closes_by_itself(&redis).await;
    assert_eq!(get(&redis, "key").await.unwrap(), None, "it was not restarted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_absent_at_the_start() {
    let mut server = RedisServer::absent();
    let redis = client(&server, SHORT);
    let error = get(&redis, "key").await.unwrap_err();
    assert!(matches!(error, RedisError::Connection(_)), "{error:?}");
    redis.dedicated("key").await.err().unwrap();
    server.revive().await;
    closes_by_itself(&redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_cost_an_idempotent_call_nothing() {
    let server = RedisServer::start().await;
    let redis = client(&server, BreakerOptions { failures: 5, ..LONG });
    for round in 0..5 {
        // Both connections are open.
        set(&redis, "key", &round.to_string()).await.unwrap();
        set(&redis, "key", &round.to_string()).await.unwrap();
        server.ask::<()>("CLIENT KILL TYPE normal SKIPME yes").await;
        let seen: String = redis.run_idempotent("get", cmd("GET").arg("key"), 4).await.unwrap();
        assert_eq!(seen, round.to_string());
        // The first call met one of them, and the second may still be to be found.
        let _ = get(&redis, "key").await;
    }
    assert_eq!(redis.breaker().opened_total, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_an_answer_is_no_failure() {
    let server = RedisServer::start().await;
    let redis = client(&server, LONG);
    set(&redis, "key", "no number").await.unwrap();
    for _ in 0..10 {
        let error = redis.run::<()>("push", cmd("LPUSH").arg("key").arg(1)).await.unwrap_err();
        assert!(matches!(&error, RedisError::Command(error) if error.code() == Some("WRONGTYPE")), "{error:?}");
        assert!(!error.is_failure() && !error.is_transient());
        let error = redis.run::<u64>("get", cmd("GET").arg("key")).await.unwrap_err();
        assert!(matches!(error, RedisError::Answer(_)), "{error:?}");
    }
    assert_eq!((redis.breaker().state, redis.breaker().failures), (BreakerState::Closed, 0));
}

static DOUBLE: Script =
    Script::new("return {redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('INCRBY', KEYS[2], ARGV[1])}");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelines_and_scripts_are_one_round_trip() {
    let server = RedisServer::start().await;
    let redis = client(&server, LONG);
    let mut pipeline = pipe();
    pipeline.cmd("SET").arg("a").arg(1).ignore().cmd("MGET").arg("a").arg("b").cmd("STRLEN").arg("a");
    let (values, length): (Vec<Option<u64>>, u64) = redis.pipeline("batch", &pipeline).await.unwrap();
    assert_eq!((values, length), (vec![Some(1), None], 1));
    for expected in [(3, 2), (5, 4)] {
        let call = DOUBLE.call().key("a").key("b").arg(2);
        assert_eq!(redis.script::<(u64, u64)>("double", &call).await.unwrap(), expected);
    }
    // It was sent with its code once, and then by its hash alone.
    let statistics: String = server.ask("INFO commandstats").await;
    assert!(statistics.contains("cmdstat_eval:calls=1,"), "{statistics}");
    server.ask::<()>("SCRIPT FLUSH").await;
    let call = DOUBLE.call().key("a").key("b").arg(2);
    assert_eq!(redis.script::<(u64, u64)>("double", &call).await.unwrap(), (7, 6));
    assert_eq!(redis.breaker().failures, 0);
}

async fn read_stream(
    connection: &mut bookstore::cache::redis::DedicatedConnection,
    stream: &str,
    block: Duration,
    patience: Duration,
) -> Result<Vec<String>, RedisError> {
    let mut command = cmd("XREAD");
    command.arg("BLOCK").arg(block.as_millis() as u64).arg("STREAMS").arg(stream).arg("$");
    let reply: Option<StreamReadReply> = connection.query(&command, patience).await?;
    let entries = reply.unwrap_or_default().keys.into_iter().flat_map(|key| key.ids);
    Ok(entries.map(|entry| entry.get("text").unwrap()).collect())
}

async fn append_when_blocked(redis: &Redis, server: &RedisServer, stream: &str) {
    eventually("somebody waits", async || server.ask::<String>("INFO clients").await.contains("blocked_clients:1"))
        .await;
    redis.run::<String>("append", cmd("XADD").arg(stream).arg("*").arg("text").arg("hello")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dedicated_connection_may_wait_long_and_notices_when_it_is_cut() {
    let server = RedisServer::start().await;
    let redis = client(&server, LONG);
    let patience = Duration::from_secs(20);
    let mut connection = redis.dedicated("news").await.unwrap();
    let nothing = read_stream(&mut connection, "news", HARD * 3 / 2, patience).await.unwrap();
    assert!(nothing.is_empty());
    let reading = read_stream(&mut connection, "news", patience, patience * 2);
    let (read, ()) = tokio::join!(reading, append_when_blocked(&redis, &server, "news"));
    assert_eq!(read.unwrap(), ["hello"]);
    let info: String = connection.query(cmd("INFO").arg("server"), patience).await.unwrap();
    assert!(info.contains("run_id:"));

    let ask_kill = async {
        eventually("somebody waits", async || server.ask::<String>("INFO clients").await.contains("blocked_clients:1"))
            .await;
        server.ask::<()>("CLIENT KILL TYPE normal SKIPME yes").await;
    };
    let (read, ()) = tokio::join!(read_stream(&mut connection, "news", patience, patience * 2), ask_kill);
    assert!(read.unwrap_err().is_failure());
    let error = connection.query::<()>(&cmd("PING"), patience).await.unwrap_err();
    assert!(error.is_failure(), "it connected again by itself: {error:?}");

    let mut connection = redis.dedicated("news").await.unwrap();
    server.pause();
    let short = Duration::from_millis(300);
    let error = read_stream(&mut connection, "news", short / 3, short).await.unwrap_err();
    assert!(matches!(error, RedisError::Timeout(patience) if patience == short), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_used_like_one_server() {
    let cluster = RedisCluster::start().await;
    let redis = client_of(cluster.urls(), true, LONG);
    for number in 0..60 {
        set(&redis, &format!("key:{number}"), "value").await.unwrap();
    }
    for node in &cluster.nodes {
        assert!(node.ask::<u64>("DBSIZE").await > 0, "all keys are elsewhere");
    }
    for number in 0..60 {
        assert_eq!(get_softly(&redis, &format!("key:{number}")).await.unwrap().as_deref(), Some("value"));
    }
    redis.ping().await.unwrap();

    for tag in ["a", "b", "c", "d", "e", "f"] {
        let (one, other, stream) = (format!("{{{tag}}}:1"), format!("{{{tag}}}:2"), format!("{{{tag}}}:news"));
        let mut pipeline = pipe();
        pipeline.cmd("SET").arg(&one).arg(1).ignore().cmd("MGET").arg(&one).arg(&other);
        let (values,): (Vec<Option<u64>>,) = redis.pipeline("batch", &pipeline).await.unwrap();
        assert_eq!(values, [Some(1), None]);
        let call = DOUBLE.call().key(&one).key(&other).arg(2);
        assert_eq!(redis.script::<(u64, u64)>("double", &call).await.unwrap(), (3, 2));

        let owner = cluster.owner(&stream).await;
        let mut connection = redis.dedicated(&stream).await.unwrap();
        let patience = Duration::from_secs(20);
        let reading = read_stream(&mut connection, &stream, patience, patience * 2);
        let (read, ()) = tokio::join!(reading, append_when_blocked(&redis, owner, &stream));
        assert_eq!(read.unwrap(), ["hello"]);
        let info: String = connection.query(cmd("INFO").arg("server"), patience).await.unwrap();
        assert!(info.contains(&format!("tcp_port:{}\r\n", owner.port())), "{info}");
        let (role, ..): (String, u64, Vec<bookstore::cache::redis::Value>) =
            connection.query(&cmd("ROLE"), patience).await.unwrap();
        assert_eq!(role, "master");
    }
    let mut pipeline = pipe();
    pipeline.cmd("GET").arg("{a}").cmd("GET").arg("{b}");
    let error = redis.pipeline::<()>("batch", &pipeline).await.unwrap_err();
    assert!(!error.is_failure(), "{error:?}");
    assert_eq!(redis.breaker().failures, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_node_of_a_cluster_is_only_a_part_of_it() {
    let cluster = RedisCluster::start().await;
    let redis = client_of(cluster.urls(), true, NONE);
    let mut lost = Vec::new();
    let mut kept = Vec::new();
    for number in 0..60 {
        let key = format!("key:{number}");
        set(&redis, &key, "value").await.unwrap();
        let owned = cluster.owner(&key).await.port() == cluster.nodes[0].port();
        if owned { lost.push(key) } else { kept.push(key) }
    }
    cluster.nodes[0].pause();
    for lost in &lost[..3] {
        let error = get(&redis, lost).await.unwrap_err();
        assert!(matches!(error, RedisError::Timeout(HARD)), "{error:?}");
        for kept in &kept {
            assert_eq!(get(&redis, kept).await.unwrap().as_deref(), Some("value"));
        }
    }
    cluster.nodes[0].resume();
    eventually("the node is back", async || get(&redis, &lost[0]).await.is_ok_and(|value| value.is_some())).await;
}
