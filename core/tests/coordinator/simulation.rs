//! Simulations of the coordinator: a world of several over one store and one rotating server. Every rule of the layer is
//! checked after each step.

mod bench;
mod executing;
mod exhaustive;
mod faults;
mod logins;
mod many;
mod named;
mod server;
mod walk;
mod world;
