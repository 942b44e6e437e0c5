//! The vectors that drive coordinators: steps in their order, and what every step had its driver do.

use std::collections::BTreeMap;

use serde_json::Value;
use webex_oauth::coordinator::{Coordinator, Fresh, JobId, Op, Output, Refused, Ticket};
use webex_oauth::{Config, Secret};

use crate::functions::{group_config, revision};
use crate::print::{self, Out, out};
use crate::read::{self, Object, Read, may, natural, need, text};
use crate::steps::steps;

/// The coordinator of a step that names none.
const FIRST: &str = "a";

/// The coordinators of one test, and what each of them asked to save.
struct Stage {
    config: Config,
    coordinators: BTreeMap<String, Driven>,
    saved: BTreeMap<String, Vec<(u64, Secret)>>,
}

/// A coordinator, and what it published last.
struct Driven {
    coordinator: Coordinator,
    published: Option<Fresh>,
}

pub(crate) fn run(test: &Object, config: Option<&Value>) -> Read<Out> {
    let mut stage = Stage { config: group_config(config)?, coordinators: BTreeMap::new(), saved: BTreeMap::new() };
    steps(test, |step| stage.step(step))
}

impl Stage {
    fn step(&mut self, step: &Object) -> Read<Out> {
        let now = need(step, "at", read::now)?;
        let name = may(step, "coordinator", text)?.unwrap_or_else(|| FIRST.to_owned());
        let mut error = None;
        if let Some(open) = step.get("open") {
            error = self.open(&name, read::object(open)?)?;
            if error.is_some() {
                return Ok(out().put_some("error", error));
            }
        }
        let job = may(step, "done", |done| Ok(read::object(done)?.clone()))?;
        let job = match job {
            Some(done) => {
                let id = JobId(need(&done, "job", natural)?);
                Some((id, need(&done, "result", |value| read::done(value, |value| self.snapshot(value)))?))
            }
            None => None,
        };
        let driven = self.coordinators.get_mut(&name).ok_or_else(|| format!("there is no coordinator {name}"))?;
        if let Some(call) = may(step, "call", |call| Ok(read::object(call)?.clone()))? {
            let ticket = Ticket(need(&call, "ticket", natural)?);
            let call = need(&call, "call", read::call)?;
            error = driven.coordinator.call(now, ticket, call).err().map(|refused| match refused {
                Refused::TicketInUse => "ticket_in_use".into(),
                Refused::Misuse(misuse) => out().put("misuse", print::misuse(&misuse)).into(),
            });
        }
        if let Some((id, result)) = job {
            driven.coordinator.done(now, id, result);
        }
        if let Some(ticket) = may(step, "give_up", natural)? {
            driven.coordinator.give_up(Ticket(ticket));
        }
        if step.contains_key("wake") {
            driven.coordinator.wake(now);
        }
        if let Some(restarted) = step.get("restarted") {
            let seed = need(read::object(restarted)?, "seed", read::entropy)?;
            driven.coordinator.restarted(now, &seed);
        }
        let outputs: Vec<Output> = std::iter::from_fn(|| driven.coordinator.poll()).collect();
        for output in &outputs {
            match output {
                Output::Publish { fresh } => driven.published.clone_from(fresh),
                Output::Do { op: Op::Save { snapshot, revision, .. }, .. } => {
                    self.saved.entry(name.clone()).or_default().push((*revision, snapshot.clone()));
                }
                Output::Do { .. }
                | Output::Stop { .. }
                | Output::Resolve { .. }
                | Output::Show { .. }
                | Output::Tell { .. } => {}
            }
        }
        Ok(out()
            .put_some("error", error)
            .put("outputs", outputs.iter().map(print::output).collect::<Vec<_>>())
            .put_some("published", driven.published.as_ref().map(print::fresh))
            .and(print::coordinator(&driven.coordinator, now)))
    }

    fn open(&mut self, name: &str, given: &Object) -> Read<Option<Value>> {
        let stored = may(given, "stored", |value| self.snapshot(value))?;
        let options = read::options(&self.config, given)?;
        let seed = need(given, "seed", read::seed)?;
        Ok(match Coordinator::open(self.config.clone(), stored.as_ref(), seed, options) {
            Ok(coordinator) => {
                self.coordinators.insert(name.to_owned(), Driven { coordinator, published: None });
                None
            }
            Err(error) => Some(print::restore_error(&error)),
        })
    }

    /// A snapshot as text, or what a coordinator of this test asked to save: the last one, or the one of a revision.
    fn snapshot(&self, value: &Value) -> Read<Secret> {
        let Some(of) = value.get("of") else {
            return read::secret(value);
        };
        let (of, revision) = (text(of)?, revision(read::object(value)?)?);
        let saved = self.saved.get(&of).into_iter().flatten();
        let fits = |entry: &&(u64, Secret)| revision.is_none_or(|revision| entry.0 == revision);
        saved.rev().find(fits).map(|(_, secret)| secret.clone()).ok_or_else(|| format!("{of} did not save that"))
    }
}
