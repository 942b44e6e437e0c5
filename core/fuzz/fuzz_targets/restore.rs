//! What a store may return: damaged, foreign, or written by another version.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/machine/kit.rs"]
mod kit;

use libfuzzer_sys::fuzz_target;
use webex_oauth::Session;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let config = kit::config(0);
    let mut running = Session::new(config.clone(), kit::entropy(1));
    assert!(running.reload(kit::START, text.as_ref()).is_ok());

    let Ok(mut session) = Session::restore(config.clone(), &text) else { return };
    let snapshot = session.snapshot();
    let again = Session::restore(config, snapshot.expose()).unwrap();
    assert_eq!(again.snapshot().expose(), snapshot.expose());
    assert_eq!(again.access(kit::START), session.access(kit::START));
    for _ in 0..4 {
        let now = session.wake_at().unwrap_or(kit::START).max(kit::START);
        let _ = (session.status(now), session.logout_url(None));
        assert!(session.tick(now).is_ok());
    }
});
