//! The vectors that drive sessions: steps in their order, and what every step led to.

use std::collections::BTreeMap;

use serde_json::Value;
use webex_oauth::{Config, Effect, Secret, Session, Timestamp};

use crate::functions::{group_config, queries, revision};
use crate::print::{self, Out, out};
use crate::read::{self, Object, Read, may, need, scope, text, time};
use crate::steps::steps;

/// The session of a step that names none.
const FIRST: &str = "a";

/// The sessions of one test, and what each of them stored.
struct Stage {
    config: Config,
    sessions: BTreeMap<String, Session>,
    stored: BTreeMap<String, Vec<(u64, Secret)>>,
}

pub(crate) fn run(test: &Object, config: Option<&Value>) -> Read<Out> {
    let config = group_config(config)?;
    let seed = test.get("seed").cloned().unwrap_or_else(|| 0.into());
    let first = Session::new(config.clone(), read::seed(&seed)?);
    let sessions = BTreeMap::from([(FIRST.to_owned(), first)]);
    let mut stage = Stage { config, sessions, stored: BTreeMap::new() };
    steps(test, |step| stage.step(step))
}

impl Stage {
    fn step(&mut self, step: &Object) -> Read<Out> {
        let now = need(step, "at", time)?;
        let name = may(step, "session", text)?.unwrap_or_else(|| FIRST.to_owned());
        let mut result = out();
        if let Some(new) = step.get("new") {
            let seed = need(read::object(new)?, "seed", read::seed)?;
            self.sessions.insert(name.clone(), Session::new(self.config.clone(), seed));
        }
        if let Some(restore) = step.get("restore") {
            let snapshot = need(read::object(restore)?, "snapshot", |value| self.snapshot(value))?;
            match Session::restore(self.config.clone(), snapshot.expose()) {
                Ok(session) => {
                    self.sessions.insert(name.clone(), session);
                }
                Err(error) => result = result.put("error", print::restore_error(&error)),
            }
        }
        if let Some(input) = step.get("input") {
            let input = read::input(input, |value| self.snapshot(value))?;
            match self.session(&name)?.handle(now, input) {
                Ok(output) => {
                    self.keep(&name, &output.effects);
                    let effects: Vec<Value> = output.effects.iter().map(print::effect).collect();
                    result = result.put("effects", effects);
                }
                Err(misuse) => result = result.put("error", print::misuse(&misuse)),
            }
        }
        let session = self.session(&name)?;
        result = result.and(queries(session, now));
        match step.get("ask") {
            Some(asked) => Ok(result.put("answers", answers(session, now, read::object(asked)?)?)),
            None => Ok(result),
        }
    }

    fn session(&mut self, name: &str) -> Read<&mut Session> {
        self.sessions.get_mut(name).ok_or_else(|| format!("there is no session {name}"))
    }

    fn keep(&mut self, name: &str, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Persist { snapshot, revision, .. } = effect {
                self.stored.entry(name.to_owned()).or_default().push((*revision, snapshot.clone()));
            }
        }
    }

    /// A snapshot as text, or what a session of this test stored: the last one, or the one of a revision.
    fn snapshot(&self, value: &Value) -> Read<Secret> {
        let Some(of) = value.get("of") else {
            return read::secret(value);
        };
        let (of, revision) = (text(of)?, revision(read::object(value)?)?);
        let stored = self.stored.get(&of).into_iter().flatten();
        let fits = |entry: &&(u64, Secret)| revision.is_none_or(|revision| entry.0 == revision);
        stored.rev().find(fits).map(|(_, secret)| secret.clone()).ok_or_else(|| format!("{of} did not store that"))
    }
}

/// Questions with an argument.
fn answers(session: &Session, now: Timestamp, asked: &Object) -> Read<Out> {
    let access_for = may(asked, "access_for", scope)?.map(|scope| print::access(&session.access_for(now, &scope)));
    let awaits = may(asked, "awaits", read::id)?.map(|id| session.awaits(id));
    let logout_url = match may(asked, "logout_url", |asked| read::object(asked).cloned())? {
        Some(asked) => session.logout_url(may(&asked, "goto", text)?.as_deref()),
        None => None,
    };
    Ok(out()
        .put_some("access_for", access_for)
        .put_some("awaits", awaits)
        .put_some("logout_url", logout_url.as_ref().map(Secret::expose)))
}
