//! Opening the user's browser.

use webex_oauth::Secret;

/// Brings the user's browser to `url`. Answers whether one could be started: show the URL where not.
pub fn open_browser(url: &Secret) -> bool {
    open(url.expose())
}

#[cfg(feature = "browser")]
fn open(url: &str) -> bool {
    // Nothing of a browser's chatter on our own output.
    let mut options = webbrowser::BrowserOptions::new();
    options.with_suppress_output(true);
    webbrowser::open_browser_with_options(webbrowser::Browser::Default, url, &options).is_ok()
}

#[cfg(not(feature = "browser"))]
fn open(_url: &str) -> bool {
    false
}
