//! One column of the matrix: a binding's runner, and every line that it printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// The status by which a runner says that its toolchain is missing.
const NOT_RUN: i32 = 77;

/// What a runner said to one test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Result(Value),
    Skipped(String),
}

/// What a runner printed.
#[derive(Debug, Default)]
pub(crate) struct Column {
    pub(crate) answers: BTreeMap<String, Answer>,
    /// Ids that were printed more than once, lines that are none, a runner that broke off.
    pub(crate) problems: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    result: Option<Value>,
    skipped: Option<String>,
}

/// The executable files of the registry, by name.
pub(crate) fn bindings(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter(|entry| entry.path().is_file() && entry.path().extension().is_none())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    // Rust first: the others are compared with it.
    found.sort_by_key(|(name, _)| (name != "rust", name.clone()));
    found
}

/// Runs a binding's runner. `Err` is its reason for not running at all.
pub(crate) fn run(command: &Path, vectors: &Path) -> Result<Column, String> {
    let output = match Command::new(command).arg(vectors).stdin(std::process::Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Ok(Column { problems: vec![format!("cannot be run: {error}")], ..Column::default() }),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_RUN) {
        let last = text.lines().chain(complaint.lines()).last().unwrap_or("no reason given");
        return Err(last.strip_prefix("not run: ").unwrap_or(last).to_owned());
    }
    let mut column = read(&text);
    if !output.status.success() {
        let tail: Vec<&str> = complaint.lines().rev().take(5).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        column.problems.push(format!("the runner ended with {}: {}", output.status, tail.join(" / ")));
    }
    Ok(column)
}

/// Reads what a runner printed.
fn read(text: &str) -> Column {
    let mut column = Column::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let shortened: String = line.chars().take(120).collect();
        let (id, answer) = match serde_json::from_str::<Line>(line) {
            Ok(Line { id, result: Some(result), skipped: None }) => (id, Answer::Result(result)),
            Ok(Line { id, result: None, skipped: Some(why) }) => (id, Answer::Skipped(why)),
            Ok(Line { id, .. }) => {
                column.problems.push(format!("{id}: neither a result nor a skip"));
                continue;
            }
            Err(error) => {
                column.problems.push(format!("not a line of a runner ({error}): {shortened}"));
                continue;
            }
        };
        if column.answers.insert(id.clone(), answer).is_some() {
            column.problems.push(format!("{id}: answered twice"));
        }
    }
    if column.answers.is_empty() {
        column.problems.push("the runner printed nothing".to_owned());
    }
    column
}
