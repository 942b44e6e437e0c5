//! The client against authorization servers that nobody here wrote: `conformance/servers`. They need Node and Python, so
//! `scripts/stages/50-e2e` runs these tests, and a plain `cargo test` does not.

mod authlib;
mod kit;
mod oidc_provider;
