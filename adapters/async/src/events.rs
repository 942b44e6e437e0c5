//! Telling whoever listens.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use webex_oauth_driver::ClientEvent;

/// So many events wait for a listener that does not come for them; then the oldest are dropped.
const KEPT: usize = 256;

/// What happens from now on, as a [`Stream`]. Ends when the client is closed, or gone.
#[derive(Debug, Clone)]
pub struct Events {
    receiver: async_broadcast::Receiver<ClientEvent>,
}

impl Events {
    /// The next event; `None` when the client is closed, or gone.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        loop {
            match self.receiver.recv_direct().await {
                Ok(event) => return Some(event),
                Err(async_broadcast::RecvError::Overflowed(_)) => {}
                Err(async_broadcast::RecvError::Closed) => return None,
            }
        }
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<ClientEvent> {
        loop {
            match self.receiver.try_recv() {
                Ok(event) => return Some(event),
                Err(async_broadcast::TryRecvError::Overflowed(_)) => {}
                Err(async_broadcast::TryRecvError::Empty | async_broadcast::TryRecvError::Closed) => return None,
            }
        }
    }
}

impl Stream for Events {
    type Item = ClientEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }
}

/// A channel that never holds anybody up.
pub(crate) struct Broadcast {
    /// Gets each event at once, where the client is one of many.
    tap: Option<Tap>,
    sender: async_broadcast::Sender<ClientEvent>,
    receiver: async_broadcast::InactiveReceiver<ClientEvent>,
}

/// Must not take its time.
pub(crate) type Tap = Box<dyn Fn(&ClientEvent) + Send + Sync>;

impl Broadcast {
    pub(crate) fn new(tap: Option<Tap>) -> Self {
        let (mut sender, receiver) = async_broadcast::broadcast(KEPT);
        sender.set_overflow(true);
        sender.set_await_active(false);
        Self { tap, sender, receiver: receiver.deactivate() }
    }

    pub(crate) fn listen(&self) -> Events {
        Events { receiver: self.receiver.activate_cloned() }
    }

    pub(crate) fn tell(&self, event: ClientEvent) {
        if let Some(tap) = &self.tap {
            tap(&event);
        }
        // Nobody listens, or the channel is closed: nothing is lost that anybody wanted.
        let _ = self.sender.try_broadcast(event);
    }

    /// The streams end, when what is in them has been taken.
    pub(crate) fn close(&self) {
        self.sender.close();
    }
}
