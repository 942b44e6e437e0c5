//! Tokens as people have them: what is taken is one that a header can carry, and a session takes what the reader takes.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/machine/kit.rs"]
mod kit;

use libfuzzer_sys::fuzz_target;
use webex_oauth::protocol::adopt;
use webex_oauth::{Session, transcript};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut session = Session::new(kit::config(0), kit::entropy(1));
    session.start_recording();
    match adopt::read(&text, kit::START) {
        Ok(read) => {
            let tokens = &read.tokens;
            assert!(tokens.access_token.is_some() || tokens.refresh_token.is_some());
            if let Some(token) = &tokens.access_token {
                assert!(token.expose().bytes().all(|byte| byte.is_ascii_graphic()), "no header can carry it");
                assert!(!token.expose().eq_ignore_ascii_case("bearer"));
            }
            assert!(session.adopt(kit::START, text.as_ref()).is_ok());
            assert_eq!(session.tokens().map(|own| &own.access_token), Some(&tokens.access_token));
            let again = Session::restore(kit::config(0), session.snapshot().expose());
            assert_eq!(again.unwrap().tokens().map(|own| &own.refresh_token), Some(&tokens.refresh_token));
        }
        Err(problem) => {
            assert!(!problem.is_empty());
            assert!(session.adopt(kit::START, text.as_ref()).is_err());
        }
    }
    let replay = transcript::replay(session.transcript().unwrap()).unwrap();
    assert!(replay.is_faithful(), "{replay:?}");
});
