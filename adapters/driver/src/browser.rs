//! Opening the user's browser.

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
        return named.split(':').filter(|line| !line.is_empty()).any(|line| runs(line, url));
    }
    // Nothing of a browser's chatter on our own output.
    let mut options = webbrowser::BrowserOptions::new();
    options.with_suppress_output(true);
    webbrowser::open_browser_with_options(webbrowser::Browser::Default, url, &options).is_ok()
}

/// The command lines in `BROWSER` are separated by colons; `%s` is the address, which else comes last.
#[cfg(all(feature = "browser", unix))]
fn runs(line: &str, url: &str) -> bool {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    /// Who has not ended by then shows the page.
    const AT_ONCE: Duration = Duration::from_millis(700);
    let mut words: Vec<String> = line.split_ascii_whitespace().map(|word| word.replace("%s", url)).collect();
    if !line.contains("%s") {
        words.push(url.to_owned());
    }
    let mut words = words.into_iter();
    let Some(program) = words.next() else { return false };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
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

#[cfg(not(feature = "browser"))]
fn open(_url: &str) -> bool {
    false
}
