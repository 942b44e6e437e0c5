//! What every store promises, on every engine; and what each of them says when something is wrong.
//!
//! Those of PostgreSQL and Redis are ignored unless `scripts/databases` has started servers: `scripts/stages/56-stores`.

#[macro_use]
mod suite;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod proxy;
#[cfg(feature = "sqlite")]
mod sqlite;
