//! What people see. Results go to standard output and nothing else does; everything else goes to standard error.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::time::Duration;

use anstream::AutoStream;
use anstyle::{AnsiColor, Color, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::Value;
use webex_oauth::Timestamp;
use webex_oauth::protocol::clean::{is_unseen, seen};
use webex_oauth_driver::now;

use crate::args::ColorWhen;
use crate::failure::{Exit, Failure};
use crate::words;

/// Begins what steers a terminal.
const ESCAPE: char = '\u{1b}';
/// The marks in front of lines.
const GOOD: Style = AnsiColor::Green.on_default().bold();
const NOTICE: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
/// What to look at.
pub(crate) const STRONG: Style = Style::new().bold();
/// What a camera looks at.
pub(crate) const PICTURE: Style = AnsiColor::BrightWhite.on_default().bg_color(Some(Color::Ansi(AnsiColor::Black)));
/// What may be overlooked.
pub(crate) const DIM: Style = Style::new().dimmed();

/// How to talk to whoever runs the command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    quiet: bool,
}

impl Terminal {
    /// Also settles colours for the whole process.
    pub(crate) fn new(quiet: bool, color: Option<ColorWhen>) -> Self {
        match color {
            None | Some(ColorWhen::Auto) => {}
            Some(ColorWhen::Always) => anstream::ColorChoice::Always.write_global(),
            Some(ColorWhen::Never) => anstream::ColorChoice::Never.write_global(),
        }
        Self { quiet }
    }

    /// The result. A reader that has gone away is no failure.
    pub(crate) fn result(self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout();
        match writeln!(out, "{}", steady(text)).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::new(Exit::Other, format!("standard output cannot be written ({})", error.kind())))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The result, as one line of JSON. What might steer a terminal is written as an escape.
    pub(crate) fn json(self, value: &Value) -> Result<(), Failure> {
        let mut text = String::new();
        for char in value.to_string().chars() {
            match char {
                // Those below a space are escapes already.
                char if is_unseen(char) => {
                    text.extend(char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
                }
                char => text.push(char),
            }
        }
        self.result(&text)
    }

    /// Something went well.
    pub(crate) fn done(self, text: &str) {
        if !self.quiet {
            line(&format!("{GOOD}✓{GOOD:#} {text}"));
        }
    }

    /// What goes on.
    pub(crate) fn progress(self, text: &str) {
        if !self.quiet {
            line(text);
        }
    }

    /// Something to know.
    pub(crate) fn notice(self, text: &str) {
        if !self.quiet {
            line(&format!("{NOTICE}!{NOTICE:#} {text}"));
        }
    }

    /// Something the user has to read to go on, quiet or not.
    pub(crate) fn ask(self, text: &str) {
        line(text);
    }

    /// What ends the command.
    pub(crate) fn problem(self, failure: &Failure) {
        line(&format!("{BAD}webex-oauth:{BAD:#} {failure}."));
    }

    /// Turns until it is cleared.
    pub(crate) fn spinner(self, text: &str) -> Spinner {
        Spinner(self.bar(ProgressStyle::default_spinner()).with_message(text.to_owned()))
    }

    /// The same, with the time that is left until `end`.
    pub(crate) fn countdown(self, text: &str, end: Timestamp) -> Spinner {
        let left = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let millis = u64::try_from(end.millis_since(now())).unwrap_or(0);
            // A spinner that cannot be written is not seen either.
            let _ = out.write_str(&words::countdown(Duration::from_millis(millis)));
        };
        // The template is a constant and valid.
        let style = ProgressStyle::with_template("{spinner} {msg}, {left} left");
        let style = style.map_or_else(|_| ProgressStyle::default_spinner(), |style| style.with_key("left", left));
        Spinner(self.bar(style).with_message(text.to_owned()))
    }

    /// Whether pictures make sense.
    pub(crate) fn is_watched(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Shows nothing where nobody watches.
    fn bar(self, style: ProgressStyle) -> ProgressBar {
        let target = if self.is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}

/// In one piece, so that the lines of several processes do not mix. Standard error that cannot be written to has nobody
/// to tell.
fn line(text: &str) {
    let mut whole = AutoStream::new(Vec::with_capacity(text.len() + 1), AutoStream::choice(&io::stderr()));
    let _ = writeln!(whole, "{}", steady(text));
    let _ = io::stderr().write_all(&whole.into_inner());
}

/// What others say - a server, a file, a person - without what steers a terminal or turns the text around it.
pub(crate) fn plain(text: &str) -> String {
    seen(text)
}

/// Lines and styles, and nothing else that steers a terminal: whatever was forgotten to be made [`plain`].
fn steady(text: &str) -> String {
    let mut parts = text.split(ESCAPE);
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if is_style(part) {
            steady.push(ESCAPE);
        }
        steady += part;
    }
    steady.retain(|char| matches!(char, '\n' | ESCAPE) || !is_unseen(char));
    steady
}

/// What follows the escape is numbers and an `m` (ECMA-48, SGR).
fn is_style(part: &str) -> bool {
    let numbers = part.strip_prefix('[').map(|part| part.trim_start_matches(|char| matches!(char, '0'..='9' | ';')));
    numbers.is_some_and(|rest| rest.starts_with('m'))
}

/// Shows that something is waited for.
#[derive(Debug)]
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Takes it away so that a line can be printed.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_lines_are_all_that_steers_the_terminal() {
        let ours = format!("{GOOD}✓{GOOD:#} {PICTURE}▀{PICTURE:#}\n  {DIM}x{DIM:#}");
        assert_eq!(steady(&ours), ours);
        assert_eq!(steady("\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{9d}0;x\u{9c}\r\u{1b}"), "]52;c;eA==[2J0;x");
        assert_eq!(plain("\u{1b}[8ma\nb"), "[8mab");
        assert_eq!(steady("\u{202e}cod\u{2066}e\u{200b}"), "code", "nor what turns it around");
    }
}
