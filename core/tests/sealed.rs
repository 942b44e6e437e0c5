//! Encryption at rest: the vectors of `conformance/sealed`, and what holds for every record.
#![cfg(feature = "sealed")]

#[path = "sealed/properties.rs"]
mod properties;
#[path = "sealed/vectors.rs"]
mod vectors;
