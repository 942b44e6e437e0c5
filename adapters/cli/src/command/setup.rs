//! `setup`: asks for the settings of a profile and writes them where the other commands read them.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::time::Duration;

use webex_oauth::{ConfigError, Secret};

use crate::again::Again;
use crate::args::Global;
use crate::echo::Echo;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::settings::{Missing, Name, Settings, edit, in_environment};
use crate::terminal::{Terminal, plain};

pub(crate) fn run(global: &Global, terminal: Terminal) -> Result<(), Failure> {
    let settings = Settings::read_or_begin(global, terminal, Missing::IsMade)?;
    let (profile, path) = (&settings.profile, &settings.config_file);
    terminal.ask(&format!(
        "Settings of profile {profile}, for {}. Create an integration on developer.webex.com\n\
         with a redirect URI on this machine. Enter keeps what is in brackets.\n",
        path.display()
    ));
    end_when_interrupted(terminal)?;
    let mut answers = Vec::new();
    for (name, question, known) in [
        (Name::ClientId, "Client ID", settings.known(Name::ClientId)),
        (Name::ClientSecret, "Client secret", settings.known(Name::ClientSecret)),
        (
            Name::RedirectUri,
            "Redirect URI",
            settings.known(Name::RedirectUri).or_else(|| proposed("http://localhost:8080/oauth")),
        ),
        (
            Name::Scope,
            "Scope, separated by spaces",
            settings.known(Name::Scope).or_else(|| proposed("spark:people_read")),
        ),
    ] {
        answers.extend(ask_until_right(terminal, &settings, &answers, (name, question, known))?);
    }
    // What flags and variables say of the server belongs to the profile as well: it is that server's client.
    answers.extend(settings.said_of_the_server.iter().cloned());
    settings.check(&answers)?;
    edit::write(path, profile, &answers)?;
    terminal.done(&Again::of(global).complete("Written. Sign in with webex-oauth login."));
    tell_what_goes_before(terminal, &answers);
    Ok(())
}

/// Whoever types a secret does not see it, and is to see again what comes after.
fn end_when_interrupted(terminal: Terminal) -> Result<(), Failure> {
    let echo = Echo::now();
    interrupt::on_signal(move || {
        echo.restore();
        // Below the question.
        terminal.ask("");
        terminal.problem(&Failure::new(Exit::Interrupted, "interrupted; nothing was written"));
        std::process::exit(i32::from(Exit::Interrupted as u8));
    })
}

/// What was written is not what counts where a variable says something as well.
fn tell_what_goes_before(terminal: Terminal, answers: &[(Name, Secret)]) {
    let written = answers.iter().map(|(name, _)| *name).chain([Name::AuthorizationUrl]);
    let set: Vec<_> = written.filter_map(in_environment).map(|(variable, _)| variable).collect();
    if !set.is_empty() {
        let (it, goes) = if set.len() == 1 { ("it is", "goes") } else { ("they are", "go") };
        terminal.notice(&format!("{} {goes} before what was written as long as {it} set.", set.join(", ")));
    }
}

/// One more answer, which is looked at while the question is still there.
fn ask_until_right(
    terminal: Terminal,
    settings: &Settings,
    before: &[(Name, Secret)],
    (name, question, known): (Name, &str, Option<Secret>),
) -> Result<Option<(Name, Secret)>, Failure> {
    loop {
        let answer = ask(terminal, question, known.as_ref(), name == Name::ClientSecret)?;
        let answer = answer.or_else(|| known.clone()).map(|answer| (name, answer));
        let problem = match &answer {
            None if name == Name::ClientId => Some(ConfigError::missing("client_id")),
            None => None,
            Some(answer) => settings.problem_of_the_last(&[before, std::slice::from_ref(answer)].concat()),
        };
        match problem {
            None => return Ok(answer),
            // A person corrects it. Where nobody types, the next line answers the next question.
            Some(problem) if io::stdin().is_terminal() => {
                terminal.ask(&format!("{}. Once more:", plain(&problem.to_string())));
            }
            Some(problem) => return Err(problem.into()),
        }
    }
}

fn proposed(text: &str) -> Option<Secret> {
    Some(text.into())
}

/// What is typed; nothing where that is empty.
fn ask(terminal: Terminal, question: &str, known: Option<&Secret>, is_secret: bool) -> Result<Option<Secret>, Failure> {
    let shown = match known {
        Some(_) if is_secret => " [the one that is set]".to_owned(),
        Some(known) => format!(" [{}]", known.expose()),
        None => String::new(),
    };
    let answer = if is_secret && io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{question}{shown}, not shown: "))
    } else {
        terminal.ask(&format!("{question}{shown}:"));
        let mut line = String::with_capacity(4096);
        io::stdin().lock().read_line(&mut line).and_then(|read| match read {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        })
    };
    let answer = answer.map_err(|error| {
        if error.kind() == io::ErrorKind::Interrupted {
            // The thread that a signal wakes ends the process, and must not be outrun.
            std::thread::sleep(Duration::from_secs(2));
        }
        Failure::new(Exit::Usage, format!("the answers cannot be read ({}); nothing was written", error.kind()))
    })?;
    let answer = Secret::new(answer);
    let trimmed = answer.expose().trim();
    Ok((!trimmed.is_empty()).then(|| trimmed.into()))
}
