//! The vectors: read, checked against their schema, every id once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

const SCHEMAS: [(&str, &str); 3] = [
    ("types.schema.json", include_str!("../../schemas/types.schema.json")),
    ("coordinator.schema.json", include_str!("../../schemas/coordinator.schema.json")),
    ("vectors.schema.json", include_str!("../../schemas/vectors.schema.json")),
];

/// One test: what it is about and what it expects.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) kind: String,
    pub(crate) comment: String,
    pub(crate) expected: Value,
}

/// The tests of a folder by id, and what is wrong with its files.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    pub(crate) tests: BTreeMap<String, Test>,
    pub(crate) problems: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    kind: String,
    notes: Map<String, Value>,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    tests: Vec<Map<String, Value>>,
}

impl Vectors {
    /// All `.json` files at `path` and below.
    pub(crate) fn load(path: &Path) -> Self {
        let mut vectors = Self::default();
        let mut files = Vec::new();
        find(path, &mut files);
        files.sort();
        let validator = validator();
        for file in files {
            let problems = match vectors.load_file(&file, validator.as_ref()) {
                Ok(problems) => problems,
                Err(problem) => vec![problem],
            };
            vectors.problems.extend(problems.into_iter().map(|problem| format!("{}: {problem}", file.display())));
        }
        vectors.problems.extend(validator.err());
        vectors
    }

    fn load_file(
        &mut self,
        path: &Path,
        validator: Result<&jsonschema::Validator, &String>,
    ) -> Result<Vec<String>, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let mut problems = Vec::new();
        if let Ok(validator) = validator {
            problems.extend(validator.iter_errors(&value).take(5).map(|error| {
                let message: String = error.to_string().chars().take(400).collect();
                format!("at {}: {message}", error.instance_path())
            }));
        }
        let file: File = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let mut cited = BTreeSet::new();
        for test in file.groups.into_iter().flat_map(|group| group.tests) {
            let text = |name| test.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let id = text("id");
            for flag in test.get("flags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                if !file.notes.contains_key(flag) {
                    problems.push(format!("{id}: no note explains the flag {flag}"));
                }
                cited.insert(flag.to_owned());
            }
            let test = Test { kind: file.kind.clone(), comment: text("comment"), expected: expected(&test) };
            if self.tests.insert(id.clone(), test).is_some() {
                problems.push(format!("the id {id} is there twice"));
            }
        }
        let idle = file.notes.keys().filter(|note| !cited.contains(*note));
        problems.extend(idle.map(|note| format!("no test cites the note {note}")));
        Ok(problems)
    }

    /// The kinds that occur.
    pub(crate) fn kinds(&self) -> BTreeSet<&str> {
        self.tests.values().map(|test| test.kind.as_str()).collect()
    }
}

/// A mistake of the caller is never an accident: unless one is expected there has to be none, and where one is
/// expected there is no value.
fn expected(test: &Map<String, Value>) -> Value {
    let strict = |expected: Option<&Value>| {
        let mut expected = expected.and_then(Value::as_object).cloned().unwrap_or_default();
        let absent = if expected.contains_key("error") { ["value", "effects"].as_slice() } else { &["error"] };
        for name in absent {
            expected.entry(*name).or_insert(Value::Null);
        }
        Value::Object(expected)
    };
    match test.get("steps").and_then(Value::as_array) {
        Some(steps) => json!({ "steps": steps.iter().map(|step| strict(step.get("expect"))).collect::<Vec<_>>() }),
        None => strict(test.get("expect")),
    }
}

fn validator() -> Result<jsonschema::Validator, String> {
    let mut options = jsonschema::options();
    let mut schemas = Vec::new();
    for (name, text) in SCHEMAS {
        let schema: Value = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        schemas.push((name, schema));
    }
    let registry = schemas.iter().try_fold(jsonschema::Registry::new(), |registry, (name, schema)| {
        registry.add(format!("https://webex-oauth.test/{name}"), schema.clone()).map_err(|error| error.to_string())
    })?;
    let registry = registry.prepare().map_err(|error| error.to_string())?;
    options = options.with_registry(&registry);
    let (_, schema) = schemas.last().ok_or("no schema")?;
    options.build(schema).map_err(|error| format!("the schema itself: {error}"))
}

fn find(path: &Path, files: &mut Vec<PathBuf>) {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| find(&entry.path(), files)),
        Err(_) if path.extension().is_some_and(|extension| extension == "json") => files.push(path.to_owned()),
        Err(_) => {}
    }
}
