//! The machine as its users see it: one test binary, one module for each kind of promise.

mod interleavings;
mod kit;
mod lifecycle;
mod properties;
mod snapshots;
mod walk;
