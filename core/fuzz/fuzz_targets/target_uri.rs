//! URLs that somebody wants to call: what is taken is its own normal form, and says the same to another reader.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/machine/kit.rs"]
mod kit;

use libfuzzer_sys::fuzz_target;
use webex_oauth::{Effect, Event, Session, TargetUri};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let config = kit::config(0);
    let judged = config.judge_url(&text);
    assert_eq!(judged.is_ok(), TargetUri::parse(&text).is_ok());
    let mut session = Session::new(config.clone(), kit::entropy(1));
    let told = session.called_without_token(kit::START, text.as_ref());
    let Ok(judged) = judged else {
        assert!(told.is_err());
        return;
    };
    let target = &judged.target;
    assert_eq!(TargetUri::parse(target.url()).as_ref(), Ok(target), "not its own normal form");
    assert!(
        target.url().is_ascii() && !target.url().contains(['\\', '@', '#', ' '])
            || target.request_target().contains('@')
    );
    assert!(!target.authority().contains(['@', '\\', '%', '/', '?', '#']));
    let other = url::Url::parse(target.url()).unwrap();
    assert_eq!(other.host_str().map(|host| host.trim_matches(['[', ']'])), Some(target.host()));
    assert_eq!((other.scheme(), other.port_or_known_default()), (target.scheme(), Some(target.port())));
    assert!(other.username().is_empty() && other.password().is_none());
    if judged.may_carry_token {
        assert!(target.is_secure());
    }
    let events = told.unwrap().effects;
    let withheld = events.iter().any(|effect| matches!(effect, Effect::Notify { event: Event::TokenWithheld { .. } }));
    assert_eq!(withheld, !judged.may_carry_token);
});
