//! What a browser, a deep link or an attacker may open.
#![no_main]

use libfuzzer_sys::fuzz_target;
use webex_oauth::protocol::callback::{Expected, Outcome, clean_url, read};
use webex_oauth::protocol::{org, state_param};
use webex_oauth::{Flow, Timestamp};

const REDIRECT_URI: &str = "http://127.0.0.1:8080/oauth";
const STATE: &str = "eyJjc3JmX3Rva2VuIjoieCJ9";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let now = Timestamp::from_secs(1_800_000_000);
    for (flow, issuer_required) in [(Flow::Code, false), (Flow::Implicit, true)] {
        let issuer = Some("https://as.example");
        let expected = Expected { flow, redirect_uri: REDIRECT_URI, state: STATE, issuer, issuer_required };
        let Ok(callback) = read(&text, &expected, now) else { continue };
        assert!(text.contains(STATE) || text.contains('%'), "accepted without the state");
        match callback.outcome {
            Outcome::Code(code) => {
                let _ = org::org_id_of_code(code.expose());
            }
            Outcome::Tokens(read) => assert!(read.tokens.access_token.is_some()),
            Outcome::Failed(fault) => assert!(!fault.to_string().chars().any(char::is_control)),
        }
        if let Some(url) = callback.cleaned_url {
            // What only ends like a parameter of ours is somebody else's, and stays.
            let ours = ["code=", "state=", "access_token=", "id_token="];
            let (start, fragment) = url.split_once('#').unwrap_or((&url, ""));
            let query = start.split_once('?').map_or("", |(_, query)| query);
            let mut parts = query.split('&').chain(fragment.split('&'));
            assert!(!parts.any(|part| ours.iter().any(|name| part.starts_with(name))), "{url}");
        }
    }
    let once = clean_url(&text);
    assert_eq!(clean_url(&once), once);
    let _ = state_param::caller_part(&text);
});
