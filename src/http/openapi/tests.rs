use std::collections::HashSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(crate::http::document()).unwrap()
}

/// Every operation by its name, with its description.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

#[test]
fn every_operation_is_described() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: HashSet<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = HashSet::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name} has no summary");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name} has no operationId of its own");
        let own = operation["tags"].as_array().unwrap();
        assert!(!own.is_empty() && own.iter().all(|tag| tags.contains(tag)), "{name} has a tag that is not declared");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {} is not described", parameter["name"]);
        }
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name} has no success");
        assert!(answers.contains_key("400"), "{name} tells nothing of errors");
        assert!(!name.contains("{") || answers.contains_key("404"), "{name} has no 404");
        for (status, answer) in answers.iter().filter(|(status, _)| status.starts_with('2')) {
            for (kind, content) in answer["content"].as_object().into_iter().flatten() {
                assert!(!content["schema"].is_null(), "{name}: {status} {kind} has no schema");
            }
        }
    }
}

/// A body with an unknown field is refused; the schema must say so, and does where the type has `deny_unknown_fields`.
#[test]
fn no_body_takes_unknown_fields() {
    let document = document();
    // What a payment provider adds to its events one day is none of the shop's business.
    let ours = |(name, _): &(String, &Value)| !name.ends_with("/payments/webhooks/{provider}");
    for (name, operation) in operations(&document).into_iter().filter(ours) {
        let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
        // NDJSON is a text of many lines, and no JSON value.
        for (_, content) in contents.filter(|(kind, _)| kind.ends_with("json") && !kind.ends_with("/x-ndjson")) {
            let reference = content["schema"]["$ref"].as_str();
            let schema = reference.map_or(&content["schema"], |reference| {
                document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null)
            });
            assert_eq!(schema["additionalProperties"], false, "{name} takes unknown fields");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, into: &mut HashSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                into.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, into));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }
    let document = document();
    let mut found = HashSet::new();
    references(&document, &mut found);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}
