//! The command `webex-oauth`: sign in from a terminal, get access tokens for scripts.

mod app;
mod args;
mod command;
mod failure;
mod interrupt;
mod places;
mod record;
mod settings;
mod store;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;
use terminal::Terminal;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.global.quiet, cli.global.color);
    match command::run(&cli, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let failure = failure.advising(cli.global.profile.as_deref());
            terminal.problem(&failure);
            failure.exit.into()
        }
    }
}
