//! Limits that several processes share through Redis, and what becomes of them when it is gone.

use std::time::Duration;

use bookstore::cache::redis::cmd;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use crate::support::people::{PASSWORD, QUICK_HASHES};
use crate::support::{RedisCluster, RedisServer, Shop, eventually, shop::Request};

/// Nothing comes back within a test, and a busy machine is no reason to go on without Redis.
const USUAL: [(&str, &str); 8] = [
    ("limits.enabled", "true"),
    ("http.trusted_proxies", "1"),
    ("redis.timeout", "30s"),
    ("limits.read_per_address", "200/100days"),
    ("limits.write_per_address", "10/100days"),
    ("limits.write_per_user", "7/100days"),
    ("limits.sign_in_per_address", "12/100days"),
    ("limits.sign_in_per_account", "3/100days"),
];

/// What a process draws at once of the 200 reads.
const GRANT: usize = 10;

/// Three processes of one shop.
async fn three(settings: &[(&str, &str)]) -> [Shop; 3] {
    let settings = [&USUAL, &QUICK_HASHES[..], settings].concat();
    let first = Shop::open_with(&settings).await;
    [first.beside(&settings).await, first.beside(&settings).await, first]
}

fn from(request: Request, client: &str) -> Request {
    request.header("x-forwarded-for", client)
}

/// A read that is answered by the frame: 404.
fn read(shop: &Shop, client: &str) -> Request {
    from(shop.get("//nowhere"), client)
}

/// A write that is answered without the database: 401.
fn write(shop: &Shop, client: &str) -> Request {
    from(shop.delete("/sessions/current"), client)
}

fn guess(shop: &Shop, client: &str, email: &str) -> Request {
    from(shop.post("/sessions"), client).json(&json!({"email": email, "password": "a wrong guess"}))
}

/// Sends requests at once, and counts those that were admitted; all others must be refused by a limit.
async fn admitted(requests: impl Iterator<Item = Request>, status: u16) -> usize {
    let answers = futures::future::join_all(requests.map(Request::send)).await;
    let mut admitted = 0;
    for answer in answers {
        let is_admitted = answer.status != 429;
        answer.expect(if is_admitted { status } else { 429 });
        admitted += usize::from(is_admitted);
    }
    admitted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_counted_by_all_processes_together() {
    let shops = three(&[]).await;
    let all = (0..60).map(|number| write(&shops[number % 3], "192.0.2.1"));
    assert_eq!(admitted(all, 401).await, 10);
    for shop in &shops {
        let refused = write(shop, "192.0.2.1").send().await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), "\"write-address\";q=10;w=8640000");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((800_000..=864_000).contains(&wait), "{wait}");
        assert_eq!(refused.header("ratelimit"), format!("\"write-address\";r=0;t={wait}"));
        read(shop, "192.0.2.1").send().await.expect(404);
    }
    let other = write(&shops[0], "192.0.2.2").send().await.expect(401);
    assert_eq!(other.header("ratelimit"), "\"write-address\";r=9;t=864000");

    let customer = shops[2].customer().await;
    for shop in &shops {
        // From now on the token is known here.
        from(shop.get("/users/me"), "192.0.2.3").token(&customer).send().await.expect(200);
    }
    let patches = (0..30).map(|number| {
        let patch = shops[number % 3].patch("/users/me").token(&customer).json(&json!({}));
        from(patch, &format!("198.51.100.{number}"))
    });
    assert_eq!(admitted(patches, 428).await, 7, "wherever the user comes from");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_are_counted_by_all_processes_together() {
    let shops = three(&[]).await;
    let all = (0..60).map(|number| guess(&shops[number % 3], "192.0.2.1", &format!("{number}@example.org")));
    assert_eq!(admitted(all, 401).await, 12);
    let registration = json!({"email": "ada@example.org", "password": PASSWORD, "display_name": "Ada"});
    let refused = from(shops[0].post("/users"), "192.0.2.1").json(&registration).send().await.expect(429);
    assert_eq!(refused.header("ratelimit-policy"), "\"sign-in-address\";q=12;w=8640000");
    from(shops[0].post("/users"), "192.0.2.2").json(&registration).send().await.expect(201);

    // The right password costs the account nothing, at whichever process.
    let right = json!({"email": "ada@example.org", "password": PASSWORD});
    for number in 0..9 {
        let sign_in = from(shops[number % 3].post("/sessions"), &format!("198.51.100.{}", number / 9));
        sign_in.json(&right).send().await.expect(201);
    }
    let all = (0..11).map(|number| guess(&shops[number % 3], "192.0.2.3", "ada@example.org"));
    assert_eq!(admitted(all, 401).await, 3, "failures of one address");
    let all = (0..60).map(|number| guess(&shops[number % 3], &format!("203.0.113.{number}"), "ada@example.org"));
    assert_eq!(admitted(all, 401).await, 27, "failures of all addresses");
}

/// Reads until there is no more to be had.
async fn drain(shop: &Shop, client: &str) -> usize {
    let mut all = 0;
    loop {
        let some = admitted((0..8).map(|_| read(shop, client)), 404).await;
        all += some;
        if some == 0 {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_counted_by_all_processes_together_but_for_a_grant_of_each() {
    let shops = three(&[]).await;
    let all: usize = futures::future::join_all(shops.iter().map(|shop| drain(shop, "192.0.2.1"))).await.iter().sum();
    assert!((200..=200 + 3 * GRANT).contains(&all), "{all} of 200");

    // What others have drawn and do not need is missing here, and no more than that.
    for shop in &shops[1..] {
        read(shop, "192.0.2.2").send().await.expect(404);
    }
    let here = drain(&shops[0], "192.0.2.2").await;
    assert!((200 - 2 * (GRANT + 1)..=200 + GRANT).contains(&here), "{here} of 200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_take_no_round_trip_each() {
    let server = RedisServer::start().await;
    let url = server.url();
    let settings = [&USUAL, &[("redis.url", url.as_str()), ("limits.read_per_address", "2000/100days")][..]].concat();
    let shop = Shop::open_with(&settings).await;
    for left in (1900..2000).rev() {
        let answer = read(&shop, "192.0.2.1").send().await.expect(404);
        assert_eq!(answer.header("ratelimit").split(';').nth(1), Some(&*format!("r={left}")));
    }
    let keys: Vec<String> = server.ask("KEYS *:limit:*").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(keys[0].ends_with(":limit:{read-address:192.0.2.1}") && keys[0].starts_with("test_"), "{keys:?}");
    let left: i64 = server.ask(&format!("PTTL {}", keys[0])).await;
    // A hundred or two of 2000 cells, each of 4320 s.
    assert!((100..=200).contains(&(left / 4_320_000)), "{left}");
    let statistics: String = server.ask("INFO commandstats").await;
    let draws = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_set:calls=")?.split(',').next()).unwrap();
    assert!((1..=3).contains(&draws.parse::<u32>().unwrap()), "{draws} draws for 100 reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_redis_leaves_every_process_with_its_own_limit() {
    let mut server = RedisServer::start().await;
    let url = server.url();
    let [shop, other, third] = three(&[("redis.url", &url), ("redis.timeout", "250ms")]).await;
    for _ in 0..4 {
        write(&shop, "192.0.2.1").send().await.expect(401);
        read(&shop, "192.0.2.1").send().await.expect(404);
    }
    server.kill();
    let writes = |shop| (0..30).map(move |_| write(shop, "192.0.2.1"));
    assert_eq!(admitted(writes(&shop), 401).await, 6, "what was let through before counts");
    assert_eq!(admitted(writes(&other), 401).await, 10, "this one knew nothing of it");
    let reads = drain(&shop, "192.0.2.1").await;
    assert_eq!(reads, 196, "what was drawn before counts as well");
    for email in ["ada@example.org", "bob@example.org"] {
        let guesses = (0..6).map(|_| guess(&third, "192.0.2.1", email));
        assert_eq!(admitted(guesses, 401).await, 3, "{email}");
    }
    assert_eq!(
        admitted((0..6).map(|_| guess(&third, "192.0.2.1", "eve@example.org")), 401).await,
        0,
        "twelve are over"
    );

    server.revive().await;
    // Clients that are new each time show when the processes count together again.
    let mut client = 0;
    eventually("they share their limits again", async || {
        client += 1;
        let client = format!("198.51.100.{client}");
        let all = (0..30).map(|number| write([&shop, &other, &third][number % 3], &client));
        admitted(all, 401).await == 10
    })
    .await;
}

// In one thread, so that its recorder sees everything.
#[tokio::test]
async fn a_hung_redis_stops_nobody_and_frees_nobody() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let server = RedisServer::start().await;
    let url = server.url();
    let shop = Shop::open_with(&[&USUAL, &[("redis.url", &*url), ("redis.timeout", "50ms")][..]].concat()).await;
    server.pause();
    let writes = (0..30).map(|_| write(&shop, "192.0.2.1"));
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), admitted(writes, 401)).await.unwrap(), 10);
    let reads = tokio::time::timeout(Duration::from_secs(60), drain(&shop, "192.0.2.1")).await.unwrap();
    assert_eq!(reads, 200);
    server.resume();
    let told = recorder.handle().render();
    for line in [
        "rate_limit_fallbacks_total{policy=\"write-address\"} 30",
        "http_requests_limited_total{class=\"write\",policy=\"write-address\"} 20",
        "http_requests_limited_total{class=\"read\",policy=\"read-address\"} 8",
    ] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_of_a_cluster_are_shared_as_well() {
    let cluster = RedisCluster::start().await;
    let urls = cluster.urls().join(",");
    let shops = three(&[("redis.url", &urls), ("redis.mode", "cluster")]).await;
    for client in 1..7 {
        let all = (0..30).map(|number| write(&shops[number % 3], &format!("192.0.2.{client}")));
        assert_eq!(admitted(all, 401).await, 10);
    }
    for node in &cluster.nodes {
        let mut admin = node.admin().await;
        let keys: Vec<String> = cmd("KEYS").arg("*:limit:*").query_async(&mut admin).await.unwrap();
        for key in &keys {
            assert!(node.ask::<i64>(&format!("PTTL {key}")).await > 0, "{key} stays for ever");
        }
    }
}
