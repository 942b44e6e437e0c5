//! `completions` and `man`: what is made from the command line's own description.

use std::io::{self, Write as _};
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::{Cli, with_settings};
use crate::failure::{Exit, Failure};

pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_settings(Cli::command()), "webex-oauth", &mut script);
    print(&script)
}

/// The manual page, or those of all commands into a folder.
pub(crate) fn man(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(with_settings(Cli::command()))
            .render(&mut page)
            .map_err(|error| unwritable("the page", &error))?;
        return print(&page);
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(with_settings(Cli::command()), folder))
        .map_err(|error| unwritable(&folder.display().to_string(), &error))
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable("standard output", &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn unwritable(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Other, format!("{what} cannot be written ({})", error.kind()))
}
