//! The drawing in `docs/state-diagram.md` and the machine say the same.
//!
//! `UPDATE_DOCS=1 cargo test -p webex-oauth diagram` writes the table of inputs anew; the drawing is written by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::walk::{Edge, Move, walk};

const PHASES: [&str; 3] = ["SignedOut", "SigningIn", "SignedIn"];
const MARK: &str = "<!-- table -->\n";

fn page() -> (PathBuf, String) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/state-diagram.md"));
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// `BeginLogin` is the method `begin_login`.
fn method(input: &str) -> String {
    let mut name = String::new();
    for letter in input.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn drawn() -> BTreeSet<(String, String, String)> {
    let (_, page) = page();
    let arrows = page.lines().filter_map(|line| line.trim().split_once(" --> ").filter(|(from, _)| *from != "[*]"));
    let mut edges = BTreeSet::new();
    for (from, rest) in arrows {
        let (to, labels) = rest.split_once(": ").unwrap();
        for label in labels.split(", ") {
            assert!(
                edges.insert((from.to_owned(), label.to_owned(), to.to_owned())),
                "{from} {label} {to} is drawn twice"
            );
        }
    }
    edges
}

/// Numbers that are always the same and look random (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> [u8; 8] {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_le_bytes()
    }
}

/// A walk with a few kinds of moves only: what is rare among thirty is common among six.
fn swarm(numbers: &mut Numbers) -> Vec<Move> {
    let [a, b, c, d, e, f, ..] = numbers.next();
    let kinds = [a, b, c, d, e, f].map(|kind| kind % 30);
    (0..30)
        .map(|_| {
            let [kind, which, a, b, ..] = numbers.next();
            [kinds[usize::from(kind) % kinds.len()], which, a, b]
        })
        .collect()
}

/// What chance finds too seldom: a host that fails while there is a session, a late token, other processes.
const RARE: [(u8, &[Move]); 21] = [
    (0, &[[8, 0, 0, 0], [3, 0, 0, 0], [25, 0, 2, 0]]),
    (0, &[[0, 4, 0, 0], [1, 6, 0, 0], [29, 2, 0, 0], [9, 1, 1, 0]]),
    (0, &[[8, 0, 0, 0], [19, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [29, 5, 0, 0], [9, 0, 0, 0]]),
    (0, &[[0, 0, 0, 0], [2, 0, 0, 0], [29, 2, 0, 0], [9, 0, 0, 0]]),
    (0, &[[8, 2, 0, 0], [12, 0, 0, 0], [20, 0, 11, 0]]),
    (0, &[[0, 4, 0, 0], [1, 6, 0, 0]]),
    (0, &[[8, 0, 0, 0], [0, 0, 0, 0], [1, 7, 0, 0]]),
    (0, &[[0, 0, 0, 0], [1, 7, 0, 0]]),
    (1, &[[8, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [18, 0, 0, 1]]),
    (1, &[[8, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [17, 0, 1, 0]]),
    (1, &[[8, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [16, 0, 0, 0]]),
    (1, &[[10, 0, 0, 0], [16, 0, 10, 0]]),
    (2, &[[10, 0, 0, 0], [17, 0, 1, 0]]),
    (0, &[[3, 0, 0, 0], [26, 0, 0, 0], [20, 6, 0, 0]]),
    (0, &[[0, 0, 0, 0], [2, 0, 0, 0], [9, 1, 0, 0]]),
    (1, &[[10, 0, 0, 0], [26, 0, 0, 0], [16, 6, 0, 0]]),
    (0, &[[8, 0, 0, 0], [28, 4, 0, 0], [19, 0, 0, 0], [29, 2, 0, 0], [24, 0, 0, 0], [9, 1, 1, 0]]),
    (0, &[[8, 0, 0, 0], [0, 0, 0, 0], [29, 2, 0, 0], [24, 0, 0, 0], [9, 1, 1, 0]]),
    (
        0,
        &[
            [8, 0, 0, 0],
            [28, 4, 0, 0],
            [19, 0, 0, 0],
            [28, 4, 0, 0],
            [8, 0, 0, 0],
            [0, 0, 0, 0],
            [29, 5, 0, 0],
            [24, 0, 0, 0],
            [9, 1, 2, 0],
        ],
    ),
    (0, &[[0, 0, 0, 0], [29, 0, 0, 0], [28, 4, 0, 0], [24, 0, 0, 0], [0, 0, 0, 0], [9, 1, 0, 0]]),
    (0, &[[8, 0, 0, 0], [0, 0, 0, 0], [29, 2, 0, 0], [28, 4, 0, 0], [0, 0, 0, 0], [9, 1, 1, 0]]),
];

#[test]
fn the_drawing_has_the_changes_of_phase_that_the_machine_makes() {
    let (mut numbers, mut driven) = (Numbers(1), BTreeSet::new());
    for number in 0..300_u16 {
        // The last two configurations have no time for anything.
        driven.extend(walk((number % 7) as u8, &swarm(&mut numbers)));
    }
    driven.extend(RARE.iter().flat_map(|(config, moves)| walk(*config, moves)));
    let named = |(from, input, to): Edge| (from.to_owned(), method(&input), to.to_owned());
    let driven: BTreeSet<_> = driven.into_iter().map(named).collect();
    let drawn = drawn();
    let (missing, surplus): (Vec<_>, Vec<_>) =
        (driven.difference(&drawn).collect(), drawn.difference(&driven).collect());
    assert!(missing.is_empty(), "docs/state-diagram.md lacks {missing:?}");
    assert!(surplus.is_empty(), "docs/state-diagram.md draws what the machine does not do: {surplus:?}");
}

/// The arms of the transition table: for each input, what happens in each phase.
fn arms() -> BTreeMap<String, [Vec<String>; 3]> {
    let source = include_str!("../../src/step.rs");
    let (_, table) = source.split_once("match (At::of(state), input) {").unwrap();
    let lines: Vec<&str> = table.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    let mut arms: BTreeMap<String, [Vec<String>; 3]> = BTreeMap::new();
    for arm in lines.join(" ").split(" (Sign").skip(1) {
        let arm = format!("Sign{arm}");
        let (pattern, action) = arm.split_once(" => ").unwrap();
        let (phases, input) = pattern.split_once("Input::").unwrap();
        let input = input.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        let row = arms.entry(input.to_owned()).or_default();
        for (phase, cell) in PHASES.iter().zip(row) {
            if phases.contains(phase) {
                let only = phases.split_once("SignedOutReason::").map(|(_, rest)| rest.split(')').next().unwrap());
                cell.push(only.map_or(String::new(), |reason| format!("{}: ", method(reason))) + &describe(action));
            }
        }
    }
    arms
}

/// The action that an arm names.
fn describe(action: &str) -> String {
    let action = action.trim_start_matches("{ ").trim_start_matches("Ok(");
    if action.starts_with("())") {
        return "–".to_owned();
    }
    if action.starts_with("Err(") {
        return "mistake".to_owned();
    }
    format!("`{}`", action.split('(').next().unwrap())
}

fn table() -> String {
    let mut text = String::from("| input | signed out | signing in | signed in |\n|---|---|---|---|\n");
    for (input, cells) in arms() {
        let cells = cells.map(|cell| cell.join("; ")).join(" | ");
        text.push_str(&format!("| `{}` | {cells} |\n", method(&input)));
    }
    text
}

#[test]
fn the_page_has_every_arm_of_the_transition_table() {
    let (path, page) = page();
    let (front, found) = page.split_once(MARK).unwrap();
    let expected = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{front}{MARK}{expected}")).unwrap();
        return;
    }
    assert_eq!(found, expected, "docs/state-diagram.md is not what step.rs says: run with UPDATE_DOCS=1");
}

#[test]
fn every_input_is_answered_in_every_phase() {
    let arms = arms();
    let source = include_str!("../../src/input.rs");
    let (_, body) = source.split_once("pub enum Input {").unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let inputs: BTreeSet<&str> = body
        .lines()
        .filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)))
        .map(|line| line.trim_end_matches([' ', '{', ',']))
        .collect();
    assert_eq!(arms.keys().map(String::as_str).collect::<BTreeSet<_>>(), inputs);
    for (input, cells) in &arms {
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{input}: {cells:?}");
    }
}
