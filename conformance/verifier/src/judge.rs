//! The judgement of one column: which tests it passed, and every way in which it did not.

use std::collections::BTreeMap;

use crate::column::{Answer, Column};
use crate::compare::{self, Difference};
use crate::vectors::{Test, Vectors};

/// So many differences of one test are shown.
const SHOWN: usize = 8;

/// Passed, failed and skipped tests of one kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// What a column is worth.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) kinds: BTreeMap<String, Count>,
    /// Failures that belong to no test: unknown ids, broken lines, canaries.
    pub(crate) others: usize,
    /// One readable text for each failure.
    pub(crate) failures: Vec<String>,
}

impl Judgement {
    pub(crate) fn passed(&self) -> usize {
        self.kinds.values().map(|count| count.passed).sum()
    }

    pub(crate) fn failed(&self) -> usize {
        self.kinds.values().map(|count| count.failed).sum::<usize>() + self.others
    }

    fn other(&mut self, failure: String) {
        self.others += 1;
        self.failures.push(failure);
    }
}

/// Judges what `column` answered to `vectors`. `reference` is the column that it has to equal in every detail, `skips`
/// are the ids that it may leave out.
pub(crate) fn judge(
    vectors: &Vectors,
    column: &Column,
    reference: Option<&Column>,
    skips: &BTreeMap<String, String>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for problem in &column.problems {
        judgement.other(problem.clone());
    }
    for id in column.answers.keys().filter(|id| !vectors.tests.contains_key(*id)) {
        judgement.other(format!("{id}: there is no such test"));
    }
    for (id, test) in &vectors.tests {
        let of = |column: &Column| column.answers.get(id).cloned();
        let verdict = judge_test(test, of(column), reference.and_then(of), skips.get(id));
        let count = judgement.kinds.entry(test.kind.clone()).or_default();
        match verdict {
            Ok(Passed::Really) => count.passed += 1,
            Ok(Passed::Skipped) => count.skipped += 1,
            Err(why) => {
                count.failed += 1;
                judgement.failures.push(format!("{id}: {}\n{why}", test.comment));
            }
        }
    }
    judgement
}

/// A canary expects something wrong: the column has to fail it.
pub(crate) fn judge_canaries(canaries: &Vectors, column: &Column, judgement: &mut Judgement) {
    if canaries.tests.is_empty() {
        judgement.other("there is no canary".to_owned());
    }
    for (id, test) in &canaries.tests {
        let passes = match column.answers.get(id) {
            Some(answer) => judge_test(test, Some(answer.clone()), None, None).is_ok(),
            None => {
                judgement.other(format!("{id}: the canary was not answered"));
                continue;
            }
        };
        if passes {
            judgement.other(format!("{id}: the canary expects something wrong, and passed"));
        }
    }
}

enum Passed {
    Really,
    Skipped,
}

fn judge_test(
    test: &Test,
    answer: Option<Answer>,
    reference: Option<Answer>,
    may_skip: Option<&String>,
) -> Result<Passed, String> {
    match (answer, may_skip) {
        (None, _) => Err("    was not answered".to_owned()),
        (Some(Answer::Skipped(_)), Some(_)) => Ok(Passed::Skipped),
        (Some(Answer::Skipped(why)), None) => Err(format!("    was skipped without leave: {why}")),
        (Some(Answer::Result(_)), Some(_)) => {
            Err("    may be skipped and is answered: take it off the list".to_owned())
        }
        (Some(Answer::Result(got)), None) => {
            let mut found = Vec::new();
            compare::expectation("result", &test.expected, Some(&got), &mut found);
            if !found.is_empty() {
                return Err(show("expected", &found));
            }
            if let Some(Answer::Result(reference)) = reference {
                compare::equality("result", Some(&reference), Some(&got), &mut found);
            }
            if found.is_empty() { Ok(Passed::Really) } else { Err(show("rust", &found)) }
        }
    }
}

fn show(side: &str, found: &[Difference]) -> String {
    let mut lines: Vec<String> = found
        .iter()
        .take(SHOWN)
        .map(|difference| {
            let Difference { path, expected, got } = difference;
            format!("    at {path}\n      {side:8} {}\n      got      {}", shorten(expected), shorten(got))
        })
        .collect();
    if found.len() > SHOWN {
        lines.push(format!("    and {} more", found.len() - SHOWN));
    }
    lines.join("\n")
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 900;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()),
        None => text.to_owned(),
    }
}
