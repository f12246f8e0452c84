//! What the hot queries cost on 100,000 books: their plans, and how many statements a request takes.

use std::fs;
use std::path::Path;

use bookstore::app;
use bookstore::config::Config;
use bookstore::db::Db;
use bookstore::domain::seed::{SeedOptions, seed};
use bookstore::model::clock::SystemClock;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::database::{TestDatabase, statements};
use crate::support::{Shop, database, eventually, settle};

/// The text of the one prepared query that has all these fragments.
fn query(fragments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let texts = fs::read_dir(folder).unwrap().map(|entry| {
        let json: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        json["query"].as_str().unwrap().to_owned()
    });
    let mut found: Vec<String> = texts.filter(|text| fragments.iter().all(|part| text.contains(part))).collect();
    assert_eq!(found.len(), 1, "queries with {fragments:?}; is .sqlx up to date?");
    found.remove(0)
}

async fn seeded() -> TestDatabase {
    let database = database().await;
    let settings = [("database.url", database.primary_url.as_str()), ("redis.url", &database.redis_url)];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = Config::load(None, [], settings).unwrap();
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    let options = SeedOptions { books: 100_000, seed: 1, currency: "USD".parse().unwrap(), more: false };
    seed(&app::store(&config, &db).unwrap(), &SystemClock, &options, |_| ()).await.unwrap();
    db.close().await;
    let mut sql = PgConnection::connect(&database.primary_url).await.unwrap();
    // Only what no standby can still see as new is marked as visible to all, and a standby tells its horizon now and then.
    eventually("the visibility map is filled", async || {
        sql.execute("VACUUM (ANALYZE) products").await.unwrap();
        let visible = "SELECT relallvisible > 0.95 * relpages FROM pg_class WHERE oid = 'products'::regclass";
        sqlx::query_scalar(visible).fetch_one(&mut sql).await.unwrap()
    })
    .await;
    sql.execute("VACUUM (ANALYZE) stock").await.unwrap();
    database
}

/// A connection with the settings of the shop's own.
async fn planner(database: &TestDatabase) -> PgConnection {
    let mut sql = PgConnection::connect(&database.primary_url).await.unwrap();
    sql.execute(
        "SET plan_cache_mode = force_custom_plan; SET jit = off; SET max_parallel_workers_per_gather = 0; SET TimeZone = 'UTC'",
    )
    .await
    .unwrap();
    sql
}

/// The plan of a query with these arguments, and how it went.
async fn plan(sql: &mut PgConnection, query: &str, arguments: &str) -> String {
    sql.execute(AssertSqlSafe(format!("PREPARE hot AS {query}"))).await.unwrap();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) EXECUTE hot{arguments}");
    let lines: Vec<String> = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_all(&mut *sql)
        .await
        .unwrap()
        .iter()
        .map(|row| sqlx::Row::get(row, 0))
        .collect();
    sql.execute("DEALLOCATE hot").await.unwrap();
    let plan = lines.join("\n");
    // A word that most books have is gathered from anywhere, up to a limit.
    let unbounded = |line: &&str| line.contains("Seq Scan on products") && !line.contains("rows=4300 ");
    assert_eq!(plan.lines().find(unbounded), None, "{plan}");
    plan
}

/// The pages that a plan touched, by its first line of buffers.
fn buffers(plan: &str) -> u64 {
    let line = plan.lines().find(|line| line.contains("Buffers:")).unwrap();
    let number = |name: &str| {
        let rest = line.split(name).nth(1).unwrap_or("0");
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap_or(0)
    };
    number("hit=") + number("read=")
}

/// No filter but the status.
const ALL: &str = "'active', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL";

async fn every_sort_starts_in_its_index(sql: &mut PgConnection) {
    for (fragment, index, key, order) in [
        ("(p.popularity, p.id) <", "products_popularity_idx", "popularity", "popularity DESC, id DESC"),
        ("(p.created_at, p.id) <", "products_newest_idx", "created_at", "created_at DESC, id DESC"),
        ("'infinity'::date), p.id) >", "products_published_asc_idx", "published", "published NULLS LAST, id"),
        (
            "'-infinity'::date), p.id) <",
            "products_published_desc_idx",
            "published",
            "published DESC NULLS LAST, id DESC",
        ),
        ("9223372036854775807), p.id)", "products_price_asc_idx", "price_amount", "price_amount NULLS LAST, id"),
        ("-1), p.id) <", "products_price_desc_idx", "price_amount", "price_amount DESC NULLS LAST, id DESC"),
        ("(p.rating_score, p.id) <", "products_rating_idx", "rating_score", "rating_score DESC, id DESC"),
        ("p.title_sort COLLATE \"C\", p.id) >", "products_title_idx", "title_sort", "title_sort, id"),
    ] {
        let query = query(&[fragment, "LEFT JOIN stock"]);
        assert!(!query.contains("OFFSET"));
        let first = plan(sql, &query, &format!("{ALL}, 21, NULL, NULL")).await;
        // Page 4,000 of twenty.
        let deep = format!(
            "SELECT quote_literal(id), quote_nullable({key}::text) FROM products WHERE status = 'active' ORDER BY {order} OFFSET 80000 LIMIT 1"
        );
        let (id, key): (String, String) = sqlx::query_as(AssertSqlSafe(deep)).fetch_one(&mut *sql).await.unwrap();
        let deep = plan(sql, &query, &format!("{ALL}, 21, {id}, {key}")).await;
        for plan in [&first, &deep] {
            assert!(plan.contains(index) && !plan.contains("Rows Removed"), "{index}: {plan}");
        }
        assert!(deep.contains("Index Cond: (ROW("), "the page starts within the index: {deep}");
        assert!(buffers(&deep) <= buffers(&first) + 40, "page 4,000 costs what page 1 costs:\n{first}\n{deep}");
    }
}

async fn every_rare_filter_has_an_index(sql: &mut PgConnection) {
    let rare = "SELECT quote_literal(authors[1]), quote_literal(work_id) FROM products
                WHERE status = 'active' ORDER BY popularity LIMIT 1";
    let (author, work): (String, String) = sqlx::query_as(rare).fetch_one(&mut *sql).await.unwrap();
    let series: String = sqlx::query_scalar(
        "SELECT quote_literal(series) FROM products WHERE status = 'active' AND series IS NOT NULL ORDER BY popularity LIMIT 1",
    )
    .fetch_one(&mut *sql)
    .await
    .unwrap();
    let query = query(&["(p.popularity, p.id) <", "LEFT JOIN stock"]);
    for (position, value, index) in [
        (3, author, "products_authors_idx"),
        (4, series, "products_series_idx"),
        (5, "'Nobody & Sons'".to_owned(), "products_publisher_idx"),
        (6, "'xx'".to_owned(), "products_language_idx"),
        // Badly correlated with the order: few of the popular books have it. It is looked at in the sort's own index.
        (10, "4.999".to_owned(), "Index Only Scan Backward using products_popularity_idx"),
        (14, work, "products_work_idx"),
    ] {
        let mut arguments: Vec<&str> = ALL.split(", ").collect();
        arguments[position - 1] = &value;
        let plan = plan(sql, &query, &format!("{}, 21, NULL, NULL", arguments.join(", "))).await;
        assert!(plan.contains(index), "{index}: {plan}");
        assert!(buffers(&plan) < 2_000, "{index}: {plan}");
    }
}

async fn ranges_bound_what_is_read(sql: &mut PgConnection) {
    let prices =
        "'active', NULL, NULL, NULL, NULL, NULL, NULL, 1000, 1200, NULL, NULL, NULL, NULL, NULL, 21, NULL, NULL";
    let years = "'active', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '1990-01-01', '1991-12-31', NULL, NULL, 21, NULL, NULL";
    for (fragment, index, arguments) in [
        ("9223372036854775807), p.id)", "products_price_asc_idx", prices),
        ("-1), p.id) <", "products_price_desc_idx", prices),
        ("'infinity'::date), p.id) >", "products_published_asc_idx", years),
        // Few books: reading them all and sorting them is as good.
        ("'-infinity'::date), p.id) <", "products_published_", years),
    ] {
        let plan = plan(sql, &query(&[fragment, "LEFT JOIN stock"]), arguments).await;
        assert!(
            plan.contains(index) && plan.lines().any(|line| line.contains("Index Cond") && line.contains("COALESCE")),
            "{index}: {plan}"
        );
        assert!(buffers(&plan) < 2_000, "{plan}");
    }
    // Two genres that no book has together, in a list that is long to follow.
    let none = "'active', '{cooking,thriller}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 21, NULL, NULL";
    let both = plan(sql, &query(&["p.title_sort COLLATE \"C\", p.id) >", "LEFT JOIN stock"]), none).await;
    assert!(both.contains("products_genres_idx") && buffers(&both) < 400, "{both}");
    // Half of all books pass: the planner has to know that, and follow the sort.
    let half = prices.replace("1000, 1200", "1000, 2500");
    let plan = plan(sql, &query(&["(p.popularity, p.id) <", "LEFT JOIN stock"]), &half).await;
    assert!(plan.contains("products_popularity_idx") && buffers(&plan) < 400, "{plan}");
}

async fn counts_are_bounded(sql: &mut PgConnection) {
    let facets = query(&["'availability'", "'decade'"]);
    let arguments = format!("{ALL}, 5000, '{{genre,format,language,price,rating,decade}}', '{{500,1000}}', 5, NULL");
    let counted = plan(sql, &facets, &arguments).await;
    assert!(counted.contains("Index Only Scan Backward using products_popularity_idx"), "{counted}");
    assert!(buffers(&counted) < 4_000, "{counted}");
    let genres = plan(sql, &query(&["FROM genres g", "counted.books"]), "").await;
    assert!(genres.contains("Index Only Scan using products_") && buffers(&genres) < 4_000, "{genres}");
}

async fn searches_are_bounded(sql: &mut PgConnection) {
    let search = query(&["ts_headline", "ts_rank"]);
    for (expression, phrase) in [
        ("the", "the"),
        ("a", "a"),
        ("s", "s"),
        ("dragon | dragon:*", "dragon"),
        ("love & (story | story:*)", "love story"),
        ("st | st:*", "st"),
        ("xyzzy | xyzzy:*", "xyzzy"),
    ] {
        let arguments =
            format!("{ALL}, '{expression}', '{phrase}', 200, 21, NULL, NULL, '', 'StartSel=<, StopSel=>', 4300");
        let plan = plan(sql, &search, &arguments).await;
        assert!(plan.contains("products_search_idx") || plan.contains("products_popularity_idx"), "{plan}");
        assert!(plan.contains("products_title_idx") || phrase.len() < 4, "{plan}");
    }
    let suggest = query(&["'series', b.series, b.series_key"]);
    for (phrase, expression) in [("s", "NULL"), ("th", "NULL"), ("dra", "'dra | dra:*'"), ("xyz", "'xyz | xyz:*'")] {
        let plan = plan(sql, &suggest, &format!("'{phrase}', {expression}, 10, 4000")).await;
        assert!(plan.contains("products_popularity_idx") || plan.contains("products_title_idx"), "{plan}");
    }
    let related = query(&["'edition' AS relation"]);
    let of = "SELECT concat_ws(', ', quote_literal(id), quote_literal(work_id), quote_literal(series_key),
                     coalesce(series_position, 1), quote_literal(author_keys), quote_literal(genres), 50)
              FROM products WHERE series IS NOT NULL AND cardinality(genres) > 0 ORDER BY popularity DESC LIMIT 1";
    let arguments: String = sqlx::query_scalar(of).fetch_one(&mut *sql).await.unwrap();
    let plan = plan(sql, &related, &arguments).await;
    for index in ["products_work_idx", "products_series_idx"] {
        assert!(plan.contains(index), "{index}: {plan}");
    }
}

async fn trending_reads_the_days_that_count_and_the_books_that_it_shows(sql: &mut PgConnection) {
    // Two months of looks, day after day, as they come.
    for days in (0..60).rev() {
        let looks = format!(
            "INSERT INTO product_views (product_id, day, views)
             SELECT id, current_date - {days}, 1 + abs(hashtext(id::text) % 9)
             FROM products WHERE (hashtext(id::text) + {days}) % 30 = 0"
        );
        sql.execute(AssertSqlSafe(looks)).await.unwrap();
    }
    sql.execute("VACUUM (ANALYZE) product_views").await.unwrap();
    let pages: i64 =
        sqlx::query_scalar("SELECT pg_relation_size('product_views') / 8192").fetch_one(&mut *sql).await.unwrap();
    let trending = query(&["WITH looks AS"]);
    for genre in ["NULL", "'fantasy'"] {
        let plan = plan(sql, &trending, &format!("current_date, {genre}, 20, 7")).await;
        for index in ["product_views_day_idx", "products_pkey"] {
            assert!(plan.contains(index), "{index}: {plan}");
        }
        assert!(buffers(&plan) < u64::try_from(pages).unwrap() / 4 + 3_000, "{pages}: {plan}");
    }
}

#[tokio::test]
async fn hot_queries_use_their_indexes() {
    let database = seeded().await;
    let mut sql = planner(&database).await;
    every_sort_starts_in_its_index(&mut sql).await;
    every_rare_filter_has_an_index(&mut sql).await;
    ranges_bound_what_is_read(&mut sql).await;
    counts_are_bounded(&mut sql).await;
    searches_are_bounded(&mut sql).await;
    trending_reads_the_days_that_count_and_the_books_that_it_shows(&mut sql).await;
}

#[tokio::test]
async fn no_request_takes_more_statements_for_more_books() {
    let database = database().await;
    let name = database.name.clone();
    let shop = Shop::over(database, &[]).await;
    sqlx::query(
        "INSERT INTO products (id, work_id, title, authors, genres, popularity, status, created_at, updated_at)
         SELECT lpad(i::text, 32, '0')::uuid, lpad(i::text, 32, '1')::uuid, 'Dragon ' || i, '{Ann}', '{a}', i, 'active', now(), now()
         FROM generate_series(1, 200) i",
    )
    .execute(&mut shop.sql().await)
    .await
    .unwrap();
    settle().await;
    for (path, most) in [
        ("/products?limit=1", 1),
        ("/products?limit=100", 1),
        ("/products?limit=100&facets=genre,format,price,availability&format=ebook", 2),
        ("/products/search?q=dragon&limit=100", 1),
        ("/products/search?q=dragon&limit=100&facets=genre,format", 2),
        ("/products/search?q=draagon&limit=100", 3),
        ("/products/suggest?q=dra", 1),
        ("/products/suggest?q=draagon", 3),
        ("/products/00000000-0000-0000-0000-000000000001/related?limit=50", 2),
        ("/products/trending?limit=100", 1),
        ("/genres", 1),
    ] {
        let before = statements(&name).await;
        let answer = shop.get(path).send().await.expect(200).json();
        assert!(
            answer["items"].as_array().is_some_and(|items| !items.is_empty()
                || path == "/genres"
                || path.contains("ebook")
                || path.contains("trending")),
            "{path}"
        );
        assert_eq!(statements(&name).await - before, most, "{path}");
        shop.get(path).send().await.expect(200);
        assert_eq!(statements(&name).await - before, most, "{path} again");
    }
}
