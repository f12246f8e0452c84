//! Lists of books over HTTP: every filter, facet and sort, and pages that lose and repeat nothing.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::{Shop, settle};

/// Four hundred books with ties, gaps and every status, without chance.
const BOOKS: &str = "
    INSERT INTO products (id, work_id, title, series, series_position, authors, language, format, publisher,
                          published, published_precision, genres, price_amount, price_currency, status, rating_average,
                          rating_count, popularity, created_at, updated_at)
    SELECT ('00000000-0000-7000-8000-' || lpad(((i * 7919) % 1000003)::text, 12, '0'))::uuid,
           ('10000000-0000-7000-8000-' || lpad((i / 3)::text, 12, '0'))::uuid,
           (ARRAY['The Étude', 'zebra', 'Apple & Pear', 'Ångström', 'It', '10% Off'])[1 + i % 6] || ' ' || i % 40,
           CASE WHEN i % 5 = 0 THEN 'Élan Vital' WHEN i % 7 = 0 THEN 'Other' END, CASE WHEN i % 5 = 0 THEN i % 9 END,
           CASE i % 4 WHEN 0 THEN ARRAY['Émile Zola', 'Second Author'] WHEN 1 THEN ARRAY['Émile Zola fils']
                      ELSE ARRAY['Jane Doe'] END,
           (ARRAY['en', 'en-US', 'de', 'eng', NULL])[1 + i % 5],
           (ARRAY['hardcover', 'paperback', 'ebook', 'audiobook', NULL])[1 + i % 5],
           CASE WHEN i % 3 = 0 THEN 'Gallimard & Fils' WHEN i % 3 = 1 THEN 'Acme' END,
           CASE WHEN i % 11 <> 0 THEN make_date(1800 + (i * 13) % 220, 1, 1) END, CASE WHEN i % 11 <> 0 THEN 'year' END,
           CASE i % 4 WHEN 0 THEN ARRAY['fantasy', 'crime'] WHEN 1 THEN ARRAY['fantasy'] WHEN 2 THEN ARRAY['poetry']
                      ELSE '{}'::text[] END,
           CASE WHEN i % 13 <> 0 THEN (i % 60) * 100 END, CASE WHEN i % 13 <> 0 THEN 'USD' END,
           CASE WHEN i % 17 = 0 THEN 'draft' WHEN i % 19 = 0 THEN 'retired' ELSE 'active' END,
           CASE WHEN i % 10 = 0 THEN 0 ELSE 1 + (i % 41) / 10.0 END, CASE WHEN i % 10 = 0 THEN 0 ELSE i % 90 END,
           (i % 7) * 1.1, timestamptz '2026-01-01' + (i % 50) * interval '1 hour', now()
    FROM generate_series(1, 400) AS i;
    INSERT INTO stock (product_id, on_hand, reserved)
    SELECT id, (row_number() OVER (ORDER BY id))::integer % 12, CASE WHEN row_number() OVER (ORDER BY id) % 12 > 8 THEN 8 ELSE 0 END
    FROM products;
    INSERT INTO genres (slug, name) VALUES ('fantasy', 'Fantasy'), ('crime', 'Crime'), ('poetry', 'Poetry'), ('empty', 'Empty');
    ANALYZE products";

async fn shop() -> Shop {
    let shop = Shop::open().await;
    for statement in BOOKS.split(";\n") {
        sqlx::query(statement).execute(&mut shop.sql().await).await.unwrap();
    }
    settle().await;
    shop
}

/// The ids that a statement gives, as texts.
async fn ids(shop: &Shop, sql: String) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut shop.sql().await).await.unwrap()
}

fn ids_of(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|book| book["id"].as_str().unwrap().to_owned()).collect()
}

/// Walks every page of a list by its cursors.
async fn walk(shop: &Shop, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop.get(&format!("/products?{query}{cursor}")).send().await.expect(200).json();
        found.extend(ids_of(&page));
        assert!(found.len() <= 400, "the walk does not end");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Every sort, with the plain order that says what it means.
const SORTS: [(&str, &str); 8] = [
    ("popularity", "popularity DESC, id DESC"),
    ("newest", "created_at DESC, id DESC"),
    ("published", "published ASC NULLS LAST, id ASC"),
    ("-published", "published DESC NULLS LAST, id DESC"),
    ("price", "price_amount ASC NULLS LAST, id ASC"),
    ("-price", "price_amount DESC NULLS LAST, id DESC"),
    ("rating", "rating_score DESC, id DESC"),
    ("title", "title_key COLLATE \"C\" ASC, id ASC"),
];

#[tokio::test]
async fn walking_the_pages_gives_every_book_once_and_in_order() {
    let shop = shop().await;
    for (sort, order) in SORTS {
        let wanted =
            ids(&shop, format!("SELECT id::text FROM products WHERE status = 'active' ORDER BY {order}")).await;
        assert!(wanted.len() > 300);
        for limit in [1, 7, 100] {
            if limit > 1 || sort == "price" {
                assert_eq!(walk(&shop, &format!("sort={sort}&limit={limit}")).await, wanted, "{sort}, {limit} a page");
            }
        }
    }
}

#[tokio::test]
async fn books_that_come_and_go_neither_repeat_nor_hide_others() {
    let shop = shop().await;
    for (sort, order) in SORTS {
        let before =
            ids(&shop, format!("SELECT id::text FROM products WHERE status = 'active' ORDER BY {order}")).await;
        let mut found = Vec::new();
        let mut gone = Vec::new();
        let mut cursor = String::new();
        for turn in 0.. {
            let page = shop.get(&format!("/products?sort={sort}&limit=40{cursor}")).send().await.expect(200).json();
            found.extend(ids_of(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            // The last book of the page, on which the cursor stands, and one ahead go; one comes right at the beginning.
            let leaving = [found.last().unwrap().clone(), before[(turn * 40 + 57) % before.len()].clone()];
            for id in leaving {
                let retire = format!("UPDATE products SET status = 'retired' WHERE id = '{id}'");
                sqlx::query(AssertSqlSafe(retire)).execute(&mut shop.sql().await).await.unwrap();
                gone.push(id);
            }
            settle().await;
        }
        let unique: std::collections::BTreeSet<_> = found.iter().collect();
        assert_eq!(unique.len(), found.len(), "{sort}: none is repeated");
        let stayed = |list: &[String]| list.iter().filter(|id| !gone.contains(id)).cloned().collect::<Vec<_>>();
        assert_eq!(stayed(&found), stayed(&before), "{sort}: none that stayed is hidden");
        sqlx::query("UPDATE products SET status = 'active' WHERE status = 'retired'")
            .execute(&mut shop.sql().await)
            .await
            .unwrap();
        settle().await;
    }
}

#[tokio::test]
async fn every_filter_says_what_it_means() {
    let shop = shop().await;
    let work = ids(&shop, "SELECT work_id::text FROM products WHERE status = 'active' LIMIT 1".into()).await.remove(0);
    let available = "(SELECT on_hand > reserved FROM stock WHERE product_id = p.id)";
    let cases = [
        ("genre=fantasy".to_owned(), "'fantasy' = ANY (genres)".to_owned()),
        ("genre=fantasy&genre=crime".into(), "genres @> '{fantasy,crime}'".into()),
        ("author=EMILE%20zola".into(), "'Émile Zola' = ANY (authors)".into()),
        ("series=elan+vital".into(), "series = 'Élan Vital'".into()),
        ("publisher=gallimard+%26+FILS".into(), "publisher = 'Gallimard & Fils'".into()),
        ("language=EN".into(), "language IN ('en', 'en-US')".into()),
        ("language=en-US".into(), "language = 'en-US'".into()),
        ("format=ebook&format=audiobook".into(), "format IN ('ebook', 'audiobook')".into()),
        ("min_price=1000".into(), "price_amount >= 1000".into()),
        ("max_price=1000".into(), "price_amount <= 1000".into()),
        ("min_price=0".into(), "price_amount IS NOT NULL".into()),
        ("min_price=500&max_price=500".into(), "price_amount = 500".into()),
        ("min_rating=4.5".into(), "rating_average >= 4.5".into()),
        ("published_from=1900".into(), "published >= '1900-01-01'".into()),
        ("published_from=1900&published_to=1949".into(), "published BETWEEN '1900-01-01' AND '1949-12-31'".into()),
        ("published_to=1850".into(), "published <= '1850-12-31'".into()),
        ("in_stock=true".into(), available.into()),
        ("in_stock=false".into(), format!("NOT {available}")),
        (format!("work={work}"), format!("work_id = '{work}'")),
        (
            "genre=fantasy&format=paperback&in_stock=true&max_price=3000&language=en".into(),
            format!(
                "genres @> '{{fantasy}}' AND format = 'paperback' AND price_amount <= 3000 AND language LIKE 'en-%' AND {available}"
            ),
        ),
    ];
    for (query, condition) in cases {
        let sql = format!(
            "SELECT id::text FROM products p WHERE status = 'active' AND {condition} ORDER BY popularity DESC, id DESC"
        );
        let wanted = ids(&shop, sql).await;
        assert!(query.contains("paperback") || !wanted.is_empty(), "{query} tests nothing");
        assert_eq!(walk(&shop, &format!("{query}&limit=33")).await, wanted, "{query}");
    }
}

/// What a facet should count, by its value.
async fn counts(shop: &Shop, value: &str, condition: &str) -> BTreeMap<String, i64> {
    let sql = format!(
        "SELECT {value}, count(*) FROM products p JOIN stock s ON s.product_id = p.id
         WHERE p.status = 'active' AND {condition} AND {value} IS NOT NULL GROUP BY 1"
    );
    let rows: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut shop.sql().await).await.unwrap();
    rows.into_iter().collect()
}

fn facet(page: &Value, name: &str) -> BTreeMap<String, i64> {
    let facet = page["facets"].as_array().unwrap().iter().find(|facet| facet["name"] == name).unwrap();
    assert_eq!(facet["complete"], true);
    let values = facet["values"].as_array().unwrap().iter();
    values.map(|value| (value["value"].as_str().unwrap().to_owned(), value["count"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn facets_respect_the_filters_but_their_own() {
    let shop = shop().await;
    let all = "genre,format,language,price,rating,availability,decade";
    let query = "genre=fantasy&format=ebook&language=en&min_price=500&min_rating=2&in_stock=true&published_from=1850";
    let filters = [
        ("genre", "genres @> '{fantasy}'"),
        ("format", "format = 'ebook'"),
        ("language", "(language = 'en' OR language LIKE 'en-%')"),
        ("price", "price_amount >= 500"),
        ("rating", "rating_average >= 2"),
        ("availability", "on_hand > reserved"),
        ("decade", "published >= '1850-01-01'"),
    ];
    let values = [
        ("format", "format"),
        ("language", "split_part(language, '-', 1)"),
        (
            "price",
            "CASE WHEN price_amount < 500 THEN '0-499' WHEN price_amount < 1000 THEN '500-999'
                        WHEN price_amount < 1500 THEN '1000-1499' WHEN price_amount < 2000 THEN '1500-1999'
                        WHEN price_amount < 3000 THEN '2000-2999' WHEN price_amount < 5000 THEN '3000-4999'
                        WHEN price_amount IS NOT NULL THEN '5000-' END",
        ),
        (
            "availability",
            "CASE WHEN on_hand - reserved <= 0 THEN 'out_of_stock' WHEN on_hand - reserved <= 5 THEN 'few_left'
                               ELSE 'in_stock' END",
        ),
        ("decade", "(extract(year FROM published)::integer / 10 * 10)::text"),
    ];
    for (query, filtered) in [("", false), (query, true)] {
        let page = shop.get(&format!("/products?{query}&facets={all}")).send().await.expect(200).json();
        let condition = |but: &str| {
            let kept = filters.iter().filter(|(name, _)| filtered && (*name != but || but == "genre"));
            kept.map(|(_, filter)| (*filter).to_owned()).chain(["true".to_owned()]).collect::<Vec<_>>().join(" AND ")
        };
        for (name, value) in values {
            assert_eq!(facet(&page, name), counts(&shop, value, &condition(name)).await, "{name} of {query:?}");
        }
        let genres = facet(&page, "genre");
        for (genre, count) in &genres {
            let own = format!("{} AND genres @> '{{{genre}}}'", condition("genre"));
            assert_eq!(counts(&shop, "'x'", &own).await.get("x"), Some(count), "{genre}");
        }
        for stars in 1..=4 {
            let own = format!("{} AND rating_average >= {stars}", condition("rating"));
            let wanted = counts(&shop, "'x'", &own).await.get("x").copied();
            assert_eq!(facet(&page, "rating").get(&stars.to_string()).copied(), wanted, "{stars} stars");
        }
    }
}

#[tokio::test]
async fn a_cursor_fits_its_own_list_alone() {
    let shop = shop().await;
    let page = shop.get("/products?sort=price&genre=fantasy&limit=5").send().await.expect(200);
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    let link = page.header("link").to_owned();
    assert_eq!(
        link,
        format!(
            "</api/v1/products?genre=fantasy&limit=5&sort=price&cursor={cursor}>; rel=\"next\", \
             </api/v1/products?genre=fantasy&limit=5&sort=price>; rel=\"first\""
        )
    );
    shop.get(&format!("/products?genre=fantasy&sort=price&limit=50&cursor={cursor}")).send().await.expect(200);
    for other in ["sort=price", "sort=price&genre=crime", "genre=fantasy", "sort=-price&genre=fantasy"] {
        let refused = shop.get(&format!("/products?{other}&cursor={cursor}")).send().await.expect(422);
        assert_eq!(refused.complaints(), ["cursor"], "{other}");
    }
    for cursor in ["x", "", "e30", "%00", "%ff", &"A".repeat(5_000), "eyJrIjoiMSJ9"] {
        let answer = shop.get(&format!("/products?cursor={cursor}")).send().await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{cursor}: {}", answer.status);
    }
}

#[tokio::test]
async fn every_bad_parameter_is_named() {
    let shop = Shop::open().await;
    let cases: [(&str, &[&str]); 12] = [
        ("min_price=2&max_price=1&published_from=2&published_to=1", &["min_price", "published_from"]),
        ("min_price=-1&max_price=1000000001", &["max_price", "min_price"]),
        ("min_rating=NaN", &["min_rating"]),
        ("min_rating=5.1&genre=No+Slug&language=x", &["genre", "language", "min_rating"]),
        ("limit=0", &["limit"]),
        ("limit=101", &["limit"]),
        ("limit=ten", &["limit"]),
        ("sort=best", &["sort"]),
        ("format=scroll", &["format"]),
        ("facets=genre,colour", &["facets"]),
        ("colour=red", &["colour"]),
        ("author=", &["author"]),
    ];
    for (query, wanted) in cases {
        let answer = shop.get(&format!("/products?{query}")).send().await;
        if query == "author=" && answer.status == 200 {
            continue; // An empty field of a form is no filter.
        }
        assert_eq!(answer.expect(422).complaints(), wanted, "{query}");
    }
    let many = (0..11).map(|i| format!("genre=g{i}")).collect::<Vec<_>>().join("&");
    assert_eq!(shop.get(&format!("/products?{many}")).send().await.expect(422).complaints(), ["genre"]);
}

#[tokio::test]
async fn only_administrators_see_what_is_not_active() {
    let shop = shop().await;
    shop.get("/products?status=draft").send().await.expect(401);
    shop.get("/products?status=retired").token(&shop.customer().await).send().await.expect(403);
    let admin = shop.administrator().await;
    let drafts = shop.get("/products?status=draft&limit=100").token(&admin).send().await.expect(200);
    assert_eq!(drafts.header("cache-control"), "private, no-cache");
    let drafts = ids_of(&drafts.json());
    let wanted =
        ids(&shop, "SELECT id::text FROM products WHERE status = 'draft' ORDER BY popularity DESC, id DESC".into())
            .await;
    assert_eq!(drafts, wanted);
}

#[tokio::test]
async fn lists_and_genres_can_be_kept_by_others() {
    let shop = shop().await;
    let genres = shop.get("/genres").send().await.expect(200);
    let fantasy = counts(&shop, "'x'", "genres @> '{fantasy}'").await["x"];
    let json = genres.json();
    let slugs: Vec<&str> =
        json["items"].as_array().unwrap().iter().map(|genre| genre["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["crime", "empty", "fantasy", "poetry"]);
    assert_eq!((&json["items"][2]["books"], &json["items"][1]["books"]), (&fantasy.into(), &0.into()));
    for (path, key) in [("/genres", "genres"), ("/products?sort=title", "books:list")] {
        let answer = shop.get(path).send().await.expect(200);
        assert_eq!(answer.header("surrogate-key").split(' ').next(), Some(key));
        assert!(answer.header("cache-control").starts_with("public, max-age="));
        shop.get(path).header("if-none-match", answer.header("etag")).send().await.expect(304);
    }
}
