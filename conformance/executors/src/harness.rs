//! The executors' side of conformance/scenarios: lines in, calls of a coordinator, lines out. It decides nothing and checks
//! nothing.

mod api;
mod client;
mod commands;
mod front;
mod open;
mod report;

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinSet};
use webex_oauth::Timestamp;
use webex_oauth_driver::MemoryStore;

use self::client::Client;
pub use self::front::Front;

/// Threads of callers that wait; more of them than any scenario has.
const MOST_THREADS: usize = 4096;

/// What the commands share.
struct Harness<F> {
    clients: Mutex<HashMap<String, Client<F>>>,
    memories: Mutex<HashMap<String, MemoryStore>>,
    /// How far the clock is ahead of the machine's.
    ahead: Arc<AtomicI64>,
    /// Commands that are waiting, by their id.
    running: Mutex<HashMap<String, AbortHandle>>,
}

impl<F> Harness<F> {
    fn now(&self) -> Timestamp {
        webex_oauth_driver::now().plus_millis(self.ahead.load(Ordering::SeqCst))
    }
}

/// Becomes the harness, until standard input ends.
///
/// # Panics
///
/// Where there is no runtime to be had.
pub fn main<F: Front>() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().max_blocking_threads(MOST_THREADS).build().expect("a runtime");
    runtime.block_on(serve::<F>());
    // A question to the host that hangs is nobody's any longer.
    runtime.shutdown_background();
}

async fn serve<F: Front>() {
    let (clients, memories, running) = (Mutex::default(), Mutex::default(), Mutex::default());
    let harness = Arc::new(Harness::<F> { clients, memories, ahead: Arc::default(), running });
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
    for (_, client) in clients {
        client.front.close().await;
    }
    while tasks.join_next().await.is_some() {}
}

fn answer(id: &Value, result: Result<Value, Value>) {
    let line = match result {
        Ok(ok) => json!({ "id": id, "ok": ok }),
        Err(error) => json!({ "id": id, "error": error }),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
