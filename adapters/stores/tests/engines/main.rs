//! What every store promises, on every engine; and what each of them says when something is wrong.
//!
//! Those of PostgreSQL and Redis are ignored unless `scripts/databases` has started servers: `scripts/stages/56-stores`.

#[macro_use]
mod suite;
#[cfg(feature = "postgres")]
mod batches;
mod engine;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod proxy;
#[cfg(feature = "redis")]
mod redis_servers;
#[cfg(all(feature = "sealed", feature = "sqlite"))]
mod sealed;
#[cfg(feature = "sqlite")]
mod sqlite;
