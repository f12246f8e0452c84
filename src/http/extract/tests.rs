use serde_json::json;

use super::*;

#[derive(Debug, PartialEq, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Shelf {
    #[garde(length(chars, min = 1, max = 10))]
    name: String,
    #[garde(inner(length(chars, min = 1)))]
    #[serde(default)]
    labels: Vec<String>,
    #[garde(dive)]
    #[serde(default)]
    place: Option<Place>,
}

#[derive(Debug, PartialEq, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Place {
    #[garde(range(max = 99))]
    row: u32,
}

#[derive(Debug, Default, PartialEq, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
struct Search {
    #[garde(skip)]
    q: Option<String>,
    #[garde(length(max = 2))]
    genre: Vec<String>,
    #[garde(range(min = 1, max = 100))]
    limit: Option<u32>,
}

/// The status, and pointer or parameter with code of each offending part.
fn offending(problem: &Problem) -> (u16, Vec<(String, String)>) {
    let errors = problem.field_errors().iter().map(|error| {
        let place = error.pointer.clone().or_else(|| error.parameter.clone()).unwrap();
        (place, error.code.to_string())
    });
    (problem.status().as_u16(), errors.collect())
}

#[test]
fn a_body_names_what_is_wrong_with_it() {
    let long = json!({"name": "x".repeat(11), "labels": ["a", ""], "place": {"row": 100}});
    for (body, status, expected) in [
        (json!({"name": 1}), 422, &[("/name", "invalid_type")][..]),
        (json!({}), 422, &[("/name", "missing")]),
        (json!({"name": "a", "size": 1}), 422, &[("/size", "unknown")]),
        (json!({"name": "a", "place": {}}), 422, &[("/place/row", "missing")]),
        (json!({"name": "a", "place": {"row": 1, "a/b~c": 1}}), 422, &[("/place/a~1b~0c", "unknown")]),
        (json!({"name": "a", "place": {"row": -1}}), 422, &[("/place/row", "invalid_type")]),
        (json!({"name": "a", "labels": [1]}), 422, &[("/labels/0", "invalid_type")]),
        (json!(["a", [], null]), 422, &[("", "invalid_type")]),
        (json!({"name": "a", "place": [1]}), 422, &[("/place", "invalid_type")]),
        (json!({"name": "a", "place": {"row": 1.5}}), 422, &[("/place/row", "invalid_type")]),
        (json!(null), 422, &[("", "invalid_type")]),
        (long, 422, &[("/labels/1", "invalid"), ("/name", "invalid"), ("/place/row", "invalid")]),
        (json!({"name": "a\0"}), 422, &[("/name", "nul_character")]),
        (json!({"name": "a", "labels": ["b", "\0"]}), 422, &[("/labels/1", "nul_character")]),
        (json!({"name": "a", "x\0": 1}), 422, &[("/x\u{fffd}", "nul_character")]),
    ] {
        let problem = checked_json::<Shelf>(body.to_string().as_bytes()).unwrap_err();
        let (found_status, found) = offending(&problem);
        let found: Vec<_> = found.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
        assert_eq!((found_status, &found[..]), (status, expected), "{body}");
    }
}

#[test]
fn a_whole_number_may_have_a_fraction_of_zero() {
    let shelf = checked_json::<Shelf>(b"{\"name\": \"a\", \"place\": {\"row\": 5.0}}").unwrap();
    assert_eq!(shelf.place, Some(Place { row: 5 }));
}

#[test]
fn broken_json_tells_the_place() {
    for body in [&b""[..], b"{", b"{\"name\": }", b"\xff", b"{\"name\": \"\\ud800\"}", b"{} {}"] {
        let problem = checked_json::<Shelf>(body).unwrap_err();
        assert_eq!(problem.status(), 400);
        let detail = problem.document(None, None).detail.unwrap();
        assert!(detail.contains("line 1 column"), "{detail}");
    }
    let deep = "[".repeat(10_000);
    assert_eq!(checked_json::<Shelf>(deep.as_bytes()).unwrap_err().status(), 400);
}

#[test]
fn a_query_takes_repeated_parameters() {
    let search: Search = checked_query("q=a%20b+c&genre=x&genre=y&limit=5").unwrap();
    let expected = Search { q: Some("a b c".into()), genre: vec!["x".into(), "y".into()], limit: Some(5) };
    assert_eq!(search, expected);
    assert_eq!(checked_query::<Search>("").unwrap(), Search::default());
    assert_eq!(checked_query::<Search>("genre=x").unwrap().genre, ["x"]);
}

#[test]
fn a_query_names_what_is_wrong_with_it() {
    for (query, status, parameter, code) in [
        ("page=1", 422, "page", "unknown"),
        ("limit=x", 422, "limit", "invalid_type"),
        ("limit=-1", 422, "limit", "invalid_type"),
        ("limit=1&limit=2", 422, "limit", "invalid_type"),
        ("limit=101", 422, "limit", "invalid"),
        ("genre=a&genre=b&genre=c", 422, "genre", "invalid"),
        ("q=%00", 422, "q", "nul_character"),
        ("q=%ff", 400, "q", "malformed"),
        ("a%00=1", 422, "a\u{fffd}", "nul_character"),
    ] {
        let problem = checked_query::<Search>(query).unwrap_err();
        assert_eq!(offending(&problem), (status, vec![(parameter.into(), code.into())]), "{query}");
    }
}

#[test]
fn a_merge_patch_tells_null_from_nothing() {
    #[derive(Debug, Deserialize, Validate)]
    #[garde(allow_unvalidated)]
    struct Patch {
        #[serde(default, deserialize_with = "double_option")]
        subtitle: Option<Option<String>>,
    }
    let read = |text: &str| checked_json::<Patch>(text.as_bytes()).unwrap().subtitle;
    assert_eq!(read("{}"), None);
    assert_eq!(read("{\"subtitle\": null}"), Some(None));
    assert_eq!(read("{\"subtitle\": \"x\"}"), Some(Some("x".to_owned())));
}
