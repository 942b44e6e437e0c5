//! `profiles`: which there are, and which is meant where none is named.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use webex_oauth::sealed::{self, Keys, Owner};
use webex_oauth::{SealedHeader, Secret};

use crate::args::{Global, ProfilesArgs};
use crate::failure::{Exit, Failure};
use crate::places::Profile;
use crate::settings::{Missing, Settings, edit};
use crate::store::{self, Wanted};
use crate::terminal::{DIM, STRONG, Terminal};

pub(crate) fn run(global: &Global, terminal: Terminal, args: &ProfilesArgs) -> Result<(), Failure> {
    let missing = if args.set_default.is_some() { Missing::IsMade } else { Missing::IsRefused };
    let settings = Settings::read_or_begin(global, terminal, missing)?;
    if let Some(name) = &args.set_default {
        let profile = Profile::parse(name)?;
        if !settings.profiles()?.contains(&profile) {
            let sentence = format!(
                "there is no profile {profile}; begin it with webex-oauth --profile {profile} setup, or its login"
            );
            return Err(Failure::new(Exit::Settings, sentence));
        }
        edit::set_default(&settings.config_file, &profile)?;
        terminal.done(&format!("Profile {profile} is the default now."));
        return Ok(());
    }
    // To look at a list takes no key; whoever has one sees more.
    let keys = settings.keys().ok().flatten();
    let row = |profile| Row::of(&settings, keys.as_ref(), profile);
    let rows: Vec<Row> = settings.profiles()?.into_iter().map(row).collect();
    if args.json {
        return terminal.json(&Value::Array(rows.iter().map(Row::as_json).collect()));
    }
    terminal.result(&rows.iter().map(Row::as_line).collect::<Vec<_>>().join("\n"))
}

struct Row {
    profile: Profile,
    is_current: bool,
    /// What is stored; an error where nobody can tell.
    kept: Result<Kept, Failure>,
}

/// What of a profile is stored, and where.
enum Kept {
    Nothing,
    Tokens(String),
    /// Whether there are tokens in it only its key would tell.
    Closed(String),
}

/// As much of a stored session as tells whether there are tokens in it.
#[derive(Deserialize)]
struct Grant {
    grant: Option<IgnoredAny>,
}

impl Row {
    fn of(settings: &Settings, keys: Option<&Keys>, profile: Profile) -> Self {
        let is_current = profile == settings.profile;
        // A file of its own choosing is that of the current profile.
        let session_file = settings.session_file.clone().filter(|_| is_current);
        let wanted =
            Wanted { kind: settings.store, profile: &profile, places: &settings.places, session_file, keys: None };
        let kept = store::open(&wanted).and_then(|opened| {
            let place = opened.place.to_string();
            Ok(match opened.store.load()? {
                None => Kept::Nothing,
                Some(stored) => Kept::read(&stored, keys, &profile, place),
            })
        });
        Self { profile, is_current, kept }
    }

    fn as_line(&self) -> String {
        let mark = if self.is_current { "*" } else { " " };
        let kept = match &self.kept {
            Ok(Kept::Tokens(place)) => format!("tokens in {place}"),
            Ok(Kept::Closed(place)) => format!("encrypted in {place}"),
            Ok(Kept::Nothing) => "no tokens".to_owned(),
            Err(failure) => failure.to_string(),
        };
        format!("{mark} {STRONG}{:<16}{STRONG:#} {DIM}{kept}{DIM:#}", self.profile.as_str())
    }

    fn as_json(&self) -> Value {
        let place = match &self.kept {
            Ok(Kept::Tokens(place) | Kept::Closed(place)) => Some(place),
            Ok(Kept::Nothing) | Err(_) => None,
        };
        json!({ "profile": self.profile.as_str(), "current": self.is_current, "kept_in": place })
    }
}

/// Whether it is certain that what a profile has stored is nobody's tokens.
pub(super) fn is_nobody(settings: &Settings, stored: &Secret) -> bool {
    let keys = settings.keys().ok().flatten();
    matches!(Kept::read(stored, keys.as_ref(), &settings.profile, String::new()), Kept::Nothing)
}

impl Kept {
    /// Who has signed out leaves a session behind that has no tokens.
    fn read(stored: &Secret, keys: Option<&Keys>, profile: &Profile, place: String) -> Self {
        let owner = Owner { tenant: "", user: profile.as_str() };
        let opened = match SealedHeader::read(stored.expose()) {
            None => Some(stored.clone()),
            Some(_) => keys.and_then(|keys| sealed::open(keys, owner, stored.expose()).ok()),
        };
        let Some(opened) = opened else { return Self::Closed(place) };
        match serde_json::from_str::<Grant>(opened.expose()) {
            Ok(Grant { grant: None }) => Self::Nothing,
            Ok(Grant { grant: Some(_) }) | Err(_) => Self::Tokens(place),
        }
    }
}
