//! The command `webex-oauth`: sign in from a terminal, get access tokens for scripts.

mod again;
mod app;
mod args;
mod command;
mod echo;
mod failure;
mod handover;
mod interrupt;
mod places;
mod record;
mod settings;
mod store;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use again::Again;
use args::Cli;
use failure::Failure;
use terminal::Terminal;

/// What is asked for before there is a command: the settings, or help of everything.
fn command() -> clap::Command {
    let command = Cli::command();
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if args.iter().any(|arg| arg == "--help-settings") {
        // A reader that has gone away is no failure.
        let _ = args::settings_alone(&command).print_long_help();
        std::process::exit(0);
    }
    let is_help = matches!(&*args, [only] if ["--help", "-h", "help"].iter().any(|help| only == help));
    if is_help { args::with_settings(command) } else { command }
}

fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit());
    let terminal = Terminal::new(cli.global.quiet, cli.global.color);
    match command::run(&cli, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let sentence = Again::of(&cli.global).complete(&failure.to_string());
            terminal.problem(&Failure::new(failure.exit, sentence));
            failure.exit.into()
        }
    }
}
