//! The map from behavioural cases and known defects to vectors: complete, and nothing in it that is not there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// So many behavioural cases there are.
const CASES: usize = 259;

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn ids_below(path: &Path, ids: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(path).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            ids_below(&path, ids);
        } else {
            let file = read(&path);
            let groups = file["groups"].as_array().unwrap().iter();
            let tests = groups.flat_map(|group| group["tests"].as_array().unwrap());
            ids.extend(tests.map(|test| test["id"].as_str().unwrap().to_owned()));
        }
    }
}

fn vectors() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    ids_below(&suite().join("vectors"), &mut ids);
    ids
}

/// Either at least one vector, all of which exist, or a reason.
fn check(name: &str, entry: &Value, known: &BTreeSet<String>) {
    assert!(!entry["title"].as_str().unwrap_or_default().is_empty(), "{name}: no title");
    let vectors: Vec<&str> = entry["vectors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let reason = entry["not"].as_str().unwrap_or_default();
    assert!(vectors.is_empty() != reason.is_empty(), "{name}: vectors or a reason, and not both");
    for vector in vectors {
        assert!(known.contains(vector), "{name}: there is no vector {vector}");
    }
}

#[test]
fn every_case_has_a_vector_or_a_reason() {
    let (coverage, known) = (read(&suite().join("coverage.json")), vectors());
    let cases = coverage["cases"].as_object().unwrap();
    assert_eq!(cases.len(), CASES);
    cases.iter().for_each(|(id, entry)| check(id, entry, &known));
}

#[test]
fn every_known_defect_has_a_vector_or_a_reason() {
    let (coverage, known) = (read(&suite().join("coverage.json")), vectors());
    let defects = coverage["defects"].as_array().unwrap();
    assert!(defects.len() >= 30);
    defects.iter().for_each(|entry| check(entry["title"].as_str().unwrap(), entry, &known));
}

#[test]
fn there_are_enough_vectors() {
    assert!(vectors().len() >= 450);
}
