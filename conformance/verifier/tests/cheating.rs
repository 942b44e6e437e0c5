//! The verifier on honest and on dishonest runners.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const VECTORS: &str = r#"{
  "schema": "vectors.schema.json", "kind": "scope", "notes": {},
  "groups": [{"source": "test", "tests": [
    {"id": "one", "comment": "First", "flags": [], "input": {"parse": {"text": "b a"}}, "expect": {"value": "a b"}},
    {"id": "two", "comment": "Second", "flags": [], "input": {"parse": {"text": "c"}}, "expect": {"value": "c"}}
  ]}]
}"#;
const CANARY: &str = r#"{
  "schema": "vectors.schema.json", "kind": "scope", "notes": {},
  "groups": [{"source": "test", "tests": [
    {"id": "canary", "comment": "Wrong", "flags": [], "input": {"parse": {"text": "x"}}, "expect": {"value": "y"}}
  ]}]
}"#;
const ONE: &str = r#"{"id":"one","result":{"value":"a b"}}"#;
const TWO: &str = r#"{"id":"two","result":{"value":"c"}}"#;
const HONEST_CANARY: &str = r#"{"id":"canary","result":{"value":"x"}}"#;

/// A suite in a folder of its own: vectors, canary, and runners that print what they are told to.
struct Suite(PathBuf);

impl Suite {
    fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&root);
        for folder in ["vectors", "canary", "bindings"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let suite = Self(root);
        suite.write("vectors/scope.json", VECTORS);
        suite.write("canary/canary.json", CANARY);
        suite
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.0.join(path), text).unwrap();
    }

    /// A runner that prints these lines for the vectors, and answers the canary honestly.
    fn runner(self, name: &str, lines: &[&str]) -> Self {
        self.script(
            name,
            &format!(
                "case $1 in *canary*) cat <<'E'\n{HONEST_CANARY}\nE\n;; *) cat <<'E'\n{}\nE\n;; esac",
                lines.join("\n")
            ),
        )
    }

    fn script(self, name: &str, script: &str) -> Self {
        let path = self.0.join("bindings").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn skips(self, skips: &str) -> Self {
        self.write("bindings/skips.json", skips);
        self
    }

    /// Runs the verifier: whether it was content, and what it printed.
    fn judge(&self) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webex-oauth-verifier"));
        for (argument, folder) in [("--vectors", "vectors"), ("--canaries", "canary"), ("--registry", "bindings")] {
            command.arg(argument).arg(self.0.join(folder));
        }
        let output = command.env_remove("CI").output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    fn fails(&self, because: &str) {
        let (content, printed) = self.judge();
        assert!(!content, "{printed}");
        assert!(printed.contains(because), "{because:?} is not in\n{printed}");
        let last = printed.lines().last().unwrap_or_default();
        assert!(last.contains(" failed") && !last.ends_with(" 0 failed"), "{last}");
    }
}

#[test]
fn an_honest_runner_passes() {
    let (content, printed) = Suite::new("honest").runner("rust", &[ONE, TWO]).judge();
    assert!(content, "{printed}");
    assert!(printed.ends_with("2 passed, 0 failed\n"), "{printed}");
    assert!(printed.contains("scope") && printed.contains("2/2"), "{printed}");
}

#[test]
fn a_wrong_result_fails_and_is_explained() {
    let suite = Suite::new("wrong").runner("rust", &[r#"{"id":"one","result":{"value":"b a"}}"#, TWO]);
    suite.fails("at result.value\n      expected \"a b\"\n      got      \"b a\"");
}

#[test]
fn a_missing_answer_fails() {
    Suite::new("missing").runner("rust", &[ONE]).fails("two: Second\n    was not answered");
}

#[test]
fn a_second_answer_fails() {
    Suite::new("duplicate").runner("rust", &[ONE, TWO, TWO]).fails("two: answered twice");
}

#[test]
fn an_answer_to_no_test_fails() {
    let suite = Suite::new("unknown").runner("rust", &[ONE, TWO, r#"{"id":"three","result":{}}"#]);
    suite.fails("three: there is no such test");
}

#[test]
fn a_skip_without_leave_fails() {
    let suite = Suite::new("skipped").runner("rust", &[ONE, r#"{"id":"two","skipped":"too hard"}"#]);
    suite.fails("was skipped without leave: too hard");
}

#[test]
fn a_skip_with_leave_passes_and_is_shown() {
    let suite = Suite::new("skip-with-leave").runner("rust", &[ONE, r#"{"id":"two","skipped":"no threads"}"#]);
    let (content, printed) = suite.skips(r#"{"rust": {"two": "this language has no threads"}}"#).judge();
    assert!(content && printed.contains("1/2 (1 skipped)"), "{printed}");
}

#[test]
fn a_listed_skip_that_is_answered_fails() {
    let suite = Suite::new("needless-skip").runner("rust", &[ONE, TWO]);
    suite.skips(r#"{"rust": {"two": "no longer true"}}"#).fails("take it off the list");
}

#[test]
fn no_lines_at_all_fail() {
    Suite::new("zero").script("rust", "exit 0").fails("the runner printed nothing");
}

#[test]
fn a_line_that_is_none_fails() {
    Suite::new("junk").runner("rust", &[ONE, TWO, "Compiling..."]).fails("not a line of a runner");
}

#[test]
fn a_line_with_neither_result_nor_skip_fails() {
    Suite::new("neither").runner("rust", &[ONE, r#"{"id":"two"}"#]).fails("two: neither a result nor a skip");
}

#[test]
fn a_runner_that_breaks_off_fails() {
    let suite = Suite::new("broken").script("rust", &format!("echo '{ONE}'; echo '{TWO}'; echo boom >&2; exit 3"));
    suite.fails("boom");
}

#[test]
fn a_canary_that_passes_fails_the_column() {
    let echo = format!(
        "case $1 in *canary*) echo '{}';; *) echo '{ONE}'; echo '{TWO}';; esac",
        r#"{"id":"canary","result":{"value":"y"}}"#
    );
    Suite::new("canary").script("rust", &echo).fails("canary: the canary expects something wrong, and passed");
}

#[test]
fn a_canary_that_is_not_answered_fails_the_column() {
    let echo = format!("case $1 in *canary*) ;; *) echo '{ONE}'; echo '{TWO}';; esac");
    Suite::new("no-canary").script("rust", &echo).fails("canary: the canary was not answered");
}

#[test]
fn a_column_that_differs_from_rust_fails() {
    let more = r#"{"id":"two","result":{"value":"c","debug":"x"}}"#;
    Suite::new("differs")
        .runner("rust", &[ONE, TWO])
        .runner("other", &[ONE, more])
        .fails("at result.debug\n      rust     nothing");
}

#[test]
fn a_missing_toolchain_is_shown_and_fails_in_ci_only() {
    let suite = Suite::new("not-run").runner("rust", &[ONE, TWO]).script("swift", "echo 'not run: no Swift'; exit 77");
    let (content, printed) = suite.judge();
    assert!(content && printed.contains("swift: not run: no Swift"), "{printed}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_webex-oauth-verifier"));
    for (argument, folder) in [("--vectors", "vectors"), ("--canaries", "canary"), ("--registry", "bindings")] {
        command.arg(argument).arg(suite.0.join(folder));
    }
    assert!(!command.env("CI", "true").output().unwrap().status.success());
}

#[test]
fn a_file_that_breaks_the_schema_fails() {
    let suite = Suite::new("schema").runner("rust", &[ONE, TWO]);
    suite.write(
        "vectors/scope.json",
        &VECTORS.replace("\"comment\": \"First\"", "\"comment\": \"First\", \"extra\": 1"),
    );
    suite.fails("extra");
}

#[test]
fn an_id_that_is_there_twice_fails() {
    let suite = Suite::new("twice").runner("rust", &[ONE, TWO]);
    suite.write("vectors/again.json", VECTORS);
    suite.fails("the id one is there twice");
}

#[test]
fn a_folder_without_vectors_fails() {
    let suite = Suite::new("empty").runner("rust", &[ONE, TWO]);
    std::fs::remove_file(suite.0.join("vectors/scope.json")).unwrap();
    let (content, printed) = suite.judge();
    assert!(!content && printed.ends_with("0 passed, 1 failed\n"), "{printed}");
}
