//! What a server may answer: two bytes of status, one line for `Retry-After`, the rest is the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use webex_oauth::protocol::token::read_answer;
use webex_oauth::{HttpResponse, Timestamp};

fuzz_target!(|data: &[u8]| {
    let Some((status, rest)) = data.split_first_chunk::<2>() else { return };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (header, body) = rest.split_at(end);
    let header = String::from_utf8_lossy(header).into_owned();
    let response = HttpResponse {
        status: u16::from_le_bytes(*status),
        headers: vec![("Retry-After".to_owned(), header.clone()), ("TrackingID".to_owned(), header)],
        body: body.to_vec(),
    };
    let now = Timestamp::from_secs(1_800_000_000);
    let lenient = read_answer(&response, now, false);
    if let Ok(read) = read_answer(&response, now, true) {
        assert_eq!(Ok(read), lenient, "strict is a part of lenient");
    }
    match lenient {
        Ok(read) => {
            let tokens = read.tokens;
            assert!(!tokens.access_token.as_ref().is_none_or(|token| token.expose().is_empty()));
            assert!(tokens.expires_at.is_none_or(|end| end.as_millis() != 0 || !tokens.custom.0.is_empty()));
            let _ = (tokens.to_handoff_json(now, true), tokens.to_handoff_query(now, true));
        }
        Err(fault) => {
            let text = fault.to_string();
            assert!(text.chars().count() < 1000 && !text.chars().any(char::is_control), "{text}");
            let _ = (fault.blame(), fault.advice());
        }
    }
});
