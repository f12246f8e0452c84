//! The program as a newcomer and an operator meet it: started, killed, started again, and told to end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::stack::target;
use crate::support::{database, eventually};

fn bookstore() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bookstore"));
    command.env("BOOKSTORE_HTTP__BIND", "127.0.0.1:0").env("BOOKSTORE_METRICS__BIND", "127.0.0.1:0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder_of(shop: &str) -> PathBuf {
    target().join("program").join(shop)
}

/// A running `bookstore dev`, with what it told about itself.
struct Dev {
    child: Child,
    base: String,
    password: String,
}

impl Dev {
    fn start(folder: &str) -> Self {
        let folder = folder_of(folder);
        let mut child =
            bookstore().args(["dev", "--books", "300", "--dir"]).arg(folder).stderr(Stdio::null()).spawn().unwrap();
        let (mut base, mut password) = (String::new(), String::new());
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["Browse", url] => base = url.strip_suffix("/docs").unwrap().to_owned(),
                ["Password", word] => password = (*word).to_owned(),
                ["Ctrl-C", ..] => break,
                _ => {}
            }
        }
        Self { child, base, password }
    }

    async fn get(&self, path: &str) -> Value {
        reqwest::get(format!("{}{path}", self.base)).await.unwrap().json().await.unwrap()
    }

    async fn sign_in(&self) -> u16 {
        let body = json!({"email": "admin@bookstore.example", "password": self.password});
        let url = format!("{}/api/v1/sessions", self.base);
        reqwest::Client::new().post(url).json(&body).send().await.unwrap().status().as_u16()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_opens_survives_a_kill_and_closes() {
    // What an earlier run left may be of another schema.
    let _ = std::fs::remove_dir_all(folder_of("shop"));
    let mut first = Dev::start("shop");
    let books = first.get("/api/v1/products?limit=5").await;
    assert_eq!(books["items"].as_array().unwrap().len(), 5);
    assert_eq!(first.sign_in().await, 201);
    eventually("it is ready", async || first.get("/readyz").await["status"] == "ok").await;
    first.signal(Signal::KILL);
    first.child.wait().unwrap();

    let mut second = Dev::start("shop");
    assert_eq!(second.password, first.password);
    assert_eq!(second.get("/api/v1/products?limit=5").await["items"], books["items"], "a restart keeps all");
    assert_eq!(second.sign_in().await, 201);
    second.signal(Signal::TERM);
    assert!(second.child.wait().unwrap().success());
    assert!(reqwest::get(format!("{}/livez", second.base)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_answers_what_it_has_begun_before_it_ends() {
    let database = database().await;
    let mut child = bookstore()
        .arg("serve")
        .env("BOOKSTORE_DATABASE__URL", &database.primary_url)
        .env("BOOKSTORE_DATABASE__REPLICAS", &database.replica_url)
        .env("BOOKSTORE_REDIS__URL", &database.redis_url)
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let (lines, told) = std::sync::mpsc::channel::<Value>();
    std::thread::spawn(move || {
        for line in log.lines() {
            let line = line.unwrap();
            let line = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    let address = loop {
        let line = told.recv().unwrap();
        if line["message"] == "serving" {
            break line["address"].as_str().unwrap().to_owned();
        }
    };
    // A request whose body is still on its way when the end begins.
    let (pieces, body) = tokio::sync::mpsc::channel::<Result<&'static str, std::io::Error>>(2);
    let body = futures::stream::unfold(body, |mut body| async move { body.recv().await.map(|piece| (piece, body)) });
    let request = reqwest::Client::new()
        .post(format!("http://{address}/api/v1/users"))
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(body))
        .send();
    let request = tokio::spawn(request);
    pieces.send(Ok("{\"email\": \"ada@example.org\", ")).await.unwrap();
    eventually("it is ready", async || reqwest::get(format!("http://{address}/readyz")).await.is_ok()).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    eventually("it accepts no more", async || reqwest::get(format!("http://{address}/livez")).await.is_err()).await;
    pieces.send(Ok("\"password\": \"a long sentence\", \"display_name\": \"Ada\"}")).await.unwrap();
    drop(pieces);
    assert_eq!(request.await.unwrap().unwrap().status(), 201);
    assert!(child.wait().unwrap().success());
    let served: Vec<Value> = told.iter().filter(|line| line["target"] == "bookstore::access").collect();
    let registered: Vec<&Value> = served.iter().filter(|line| line["path"] == "/api/v1/users").collect();
    assert_eq!(registered.len(), 1, "one line a request");
    assert_eq!((&registered[0]["status"], &registered[0]["method"]), (&json!(201), &json!("POST")));
    assert!(!format!("{served:?}").contains("a long sentence"));
}

#[test]
fn a_wrong_setting_is_told_and_ends_with_2() {
    let output = bookstore()
        .arg("serve")
        .env("BOOKSTORE_DATABASE__URL", "mysql://root:hunter2@host/db")
        .env("BOOKSTORE_REDIS__URL", "redis://127.0.0.1:1/0")
        .env("BOOKSTORE_HTTP__BODY_LIMIT", "a lot")
        .env("BOOKSTORE_HTTP__BIMD", "127.0.0.1:1")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    for part in
        ["BOOKSTORE_DATABASE__URL", "postgres://", "BOOKSTORE_HTTP__BODY_LIMIT", "a lot", "BOOKSTORE_HTTP__BIMD"]
    {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    assert!(!told.contains("hunter2"), "a secret is in: {told}");
}

#[test]
fn every_command_explains_itself() {
    for command in ["dev", "serve", "migrate", "import", "seed", "admin", "openapi"] {
        let mut child = bookstore().args([command, "--help"]).spawn().unwrap();
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(text.contains("Usage: bookstore") && text.lines().count() > 5, "{command}: {text}");
    }
}
