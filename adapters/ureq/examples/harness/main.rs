//! The driver's side of conformance/scenarios: lines in, calls, lines out. It decides nothing and checks nothing.

mod commands;
mod config;
mod report;

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use webex_oauth_ureq::{Client, ClientEvent, MemoryStore};

/// What the commands share.
#[derive(Default)]
pub(crate) struct Harness {
    pub(crate) clients: Mutex<HashMap<String, Opened>>,
    pub(crate) memories: Mutex<HashMap<String, MemoryStore>>,
    /// How far the clock is ahead of the machine's.
    pub(crate) ahead: Arc<AtomicI64>,
}

#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) client: Client,
    pub(crate) events: Arc<Mutex<Receiver<ClientEvent>>>,
}

impl Harness {
    pub(crate) fn now(&self) -> i64 {
        webex_oauth_driver::now().as_millis() + self.ahead.load(Ordering::SeqCst)
    }
}

fn main() {
    let harness = Arc::new(Harness::default());
    let mut running: Vec<JoinHandle<()>> = Vec::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let command: Value = serde_json::from_str(&line).expect("a JSON object per line");
        let harness = Arc::clone(&harness);
        // No command waits for another one.
        running.push(std::thread::spawn(move || {
            let id = command["id"].clone();
            match commands::run(&harness, &command) {
                Ok(ok) => say(&json!({ "id": id, "ok": ok })),
                Err(error) => say(&json!({ "id": id, "error": error })),
            }
        }));
        running.retain(|thread| !thread.is_finished());
    }
    let clients: Vec<_> = harness.clients.lock().unwrap().drain().collect();
    clients.iter().for_each(|(_, opened)| opened.client.close());
    running.into_iter().for_each(|thread| drop(thread.join()));
}

pub(crate) fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
