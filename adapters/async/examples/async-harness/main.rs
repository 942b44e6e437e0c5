//! The driver's side of conformance/scenarios: lines in, calls, lines out. It decides nothing and checks nothing.

mod commands;
mod config;
mod report;

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinSet};
use webex_oauth_async::{Client, Events, MemoryStore};

/// What the commands share.
#[derive(Default)]
pub(crate) struct Harness {
    pub(crate) clients: Mutex<HashMap<String, Opened>>,
    pub(crate) memories: Mutex<HashMap<String, MemoryStore>>,
    /// How far the clock is ahead of the machine's.
    pub(crate) ahead: Arc<AtomicI64>,
    /// Commands that are waiting, by their id.
    pub(crate) running: Mutex<HashMap<String, AbortHandle>>,
}

#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) client: Client,
    pub(crate) events: Arc<Mutex<Events>>,
}

impl Harness {
    pub(crate) fn now(&self) -> i64 {
        webex_oauth_driver::now().as_millis() + self.ahead.load(Ordering::SeqCst)
    }
}

#[tokio::main]
async fn main() {
    let harness = Arc::new(Harness::default());
    let (sender, mut commands) = tokio::sync::mpsc::unbounded_channel::<Value>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = sender.send(serde_json::from_str(&line).expect("a JSON object per line"));
        }
    });
    let mut tasks = JoinSet::new();
    while let Some(command) = commands.recv().await {
        let id = command["id"].clone();
        let shared = Arc::clone(&harness);
        // No command waits for another one.
        let handle = tasks.spawn(async move {
            let result = commands::run(&shared, &command).await;
            shared.running.lock().unwrap().remove(&command["id"].to_string());
            answer(&command["id"], result);
        });
        harness.running.lock().unwrap().insert(id.to_string(), handle);
        while tasks.try_join_next().is_some() {}
    }
    let clients: Vec<_> = harness.clients.lock().unwrap().drain().collect();
    for (_, opened) in clients {
        opened.client.close().await;
    }
    while tasks.join_next().await.is_some() {}
}

pub(crate) fn answer(id: &Value, result: Result<Value, Value>) {
    let line = match result {
        Ok(ok) => json!({ "id": id, "ok": ok }),
        Err(error) => json!({ "id": id, "error": error }),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
