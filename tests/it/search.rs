//! Searching and suggesting over HTTP.

use proptest::prelude::any;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::support::{Shop, settle};

/// Title, authors, series, description, popularity.
type Book<'a> = (&'a str, &'a [&'a str], Option<&'a str>, Option<&'a str>, f64);

const BOOKS: &[Book<'static>] = &[
    ("The Dragon Keeper", &["Robin Hobb"], Some("Rain Wild Chronicles"), Some("Liveships and more."), 50.0),
    ("Dragon", &["Steven Brust"], Some("Vlad Taltos"), None, 1.0),
    ("Dragonflight", &["Anne McCaffrey"], Some("Dragonriders of Pern"), None, 40.0),
    (
        "A Wizard of Earthsea",
        &["Ursula K. Le Guin"],
        Some("Earthsea Cycle"),
        Some("A boy, a shadow and a dragon."),
        900.0,
    ),
    ("It", &["Stephen King"], None, Some("A clown in Derry."), 300.0),
    ("Carrie", &["Stephen King"], None, Some("It begins at school."), 800.0),
    ("Les Misérables", &["Victor Hugo"], None, Some("L'histoire d'un forçat."), 20.0),
    ("Catch-22", &["Joseph Heller"], None, Some("War and/or peace."), 70.0),
    (
        "<script>alert(1)</script> & \"Quotes\"",
        &["Evil <b>Author</b>"],
        None,
        Some("An <img src=x onerror=alert(1)> injection."),
        2.0,
    ),
    ("Running Libraries", &["Jane Doe"], None, None, 3.0),
];

async fn add(shop: &Shop, (title, authors, series, description, popularity): Book<'_>) {
    let authors: Vec<String> = authors.iter().map(|&author| author.to_owned()).collect();
    sqlx::query(
        "WITH book AS (
             INSERT INTO products (id, work_id, title, authors, series, description, popularity, status, genres, format,
                                   isbn13, created_at, updated_at)
             VALUES (gen_random_uuid(), gen_random_uuid(), $1, $2, $3, $4, $5, 'active', '{fantasy}', 'ebook',
                     CASE WHEN $1 = 'Catch-22' THEN '9780804429573' END, now(), now())
             RETURNING id)
         INSERT INTO stock (product_id, on_hand) SELECT id, 3 FROM book",
    )
    .bind(title)
    .bind(authors)
    .bind(series)
    .bind(description)
    .bind(popularity)
    .execute(&mut shop.sql().await)
    .await
    .unwrap();
}

async fn shop() -> Shop {
    let shop = Shop::open().await;
    for book in BOOKS {
        add(&shop, *book).await;
    }
    settle().await;
    shop
}

async fn search(shop: &Shop, query: &str) -> Value {
    shop.get(&format!("/products/search?{query}")).send().await.expect(200).json()
}

fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|hit| hit["product"]["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn whole_titles_come_first_then_beginnings_then_matches() {
    let shop = shop().await;
    let found = search(&shop, "q=dragon").await;
    assert_eq!(titles(&found)[0], "Dragon", "the least popular one is the exact one");
    assert_eq!(titles(&found)[1], "Dragonflight", "its title begins so");
    assert_eq!(titles(&found).len(), 4, "one has it in the description");
    assert_eq!(found["corrected_query"], Value::Null);
    assert_eq!(found["matches"], serde_json::json!({"ranked": 4, "complete": true}));
    assert_eq!(titles(&search(&shop, "q=it").await), ["It", "Carrie"], "a stop word alone is looked for");
    assert_eq!(
        titles(&search(&shop, "q=dragon+keeper").await),
        ["The Dragon Keeper"],
        "an article is no part of a title"
    );
}

#[tokio::test]
async fn accents_case_endings_and_beginnings_do_not_matter() {
    let shop = shop().await;
    for (query, title) in [
        ("q=miserables", "Les Misérables"),
        ("q=MIS%C3%89RABLES", "Les Misérables"),
        ("q=mise%CC%81rables", "Les Misérables"),
        ("q=libraries+run", "Running Libraries"),
        ("q=library", "Running Libraries"),
        ("q=earths", "A Wizard of Earthsea"),
        ("q=le+guin", "A Wizard of Earthsea"),
        ("q=guin+ursul", "A Wizard of Earthsea"),
        ("q=earthsea+cycle", "A Wizard of Earthsea"),
        ("q=catch+22", "Catch-22"),
        ("q=catch-22", "Catch-22"),
        ("q=peace+war", "Catch-22"),
        ("q=978-0-8044-2957-3", "Catch-22"),
        ("q=080442957X", "Catch-22"),
    ] {
        let found = search(&shop, query).await;
        assert_eq!(titles(&found).first(), Some(&title), "{query}");
        assert_eq!(found["corrected_query"], Value::Null, "{query}");
    }
    assert_eq!(titles(&search(&shop, "q=9780804429566").await), [""; 0], "an ISBN of no book");
}

#[tokio::test]
async fn misspelt_words_find_what_was_meant_and_say_so() {
    let shop = shop().await;
    for (query, corrected, title) in [
        ("draagon", "dragon", "Dragon"),
        ("dargon", "dragon", "Dragon"),
        ("stehpen king", "stephen king", "Carrie"),
        ("earthsae", "earthsea", "A Wizard of Earthsea"),
        ("miserabels", "miserables", "Les Misérables"),
    ] {
        let found = search(&shop, &format!("q={}", query.replace(' ', "+"))).await;
        assert_eq!(found["corrected_query"], corrected, "{query}");
        assert!(titles(&found).contains(&title), "{query}: {:?}", titles(&found));
    }
    let nothing = search(&shop, "q=xyzzyqwerty").await;
    assert_eq!((titles(&nothing), &nothing["corrected_query"]), (vec![], &Value::Null));
    // The pages of a corrected search go on with the correction.
    let first = search(&shop, "q=draagon&limit=3").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = search(&shop, &format!("q=draagon&limit=3&cursor={cursor}")).await;
    assert_eq!(second["corrected_query"], "dragon");
    assert_eq!((titles(&first).len(), titles(&second).len()), (3, 1));
    assert!(!titles(&first).contains(&titles(&second)[0]));
}

#[tokio::test]
async fn pages_of_matches_lose_and_repeat_nothing() {
    let shop = shop().await;
    for number in 0..40 {
        add(&shop, (&format!("Tale of {number}"), &["Some Body"], None, Some("A common word."), f64::from(number % 3)))
            .await;
    }
    settle().await;
    let all = search(&shop, "q=common&limit=100").await;
    assert_eq!(titles(&all).len(), 40);
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = search(&shop, &format!("q=common&limit=7{cursor}")).await;
        found.extend(titles(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, titles(&all));
    let cursor = search(&shop, "q=common&limit=7").await["next_cursor"].as_str().unwrap().to_owned();
    let refused = shop.get(&format!("/products/search?q=tale&cursor={cursor}")).send().await.expect(422);
    assert_eq!(refused.complaints(), ["cursor"]);
    let page = search(&shop, "q=common&format=ebook&facets=format,genre&limit=1").await;
    assert_eq!(page["facets"][0]["values"], serde_json::json!([{"value": "ebook", "count": 40}]));
    assert_eq!(titles(&search(&shop, "q=common&format=hardcover").await), [""; 0], "filters are those of lists");
}

#[tokio::test]
async fn highlights_bring_no_elements_of_their_own() {
    let shop = shop().await;
    let found = search(&shop, "q=alert+injection").await;
    let marks = &found["items"][0]["highlights"];
    let text = marks.to_string();
    assert!(text.contains("<mark>injection</mark>"), "{text}");
    let bare = text.replace("<mark>", "").replace("</mark>", "");
    assert!(!bare.contains('<') && !bare.contains('>'), "{text}");
    assert_eq!(search(&shop, "q=dragon").await["items"][0]["highlights"]["title"], "<mark>Dragon</mark>");
    let quotes = search(&shop, "q=quotes").await;
    let title = quotes["items"][0]["highlights"]["title"].as_str().unwrap();
    assert!(title.contains("&amp;") && title.contains("&quot;<mark>Quotes</mark>&quot;"), "{title}");
}

#[tokio::test]
async fn suggestions_come_with_the_first_letter() {
    let shop = shop().await;
    let suggest = async |query: &str| {
        let found = shop.get(&format!("/products/suggest?q={query}")).send().await.expect(200).json();
        let items = found["items"].as_array().unwrap().clone();
        let names: Vec<(String, String)> = items
            .iter()
            .map(|item| (item["kind"].as_str().unwrap().to_owned(), item["text"].as_str().unwrap().to_owned()))
            .collect();
        (names, found["corrected_query"].clone())
    };
    let pair = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    let (d, _) = suggest("d").await;
    assert_eq!(d[..2], [pair("title", "Dragonflight"), pair("series", "Dragonriders of Pern")]);
    let (stephen, _) = suggest("stephen+k").await;
    assert_eq!(stephen, [pair("author", "Stephen King")]);
    assert!(suggest("earth").await.0.contains(&pair("series", "Earthsea Cycle")));
    assert!(suggest("king").await.0.contains(&pair("author", "Stephen King")), "a later word");
    assert_eq!(suggest("mis%C3%A9r").await.0, [pair("title", "Les Misérables")]);
    let (corrected, to) = suggest("draagon").await;
    assert!(!corrected.is_empty() && to == "dragon");
    assert_eq!(shop.get("/products/suggest?q=d&limit=1").send().await.json()["items"].as_array().unwrap().len(), 1);
    for limit in [0, 11] {
        let refused = shop.get(&format!("/products/suggest?q=d&limit={limit}")).send().await.expect(422);
        assert_eq!(refused.complaints(), ["limit"]);
    }
}

#[tokio::test]
async fn whatever_is_typed_is_answered() {
    let shop = shop().await;
    let long = "ä".repeat(5_000);
    let hostile = [
        "&",
        "|",
        "!",
        "( )",
        ":*",
        "a:*",
        "a & b",
        "!a",
        "'",
        "''",
        "\"",
        "\\",
        "\\'",
        "a\\",
        "<->",
        "a<->b",
        "%",
        "_",
        "a%b",
        "*",
        "🐉",
        "🐉 dragon",
        "\u{e000}\u{e001}",
        "\u{202e}drag",
        "a\u{300}\u{301}",
        "ﷺ",
        "ß",
        "İ",
        "²",
        "हिन्दी",
        "日本",
        "-",
        "--",
        "; DROP TABLE products",
        "NaN",
        "1e5",
        "a.b/c@d",
        "http://x.y/z?q",
        "<b>",
        "&amp;",
        "dragon\0",
        "\u{10ffff}",
        &long,
        "",
    ];
    for text in hostile {
        ask(&shop, text).await;
    }
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..150).map(|_| any::<String>().new_tree(&mut runner).unwrap().current()).collect();
    for text in texts {
        ask(&shop, &text).await;
    }
}

/// Both operations answer with books, with nothing, or with a problem that names `q`.
async fn ask(shop: &Shop, text: &str) {
    let q: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for path in ["search", "suggest"] {
        let answer = shop.get(&format!("/products/{path}?q={q}")).send().await;
        match answer.status.as_u16() {
            200 => {}
            400 | 422 => assert_eq!(answer.complaints(), ["q"], "{path} {text:?}"),
            414 => assert!(text.len() > 1_000),
            other => panic!("{path} {text:?}: {other} {}", String::from_utf8_lossy(&answer.body)),
        }
    }
}
