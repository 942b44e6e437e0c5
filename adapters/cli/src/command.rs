//! The commands, one room each.

#[cfg(feature = "fleet")]
mod database;
mod device;
#[cfg(feature = "fleet")]
mod fleet;
mod guest;
mod keys;
mod login;
mod logout;
mod outcome;
mod pages;
mod profiles;
mod replay;
mod services;
mod setup;
mod simulator;
mod status;
mod tokens;
mod whoami;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) fn run(cli: &Cli, terminal: Terminal) -> Result<(), Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Login(args) => login::run(global, terminal, args),
        Command::Token(args) => tokens::token(global, terminal, args),
        Command::Whoami(args) => whoami::run(global, terminal, args.json),
        Command::Setup => setup::run(global, terminal),
        Command::Profiles(args) => profiles::run(global, terminal, args),
        Command::Services(args) => services::run(global, terminal, args),
        Command::Status(args) => status::run(global, terminal, args.json),
        Command::Refresh => tokens::refresh(global, terminal),
        Command::Guest(args) => guest::run(global, terminal, args),
        Command::ClientCredentials => guest::client_credentials(global, terminal),
        Command::UserToken { user_scope } => tokens::user_token(global, terminal, user_scope),
        Command::Revoke => logout::revoke(global, terminal),
        Command::Logout(args) => logout::run(global, terminal, args),
        Command::Key { command } => keys::run(terminal, command),
        Command::Reseal(args) => keys::reseal(global, terminal, args.and_plain),
        #[cfg(feature = "fleet")]
        Command::Fleet(args) => fleet::run(global, terminal, args),
        Command::Replay { file, differences } => replay::run(terminal, file, *differences),
        Command::Simulator(args) => simulator::run(terminal, args),
        Command::Completions { shell } => pages::completions(*shell),
        Command::Man { folder } => pages::man(folder.as_deref()),
    }
}
