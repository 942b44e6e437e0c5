//! What the transitions do: the verbs of the table in `step.rs`.

pub(crate) mod answer;
pub(crate) mod downscope;
pub(crate) mod guarded;
pub(crate) mod login;
pub(crate) mod progress;
pub(crate) mod refresh;
pub(crate) mod reload;
pub(crate) mod revoke;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod turn;
pub(crate) mod withheld;
