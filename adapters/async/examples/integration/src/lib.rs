//! A web integration to start from: sign in with Webex, see your name and picture, refresh, hand the session over to a
//! front end, sign out. Every user has a session of their own, bound to a sealed cookie.
//!
//! [`Settings`] say who we are; [`App`] serves. Without credentials a simulated Webex is started beside it.

mod app;
mod cookies;
mod front;
mod guard;
mod login;
mod logins;
mod notice;
mod page;
mod person;
mod serve;
mod sessions;
mod settings;
mod space;
mod space_page;
mod store;

pub use app::App;
pub use settings::{Problem, Settings, WidgetSettings};
