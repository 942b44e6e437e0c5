//! Calls what each vector names and compares everything.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use webex_oauth::sealed::{KeyError, Keys, MasterKey, OpenError, Owner, Unopened, open, seal};
use webex_oauth::{SealedHeader, Secret, snapshot_revision};

const VECTORS: &str = include_str!("../../../conformance/sealed/sealed.json");

#[test]
fn every_vector_holds() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let tests: Vec<&Value> =
        file["groups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()).collect();
    let ids: BTreeSet<&str> = tests.iter().map(|test| test["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), tests.len(), "an id is there twice");
    assert!(ids.len() > 40);
    for test in tests {
        assert_eq!(call(&test["input"]), test["expect"], "{}: {}", test["id"], test["comment"]);
        for flag in test["flags"].as_array().unwrap() {
            assert!(file["notes"].get(flag.as_str().unwrap()).is_some(), "{flag} has no note");
        }
    }
}

fn call(input: &Value) -> Value {
    let (function, arguments) = input.as_object().unwrap().iter().next().unwrap();
    let text = |name: &str| arguments[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    let keys = || Keys::read(text("keys")).unwrap();
    let owner = || Owner { tenant: text("tenant"), user: text("user") };
    match function.as_str() {
        "seal" => {
            let nonce = hex_bytes(text("nonce")).try_into().unwrap();
            match seal(&keys(), owner(), &Secret::new(text("snapshot")), nonce) {
                Ok(record) => json!({"value": record.expose()}),
                Err(_) => json!({"error": "not_a_snapshot"}),
            }
        }
        "open" => match open(&keys(), owner(), text("record")) {
            Ok(snapshot) => json!({"value": snapshot.expose()}),
            Err(error) => json!({"error": open_error(error)}),
        },
        "header" => SealedHeader::read(text("record")).map_or_else(
            || Value::Object(Map::new()),
            |header| json!({"value": {"key_id": header.key_id, "revision": header.revision}}),
        ),
        "snapshot_revision" => json!({"value": snapshot_revision(text("record")).unwrap()}),
        "content_key" => {
            let key = MasterKey::read(text("key")).unwrap().content_key(owner());
            json!({"value": key.expose().iter().map(|byte| format!("{byte:02x}")).collect::<String>()})
        }
        "read_keys" => match Keys::read(text("text")) {
            Ok(keys) => {
                let names = ["k1", "k2"].into_iter().filter(|id| keys.find(id).is_some());
                assert_eq!(keys.first().id(), "k1");
                json!({"value": names.collect::<Vec<_>>()})
            }
            Err(error) => json!({"error": key_error(error)}),
        },
        other => panic!("unknown function {other}"),
    }
}

fn open_error(error: OpenError) -> Value {
    match error {
        OpenError::NotSealed => json!("not_sealed"),
        OpenError::Sealed { key_id, why } => {
            let why = match why {
                Unopened::UnknownKey => "unknown_key",
                Unopened::Refused => "refused",
                Unopened::OtherRevision => "other_revision",
            };
            json!({"sealed": {"key_id": key_id, "why": why}})
        }
    }
}

fn key_error(error: KeyError) -> Value {
    match error {
        KeyError::None => json!("none"),
        KeyError::Name => json!("name"),
        KeyError::Length { id } => json!({"length": {"id": id}}),
        KeyError::Unfilled { id } => json!({"unfilled": {"id": id}}),
        KeyError::Twice { id } => json!({"twice": {"id": id}}),
    }
}

fn hex_bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
