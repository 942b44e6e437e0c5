//! Telling whoever listens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use webex_oauth_driver::{ClientError, ClientEvent};

#[derive(Default)]
pub(crate) struct Events {
    listeners: Mutex<Vec<Sender<ClientEvent>>>,
}

impl Events {
    /// A new listener: it gets what happens from now on.
    pub(crate) fn listen(&self) -> Receiver<ClientEvent> {
        let (sender, receiver) = channel();
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Calls `callback` for each event, on a thread of its own so that it may take its time and use the client. A panic
    /// has been printed, and ends that call alone.
    pub(crate) fn call(&self, callback: impl Fn(ClientEvent) + Send + 'static) -> Result<(), ClientError> {
        let events = self.listen();
        let thread = std::thread::Builder::new().name("webex-oauth-events".to_owned());
        let thread = thread.spawn(move || {
            for event in &events {
                let _ = catch_unwind(AssertUnwindSafe(|| callback(event)));
            }
        });
        thread.map(drop).map_err(|error| ClientError::Thread { kind: error.kind() })
    }

    pub(crate) fn tell(&self, event: &ClientEvent) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.send(event.clone()).is_ok());
    }
}
