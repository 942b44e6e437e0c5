//! What a service needs beside one user's commands: keys, and a worker.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key in a new file, which only you can read
    New(KeyArgs),

    /// Put a new key in front of those of a file: it seals from now on, they go on opening what they have sealed
    Add(KeyArgs),

    /// Print the names of the keys in a file, the one that seals first
    List {
        /// Which file
        file: PathBuf,
    },
}

#[cfg(feature = "fleet")]
#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// Renew what is due now, and end
    #[arg(long)]
    pub(crate) once: bool,

    /// Make the tables first, where there are none
    #[arg(long)]
    pub(crate) migrate: bool,

    /// So many sessions at once
    #[arg(long, value_name = "SESSIONS", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) concurrency: u16,

    /// So many renewals a second at most
    #[arg(long, value_name = "RENEWALS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_second: u32,

    /// Show figures for Prometheus at http://ADDRESS/metrics: a port of this machine, or an address and a port
    #[arg(long, value_name = "PORT", value_parser = parse_metrics)]
    pub(crate) metrics: Option<std::net::SocketAddr>,
}

/// A port alone is on loopback.
#[cfg(feature = "fleet")]
fn parse_metrics(text: &str) -> Result<std::net::SocketAddr, String> {
    let port = text.parse().map(|port: u16| (std::net::Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|_| text.parse()).map_err(|_| "write a port, or an address and a port: 9464, 0.0.0.0:9464".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Which file
    pub(crate) file: PathBuf,

    /// What the key is called [default: the day and four characters]
    #[arg(long)]
    pub(crate) name: Option<String>,
}
