//! The store in memory.

use std::sync::Arc;

use webex_oauth_stores::{Memory, Unblock};

use crate::suite::{Node, Tenant};

async fn open() -> (Node, Node, Tenant) {
    let store = Unblock::new(Memory::new());
    (Arc::new(store.clone()), Arc::new(store), Tenant::new())
}

engine_contract! { open }
