//! The client against the simulator: what callers get, and what the server saw.

mod calls;
mod events;
mod executor;
mod kit;
mod logins;
mod secrets;
mod stores;
mod tokens;
