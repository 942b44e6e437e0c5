//! The runner of the Rust column: reads vectors, calls the public API, prints what it answers. It judges nothing.
//!
//! usage: rust-runner PATH...     files or folders; one JSON line per test on standard output

mod coordinator;
mod functions;
mod print;
mod read;
mod steps;
mod transcript;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::print::out;
use crate::read::Read;

fn main() -> ExitCode {
    let mut files = Vec::new();
    for path in std::env::args_os().skip(1) {
        find(Path::new(&path), &mut files);
    }
    files.sort();
    match files.iter().try_for_each(|file| run_file(file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("rust-runner: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn find(path: &Path, files: &mut Vec<PathBuf>) {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| find(&entry.path(), files)),
        Err(_) if path.extension().is_some_and(|extension| extension == "json") => files.push(path.to_owned()),
        Err(_) => {}
    }
}

fn run_file(path: &Path) -> Read<()> {
    let named = |problem: String| format!("{}: {problem}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let file: Value = serde_json::from_str(&text).map_err(|error| named(error.to_string()))?;
    let kind = file.get("kind").and_then(Value::as_str).unwrap_or_default();
    let groups = file.get("groups").and_then(Value::as_array).into_iter().flatten();
    for group in groups {
        for test in group.get("tests").and_then(Value::as_array).into_iter().flatten() {
            let line = answer(kind, test, group.get("config")).map_err(named)?;
            writeln!(std::io::stdout().lock(), "{line}").map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// `{"id", "result"}`, or `{"id", "skipped"}` where the test asks for something that is not understood here.
fn answer(kind: &str, test: &Value, config: Option<&Value>) -> Read<Value> {
    let test = read::object(test)?;
    let id = read::need(test, "id", read::text)?;
    let result = match (kind, test.get("input")) {
        ("transcript", _) => transcript::run(test, config),
        ("coordinator", _) => coordinator::run(test, config),
        (_, Some(input)) => functions::call(kind, input, config),
        (_, None) => Err("input is missing".to_owned()),
    };
    Ok(match result {
        Ok(result) => out().put("id", id).put("result", result),
        Err(problem) => out().put("id", id).put("skipped", problem),
    }
    .into())
}
