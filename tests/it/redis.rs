//! The client of Redis, while its servers are killed, frozen and cut off.

use std::time::Duration;

use bookstore::cache::redis::{
    BreakerOptions, BreakerState, DedicatedConnection, Redis, RedisError, RedisOptions, Script, Value, cmd, pipe,
    streams::StreamReadReply,
};

use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::{RedisCluster, RedisServer, eventually};

/// The deadline of those who wait for a server that hangs.
const HARD: Duration = Duration::from_secs(1);

/// More than anything takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens soon, and is soon half open again.
const SHORT: BreakerOptions =
    BreakerOptions { failures: 3, min_pause: Duration::from_millis(100), max_pause: Duration::from_millis(400) };

/// Stays open for the rest of the test.
const LONG: BreakerOptions =
    BreakerOptions { failures: 3, min_pause: Duration::from_secs(600), max_pause: Duration::from_secs(600) };

/// Never opens.
const NONE: BreakerOptions = BreakerOptions { failures: u32::MAX, ..SHORT };

/// For servers that answer or are not there.
fn patient(nodes: Vec<String>, cluster: bool, breaker: BreakerOptions) -> Redis {
    client(nodes, cluster, (PATIENCE, PATIENCE), breaker)
}

/// For servers that hang.
fn impatient(nodes: Vec<String>, cluster: bool, breaker: BreakerOptions) -> Redis {
    client(nodes, cluster, (HARD / 20, HARD), breaker)
}

fn client(nodes: Vec<String>, cluster: bool, deadlines: (Duration, Duration), breaker: BreakerOptions) -> Redis {
    let (soft_deadline, hard_deadline) = deadlines;
    Redis::new(RedisOptions { nodes, cluster, max_connections: 2, soft_deadline, hard_deadline, breaker }).unwrap()
}

async fn set(redis: &Redis, key: &str, value: &str) -> Result<(), RedisError> {
    redis.run("set", cmd("SET").arg(key).arg(value)).await
}

async fn get(redis: &Redis, key: &str) -> Result<Option<String>, RedisError> {
    let mut command = cmd("GET");
    command.arg(key);
    tokio::time::timeout(3 * PATIENCE, redis.run("get", &command)).await.expect("it waits for ever")
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
}

async fn becomes(redis: &Redis, key: &str, value: Option<&str>) {
    eventually("an answer comes", async || get(redis, key).await.is_ok_and(|answer| answer.as_deref() == value)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_server_keeps_nobody_waiting_and_is_left_alone() {
    let server = RedisServer::start().await;
    let redis = impatient(vec![server.url()], false, LONG);
    becomes(&redis, "key", None).await;
    eventually("an answer comes in time", async || get_softly(&redis, "key").await.is_ok()).await;
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
    let error = redis.run_idempotent::<()>("get", cmd("GET").arg("key"), 100).await.unwrap_err();
    assert!(matches!(error, RedisError::Open), "{error:?}");
    let error = redis.ping().await.unwrap_err();
    assert!(matches!(error, RedisError::Open), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wakes_up_is_used_again() {
    let server = RedisServer::start().await;
    let redis = impatient(vec![server.url()], false, SHORT);
    server.ask::<()>("SET key value").await;
    becomes(&redis, "key", Some("value")).await;
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
    becomes(&redis, "key", Some("value")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hung_is_not_used_again() {
    let server = RedisServer::start().await;
    let redis = client(vec![server.url()], false, (HARD, 2 * HARD), NONE);
    let id = async || redis.run::<u64>("id", cmd("CLIENT").arg("ID")).await;
    let (first, second) = (id().await.unwrap(), id().await.unwrap());
    assert_ne!(first, second, "calls take turns");
    assert_eq!((first, second), (id().await.unwrap(), id().await.unwrap()), "connections are kept");
    server.pause();
    for _ in 0..2 {
        let error = id().await.unwrap_err();
        assert!(matches!(error, RedisError::Timeout(_)), "{error:?}");
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
    let redis = patient(vec![server.url()], false, SHORT);
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
    let redis = patient(vec![server.url()], false, SHORT);
    let error = get(&redis, "key").await.unwrap_err();
    assert!(matches!(error, RedisError::Connection(_)), "{error:?}");
    redis.dedicated("key").await.err().unwrap();
    server.revive().await;
    closes_by_itself(&redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_cost_an_idempotent_call_nothing() {
    let server = RedisServer::start().await;
    let redis = patient(vec![server.url()], false, BreakerOptions { failures: 5, ..LONG });
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
    let redis = patient(vec![server.url()], false, LONG);
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
    let redis = patient(vec![server.url()], false, LONG);
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
    connection: &mut DedicatedConnection,
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
    let mut append = cmd("XADD");
    append.arg(stream).arg("*").arg("text").arg("hello");
    redis.run_idempotent::<String>("append", &append, 10).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dedicated_connection_may_wait_long_and_notices_when_it_is_cut() {
    let server = RedisServer::start().await;
    let redis = client(vec![server.url()], false, (HARD / 20, HARD / 4), NONE);
    let mut connection = redis.dedicated("news").await.unwrap();
    let nothing = read_stream(&mut connection, "news", HARD, PATIENCE).await.unwrap();
    assert!(nothing.is_empty());
    let reading = read_stream(&mut connection, "news", PATIENCE, PATIENCE * 2);
    let (read, ()) = tokio::join!(reading, append_when_blocked(&redis, &server, "news"));
    assert_eq!(read.unwrap()[0], "hello");
    let info: String = connection.query(cmd("INFO").arg("server"), PATIENCE).await.unwrap();
    assert!(info.contains("run_id:"));

    let ask_kill = async {
        eventually("somebody waits", async || server.ask::<String>("INFO clients").await.contains("blocked_clients:1"))
            .await;
        server.ask::<()>("CLIENT KILL TYPE normal SKIPME yes").await;
    };
    let (read, ()) = tokio::join!(read_stream(&mut connection, "news", PATIENCE, PATIENCE * 2), ask_kill);
    assert!(read.unwrap_err().is_failure());
    let error = connection.query::<()>(&cmd("PING"), PATIENCE).await.unwrap_err();
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
    let redis = patient(cluster.urls(), true, LONG);
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
        let reading = read_stream(&mut connection, &stream, PATIENCE, PATIENCE * 2);
        let (read, ()) = tokio::join!(reading, append_when_blocked(&redis, owner, &stream));
        assert_eq!(read.unwrap()[0], "hello");
        let info: String = connection.query(cmd("INFO").arg("server"), PATIENCE).await.unwrap();
        assert!(info.contains(&format!("tcp_port:{}\r\n", owner.port())), "{info}");
        let (role, ..): (String, u64, Vec<Value>) = connection.query(&cmd("ROLE"), PATIENCE).await.unwrap();
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
    // The only node that it is told of is the one which will hang: no new connection comes to be meanwhile.
    let redis = impatient(vec![cluster.nodes[0].url()], true, NONE);
    let get = async |key: &str| redis.run_idempotent::<Option<String>>("get", cmd("GET").arg(key), 5).await;
    let mut lost = Vec::new();
    let mut kept = Vec::new();
    for number in 0..60 {
        let key = format!("key:{number}");
        redis.run_idempotent::<()>("set", cmd("SET").arg(&key).arg("value"), 10).await.unwrap();
        let owned = cluster.owner(&key).await.port() == cluster.nodes[0].port();
        if owned { lost.push(key) } else { kept.push(key) }
    }
    cluster.nodes[0].pause();
    for _ in 0..2 {
        // One on each of the shared connections.
        let mut command = cmd("GET");
        command.arg(&lost[0]);
        let (one, other) = tokio::join!(redis.run::<()>("get", &command), redis.run::<()>("get", &command));
        for error in [one.unwrap_err(), other.unwrap_err()] {
            assert!(matches!(error, RedisError::Timeout(HARD)), "{error:?}");
        }
        for kept in &kept {
            assert_eq!(get(kept).await.unwrap().as_deref(), Some("value"));
        }
    }
    cluster.nodes[0].resume();
    eventually("the node is back", async || get(&lost[0]).await.is_ok_and(|value| value.is_some())).await;
}

#[tokio::test]
async fn calls_are_measured() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut server = RedisServer::start().await;
    let redis = patient(vec![server.url()], false, BreakerOptions { failures: 1, ..LONG });
    set(&redis, "key", "value").await.unwrap();
    redis.run::<()>("push", cmd("LPUSH").arg("key").arg(1)).await.unwrap_err();
    let text = recorder.handle().render();
    assert!(text.contains("cache_breaker_state 0"), "{text}");
    server.kill();
    get(&redis, "key").await.unwrap_err();
    get(&redis, "key").await.unwrap_err();
    let text = recorder.handle().render();
    for line in [
        "cache_redis_duration_seconds_count{operation=\"set\"} 1",
        "cache_redis_duration_seconds_count{operation=\"get\"} 1",
        "cache_redis_errors_total{operation=\"push\",reason=\"reply\"} 1",
        "cache_redis_errors_total{operation=\"get\",reason=\"connection\"} 1",
        "cache_redis_errors_total{operation=\"get\",reason=\"open\"} 1",
        "cache_breaker_state 2",
        "cache_breaker_opened_total 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
