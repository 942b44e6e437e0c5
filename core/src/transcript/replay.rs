//! Playing a transcript again, step by step, and telling where it comes out differently.

use super::redact::login_placeholder;
use super::{Header, Line, TranscriptError, VERSION, login_state, misuse_name, summary};
use crate::secret::Entropy;
use crate::session::Session;
use crate::time::Timestamp;

/// A transcript played again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Each input and what it led to.
    pub steps: Vec<ReplayStep>,
}

impl Replay {
    /// True where every step came to what was recorded.
    pub fn is_faithful(&self) -> bool {
        self.steps.iter().all(ReplayStep::is_faithful)
    }
}

/// One input of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayStep {
    /// When, by the recorded clock.
    pub at: Timestamp,
    /// The input's name: `begin_login`, `response`, …
    pub input: String,
    /// What was recorded.
    pub recorded: Vec<String>,
    /// What it led to now.
    pub replayed: Vec<String>,
    /// Where the session is then.
    pub phase: crate::access::Phase,
}

impl ReplayStep {
    /// True where it came to what was recorded.
    pub fn is_faithful(&self) -> bool {
        self.recorded == self.replayed
    }
}

/// Plays a transcript. Needs nothing but the file: no network, no clock, no secrets.
pub fn replay(transcript: &str) -> Result<Replay, TranscriptError> {
    let mut lines = transcript.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, first) = lines.next().ok_or(TranscriptError::Unreadable { line: 1 })?;
    let header: Header = serde_json::from_str(first).map_err(|_| TranscriptError::Unreadable { line: 1 })?;
    if header.webex_oauth_transcript > VERSION {
        return Err(TranscriptError::NewerVersion { found: header.webex_oauth_transcript });
    }
    let mut session = Session::restore(header.config.build()?, &header.session)?;
    let mut states: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    for (number, text) in lines {
        let unreadable = TranscriptError::Unreadable { line: number + 1 };
        let line: Line = serde_json::from_str(text).map_err(|_| unreadable.clone())?;
        let name = name_of(text).ok_or_else(|| unreadable.clone())?;
        let at = Timestamp::from_millis(line.at);
        let entropy = entropy(states.len()).ok_or(unreadable)?;
        let fill_in = |text: String| {
            states
                .iter()
                .enumerate()
                .rev()
                .fold(text, |text, (index, state)| text.replace(&login_placeholder(index + 1), state))
        };
        let result = session.handle(at, line.input.into_input(entropy, fill_in));
        let wake = |at: Option<i64>| at.map(|at| format!("wake at {at}"));
        let mut recorded = line.output;
        recorded.extend(line.error.map(|error| format!("error {error}")));
        recorded.extend(wake(line.wake_at));
        let replayed = match &result {
            Ok(output) => {
                states.extend(login_state(output));
                let mut replayed = summary(output);
                replayed.extend(wake(output.wake_at.map(Timestamp::as_millis)));
                replayed
            }
            Err(misuse) => vec![format!("error {}", misuse_name(misuse))],
        };
        steps.push(ReplayStep { at, input: name, recorded, replayed, phase: session.phase() });
    }
    Ok(Replay { steps })
}

/// The name of the input, as it is written.
fn name_of(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    match line.get("input")? {
        serde_json::Value::String(name) => Some(name.clone()),
        serde_json::Value::Object(input) => input.keys().next().cloned(),
        _ => None,
    }
}

/// Stands for the randomness of the n-th login.
fn entropy(login: usize) -> Option<Entropy> {
    let bytes: Vec<u8> = (0..Entropy::LEN).map(|index| index.wrapping_add(login) as u8).collect();
    Entropy::new(&bytes).ok()
}
