//! The local stack: that it starts, keeps its data, cleans up after itself and after others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bookstore::dev::{Node, Stack, StackError, StackOptions};
use deadpool_redis::redis;
use rustix::process::{Pid, Signal, getpgid, kill_process};
use sqlx::{Connection, PgConnection};

use crate::support::database::{admin, run, wait_for_replica};
use crate::support::{database, own_stack, stack::options};

/// Set for the child process that plays the owner who gets killed: the folder, and whether it has a guardian.
const VICTIM_DIR: &str = "BOOKSTORE_TEST_VICTIM_DIR";
const VICTIM_GUARDIAN: &str = "BOOKSTORE_TEST_VICTIM_GUARDIAN";

const NODES: [Node; 3] = [Node::Primary, Node::Replica(0), Node::Redis];

fn small(folder: &str) -> StackOptions {
    StackOptions { shared_buffers_mb: 32, ..options(&format!("test-stacks/{folder}")) }
}

async fn start(options: &StackOptions) -> Stack {
    Stack::start(options.clone(), |_| ()).await.unwrap()
}

async fn start_anew(options: &StackOptions) -> Stack {
    let _ = fs::remove_dir_all(&options.dir);
    start(options).await
}

fn pids(stack: &Stack) -> Vec<i32> {
    NODES.map(|node| stack.pid(node).unwrap()).to_vec()
}

fn alive(pid: i32) -> bool {
    // A zombie is dead: who collects orphans is the system's business.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let found = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    let state = match stat.rsplit_once(") ") {
        Some((_, rest)) => rest.to_owned(),
        None => found.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default(),
    };
    !state.trim().is_empty() && !state.starts_with('Z')
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn count(url: &str, table: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap()
}

async fn add_book(stack: &Stack) {
    let mut connection = PgConnection::connect(stack.primary_url()).await.unwrap();
    run(&mut connection, "CREATE TABLE IF NOT EXISTS books (id int); INSERT INTO books VALUES (1)").await;
}

/// Waits for everything so far and counts on the replica.
async fn count_on_replica(stack: &Stack) -> i64 {
    wait_for_replica(stack, &mut admin(stack, Node::Primary).await).await;
    count(&stack.replica_urls()[0], "books").await
}

#[tokio::test]
async fn a_second_start_keeps_data_ports_and_passwords() {
    let options = small("reuse");
    let stack = start_anew(&options).await;
    assert!(stack.first_start());
    add_book(&stack).await;
    let urls = (stack.primary_url().to_owned(), stack.replica_urls().to_owned(), stack.redis_url().to_owned());
    let pids = pids(&stack);
    stack.stop().await.unwrap();
    assert!(!pids.iter().any(|pid| alive(*pid)), "processes left");

    let stack = start(&options).await;
    assert!(!stack.first_start());
    assert_eq!(urls, (stack.primary_url().to_owned(), stack.replica_urls().to_owned(), stack.redis_url().to_owned()));
    assert_eq!(count(stack.primary_url(), "books").await, 1);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_replica_streams_and_is_read_only() {
    let stack = own_stack("streams").await;
    let mut connection = admin(&stack, Node::Primary).await;
    run(
        &mut connection,
        "DROP TABLE IF EXISTS streamed; CREATE TABLE streamed (id int); INSERT INTO streamed VALUES (7)",
    )
    .await;
    wait_for_replica(&stack, &mut connection).await;
    let mut replica = admin(&stack, Node::Replica(0)).await;
    let found: i32 = sqlx::query_scalar("SELECT id FROM streamed").fetch_one(&mut replica).await.unwrap();
    assert_eq!(found, 7);
    let error = sqlx::query("INSERT INTO streamed VALUES (8)").execute(&mut replica).await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_role_of_the_service_is_no_superuser_and_passwords_are_required() {
    let stack = own_stack("roles").await;
    let mut service = PgConnection::connect(stack.primary_url()).await.unwrap();
    let superuser: String = sqlx::query_scalar("SHOW is_superuser").fetch_one(&mut service).await.unwrap();
    assert_eq!(superuser, "off");
    sqlx::query("SELECT count(*) FROM pg_stat_statements").execute(&mut service).await.unwrap();
    let (_, address) = stack.primary_url().split_once('@').unwrap();
    let error = PgConnection::connect(&format!("postgres://bookstore:wrong@{address}")).await.unwrap_err();
    assert!(error.to_string().contains("password authentication failed"), "{error}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn secrets_are_private_and_the_terminal_does_not_reach_the_servers() {
    let stack = own_stack("private").await;
    for file in ["state.json", "pgpass", "redis.conf", "primary/bookstore.conf", "primary.log"] {
        let mode = fs::metadata(stack.dir().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    assert_eq!(fs::metadata(stack.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    // Ctrl-C goes to the foreground process group.
    let ours = getpgid(None).unwrap();
    for pid in pids(&stack) {
        assert_ne!(getpgid(Pid::from_raw(pid)).unwrap(), ours);
    }
    assert!(!format!("{stack:?}").contains(stack.primary_url().split(['@', ':']).nth(2).unwrap()));
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn two_stacks_run_at_once() {
    let (one, two) = (small("one"), small("two"));
    // Made at the same moment, so that they also look for ports at the same moment.
    let (one, two) = tokio::join!(start_anew(&one), start_anew(&two));
    for stack in [&one, &two] {
        add_book(stack).await;
        assert_eq!(count_on_replica(stack).await, 1);
    }
    let all =
        |stack: &Stack| [stack.primary_url().to_owned(), stack.replica_urls()[0].clone(), stack.redis_url().to_owned()];
    let ports: std::collections::BTreeSet<String> = all(&one)
        .into_iter()
        .chain(all(&two))
        .map(|url| url.rsplit_once(':').unwrap().1.chars().take(5).collect())
        .collect();
    assert_eq!(ports.len(), 6, "{ports:?}");
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test]
async fn other_ports_are_chosen_when_somebody_took_ours() {
    let options = small("ports");
    let stack = start_anew(&options).await;
    add_book(&stack).await;
    let address = |url: &str| url.split_once('@').unwrap().1.split('/').next().unwrap().to_owned();
    let before = address(stack.primary_url());
    stack.stop().await.unwrap();

    let _taken = std::net::TcpListener::bind(&before).unwrap();
    let stack = start(&options).await;
    assert_ne!(address(stack.primary_url()), before);
    add_book(&stack).await;
    assert_eq!(count_on_replica(&stack).await, 2);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_owner_is_refused_with_the_pid_of_the_first() {
    let options = small("owner");
    let stack = start(&options).await;
    let error = Stack::start(options, |_| ()).await.unwrap_err();
    let own = i32::try_from(std::process::id()).unwrap();
    assert!(matches!(error, StackError::AlreadyRunning { pid, .. } if pid == own), "{error}");
    assert!(error.to_string().contains(&own.to_string()), "{error}");
    // The refusal has not disturbed the owner.
    add_book(&stack).await;
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again() {
    let options = small("half");
    let stack = start_anew(&options).await;
    add_book(&stack).await;
    stack.stop().await.unwrap();
    // As if killed before the last step of the primary, and in the middle of the copy.
    fs::remove_file(options.dir.join("primary.ready")).unwrap();
    fs::rename(options.dir.join("replica-1"), options.dir.join("replica-1.part")).unwrap();
    let stack = start(&options).await;
    assert!(stack.first_start());
    add_book(&stack).await;
    assert_eq!(count_on_replica(&stack).await, 1);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_half_made_replica_is_copied_again_and_the_primary_kept() {
    let options = small("half-replica");
    let stack = start_anew(&options).await;
    add_book(&stack).await;
    stack.stop().await.unwrap();
    // Whether its files look complete does not matter.
    fs::remove_file(options.dir.join("replica-1.ready")).unwrap();
    fs::write(options.dir.join("replica-1/canary"), "").unwrap();
    let stack = start(&options).await;
    assert!(!stack.first_start());
    assert!(!options.dir.join("replica-1/canary").exists());
    assert_eq!(count_on_replica(&stack).await, 1);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_replica_without_its_slot_is_copied_again() {
    let options = small("slot");
    let stack = start_anew(&options).await;
    stack.halt(Node::Replica(0)).await.unwrap();
    run(&mut admin(&stack, Node::Primary).await, "SELECT pg_drop_replication_slot('bookstore_replica_1')").await;
    add_book(&stack).await;
    stack.stop().await.unwrap();
    let stack = start(&options).await;
    assert_eq!(count_on_replica(&stack).await, 1);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_replica_that_went_its_own_way_is_copied_again() {
    let options = small("diverged");
    let stack = start_anew(&options).await;
    let mut replica = admin(&stack, Node::Replica(0)).await;
    run(&mut replica, "SELECT pg_promote()").await;
    run(&mut replica, "CREATE TABLE stray (id int)").await;
    add_book(&stack).await;
    stack.stop().await.unwrap();
    // It looks like a replica again, but its history is not the primary's.
    fs::write(options.dir.join("replica-1/standby.signal"), "").unwrap();
    let begun = Instant::now();
    let stack = start(&options).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "its log was not understood: {:?}", begun.elapsed());
    assert_eq!(count_on_replica(&stack).await, 1);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn killed_servers_come_back_with_all_that_was_committed() {
    let stack = own_stack("killed").await;
    let mut connection = PgConnection::connect(stack.primary_url()).await.unwrap();
    run(&mut connection, "DROP TABLE IF EXISTS books").await;
    add_book(&stack).await;
    let before = pids(&stack);
    for node in NODES {
        stack.kill(node).await.unwrap();
        assert_eq!(stack.pid(node), None);
    }
    assert!(before.iter().all(|pid| !alive(*pid)));
    assert!(PgConnection::connect(stack.primary_url()).await.is_err());
    assert!(PgConnection::connect(&stack.replica_urls()[0]).await.is_err());
    for node in NODES {
        stack.revive(node).await.unwrap();
    }
    add_book(&stack).await;
    assert_eq!(count_on_replica(&stack).await, 2);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_paused_server_hangs_and_goes_on_where_it_was() {
    let stack = own_stack("paused").await;
    for node in [Node::Primary, Node::Replica(0)] {
        let mut connection = admin(&stack, node).await;
        stack.pause(node).await.unwrap();
        {
            let ask = sqlx::query("SELECT 1").execute(&mut connection);
            tokio::pin!(ask);
            let early = tokio::time::timeout(Duration::from_millis(300), &mut ask).await;
            assert!(early.is_err(), "{node:?} answered while paused");
            stack.resume(node).await.unwrap();
            tokio::time::timeout(Duration::from_secs(10), ask).await.unwrap().unwrap();
        }
        connection.close().await.unwrap();
    }
    // Stopping wakes what is paused.
    stack.pause(Node::Replica(0)).await.unwrap();
    stack.pause(Node::Redis).await.unwrap();
    let begun = Instant::now();
    stack.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// Not a test of its own: the child process of the next two, which starts a stack and waits to be killed.
#[tokio::test]
async fn victim() {
    let Ok(dir) = std::env::var(VICTIM_DIR) else { return };
    let guardian = std::env::var_os(VICTIM_GUARDIAN).is_some();
    let stack = start(&StackOptions { guardian, shared_buffers_mb: 32, ..StackOptions::for_tests(dir) }).await;
    add_book(&stack).await;
    let pids: Vec<i32> = pids(&stack).into_iter().chain(stack.guardian_pid()).collect();
    fs::write(stack.dir().join("victim.new"), format!("{pids:?}")).unwrap();
    fs::rename(stack.dir().join("victim.new"), stack.dir().join("victim")).unwrap();
    std::future::pending::<()>().await;
}

/// Runs the victim until its stack is up, kills it and returns the pids of its servers. `guardian` says what to do to the
/// guardian at once; without it there is none.
async fn kill_an_owner(dir: &Path, guardian: Option<&dyn Fn(i32)>) -> Vec<i32> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "stack::victim", "--nocapture"]).env(VICTIM_DIR, dir);
    if guardian.is_some() {
        command.env(VICTIM_GUARDIAN, "yes");
    }
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let told = dir.join("victim");
    eventually("the victim's stack is up", async || {
        assert_eq!(child.try_wait().unwrap(), None, "the victim ended");
        told.exists()
    })
    .await;
    let text = fs::read_to_string(told).unwrap();
    let mut pids: Vec<i32> = text.trim_matches(['[', ']']).split(", ").map(|pid| pid.parse().unwrap()).collect();
    let guardians = pids.split_off(NODES.len());
    child.kill().unwrap();
    child.wait().unwrap();
    if let Some(act) = guardian {
        act(guardians[0]);
    }
    pids
}

#[tokio::test]
async fn what_a_killed_owner_left_behind_is_taken_over() {
    let options = small("abandoned");
    let _ = fs::remove_dir_all(&options.dir);
    let abandoned = kill_an_owner(&options.dir, None).await;
    assert_eq!(abandoned.iter().filter(|pid| alive(**pid)).count(), 3, "nothing was left behind");
    // Without its pid file, a server must still be recognised.
    fs::remove_file(options.dir.join("redis.pid")).unwrap();
    let stack = start(&options).await;
    assert!(abandoned.iter().all(|pid| !alive(*pid)));
    assert!(!stack.first_start());
    add_book(&stack).await;
    assert_eq!(count_on_replica(&stack).await, 2);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_guardian_of_a_killed_owner_stops_its_servers() {
    let options = small("guarded");
    let _ = fs::remove_dir_all(&options.dir);
    let left = kill_an_owner(&options.dir, Some(&|_| ())).await;
    eventually("the guardian stops the servers", async || left.iter().all(|pid| !alive(*pid))).await;
}

#[tokio::test]
async fn a_start_waits_for_the_guardian_of_the_last_owner() {
    let options = small("guarding");
    let _ = fs::remove_dir_all(&options.dir);
    // The guardian is slow: it must not stop the servers of the next owner. (Stopped before its parent ends, it would be
    // woken by the system, as a member of an orphaned process group.)
    let guardian = std::sync::Mutex::new(None);
    let slow = |pid| {
        let pid = Pid::from_raw(pid).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        *guardian.lock().unwrap() = Some(pid);
    };
    let left = kill_an_owner(&options.dir, Some(&slow)).await;
    let stack = start(&options);
    tokio::pin!(stack);
    let early = tokio::time::timeout(Duration::from_secs(1), &mut stack).await;
    assert!(early.is_err(), "started beside a guardian at work");
    let guardian = *guardian.lock().unwrap();
    kill_process(guardian.unwrap(), Signal::CONT).unwrap();
    let stack = stack.await;
    assert!(left.iter().all(|pid| !alive(*pid)));
    assert_eq!(count_on_replica(&stack).await, 1);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn databases_of_tests_are_apart_and_known_to_the_replica() {
    let databases = futures::future::join_all((0..8).map(|_| database())).await;
    for database in &databases {
        let mut connection = PgConnection::connect(&database.primary_url).await.unwrap();
        run(&mut connection, &format!("CREATE TABLE only_{} (id int)", database.name)).await;
        let mut replica = PgConnection::connect(&database.replica_url).await.unwrap();
        let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut replica).await.unwrap();
        assert_eq!(name, database.name);
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'only_%'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(tables, 1);
        let redis = redis::Client::open(database.redis_url.as_str()).unwrap();
        let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
        let _: () = redis::cmd("SET").arg("only").arg(&database.name).query_async(&mut redis).await.unwrap();
        let keys: u64 = redis::cmd("DBSIZE").query_async(&mut redis).await.unwrap();
        assert_eq!(keys, 1);
    }
    let stack = crate::support::stack().await;
    let names: Vec<String> = databases.iter().map(|database| database.name.clone()).collect();
    drop(databases);
    let mut primary = admin(stack, Node::Primary).await;
    eventually("the databases are dropped", async || {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = ANY($1)")
            .bind(&names)
            .fetch_one(&mut primary)
            .await
            .unwrap();
        left == 0
    })
    .await;
}
