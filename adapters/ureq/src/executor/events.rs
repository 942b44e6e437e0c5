//! Telling whoever listens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use webex_oauth_driver::{ClientError, ClientEvent};

/// So many events wait for a listener that does not take them; what comes then is lost to it.
const MOST_WAITING: usize = 1024;

#[derive(Default)]
pub(crate) struct Events {
    /// Gets each event at once, under the lock: it only puts it somewhere.
    tap: Option<Tap>,
    listeners: Mutex<Vec<SyncSender<ClientEvent>>>,
}

pub(crate) type Tap = Box<dyn Fn(&ClientEvent) + Send + Sync>;

impl Events {
    pub(crate) fn tapped(tap: Option<Tap>) -> Self {
        Self { tap, listeners: Mutex::default() }
    }

    /// A new listener: it gets what happens from now on.
    pub(crate) fn listen(&self) -> Receiver<ClientEvent> {
        let (sender, receiver) = sync_channel(MOST_WAITING);
        self.lock().push(sender);
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

    /// Waits for nobody.
    pub(crate) fn tell(&self, event: &ClientEvent) {
        if let Some(tap) = &self.tap {
            tap(event);
        }
        let is_gone = |sent| matches!(sent, Err(TrySendError::Disconnected(_)));
        self.lock().retain(|listener| !is_gone(listener.try_send(event.clone())));
    }

    /// The channels end, when what is in them has been taken.
    pub(crate) fn end(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SyncSender<ClientEvent>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
