//! `replay`: a recorded file, played again.

use std::io::Read as _;
use std::path::Path;

use webex_oauth::transcript::{Replay, ReplayStep, TranscriptError, replay};
use webex_oauth::{Phase, ReturnTo};

use crate::failure::{Exit, Failure};
use crate::terminal::{DIM, STRONG, Terminal, plain};

/// No session talks that much.
const MOST: u64 = 256 * 1024 * 1024;

pub(crate) fn run(terminal: Terminal, file: &Path, differences: bool) -> Result<(), Failure> {
    let replay = replay(&read(file)?).map_err(|error| unusable(file, &error))?;
    let differing = replay.steps.iter().filter(|step| !step.is_faithful()).count();
    for (index, step) in replay.steps.iter().enumerate() {
        if !differences || !step.is_faithful() {
            terminal.result(&show(index, step, &replay))?;
        }
    }
    let steps = replay.steps.len();
    if differing > 0 {
        let sentence =
            format!("{differing} of {steps} steps came out differently; the file is from another version, or changed");
        return Err(Failure::new(Exit::Replay, sentence));
    }
    terminal.done(&format!("{steps} steps, all as recorded"));
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(
            Exit::Other,
            format!("{} cannot be read ({}); give a file that --record wrote", file.display(), error.kind()),
        )),
    }
}

fn unusable(file: &Path, error: &TranscriptError) -> Failure {
    let advice = match error {
        TranscriptError::NewerVersion { .. } => "use the newer webex-oauth",
        TranscriptError::Unreadable { .. } | TranscriptError::Config(_) | TranscriptError::Session(_) => {
            "give a file that --record wrote"
        }
    };
    Failure::new(Exit::Other, format!("{}: {error}; {advice}", file.display()))
}

fn show(index: usize, step: &ReplayStep, replay: &Replay) -> String {
    let after = replay.steps.first().map_or(0, |first| step.at.millis_since(first.at));
    let seconds = format!("{:+.3} s", after as f64 / 1000.0);
    let mut text = format!("{:>3}  {DIM}{seconds:>10}{DIM:#}  {STRONG}{}{STRONG:#}", index + 1, plain(&step.input));
    if step.is_faithful() {
        for line in &step.replayed {
            text += &format!("\n{:19}{}", "", plain(line));
        }
    } else {
        for (title, lines) in [("recorded", &step.recorded), ("now", &step.replayed)] {
            for line in lines {
                text += &format!("\n{:19}{title:<9} {}", "", plain(line));
            }
        }
    }
    text + &format!("\n{:19}{DIM}→ {}{DIM:#}", "", phase(step.phase))
}

fn phase(phase: Phase) -> String {
    match phase {
        Phase::SignedOut { reason } => format!("signed out ({})", reason.as_str()),
        Phase::SigningIn { via, return_to: ReturnTo::SignedOut } => format!("signing in ({})", via.as_str()),
        Phase::SigningIn { via, return_to: ReturnTo::SignedIn } => {
            format!("signed in, and signing in again ({})", via.as_str())
        }
        Phase::SignedIn => "signed in".to_owned(),
    }
}
