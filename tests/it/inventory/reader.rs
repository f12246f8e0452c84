//! A reader of a stream, as a browser is one.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// How long a test waits for the next event.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

impl Told {
    pub fn version(&self) -> i64 {
        self.data["version"].as_i64().unwrap()
    }

    pub fn book(&self) -> String {
        self.data["product_id"].as_str().unwrap().to_owned()
    }
}

/// An open stream.
pub struct Reader {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
    pub comments: usize,
    pub retry: Option<u64>,
    pub last_id: Option<String>,
}

impl Reader {
    /// Opens a stream of these books, after the event with this id.
    pub async fn open(base: &str, books: &[String], last_id: Option<&str>) -> Self {
        Self::try_open(base, books, last_id).await.unwrap()
    }

    /// The same where the process may be gone.
    pub async fn try_open(base: &str, books: &[String], last_id: Option<&str>) -> reqwest::Result<Self> {
        let mut request = reqwest::Client::new().get(format!("{base}/inventory/stream?products={}", books.join(",")));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await?.error_for_status()?;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Self {
            pieces: Box::pin(response.bytes_stream()),
            text: String::new(),
            comments: 0,
            retry: None,
            last_id: last_id.map(str::to_owned),
        })
    }

    /// The next event; nothing where the stream ends or breaks.
    pub async fn next(&mut self) -> Option<Told> {
        let next = async {
            loop {
                while let Some((block, rest)) = self.text.split_once("\n\n") {
                    let (block, rest) = (block.to_owned(), rest.to_owned());
                    self.text = rest;
                    if let Some(told) = self.read(&block) {
                        return Some(told);
                    }
                }
                let piece = self.pieces.next().await?.ok()?;
                self.text.push_str(std::str::from_utf8(&piece).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("no event for half a minute")
    }

    /// The next event, which has to come.
    pub async fn expect(&mut self, name: &str) -> Told {
        let told = self.next().await.expect("the stream ended");
        assert_eq!(told.name, name, "{told:?}");
        told
    }

    fn read(&mut self, block: &str) -> Option<Told> {
        let (mut name, mut id, mut data) = (None, None, None);
        for line in block.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("event", value) => name = Some(value.to_owned()),
                ("id", value) => id = Some(value.to_owned()),
                ("data", value) => data = Some(serde_json::from_str(value).unwrap()),
                ("retry", value) => self.retry = Some(value.parse().unwrap()),
                (":", _) => self.comments += 1,
                _ => panic!("what does {line:?} mean?"),
            }
        }
        if id.is_some() {
            self.last_id.clone_from(&id);
        }
        Some(Told { name: name?, id, data: data? })
    }
}

/// What somebody knows of some books who reads one stream after the other. It complains of whatever comes twice, too early or
/// not at all.
#[derive(Default)]
pub struct Diary {
    /// The first and the last version that were told of each book.
    pub versions: BTreeMap<String, (i64, i64)>,
    pub changes: Vec<Told>,
    pub last_id: Option<String>,
}

impl Diary {
    /// Notes an event.
    pub fn note(&mut self, told: Told) {
        match told.name.as_str() {
            "snapshot" => {
                let before = self.versions.insert(told.book(), (told.version(), told.version()));
                assert_eq!(before, None, "a second snapshot: {told:?}");
            }
            "change" => {
                let versions = self.versions.get_mut(&told.book()).expect("a change before its snapshot");
                assert_eq!(told.version(), versions.1 + 1, "not the next one: {told:?}");
                versions.1 = told.version();
                self.changes.push(told.clone());
            }
            other => panic!("an unexpected {other}"),
        }
        self.last_id = told.id;
    }

    /// Whether it has all that the ledger has of these books.
    pub async fn is_complete(&self, sql: &mut PgConnection, books: &[String]) -> bool {
        let ids: Vec<Uuid> = books.iter().map(|book| book.parse().unwrap()).collect();
        let known: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT product_id, version FROM stock WHERE product_id = ANY($1)")
                .bind(&ids)
                .fetch_all(sql)
                .await
                .unwrap();
        known
            .iter()
            .all(|(book, version)| self.versions.get(&book.to_string()).is_some_and(|(_, last)| last == version))
    }

    /// Requires that every change is told as the ledger has it.
    pub async fn assert_true(&self, sql: &mut PgConnection) {
        for told in &self.changes {
            let row: (i32, i32, i32, i32, String) = sqlx::query_as(
                "SELECT on_hand, reserved, on_hand_change, reserved_change, reason FROM stock_ledger
                 WHERE product_id = $1::uuid AND version = $2",
            )
            .bind(told.book())
            .bind(told.version())
            .fetch_one(&mut *sql)
            .await
            .unwrap();
            let number = |name: &str| told.data[name].as_i64().unwrap() as i32;
            let told = (
                number("on_hand"),
                number("reserved"),
                number("on_hand_change"),
                number("reserved_change"),
                told.data["reason"].as_str().unwrap().to_owned(),
            );
            assert_eq!(told, row);
        }
    }
}
