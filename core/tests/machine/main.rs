//! The machine as its users see it: one test binary, one module for each kind of promise.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the bans are the core's: a test may read files and print"
)]

mod details;
mod diagram;
mod instants;
mod interleavings;
mod jitter;
mod kit;
mod lifecycle;
mod odd_members;
mod others;
mod printed;
mod properties;
mod secrets;
mod snapshots;
mod walk;
