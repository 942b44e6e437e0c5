//! The echo of a terminal, which is off while a secret is typed.

#[cfg(unix)]
use {
    nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr},
    std::fs::File,
};

/// How the terminal was set: whoever ends the command while a secret is typed has to leave it like that.
#[derive(Debug)]
pub(crate) struct Echo {
    /// Nothing where there is no terminal.
    #[cfg(unix)]
    was: Option<(File, Termios)>,
}

impl Echo {
    #[cfg(unix)]
    pub(crate) fn now() -> Self {
        let terminal = File::open("/dev/tty").ok();
        let was = terminal.and_then(|terminal| {
            let was = tcgetattr(&terminal).ok()?;
            Some((terminal, was))
        });
        Self { was }
    }

    /// Consoles of Windows are set anew by the shell.
    #[cfg(not(unix))]
    pub(crate) fn now() -> Self {
        Self {}
    }

    pub(crate) fn restore(&self) {
        #[cfg(unix)]
        if let Some((terminal, was)) = &self.was {
            // A terminal that has gone away needs nothing.
            let _ = tcsetattr(terminal, SetArg::TCSANOW, was);
        }
    }
}
