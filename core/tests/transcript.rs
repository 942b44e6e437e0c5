//! A transcript replays to the same decisions and holds no secret.

use webex_oauth::transcript::{TranscriptError, replay};
use webex_oauth::{
    ConfigParts, Effect, Entropy, Flow, HttpResponse, LoginId, LoginOptions, Output, Provider, Renewal, RequestId,
    SendFault, Session, SignOutOptions, Timestamp, WhichLogin,
};

fn entropy(start: u8) -> Entropy {
    let bytes: Vec<u8> = (0..64).map(|i: u8| start.wrapping_add(i)).collect();
    Entropy::new(&bytes).unwrap()
}

fn sent(output: &Output) -> RequestId {
    let request = output.effects.iter().find_map(|effect| match effect {
        Effect::Send { request } => Some(request.id),
        _ => None,
    });
    request.unwrap()
}

fn answer(status: u16, body: &str) -> HttpResponse {
    let headers = vec![("Retry-After".into(), "7".into()), ("Set-Cookie".into(), "MARKED-cookie=1".into())];
    HttpResponse { status, headers, body: body.as_bytes().to_vec() }
}

/// A login, a failed and a lost refresh, a rotation, a hostile callback and a sign-out.
fn recorded() -> String {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.client_secret = Some("MARKED-client-secret".into());
    parts.redirect_uri = Some("http://localhost:8080/oauth".into());
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    let at = |secs: i64| Timestamp::from_secs(1_700_000_000 + secs);

    let options = LoginOptions { login_hint: Some("MARKED-person@example.com".into()), ..LoginOptions::default() };
    let output = session.begin_login(at(0), options, entropy(1)).unwrap();
    let [_, Effect::OpenBrowser { url }] = &output.effects[..] else { panic!() };
    let state = url.expose().split("state=").nth(1).unwrap().split('&').next().unwrap();
    session.complete_login(at(4), "http://localhost:8080/oauth?code=MARKED-evil&state=MARKED-foreign").unwrap();
    let callback = format!("http://localhost:8080/oauth?code=MARKED-code&state={state}");
    let request = sent(&session.complete_login(at(5), callback).unwrap());
    let body = r#"{"access_token":"MARKED-at1","expires_in":3600,"refresh_token":"MARKED-rt1","user":"MARKED-name"}"#;
    session.response(at(6), request, answer(200, body)).unwrap();

    let request = sent(&session.refresh(at(100)).unwrap());
    session.response(at(101), request, answer(503, "<html>MARKED-page")).unwrap();
    let request = sent(&session.tick(at(120)).unwrap());
    session.send_failed(at(121), request, SendFault::Lost).unwrap();
    let request = sent(&session.tick(at(200)).unwrap());
    let body =
        r#"{"access_token":"MARKED-at2","expires_in":"3600","refresh_token":"MARKED-rt2","token_type":"bearer"}"#;
    session.response(at(201), request, answer(200, body)).unwrap();
    assert!(session.refresh(at(150)).is_ok(), "a clock that went back");
    assert!(session.downscope(at(151), "".into()).is_err());
    session.sign_out(at(300), SignOutOptions::default()).unwrap();
    session.transcript().unwrap().to_owned()
}

/// Tokens, callbacks and questions in every shape that is written down, and mistakes.
fn shapes() -> String {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.redirect_uri = Some("http://localhost:8080/oauth".into());
    parts.renewal = Renewal::HostToken;
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    let at = |secs: i64| Timestamp::from_secs(1_700_000_000 + secs);
    for (secs, tokens) in (0..).zip([
        "MARKED-at1",
        "Bearer MARKED-at1",
        "Custom MARKED-at2 MARKED-at3",
        "\"MARKED-at1\"",
        r#"{"access_token":"Bearer MARKED-at1","expires_in":60,"scope":"b a","refresh_token":"MARKED-rt1"}"#,
        r#"{"access_token":"MARKED.at4.x","groups":["MARKED-group",7,null],"inner":{"error":"x","id_token":""}}"#,
        "http://localhost/#access_token=MARKED-at5&expires_in=60&state=MARKED-state",
        "refresh_token=MARKED-rt1",
        " ",
        "[]",
    ]) {
        let _ = session.adopt(at(secs), tokens);
    }
    session.ensure_fresh(at(20)).unwrap();
    session.host_failed(at(21), RequestId(1), "MARKED-host of MARKED-rt1").unwrap();
    session.provide_token(at(22), RequestId(1), "Bearer MARKED-at6").unwrap();
    session.begin_login(at(30), LoginOptions::default(), entropy(1)).unwrap();
    for callback in [
        "http://localhost:8080/oauth#access_token=MARKED-at7&scope=a",
        "http://localhost:8080/oauth",
        "?error=access_denied&error_description=it+is+wrong&state=MARKED-other",
        "code=MARKED-code&state=MARKED-other",
    ] {
        session.complete_login(at(31), callback).unwrap();
    }
    for body in ["", "<html>MARKED-page", r#"{"error":"invalid_grant","name":1,"trackingId":"NA_1"}"#] {
        session.response(at(40), RequestId(9), answer(400, body)).unwrap();
    }
    session.reload(at(41), "MARKED-snapshot").unwrap();
    session.cancel_login(at(42), WhichLogin::All).unwrap();
    session.transcript().unwrap().to_owned()
}

/// What is written is a format: the files in `transcripts` are never changed, and a later version reads them all. What is
/// decided differently now gets a file of its own.
#[test]
fn transcripts_are_written_as_they_were_last() {
    assert_eq!(recorded(), include_str!("transcripts/v1-lifecycle-snapshot-2.jsonl"));
    assert_eq!(shapes(), include_str!("transcripts/v1-shapes-by-name.jsonl"));
}

/// From before names and scopes of others were replaced, and from before snapshots had several logins.
#[test]
fn transcripts_of_earlier_versions_replay() {
    for text in [include_str!("transcripts/v1-shapes.jsonl"), include_str!("transcripts/v1-shapes-snapshot-2.jsonl")] {
        let replay = replay(text).unwrap();
        assert!(replay.is_faithful(), "{replay:?}");
        assert_eq!(replay.steps.len(), 23);
    }
}

/// In the oldest one a sign-out sends three revocations at once; what it decided otherwise is decided the same.
#[test]
fn the_oldest_transcript_replays_but_for_what_a_sign_out_sends() {
    let replay = replay(include_str!("transcripts/v1-lifecycle.jsonl")).unwrap();
    let differ = replay.steps.iter().filter(|step| step.recorded != step.replayed);
    assert_eq!(differ.map(|step| step.input.as_str()).collect::<Vec<_>>(), ["sign_out"]);
}

#[test]
fn every_shape_is_written_without_its_secrets_and_replays() {
    let text = shapes();
    assert!(!text.contains("MARKED"), "{text}");
    let replay = replay(&text).unwrap();
    for step in &replay.steps {
        assert_eq!(step.recorded, step.replayed, "{} at {}", step.input, step.at);
    }
    let names: Vec<&str> = replay.steps.iter().map(|step| step.input.as_str()).collect();
    assert_eq!(names.len(), 23);
    assert_eq!([names[0], names[10], names[22]], ["adopt", "ensure_fresh", "cancel_login"]);
}

#[test]
fn of_several_logins_the_same_one_is_given_up_again() {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.redirect_uri = Some("http://localhost:8080/oauth".into());
    parts.client_secret = Some("MARKED-client-secret".into());
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    let at = |secs: i64| Timestamp::from_secs(1_700_000_000 + secs);
    let mut ids = Vec::new();
    for login in 1..=3 {
        let output = session.begin_login(at(login), LoginOptions::default(), entropy(login as u8)).unwrap();
        ids.push(output.effects.iter().find_map(|effect| match effect {
            Effect::OpenBrowser { url } => LoginId::of(url.expose()),
            _ => None,
        }));
    }
    session.cancel_login(at(10), WhichLogin::Browser(ids[1].unwrap())).unwrap();
    session.cancel_login(at(11), WhichLogin::Browser(ids[1].unwrap())).unwrap();
    session.cancel_login(at(12), WhichLogin::Browser(LoginId::of("never begun").unwrap())).unwrap();
    session.begin_device_login(at(13), None).unwrap();
    session.cancel_login(at(14), WhichLogin::UnderWay).unwrap();
    session.tick(at(700)).unwrap();
    let text = session.transcript().unwrap();
    let replay = replay(text).unwrap();
    for step in &replay.steps {
        assert_eq!(step.recorded, step.replayed, "{} at {}", step.input, step.at);
    }
    // One persist where the login was there, nothing where it was not; two of three are told to be too old.
    let outputs: Vec<usize> = replay.steps[3..6].iter().map(|step| step.replayed.len()).collect();
    assert_eq!(outputs, [2, 1, 1], "{text}");
}

#[test]
fn what_is_refused_does_not_stand_in_the_clear_and_is_refused_again() {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.client_secret = Some("MARKED-client-secret".into());
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    let at = |secs: i64| Timestamp::from_secs(1_700_000_000 + secs);
    for (secs, tokens) in (0..).zip([
        "MARKED-half\nMARKED-rest",
        "Bearer MARKED-half MARKED-rest",
        "Bearer",
        "Bearer Bearer",
        "https://app.example/MARKED?code=MARKED",
        "<MARKED>",
        "[\"MARKED\"]",
        "MARKED-\u{e4}",
        r#"{"access_token":"MARKED-at","token_type":"MARKED-half"}"#,
        r#"{"access_token":"MARKED half"}"#,
    ]) {
        session.adopt(at(secs), tokens).unwrap_err();
    }
    session
        .adopt(at(20), "https://app.example/?access_token=MARKED-at&refresh_token=MARKED-rt&expires_in=60#")
        .unwrap();
    for (secs, body) in (30..).zip([
        "access_token=MARKED-at1&expires_in=60&refresh_token=MARKED-rt1&token_type=bearer",
        "\u{feff}{\"access_token\":\"MARKED-at2\",\"refresh_token\":\"MARKED-rt2\",\"expires_in\":1e400,\"n\":1e400}",
        r#"{"access_token":"MARKED-at3","refresh_token":"MARKED-rt3","expires_in":60,"token_type":"MARKED-half"}"#,
    ]) {
        let request = sent(&session.refresh(at(secs * 1000)).unwrap());
        session.response(at(secs * 1000 + 1), request, answer(200, body)).unwrap();
    }
    let text = session.transcript().unwrap();
    assert!(!text.contains("MARKED"), "{text}");
    for step in &replay(text).unwrap().steps {
        assert_eq!(step.recorded, step.replayed, "{} at {}", step.input, step.at);
    }
}

#[test]
fn a_step_that_comes_out_differently_is_told() {
    let text = recorded().replace("\"status\":503", "\"status\":400");
    let faithful: Vec<bool> = replay(&text).unwrap().steps.iter().map(|step| step.is_faithful()).collect();
    assert!(faithful.contains(&true) && faithful.contains(&false), "{faithful:?}");
}

#[test]
fn a_transcript_replays_to_the_same_decisions() {
    let replay = replay(&recorded()).unwrap();
    for step in &replay.steps {
        assert_eq!(step.recorded, step.replayed, "{} at {}", step.input, step.at);
    }
    assert!(replay.is_faithful());
    assert_eq!(replay.steps.len(), 13);
    assert!(replay.steps[4].replayed.iter().any(|line| line.starts_with("send 2 refresh")), "{:?}", replay.steps[4]);
}

#[test]
fn a_transcript_holds_no_secret() {
    let text = recorded();
    assert!(!text.contains("MARKED"), "{text}");
}

#[test]
fn a_changed_transcript_is_told_apart() {
    let text = recorded().replace("\"status\":503", "\"status\":400");
    assert!(!replay(&text).unwrap().is_faithful());
}

#[test]
fn what_a_server_was_sent_is_not_in_its_words() {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.client_secret = Some("MARKED-client-secret".into());
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    let now = Timestamp::from_secs(1_700_000_000);
    session.adopt(now, "refresh_token=MARKED-r").unwrap();
    let body = r#"{"error":"server_error","error_description":"of MARKED-client-secret","of MARKED-client-secret":1}"#;
    session.response(now, RequestId(1), answer(500, body)).unwrap();
    let text = session.transcript().unwrap();
    assert!(text.contains("error_description") && !text.contains("MARKED"), "{text}");
}

#[test]
fn an_implicit_login_replays() {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.redirect_uri = Some("http://localhost:8080/oauth".into());
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    let now = Timestamp::from_secs(1_700_000_000);
    let options = LoginOptions { flow: Flow::Implicit, scope: Some("a".into()), ..LoginOptions::default() };
    let output = session.begin_login(now, options, entropy(1)).unwrap();
    let [_, Effect::OpenBrowser { url }] = &output.effects[..] else { panic!() };
    let state = url.expose().split("state=").nth(1).unwrap().split('&').next().unwrap();
    session.complete_login(now, format!("#access_token=MARKED-at&expires_in=60&state={state}")).unwrap();
    assert!(session.tokens().is_some());
    assert!(replay(session.transcript().unwrap()).unwrap().is_faithful());
}

#[test]
fn blank_lines_are_no_lines() {
    let text = recorded().replace('\n', "\n\n");
    assert_eq!(replay(&text).unwrap(), replay(&recorded()).unwrap());
}

#[test]
fn damaged_files_are_refused_by_line() {
    assert_eq!(replay("").unwrap_err(), TranscriptError::Unreadable { line: 1 });
    let text = recorded() + "{}\n";
    assert_eq!(replay(&text).unwrap_err(), TranscriptError::Unreadable { line: 15 });
    let newer = recorded().replace("webex_oauth_transcript\":1", "webex_oauth_transcript\":99");
    assert_eq!(replay(&newer).unwrap_err(), TranscriptError::NewerVersion { found: 99 });
}
