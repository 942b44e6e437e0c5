//! The blocking executor's side of conformance/scenarios.

use std::sync::Arc;

use webex_oauth_executors::{blocking, harness};

fn main() {
    harness::main::<Arc<blocking::Executor>>();
}
