//! Runs the vectors on every binding, compares, and prints the matrix.

mod column;
mod compare;
mod judge;
mod vectors;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::column::Column;
use crate::judge::{Count, Judgement, judge, judge_canaries};
use crate::vectors::Vectors;

/// Runs the conformance vectors on every binding and compares what they answer.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// A folder of vectors, or one file.
    #[arg(long, default_value = "conformance/vectors")]
    pub vectors: PathBuf,
    /// A binding to run, by name; all of the registry where none is named.
    #[arg(long = "binding")]
    pub bindings: Vec<String>,
    /// The registry: one executable file per binding.
    #[arg(long, default_value = "conformance/bindings")]
    pub registry: PathBuf,
    /// Vectors that expect something wrong.
    #[arg(long, default_value = "conformance/canary")]
    pub canaries: PathBuf,
    /// Count a binding that cannot run here as failed.
    #[arg(long, env = "CI")]
    pub ci: Option<String>,
}

/// Ids that a binding may leave out, with the reason: `{"binding": {"id": "why"}}`.
type Skips = BTreeMap<String, BTreeMap<String, String>>;

/// What became of a binding.
enum Row {
    Ran(Judgement),
    NotRun(String),
}

/// How many passed and how many failed; the matrix and what is wrong are printed.
pub fn verify(arguments: &Arguments) -> Result<(usize, usize), String> {
    let vectors = Vectors::load(&arguments.vectors);
    let canaries = Vectors::load(&arguments.canaries);
    if vectors.tests.is_empty() {
        let problems = vectors.problems.join("\n");
        return Err(format!("no vectors in {}\n{problems}", arguments.vectors.display()));
    }
    let skips = read_skips(&arguments.registry.join("skips.json"))?;
    let mut rows: Vec<(String, Row)> = Vec::new();
    let mut reference: Option<Column> = None;
    for (name, command) in chosen(arguments)? {
        let command = absolute(&command)?;
        let outcome = column::run(&command, &absolute(&arguments.vectors)?)
            .and_then(|column| Ok((column, column::run(&command, &absolute(&arguments.canaries)?)?)));
        let row = match outcome {
            Err(why) => Row::NotRun(why),
            Ok((column, canary)) => {
                let none = BTreeMap::new();
                let mut judgement = judge(&vectors, &column, reference.as_ref(), skips.get(&name).unwrap_or(&none));
                judge_canaries(&canaries, &canary, &mut judgement);
                if name == "rust" {
                    reference = Some(column);
                }
                Row::Ran(judgement)
            }
        };
        rows.push((name, row));
    }
    let problems: Vec<&String> = vectors.problems.iter().chain(&canaries.problems).collect();
    for problem in &problems {
        println!("vectors: {problem}");
    }
    print_failures(&rows);
    print_matrix(&vectors.kinds(), &rows);
    let strict = arguments.ci.as_ref().is_some_and(|ci| !ci.is_empty());
    Ok(rows.iter().fold((0, problems.len()), |(passed, failed), (_, row)| match row {
        Row::Ran(judgement) => (passed + judgement.passed(), failed + judgement.failed()),
        Row::NotRun(_) => (passed, failed + usize::from(strict)),
    }))
}

fn chosen(arguments: &Arguments) -> Result<Vec<(String, PathBuf)>, String> {
    let mut known = column::bindings(&arguments.registry);
    if let Some(name) = arguments.bindings.iter().find(|name| known.iter().all(|(known, _)| known != *name)) {
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!("there is no binding {name}, only {}", names.join(", ")));
    }
    if !arguments.bindings.is_empty() {
        known.retain(|(name, _)| arguments.bindings.contains(name));
    }
    if known.is_empty() {
        return Err(format!("no binding in {}", arguments.registry.display()));
    }
    Ok(known)
}

fn read_skips(path: &Path) -> Result<Skips, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
        Err(_) => Ok(Skips::new()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

fn print_failures(rows: &[(String, Row)]) {
    for (name, row) in rows {
        match row {
            Row::Ran(judgement) => judgement.failures.iter().for_each(|failure| println!("{name}: {failure}")),
            Row::NotRun(why) => println!("{name}: not run: {why}"),
        }
    }
}

fn print_matrix(kinds: &BTreeSet<&str>, rows: &[(String, Row)]) {
    let cell = |row: &Row, kind: &str| match row {
        Row::NotRun(_) => "not run".to_owned(),
        Row::Ran(judgement) => {
            let Count { passed, failed, skipped } = judgement.kinds.get(kind).copied().unwrap_or_default();
            let total = passed + failed + skipped;
            if skipped == 0 { format!("{passed}/{total}") } else { format!("{passed}/{total} ({skipped} skipped)") }
        }
    };
    let first = kinds.iter().map(|kind| kind.len()).max().unwrap_or_default().max("kind".len());
    let titles: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    println!("{:first$} {}", "kind", columns(titles.iter().map(|title| (*title).to_owned())));
    for kind in kinds {
        println!("{kind:first$} {}", columns(rows.iter().map(|(_, row)| cell(row, kind))));
    }
}

fn columns(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| format!("{cell:>16}")).collect::<Vec<_>>().join(" ")
}
