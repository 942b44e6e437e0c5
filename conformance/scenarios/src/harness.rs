//! A running harness: lines go in, answers come out.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::driver::Driver;
use crate::stage::{Done, Trouble};

/// No command takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Commands that a driver may lack.
const OPTIONAL: [&str; 2] = ["login_browser", "cancel"];

pub(crate) struct Harness {
    child: Child,
    input: Option<ChildStdin>,
    shared: Arc<Mutex<Shared>>,
    next_id: u64,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: HashMap<u64, Sender<Value>>,
    /// Errors, events and diagnostics: what must not contain a secret.
    said: String,
}

/// A command that has been given.
pub(crate) struct Pending {
    pub(crate) id: u64,
    name: String,
    answers: Receiver<Value>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Harness {
    pub(crate) fn start(driver: &Driver) -> Done<Self> {
        Self::start_with(driver, &[])
    }

    pub(crate) fn start_with(driver: &Driver, variables: &[(&str, &str)]) -> Done<Self> {
        let mut command = driver.command();
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the harness does not start: {error}"))?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let mut readers = Vec::new();
        if let Some(out) = child.stdout.take() {
            readers.push(read(out, &shared, answer));
        }
        if let Some(err) = child.stderr.take() {
            readers.push(read(err, &shared, |shared, line| {
                shared.said.push_str(line);
                shared.said.push('\n');
            }));
        }
        let mut harness = Self { input: child.stdin.take(), child, shared, next_id: 0, readers };
        let hello = harness.ask("hello", "{}")?;
        if hello["protocol"] != 1 {
            return Err(format!("the harness speaks another protocol: {hello}").into());
        }
        Ok(harness)
    }

    /// Gives a command with these members.
    pub(crate) fn give(&mut self, name: &str, members: impl Members) -> Done<Pending> {
        self.next_id += 1;
        let id = self.next_id;
        let mut command = members.members();
        command.insert("id".to_owned(), id.into());
        command.insert("do".to_owned(), name.into());
        let (sender, answers) = channel();
        lock(&self.shared).waiting.insert(id, sender);
        let line = format!("{}\n", Value::Object(command));
        let input = self.input.as_mut().ok_or("the harness has been told to end")?;
        let written = input.write_all(line.as_bytes()).and_then(|()| input.flush());
        written.map_err(|error| format!("{name}: the harness is gone ({error})"))?;
        Ok(Pending { id, name: name.to_owned(), answers })
    }

    /// Gives a command and waits for its answer, which has to be `ok`.
    pub(crate) fn ask(&mut self, name: &str, members: impl Members) -> Done<Value> {
        self.give(name, members)?.ok()
    }

    /// Gives a command that has to fail.
    pub(crate) fn fail(&mut self, name: &str, members: impl Members) -> Done<Value> {
        self.give(name, members)?.error()
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) -> Done {
        let mut kill = std::process::Command::new("kill");
        let status = kill.arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err("the signal was not sent".into()) }
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Closes its input and waits for its end; then everything it had to say is there.
    pub(crate) fn end(&mut self) -> String {
        drop(self.input.take());
        let begun = std::time::Instant::now();
        while begun.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.kill();
        for reader in self.readers.drain(..) {
            // A panic there has been printed.
            let _ = reader.join();
        }
        std::mem::take(&mut lock(&self.shared).said)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Pending {
    fn next(&self) -> Done<Value> {
        self.answers.recv_timeout(PATIENCE).map_err(|error| {
            let how = match error {
                RecvTimeoutError::Timeout => "no answer within 30 s",
                RecvTimeoutError::Disconnected => "the harness ended without an answer",
            };
            format!("{}: {how}", self.name).into()
        })
    }

    /// A line that goes before the answer.
    pub(crate) fn progress(&self) -> Done<Value> {
        let line = self.next()?;
        if self.lacks(&line) {
            return Err(Trouble::Unsupported(self.name.clone()));
        }
        Ok(line)
    }

    pub(crate) fn ok(self) -> Done<Value> {
        let line = self.progress()?;
        let problem = || format!("{}: {line}", self.name).into();
        line.get("ok").cloned().ok_or_else(problem)
    }

    pub(crate) fn error(self) -> Done<Value> {
        let line = self.progress()?;
        let problem = || format!("{}: it had to fail, and answered {line}", self.name).into();
        line.get("error").cloned().ok_or_else(problem)
    }

    fn lacks(&self, line: &Value) -> bool {
        line["error"]["kind"] == "unsupported" && OPTIONAL.contains(&self.name.as_str())
    }
}

fn read(
    from: impl std::io::Read + Send + 'static,
    shared: &Arc<Mutex<Shared>>,
    take: fn(&mut Shared, &str),
) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            take(&mut lock(&shared), &line);
        }
        // Nobody gets an answer any more.
        if take as usize == answer as fn(&mut Shared, &str) as usize {
            lock(&shared).waiting.clear();
        }
    })
}

fn answer(shared: &mut Shared, line: &str) {
    let Ok(answer) = serde_json::from_str::<Value>(line) else {
        shared.said.push_str(line);
        return;
    };
    collect(&answer, &mut shared.said);
    let Some(id) = answer["id"].as_u64() else {
        return;
    };
    let is_last = answer.get("ok").is_some() || answer.get("error").is_some();
    let sender = if is_last { shared.waiting.remove(&id) } else { shared.waiting.get(&id).cloned() };
    if let Some(sender) = sender {
        // Who gave the command may have lost interest.
        let _ = sender.send(answer);
    }
}

/// Errors and events, wherever they are in a line.
fn collect(value: &Value, said: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if matches!(name.as_str(), "error" | "refresh_error" | "events") {
                    said.push_str(&member.to_string());
                    said.push('\n');
                } else {
                    collect(member, said);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, said)),
        _ => {}
    }
}

/// The members of a command: an object, or its text.
pub(crate) trait Members {
    fn members(self) -> Map<String, Value>;
}

impl Members for Value {
    fn members(self) -> Map<String, Value> {
        if let Value::Object(members) = self { members } else { Map::new() }
    }
}

impl Members for &str {
    fn members(self) -> Map<String, Value> {
        serde_json::from_str(self).unwrap_or_default()
    }
}
