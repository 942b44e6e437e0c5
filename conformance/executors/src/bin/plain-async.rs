//! The async executor's side of conformance/scenarios.

use std::sync::Arc;

use webex_oauth_executors::{harness, tasks};

fn main() {
    harness::main::<Arc<tasks::Executor>>();
}
