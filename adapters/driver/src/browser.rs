//! Opening the user's browser.

#[cfg(feature = "browser")]
use std::{
    ffi::OsStr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use webex_oauth::Secret;

/// Brings the user's browser to `url`. Answers whether one could be started: show the URL where not. A program that `BROWSER`
/// names and that ends with an error at once was none.
pub fn open_browser(url: &Secret) -> bool {
    open(url.expose())
}

#[cfg(feature = "browser")]
fn open(url: &str) -> bool {
    #[cfg(unix)]
    if let Some(named) = std::env::var("BROWSER").ok().filter(|named| !named.is_empty()) {
        let lines = named.split(':').filter(|line| !line.is_empty());
        return lines.filter_map(|line| command_of(line, url)).any(starts);
    }
    ::open::commands(url).into_iter().any(starts)
}

/// The command lines in `BROWSER` are separated by colons; `%s` is the address, which else comes last.
#[cfg(all(feature = "browser", unix))]
fn command_of(line: &str, url: &str) -> Option<Command> {
    let mut words: Vec<String> = line.split_ascii_whitespace().map(|word| word.replace("%s", url)).collect();
    if !line.contains("%s") {
        words.push(url.to_owned());
    }
    let mut words = words.into_iter();
    let mut command = Command::new(words.next()?);
    command.args(words);
    Some(command)
}

/// Starts a browser, or what brings an address to one. Nothing of its chatter is on our own output, and nothing of our
/// settings, the client's secret among them, in its environment.
#[cfg(feature = "browser")]
fn starts(mut command: Command) -> bool {
    /// Who has not ended by then shows the page.
    const AT_ONCE: Duration = Duration::from_millis(700);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let begun = Instant::now();
    while begun.elapsed() < AT_ONCE {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Ok(Some(status)) => return status.success(),
            Err(_) => return true,
        }
    }
    // It ends some day, and somebody has to take note of it. Without a thread the system does when we end.
    let _ = std::thread::Builder::new().spawn(move || child.wait());
    true
}

/// A variable of these settings, under any of their names that may have a secret in it.
#[cfg(feature = "browser")]
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    let begins = ["WEBEX_", "COMMON_IDENTITY_", "CISCOSPARK_"].iter().any(|prefix| name.starts_with(prefix));
    begins || ["CLIENT_SECRET", "AUTHORIZATION_STRING"].contains(&name.as_str())
}

#[cfg(not(feature = "browser"))]
fn open(_url: &str) -> bool {
    false
}
