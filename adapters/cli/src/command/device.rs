//! `login --device`: a code and a QR code to confirm elsewhere.

use std::sync::Arc;

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use webex_oauth::protocol::device::DevicePrompt;

use crate::app::{App, Begun};
use crate::failure::Failure;
use crate::terminal::{PICTURE, STRONG, plain};

pub(crate) fn login(app: &App) -> Result<(), Failure> {
    let spinner = app.spin("asking for a code");
    let login = app.client.begin_device_login(None);
    drop(spinner);
    let login = Arc::new(login?);
    app.began(Begun::OnDevice(Arc::clone(&login)));
    if let Some(error) = app.client.store_error() {
        return Err(error.into());
    }
    let prompt = login.prompt();
    app.terminal.ask(&shown(prompt, app.terminal.is_watched()));
    app.show(app.terminal.countdown("waiting for you to confirm", prompt.expires_at));
    let result = login.wait();
    app.stop_spinning();
    Ok(result?)
}

fn shown(prompt: &DevicePrompt, with_picture: bool) -> String {
    let (address, code) = (plain(&prompt.verification_uri), plain(prompt.user_code.expose()));
    let complete = prompt.verification_uri_complete.as_ref().map(|url| url.expose());
    let picture = complete.filter(|_| with_picture).and_then(qr_code);
    let open = format!("Open {STRONG}{address}{STRONG:#} on any device and enter the code:\n");
    match picture {
        // What is below stays on the screen.
        Some(picture) => format!("{picture}Point a camera there. Or: {open}  {STRONG}{code}{STRONG:#}\n"),
        None => format!("{open}\n  {STRONG}{code}{STRONG:#}\n"),
    }
}

/// White is drawn on black, whatever colours the terminal has. Without colours it reads well where the background is
/// dark, as it mostly is. With the least redundancy and half of the quiet zone an address of 100 characters and the code
/// below it fit into 24 lines.
fn qr_code(url: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(url, EcLevel::L).ok()?;
    let picture =
        code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build();
    let lines: Vec<String> = picture.lines().map(|line| format!("  {PICTURE}{line}{PICTURE:#}\n")).collect();
    Some(lines.get(1..lines.len().saturating_sub(1))?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_becomes_a_picture_of_half_blocks() {
        let picture = qr_code("https://example.com/verify?userCode=ABCD").unwrap();
        let picture = anstream::adapter::strip_str(&picture).to_string();
        let long = qr_code(&format!("https://login.example/verify?userCode={}", "A".repeat(62))).unwrap();
        // The lines below: where to go, the code, how long there is.
        assert!(long.lines().count() + 3 <= 24, "{}", long.lines().count());
        assert!(picture.contains('▀') && picture.lines().count() > 10, "{picture}");
        assert!(picture.starts_with("  █████"), "the quiet zone is light: {picture}");
        assert_eq!(
            picture.lines().map(|line| line.chars().count()).min(),
            picture.lines().map(|line| line.chars().count()).max()
        );
    }
}
