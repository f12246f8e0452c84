//! The program as a process of its own, to be frozen and killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Answer;

/// Keeps the process as long as somebody holds the other end of its input, so that it outlives no test, however that ends.
const KEEPER: &str = r#""$@" >/dev/null & echo $!; exec 2>/dev/null; cat >/dev/null; kill -KILL $!; wait"#;

/// How many lines of the log are kept for whoever has to explain a failure.
const LINES: usize = 200;

/// A running `bookstore serve`. It is killed when dropped.
pub struct Process {
    keeper: Child,
    pid: Pid,
    base: String,
    metrics: String,
    client: reqwest::Client,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts a process with these settings and variables, and waits until it listens.
    pub async fn start(settings: &[(String, String)], variables: &[(&str, &str)]) -> Self {
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper", env!("CARGO_BIN_EXE_bookstore"), "serve"]);
        for (key, value) in settings {
            let name = format!("BOOKSTORE_{}", key.replace('.', "__").to_uppercase());
            keeper.env(name, value);
        }
        keeper.envs(variables.iter().copied());
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let addresses = listen_to(keeper.stderr.take().unwrap(), Arc::clone(&log));
        let output = keeper.stdout.take().unwrap();
        let pid = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            Pid::from_raw(line.trim().parse().unwrap()).unwrap()
        });
        let pid = pid.await.unwrap();
        let kept = Arc::clone(&log);
        let (base, metrics) = tokio::task::spawn_blocking(move || {
            let next = || match addresses.recv_timeout(Duration::from_secs(60)) {
                Ok(address) => address,
                Err(_) => panic!("it does not serve: {:?}", kept.lock().unwrap()),
            };
            (next(), next())
        })
        .await
        .unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { keeper, pid, base, metrics, client, log }
    }

    /// A request to a path below `/api/v1`, or to any other where it begins with two slashes.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(path) => format!("http://{}/{path}", self.base),
            None => format!("http://{}/api/v1{path}", self.base),
        };
        self.client.request(method, url)
    }

    /// The address of a path below `/api/v1`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1{path}", self.base)
    }

    /// Reads a page.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    /// The sum of a metric over all its labels that contain these texts.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.client.get(format!("http://{}/metrics", self.metrics)).send().await.unwrap();
        let text = text.text().await.unwrap();
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']))
                && labels.iter().all(|label| line.contains(label))
        });
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Freezes it: its connections stay open, and nothing answers.
    pub fn pause(&self) {
        kill_process(self.pid, Signal::STOP).unwrap();
    }

    /// Wakes it.
    pub fn resume(&self) {
        kill_process(self.pid, Signal::CONT).unwrap();
    }

    /// Kills it on the spot.
    pub fn kill(&self) {
        kill_process(self.pid, Signal::KILL).unwrap();
    }

    /// Its number in the system.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

/// Sends a request and reads the answer to its end.
pub async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}

/// Reads a log to its end; tells the addresses of the API and of the metrics.
fn listen_to(log: impl std::io::Read + Send + 'static, kept: Arc<Mutex<Vec<String>>>) -> mpsc::Receiver<String> {
    let (tell, addresses) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let fields: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
            if matches!(fields["message"].as_str(), Some("serving" | "serving metrics")) {
                // Nobody listens any more where the start was given up.
                let _ = tell.send(fields["address"].as_str().unwrap().to_owned());
            }
            let mut kept = kept.lock().unwrap();
            if kept.len() == LINES {
                kept.remove(0);
            }
            kept.push(line);
        }
    });
    addresses
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log of {}:\n{}", self.base, self.log());
        }
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
