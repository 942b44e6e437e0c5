//! Two whole executors, to read and to begin from: [`blocking`] with threads, [`tasks`] on tokio. `docs/drivers.md` goes through
//! them part by part, and the scenarios of `conformance/scenarios` are run on both.
//!
//! What they leave out is what an application takes from a library: TLS, proxies, compression of its own requests. They speak
//! plain http, and that to this machine alone.
#![warn(missing_docs)]

pub mod blocking;
pub mod harness;
pub mod http1;
pub mod surroundings;
pub mod tasks;

/// The programs in `docs/drivers.md` compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/drivers.md")]
struct Drivers;
