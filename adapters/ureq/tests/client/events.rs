//! Telling whoever listens.

use std::sync::mpsc::channel;
use std::time::Duration;

use crate::kit::{builder, handoff, issue, simulator};

#[test]
fn a_callback_that_panics_gets_the_next_event_all_the_same() {
    let simulator = simulator();
    let (sender, told) = channel();
    let client = builder(&simulator).on_event(move |event| {
        let name = event.name();
        sender.send(name).unwrap();
        assert_ne!(name, "ready", "as the test wants it");
    });
    let client = client.open().unwrap();
    for _ in 0..2 {
        client.adopt(handoff(&issue(&simulator), 3600)).unwrap();
    }
    let next = || told.recv_timeout(Duration::from_secs(20)).ok();
    let names: Vec<_> = std::iter::from_fn(next).filter(|name| *name == "ready").take(2).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
