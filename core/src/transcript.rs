//! Recording and replay: a bug report is a file.
//!
//! A transcript holds the configuration, the session as it was when recording began, and every input with what it led
//! to. Secrets are replaced by placeholders that stand for the same secret wherever it occurs, so that a replay takes
//! the same decisions. What is not known to be harmless is left out: bodies that are not JSON, unknown members, names
//! and addresses of people, headers beyond `retry-after` and `trackingid`.
//!
//! Turn it on with [`Session::start_recording`](crate::Session::start_recording) right after a session was made or
//! restored: request numbers count from there.

mod format;
mod guarded;
mod names;
mod redact;
mod replay;

use serde::{Deserialize, Serialize};

pub use self::replay::{Replay, ReplayStep, replay};
use crate::action::guarded::Guarded;
use crate::config::Config;
use crate::effect::{Effect, Output};
use crate::error::{ErrorCode, Fault, Misuse};
use crate::event::Event;
use crate::input::Input;
use crate::logins::LoginMark;
use crate::secret::Secret;
use crate::state::COUNT_BITS;
use crate::time::Timestamp;
use format::{ConfigRecord, InputRecord};
use guarded::GuardedRecord;
use redact::{BegunLogin, Redactor};

/// The highest version that is read.
const VERSION: u32 = 2;
/// What is written where no coordinator has the session.
const VERSION_WITHOUT_COORDINATOR: u32 = 1;

/// Why a file cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// A line is not one of a transcript.
    #[error("line {line} is not one of a transcript")]
    Unreadable {
        /// Counted from 1.
        line: usize,
    },
    /// Written by a newer version of this library.
    #[error("the transcript is of version {found}, this library reads up to {VERSION}")]
    NewerVersion {
        /// The version found.
        found: u32,
    },
    /// The configuration in it is refused.
    #[error("the transcript's configuration is refused: {0}")]
    Config(#[from] crate::config::ConfigError),
    /// The session in it is refused.
    #[error("the transcript's session is refused: {0}")]
    Session(#[from] crate::snapshot::RestoreError),
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    webex_oauth_transcript: u32,
    config: ConfigRecord,
    session: String,
    /// A coordinator has the session, which begins no request by itself then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    coordinated: bool,
    /// That coordinator's name: it is in the logins that it has ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    name: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct Line {
    at: i64,
    input: StepRecord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    output: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wake_at: Option<i64>,
}

/// What the session was given.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StepRecord {
    Input(InputRecord),
    Guarded(GuardedRecord),
}

/// Writes a transcript while a session runs.
pub(crate) struct Recorder {
    redactor: Redactor,
    text: String,
    pending: Option<(Timestamp, StepRecord)>,
}

impl Recorder {
    pub(crate) fn new(config: &Config, snapshot: &Secret, coordinator: Option<u32>) -> Self {
        let mut redactor = Redactor::of(config);
        let header = Header {
            webex_oauth_transcript: if coordinator.is_some() { VERSION } else { VERSION_WITHOUT_COORDINATOR },
            config: ConfigRecord::of(config),
            session: redactor.snapshot(snapshot.expose()),
            coordinated: coordinator.is_some(),
            name: coordinator.unwrap_or(0),
        };
        let mut recorder = Self { redactor, text: String::new(), pending: None };
        recorder.push(&header);
        recorder
    }

    /// Before the step.
    pub(crate) fn input(&mut self, now: Timestamp, input: &Input) {
        self.pending = Some((now, StepRecord::Input(InputRecord::of(input, &mut self.redactor))));
    }

    /// The same for what a coordinator asks.
    pub(crate) fn action(&mut self, now: Timestamp, action: &Guarded) {
        self.pending = Some((now, StepRecord::Guarded(GuardedRecord::of(action, &mut self.redactor))));
    }

    /// After it.
    pub(crate) fn output(&mut self, result: Result<&Output, &Misuse>) {
        let Some((now, input)) = self.pending.take() else { return };
        let mut line = Line { at: now.as_millis(), input, output: Vec::new(), error: None, wake_at: None };
        match result {
            Ok(output) => {
                if let Some(login) = begun_login(output) {
                    self.redactor.know_login(&login);
                }
                for effect in &output.effects {
                    if let Effect::Send { request } = effect {
                        self.redactor.know_sent(request);
                    }
                }
                line.output = summary(output);
                line.wake_at = output.wake_at.map(Timestamp::as_millis);
            }
            Err(misuse) => line.error = Some(misuse_name(misuse).to_owned()),
        }
        self.push(&line);
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn push(&mut self, line: &impl Serialize) {
        // Strings, numbers and maps with string keys always serialize.
        self.text.push_str(&serde_json::to_string(line).unwrap_or_default());
        self.text.push('\n');
    }
}

/// The login whose URL is in this output.
fn begun_login(output: &Output) -> Option<BegunLogin> {
    output.effects.iter().find_map(|effect| match effect {
        Effect::OpenBrowser { url } => {
            let (_, query) = url.expose().split_once('?')?;
            let param = |wanted| crate::protocol::form::parse(query).find(|(name, _)| name == wanted);
            let state = param("state")?.1.into_owned();
            let challenge = param("code_challenge").and_then(|(_, value)| LoginMark::read(&value));
            Some(BegunLogin { mark: challenge.or_else(|| LoginMark::of(&state)), state })
        }
        _ => None,
    })
}

/// The decisions, one word or a few each: what a replay has to come to again.
fn summary(output: &Output) -> Vec<String> {
    output.effects.iter().map(describe).collect()
}

fn describe(effect: &Effect) -> String {
    match effect {
        Effect::Persist { revision, .. } => format!("persist {}", revision % (1 << COUNT_BITS)),
        Effect::Send { request } => format!("send {} {} to {}", request.id.0, request.purpose.as_str(), request.url()),
        Effect::OpenBrowser { .. } => "open_browser".to_owned(),
        Effect::ShowDeviceCode { .. } => "show_device_code".to_owned(),
        Effect::AskForJwt { id } => format!("ask_for_jwt {}", id.0),
        Effect::AskForToken { id, .. } => format!("ask_for_token {}", id.0),
        Effect::Notify { event } => format!("notify {}{}", event.name(), event_details(event)),
    }
}

fn event_details(event: &Event) -> String {
    match event {
        Event::SignedIn { via, generation, .. } => format!(" {} generation {generation}", via.as_str()),
        Event::TokensRefreshed { generation, unchanged, rotated } => {
            format!(" generation {generation}, unchanged {unchanged}, rotated {rotated}")
        }
        Event::RefreshFailed { fault, retry_at } => format!("{}, retry at {}", outline(fault), retry_at.as_millis()),
        Event::LoginFailed { via, fault, .. } => format!(" {}{}", via.as_str(), outline(fault)),
        Event::DownscopeFailed { fault, .. } | Event::RevokeFailed { fault } => outline(fault),
        Event::CallbackIgnored { reason } => format!(" {reason:?}"),
        Event::SignInNeeded { reason } => format!(" {reason:?}"),
        Event::StoreIgnored { reason } => format!(" {reason:?}"),
        Event::DevicePending { next_poll_at } => format!(" until {}", next_poll_at.as_millis()),
        Event::SignedOut { reason, fault } => {
            format!(" {}{}", reason.as_str(), fault.as_deref().map(outline).unwrap_or_default())
        }
        Event::StaleResponse { id } => format!(" {}", id.0),
        Event::RefreshTokenExpiresSoon { at } => format!(" at {}", at.as_millis()),
        Event::LeniencyUsed { deviations } => {
            deviations.iter().fold(String::new(), |text, deviation| text + " " + deviation.as_str())
        }
        Event::NotRevoked { why } => format!(" {}", why.as_str()),
        Event::TokenWithheld { host, why } => format!(" {host} {}", why.as_str()),
        Event::ScopeChanged { .. } | Event::Downscoped { .. } | Event::UserTokenDropped { .. } => String::new(),
    }
}

/// Kind, code and status: what a decision hangs on, without a server's words.
fn outline(fault: &Fault) -> String {
    let mut text = format!(" {:?}", fault.kind);
    if let Some(code) = &fault.code {
        // Another one is a server's text.
        text = text + " " + ErrorCode::known(code.as_str()).map_or("other", |_| code.as_str());
    }
    if let Some(status) = fault.status {
        text = format!("{text} HTTP {status}");
    }
    text
}

fn misuse_name(misuse: &Misuse) -> &'static str {
    match misuse {
        Misuse::NotConfigured { .. } => "not_configured",
        Misuse::InvalidArgument { .. } => "invalid_argument",
        Misuse::NotSignedIn { .. } => "not_signed_in",
        Misuse::CannotRefresh { .. } => "cannot_refresh",
        Misuse::ScopeNotReducible { .. } => "scope_not_reducible",
    }
}
