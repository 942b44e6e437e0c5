//! What people paste and put into their environment: an authorization URL, variables, a server's metadata, tokens.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/machine/kit.rs"]
mod kit;

use libfuzzer_sys::fuzz_target;
use webex_oauth::protocol::{adopt, jwt, org, retry_after};
use webex_oauth::{Config, ConfigError, ConfigParts, LoginOptions, Provider, RetryAfterBounds, Scope, Session};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let variables =
        |name: &str| rest.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned));
    try_out(ConfigParts::from_authorization_url(first).and_then(ConfigParts::build));
    try_out(ConfigParts::from_variables(variables, true).and_then(ConfigParts::build));
    try_out(
        Provider::from_metadata(rest.as_bytes(), first).and_then(|provider| ConfigParts::new(provider, "C").build()),
    );
    if let Ok(read) = adopt::read(&text, kit::START) {
        let mut session = Session::new(kit::config(0), kit::entropy(1));
        assert!(session.adopt(kit::START, text.as_ref()).is_ok());
        assert_eq!(session.tokens().map(|tokens| &tokens.access_token), Some(&read.tokens.access_token));
    }
    let scope = Scope::parse(&text);
    assert_eq!(Scope::parse(scope.as_str()), scope);
    let wait = retry_after::retry_after(Some(first), kit::START, &RetryAfterBounds::DEFAULT);
    assert!(wait.as_secs() <= 3600);
    let _ = (org::org_id_of_token(first), org::is_guest(first), org::claims(first));
    let _ = jwt::lifetime_seconds(&jwt::Lifetime::Text(first.to_owned()));
});

fn try_out(config: Result<Config, ConfigError>) {
    let Ok(config) = config else { return };
    assert!(!config.may_carry_token("http://evil.example/"));
    let mut session = Session::new(config, kit::entropy(1));
    let _ = session.begin_login(kit::START, LoginOptions::default(), kit::entropy(2));
    let _ = session.begin_device_login(kit::START, None);
    let _ = session.snapshot();
}
