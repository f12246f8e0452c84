//! The two real catalogues, where they lie beside the checkout (or where `BOOKSTORE_SAMPLE_DATA` says), and small files
//! with the same quirks, which are always there.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bookstore::app;
use bookstore::config::Config;
use bookstore::db::Db;
use bookstore::domain::import::{Import, Options, Report};
use bookstore::domain::products::Rules;
use bookstore::model::audit::Actor;
use bookstore::model::clock::SystemClock;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{counts, counts_of, everything, send};
use crate::support::database::TestDatabase;
use crate::support::{Shop, database};

/// The folder of the real files; none where they are not there.
fn sample(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BOOKSTORE_SAMPLE_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

async fn service(database: &TestDatabase) -> Import {
    let overrides = [
        ("database.url", database.primary_url.as_str()),
        ("redis.url", &database.redis_url),
        ("database.statement_timeout", "60s"),
        ("database.acquire_timeout", "30s"),
    ];
    let overrides = overrides.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = Config::load(None, [], overrides).unwrap();
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    Import::new(app::store(&config, &db).unwrap(), Arc::new(SystemClock), Rules { currency: "USD".parse().unwrap() })
}

async fn import(service: &Import, path: &PathBuf, strict: bool) -> Report {
    let actor = Actor { user: None, request_id: None };
    let options = Options { strict, ..Options::default() };
    service.run(&actor, File::open(path).unwrap(), &options, &mut ()).await.unwrap()
}

/// What the books are like, without what differs from run to run: identifiers, versions and times.
async fn books(sql: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT (to_jsonb(p) - 'id' - 'work_id' - 'version' - 'created_at' - 'updated_at' - 'search')::text
         FROM products p ORDER BY source, source_id, isbn13",
    )
    .fetch_all(sql)
    .await
    .unwrap()
}

#[tokio::test]
async fn the_real_catalogues_import() {
    let (Some(goodreads), Some(goodbooks)) = (sample("goodreads-books.csv"), sample("goodbooks-10k.csv")) else {
        return;
    };
    let database = database().await;
    let import_into = service(&database).await;
    let mut sql = PgConnection::connect(&database.primary_url).await.unwrap();

    let first = import(&import_into, &goodreads, false).await;
    assert_eq!(counts_of(&first), [13_719, 0, 0, 0, 1_951], "{first:#?}");
    let second = import(&import_into, &goodbooks, false).await;
    assert_eq!(counts_of(&second), [7_780, 2_220, 0, 0, 9_525], "{second:#?}");
    let repairs: Vec<(&str, u64)> =
        second.repairs.iter().take(3).map(|count| (count.column.as_str(), count.rows)).collect();
    assert_eq!(repairs, [("isbn13", 9_258), ("isbn", 6_587), ("image_url", 3_332)]);

    let before = everything(&mut sql).await;
    let again = import(&import_into, &goodbooks, true).await;
    assert_eq!(counts_of(&again)[..3], [0, 0, 10_000]);
    assert_eq!(everything(&mut sql).await, before, "nothing changes the second time");
}

#[tokio::test]
async fn the_order_of_the_real_catalogues_does_not_lose_anything() {
    let (Some(goodreads), Some(goodbooks)) = (sample("goodreads-books.csv"), sample("goodbooks-10k.csv")) else {
        return;
    };
    let (forth, back) = (database().await, database().await);
    let service_forth = service(&forth).await;
    import(&service_forth, &goodreads, true).await;
    import(&service_forth, &goodbooks, true).await;
    let service_back = service(&back).await;
    assert_eq!(counts_of(&import(&service_back, &goodbooks, false).await), [10_000, 0, 0, 0, 9_525]);
    assert_eq!(counts_of(&import(&service_back, &goodreads, false).await), [11_499, 2_220, 0, 0, 1_951]);
    assert_eq!(counts_of(&import(&service_back, &goodbooks, false).await)[0], 0);
    let mut sql = PgConnection::connect(&forth.primary_url).await.unwrap();
    let forth = books(&mut sql).await;
    let mut sql = PgConnection::connect(&back.primary_url).await.unwrap();
    assert_eq!(forth, books(&mut sql).await);
    assert_eq!(forth.len(), 21_499);
}

/// Rows in the manner of the "Goodreads books" table.
const GOODREADS: &str = "\
bookID,title,authors,average_rating,isbn,isbn13,language_code,# num_pages,ratings_count,text_reviews_count,subjects,cover_url,publisher,publish_date
11,The Glass  the Owl and the Tower (Tower  #2),Jean-Paul Moreau-Ann  Weil,4.56,0306406152,9780306406157,eng,652,1944,26,\"['orphans', \"\"Children's fiction\"\", 'Fu\\x98hrung', 'nyt:series_books=2006-07-15', 'Fiction, fantasy, general', 'Magic - Fiction', 'Leadership']\",https://covers.openlibrary.org/b/id/-1-M.jpg,Owl Press,2006-09
12,Night Ferry,Homer-Ada Vane,3.5,0547773749,9780547773743,ger,0,0,0,None,,,\"September 16, 2006\"
13,Salt,Luis García-López,0.0,156881111X,645241001173,mul,12,0,0,[],,,200x
14,Odd Pair,Mia Lund,4.0,0804429570,9780804429573,grc,90,7,1,,,,01/04/2004
15,Two Numbers,Mia Lund,4.0,0141439513,9780140449136,spa,90,7,1,\"['cut\",,,2008?
";

/// Rows in the manner of goodbooks-10k.
const GOODBOOKS: &str = "\
book_id,goodreads_book_id,best_book_id,work_id,books_count,isbn,isbn13,authors,original_publication_year,original_title,title,language_code,average_rating,ratings_count,work_ratings_count,work_text_reviews_count,ratings_1,ratings_2,ratings_3,ratings_4,ratings_5,image_url,small_image_url
1,11,11,500,9,306406152,9.78030640616e+12,\"Jean-Paul Moreau, Ann Weil\",1997.0,Glass,\"The Glass, the Owl and the Tower (Tower, #2)\",eng,3.67,10,15,1,1,2,3,4,5,https://images.example.org/11.jpg,x
2,77,77,501,9,,9.78054777374e+12,\"Kurt Lund, Jr., Ada Vane\",-750.0,,Old Songs (Songs #1-3),,4.00,1,2,1,1,0,0,0,1,https://s.gr-assets.com/assets/nophoto/book/111x148.png,x
3,78,78,502,9,812971060,,Ada Vane,,,Broken Number,en-US,4.00,4,4,1,0,0,0,4,0,,x
";

#[tokio::test]
async fn the_quirks_of_both_catalogues_are_repaired() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let report = send(&shop, &admin, "", GOODREADS, 200).await.json();
    assert_eq!(counts(&report), [5, 0, 0, 0, 5], "{report:#}");
    assert_eq!(report["ignored_columns"], json!(["text_reviews_count"]));
    let book = shop.get("/products/isbn/0306406152").send().await.expect(200).json();
    assert_eq!(book["title"], "The Glass, the Owl and the Tower");
    assert_eq!(book["series"], json!({"name": "Tower", "position": 2.0}));
    assert_eq!(book["authors"], json!(["Jean-Paul Moreau", "Ann Weil"]));
    assert_eq!(
        (&book["genres"], &book["subjects"]),
        (&json!(["children", "fantasy"]), &json!(["orphans", "Fuhrung", "Magic - Fiction", "Leadership"]))
    );
    assert_eq!((&book["published"], &book["cover_url"]), (&json!("2006-09"), &json!(null)));
    let ferry = shop.get("/products/isbn/9780547773742").send().await.expect(200).json();
    assert_eq!((&ferry["authors"], &ferry["language"]), (&json!(["Homer", "Ada Vane"]), &json!("de")));
    assert_eq!((&ferry["pages"], &ferry["rating"]["average"]), (&json!(null), &json!(0.0)));
    assert_eq!(ferry["published"], "2006-09-16");
    let salt = shop.get("/products/isbn/156881111X").send().await.expect(200).json();
    assert_eq!(
        (&salt["isbn13"], &salt["published"], &salt["language"]),
        (&json!("9781568811116"), &json!(null), &json!("mul"))
    );
    let pair = shop.get("/products/isbn/9780804429573").send().await.expect(200).json();
    assert_eq!((&pair["isbn10"], &pair["published"]), (&json!("080442957X"), &json!("2004")));
    let two = shop.get("/products/isbn/0141439513").send().await.expect(200).json();
    assert_eq!((&two["isbn13"], &two["subjects"]), (&json!("9780141439518"), &json!([])));

    let report = send(&shop, &admin, "", GOODBOOKS, 200).await.json();
    assert_eq!(counts(&report), [2, 1, 0, 0, 3], "{report:#}");
    let book = shop.get("/products/isbn/0306406152").send().await.expect(200).json();
    assert_eq!(book["rating"], json!({"average": 3.67, "count": 15, "histogram": [1, 2, 3, 4, 5]}));
    assert_eq!(book["published"], "2006-09", "the year of the work does not replace the date of the edition");
    assert_eq!(book["genres"], json!(["children", "fantasy"]));
    type Names = (String, Option<String>, Option<String>, Option<String>);
    let names: Vec<Names> = sqlx::query_as(
        "SELECT array_to_string(authors, ' | '), isbn13, published::text, series || coalesce(series_position::text, '')
         FROM products WHERE source_id IN ('77', '78') ORDER BY source_id",
    )
    .fetch_all(&mut shop.sql().await)
    .await
    .unwrap();
    assert_eq!(
        names[0],
        ("Kurt Lund, Jr. | Ada Vane".into(), None, Some("0750-01-01 BC".into()), Some("Songs".into()))
    );
    assert_eq!(names[1], ("Ada Vane".into(), None, None, None));

    let mut sql = shop.sql().await;
    let before = everything(&mut sql).await;
    assert_eq!(counts(&send(&shop, &admin, "", GOODBOOKS, 200).await.json())[..4], [0, 0, 3, 0]);
    assert_eq!(everything(&mut sql).await, before);
}

#[tokio::test]
async fn the_order_of_catalogues_does_not_lose_anything() {
    let (forth, back) = (Shop::open().await, Shop::open().await);
    for (shop, files) in [(&forth, &[GOODREADS, GOODBOOKS, GOODREADS][..]), (&back, &[GOODBOOKS, GOODREADS])] {
        let admin = shop.administrator().await;
        for file in files {
            send(shop, &admin, "", *file, 200).await;
        }
    }
    assert_eq!(
        books(&mut forth.sql().await).await,
        books(&mut back.sql().await).await,
        "what came last is what is shown"
    );
}
