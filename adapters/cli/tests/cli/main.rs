//! The command as people and scripts use it: in a pipe, in a pseudo-terminal, against the simulator.
#![cfg(unix)]

mod kit;

mod advice;
mod browser;
mod environment;
#[cfg(feature = "fleet")]
mod fleet;
mod keys;
mod login;
mod pages;
mod profiles;
mod readme;
mod recording;
mod settings;
mod setup;
mod terminal;
mod tokens;
mod trouble;
