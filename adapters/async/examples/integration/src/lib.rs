//! A web integration to start from: sign in with Webex, see your name and picture, refresh, hand the session over to a
//! front end, sign out. Every user has a session of their own, bound to a signed cookie.
//!
//! [`Settings`] say who we are; [`App`] serves. Without credentials a simulated Webex is started beside it.

mod app;
mod cookies;
mod front;
mod login;
mod page;
mod person;
mod settings;
mod users;

pub use app::App;
pub use settings::{Problem, Settings};
