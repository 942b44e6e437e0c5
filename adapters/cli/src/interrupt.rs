//! Ctrl-C and its relatives.

use std::sync::mpsc::{Receiver, channel};

use crate::failure::{Exit, Failure};

/// Calls `handler` on a thread of its own when somebody interrupts the command or ends it politely.
pub(crate) fn on_signal(handler: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(handler).map_err(|_| Failure::new(Exit::Other, "the system takes no handler for signals"))
}

/// A message arrives then.
pub(crate) fn wait_for_signal() -> Result<Receiver<()>, Failure> {
    let (stop, stopped) = channel();
    on_signal(move || {
        // Nobody listens any more: the command has come to its end.
        let _ = stop.send(());
    })?;
    Ok(stopped)
}
