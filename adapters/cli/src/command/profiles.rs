//! `profiles`: which there are, and which is meant where none is named.

use serde_json::{Value, json};

use crate::args::{Global, ProfilesArgs};
use crate::failure::Failure;
use crate::places::Profile;
use crate::settings::{Settings, edit};
use crate::store::{self, Wanted};
use crate::terminal::{DIM, STRONG, Terminal};

pub(crate) fn run(global: &Global, terminal: Terminal, args: &ProfilesArgs) -> Result<(), Failure> {
    let settings = Settings::read(global)?;
    if let Some(name) = &args.set_default {
        let profile = Profile::parse(name)?;
        edit::set_default(&settings.config_file, &profile)?;
        terminal.done(&format!("Profile {profile} is the default now."));
        return Ok(());
    }
    let rows: Vec<Row> = settings.profiles()?.into_iter().map(|profile| Row::of(&settings, profile)).collect();
    if args.json {
        return terminal.json(&Value::Array(rows.iter().map(Row::as_json).collect()));
    }
    terminal.result(&rows.iter().map(Row::as_line).collect::<Vec<_>>().join("\n"))
}

struct Row {
    profile: Profile,
    is_current: bool,
    /// Where its tokens are; an error where nobody can tell.
    place: Result<Option<String>, Failure>,
}

impl Row {
    fn of(settings: &Settings, profile: Profile) -> Self {
        let is_current = profile == settings.profile;
        // A file of its own choosing is that of the current profile.
        let session_file = settings.session_file.clone().filter(|_| is_current);
        // Whether there are any is seen without a key.
        let wanted =
            Wanted { kind: settings.store, profile: &profile, places: &settings.places, session_file, keys: None };
        let place = store::open(&wanted).and_then(|opened| {
            let stored = opened.store.load()?;
            Ok(stored.map(|_| opened.place.to_string()))
        });
        Self { profile, is_current, place }
    }

    fn as_line(&self) -> String {
        let mark = if self.is_current { "*" } else { " " };
        let place = match &self.place {
            Ok(Some(place)) => format!("tokens in {place}"),
            Ok(None) => "no tokens".to_owned(),
            Err(failure) => failure.sentence.clone(),
        };
        format!("{mark} {STRONG}{:<16}{STRONG:#} {DIM}{place}{DIM:#}", self.profile.as_str())
    }

    fn as_json(&self) -> Value {
        let place = self.place.as_ref().ok().cloned().flatten();
        json!({ "profile": self.profile.as_str(), "current": self.is_current, "kept_in": place })
    }
}
