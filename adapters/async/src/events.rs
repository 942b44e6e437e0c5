//! Telling whoever listens.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use webex_oauth_driver::ClientEvent;

/// So many events wait for a listener that does not come for them; then the oldest are dropped.
const KEPT: usize = 256;

/// What happens from now on, as a [`Stream`]. Ends when the client is gone.
#[derive(Debug, Clone)]
pub struct Events {
    receiver: async_broadcast::Receiver<ClientEvent>,
}

impl Events {
    /// The next event; `None` when the client is gone.
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

/// Both ends of a channel that never holds anybody up.
pub(crate) fn channel() -> (async_broadcast::Sender<ClientEvent>, async_broadcast::InactiveReceiver<ClientEvent>) {
    let (mut sender, receiver) = async_broadcast::broadcast(KEPT);
    sender.set_overflow(true);
    sender.set_await_active(false);
    (sender, receiver.deactivate())
}

pub(crate) fn listen(receiver: &async_broadcast::InactiveReceiver<ClientEvent>) -> Events {
    Events { receiver: receiver.activate_cloned() }
}
