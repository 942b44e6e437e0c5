//! Telling whoever listens.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    channel: Mutex<Channel>,
}

/// Made for the first listener: its room would be more than all the rest of a client, and most of many clients have none.
enum Channel {
    Unheard { is_closed: bool },
    Heard { sender: async_broadcast::Sender<ClientEvent>, receiver: async_broadcast::InactiveReceiver<ClientEvent> },
}

/// Must not take its time.
pub(crate) type Tap = Box<dyn Fn(&ClientEvent) + Send + Sync>;

impl Broadcast {
    pub(crate) fn new(tap: Option<Tap>) -> Self {
        Self { tap, channel: Mutex::new(Channel::Unheard { is_closed: false }) }
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listen(&self) -> Events {
        let mut channel = self.channel();
        let is_closed = match &*channel {
            Channel::Heard { receiver, .. } => return Events { receiver: receiver.activate_cloned() },
            Channel::Unheard { is_closed } => *is_closed,
        };
        let (mut sender, receiver) = async_broadcast::broadcast(KEPT);
        sender.set_overflow(true);
        sender.set_await_active(false);
        if is_closed {
            sender.close();
        }
        *channel = Channel::Heard { sender, receiver: receiver.clone().deactivate() };
        Events { receiver }
    }

    pub(crate) fn tell(&self, event: ClientEvent) {
        if let Some(tap) = &self.tap {
            tap(&event);
        }
        let heard = match &*self.channel() {
            Channel::Heard { sender, .. } => Some(sender.clone()),
            Channel::Unheard { .. } => None,
        };
        // Wakers may do anything: none is called under the lock. Where nobody listens any longer, or the channel is closed, nothing
        // is lost that anybody wanted.
        if let Some(sender) = heard {
            let _ = sender.try_broadcast(event);
        }
    }

    /// The streams end, when what is in them has been taken.
    pub(crate) fn close(&self) {
        let heard = match &mut *self.channel() {
            Channel::Heard { sender, .. } => Some(sender.clone()),
            Channel::Unheard { is_closed } => {
                *is_closed = true;
                None
            }
        };
        if let Some(sender) = heard {
            sender.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::task::{ArcWake, waker};

    use super::*;

    struct Looks {
        events: Broadcast,
        free: AtomicUsize,
    }

    impl ArcWake for Looks {
        fn wake_by_ref(looks: &Arc<Self>) {
            looks.free.fetch_add(usize::from(looks.events.channel.try_lock().is_ok()), Ordering::SeqCst);
        }
    }

    #[test]
    fn nobody_is_woken_under_the_lock() {
        let looks = Arc::new(Looks { events: Broadcast::new(None), free: AtomicUsize::new(0) });
        let (waker, mut events) = (waker(Arc::clone(&looks)), looks.events.listen());
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut events).poll_next(&mut context).is_pending());
        looks.events.tell(ClientEvent::StoreRecovered);
        assert_eq!(looks.free.load(Ordering::SeqCst), 1);
        assert!(Pin::new(&mut events).poll_next(&mut context).is_ready());
        assert!(Pin::new(&mut events).poll_next(&mut context).is_pending());
        looks.events.close();
        assert_eq!(looks.free.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn who_listens_hears_what_comes_then_and_the_end() {
        let events = Broadcast::new(None);
        events.tell(ClientEvent::StoreRecovered);
        let mut first = events.listen();
        assert_eq!(first.try_next(), None, "that was before");
        for _ in 0..KEPT + 5 {
            events.tell(ClientEvent::StoreRecovered);
        }
        let mut second = events.listen();
        events.close();
        let mut heard = 0;
        while let Some(event) = first.next().await {
            assert_eq!(event, ClientEvent::StoreRecovered);
            heard += 1;
        }
        assert_eq!((heard, second.next().await, events.listen().next().await), (KEPT, None, None));
        let unheard = Broadcast::new(None);
        unheard.close();
        assert_eq!(unheard.listen().next().await, None);
    }
}
