//! Playing a transcript again, step by step, and telling where it comes out differently.

use super::redact::{LoginPart, placeholder};
use super::{Header, Line, StepRecord, TranscriptError, VERSION, begun_login, misuse_name, summary};
use crate::logins::LoginId;
use crate::protocol::pkce;
use crate::secret::Entropy;
use crate::session::Session;
use crate::time::Timestamp;

/// As [`misuse_name`] has it.
const INVALID_ARGUMENT: &str = "invalid_argument";

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
///
/// # Errors
///
/// [`TranscriptError::Unreadable`] with the first line that is not one of a transcript, [`TranscriptError::NewerVersion`],
/// and [`TranscriptError::Config`] or [`TranscriptError::Session`] where what it begins with is refused. A step that comes
/// out otherwise is no error: [`Replay::is_faithful`].
pub fn replay(transcript: &str) -> Result<Replay, TranscriptError> {
    let mut lines = transcript.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, first) = lines.next().ok_or(TranscriptError::Unreadable { line: 1 })?;
    let header: Header = serde_json::from_str(first).map_err(|_| TranscriptError::Unreadable { line: 1 })?;
    if header.webex_oauth_transcript > VERSION {
        return Err(TranscriptError::NewerVersion { found: header.webex_oauth_transcript });
    }
    let mut session = Session::restore(header.config.build()?, &header.session)?;
    if header.coordinated {
        session.leave_beginning(header.name);
    }
    let mut logins: Vec<[(LoginPart, String); 4]> = Vec::new();
    let mut steps = Vec::new();
    for (number, text) in lines {
        let unreadable = TranscriptError::Unreadable { line: number + 1 };
        let line: Line = serde_json::from_str(text).map_err(|_| unreadable.clone())?;
        let name = name_of(text).ok_or_else(|| unreadable.clone())?;
        let at = Timestamp::from_millis(line.at);
        let entropy = entropy(logins.len()).ok_or(unreadable)?;
        let verifier = pkce::verifier(&entropy).expose().to_owned();
        let fill_in = |text: String| {
            let parts = logins.iter().enumerate().rev().flat_map(|(index, parts)| {
                parts.iter().map(move |(part, value)| (placeholder(*part, index + 1), value))
            });
            parts.fold(text, |text, (placeholder, value)| text.replace(&placeholder, value))
        };
        let mut recorded = line.output;
        recorded.extend(line.error.as_ref().map(|error| format!("error {error}")));
        let wake = |at: Option<i64>| at.map(|at| format!("wake at {at}"));
        recorded.extend(wake(line.wake_at));
        // What was wrong with an argument is not written down; such a call has changed nothing.
        if line.error.as_deref() == Some(INVALID_ARGUMENT) {
            steps.push(ReplayStep { at, input: name, replayed: recorded.clone(), recorded, phase: session.phase() });
            continue;
        }
        let result = match line.input {
            StepRecord::Input(input) => session.handle(at, input.into_input(entropy, fill_in)),
            StepRecord::Guarded(action) => Ok(session.act(at, &action.into_action(fill_in))),
        };
        let replayed = match &result {
            Ok(output) => {
                logins.extend(begun_login(output).map(|login| {
                    let mark = login.mark.map(|mark| mark.as_str().to_owned()).unwrap_or_default();
                    let id = LoginId::of_state(&login.state).map(|id| id.as_str().to_owned()).unwrap_or_default();
                    [
                        (LoginPart::State, login.state),
                        (LoginPart::Verifier, verifier.clone()),
                        (LoginPart::Mark, mark),
                        (LoginPart::Id, id),
                    ]
                }));
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
