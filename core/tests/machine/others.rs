//! Several at once: another process on the store, answers that cross, hosts that take their time.

use webex_oauth::{
    Access, Effect, Event, Flow, HttpRequest, HttpResponse, LoginOptions, LoginState, Output, Phase, Purpose, Renewal,
    RequestId, Session, SignOutOptions, Timestamp, WhichLogin,
};

use crate::kit::{START, answer, config, entropy, parameter, tokens, webex, with_header};

const ID: RequestId = RequestId(1);
const TOKENS: &str =
    r#"{"access_token":"AT","expires_in":3600,"refresh_token":"RT","token_type":"Bearer","scope":"a b c"}"#;
const JWT: &str = "e30.e30.e30";

fn at(millis: i64) -> Timestamp {
    START.plus_millis(millis)
}

fn signed_in(configuration: u8) -> Session {
    let mut session = Session::new(config(configuration), entropy(1));
    session.adopt(START, TOKENS).unwrap();
    session
}

fn sent(output: &Output) -> Vec<&HttpRequest> {
    let mut sent = Vec::new();
    for effect in &output.effects {
        if let Effect::Send { request } = effect {
            sent.push(request);
        }
    }
    sent
}

fn purposes(output: &Output) -> Vec<Purpose> {
    sent(output).iter().map(|request| request.purpose).collect()
}

fn events(output: &Output) -> Vec<&'static str> {
    let name = |effect: &Effect| match effect {
        Effect::Notify { event } => Some(event.name()),
        _ => None,
    };
    output.effects.iter().filter_map(name).collect()
}

/// A second process that has read what the first one stored.
fn twin(session: &Session, configuration: u8) -> Session {
    Session::restore(config(configuration), session.snapshot().expose()).unwrap()
}

fn renewed(session: &mut Session, now: Timestamp, answer: HttpResponse) {
    let output = session.refresh(now).unwrap();
    session.response(now, sent(&output)[0].id, answer).unwrap();
}

fn reduced(number: u64) -> HttpResponse {
    answer(200, format!(r#"{{"access_token":"UT{number}","expires_in":3600,"token_type":"Bearer"}}"#))
}

#[test]
fn a_request_is_awaited_until_its_answer_no_longer_matters() {
    let mut ours = signed_in(0);
    ours.refresh(START).unwrap();
    assert!(ours.awaits(ID));
    assert!(!ours.awaits(RequestId(2)));
    let mut theirs = twin(&signed_in(0), 0);
    renewed(&mut theirs, at(1000), tokens(7));
    ours.reload(at(2000), theirs.snapshot()).unwrap();
    assert!(!ours.awaits(ID), "another process has renewed the tokens");
    let output = ours.downscope(at(2000), "spark:kms".into()).unwrap();
    let beside = sent(&output)[0].id;
    assert!(ours.awaits(beside));
    assert!(!ours.awaits(RequestId(beside.0 + 1)));
}

#[test]
fn effects_are_wanted_after_a_conflict_where_they_still_make_sense() {
    let mut session = signed_in(0);
    let login = session.begin_login(START, LoginOptions::default(), entropy(2)).unwrap();
    assert_eq!(login.effects.iter().map(|effect| session.still_wants(effect)).collect::<Vec<_>>(), [false, true]);
    let adopted = session.adopt(START, TOKENS.replace("AT", "AT2")).unwrap();
    let told = adopted.effects.last().unwrap();
    assert!(session.still_wants(told));
    renewed(&mut session, START, tokens(3));
    assert!(!session.still_wants(told), "its generation has passed");
    let out = session.sign_out(START, SignOutOptions::default()).unwrap();
    assert!(session.still_wants(out.effects.last().unwrap()));
    session.adopt(START, TOKENS).unwrap();
    assert!(!session.still_wants(out.effects.last().unwrap()), "somebody has signed in since");
}

#[test]
fn a_jwt_that_comes_after_another_process_renewed_is_not_sent() {
    let mut ours = Session::new(config(2), entropy(1));
    ours.adopt(START, r#"{"access_token":"AT","expires_in":3600}"#).unwrap();
    let mut theirs = twin(&ours, 2);
    let output = ours.refresh(START).unwrap();
    assert!(matches!(output.effects.last(), Some(Effect::AskForJwt { .. })), "{output:?}");
    theirs.refresh(at(1000)).unwrap();
    let output = theirs.provide_jwt(at(1000), ID, JWT).unwrap();
    theirs.response(at(1000), sent(&output)[0].id, reduced(1)).unwrap();
    ours.reload(at(2000), theirs.snapshot()).unwrap();
    let output = ours.provide_jwt(at(3000), ID, JWT).unwrap();
    assert_eq!(purposes(&output), []);
}

#[test]
fn of_two_polls_that_bring_tokens_the_first_one_counts() {
    let mut session = Session::new(config(0), entropy(1));
    session.begin_device_login(START, None).unwrap();
    let body =
        r#"{"device_code":"D","user_code":"U","verification_uri":"https://w.example","expires_in":900,"interval":1}"#;
    session.response(START, ID, answer(200, body)).unwrap();
    let first = sent(&session.tick(at(1000)).unwrap())[0].id;
    // Its answer does not come in time, and the next poll goes out.
    let mut now = at(60_000);
    let mut second = None;
    for _ in 0..60 {
        let output = session.tick(now).unwrap();
        second = second.or(sent(&output).first().map(|request| request.id));
        now = now.plus_millis(1000);
        if second.is_some() {
            break;
        }
    }
    session.response(now, second.unwrap(), tokens(2)).unwrap();
    let output = session.response(now, first, tokens(1)).unwrap();
    assert_eq!(events(&output), ["response:stale"]);
    let Access::Ready { token, .. } = session.access(now) else { panic!() };
    assert_eq!(token.expose(), "AT-2");
}

#[test]
fn a_login_that_was_given_up_fails_for_nobody() {
    for give_up in [
        (|session: &mut Session| session.cancel_login(START, WhichLogin::All).unwrap()) as fn(&mut Session) -> Output,
        |session| session.sign_in_with_jwt(START, "a.b.c").unwrap(),
    ] {
        let mut session = Session::new(config(0), entropy(1));
        session.redeem_code(START, "c", None).unwrap();
        give_up(&mut session);
        let phase = session.phase();
        let output = session.response(START, ID, answer(400, r#"{"error":"invalid_grant"}"#)).unwrap();
        assert_eq!(events(&output), [] as [&str; 0]);
        assert_eq!(session.phase(), phase);

        let mut session = Session::new(config(0), entropy(1));
        session.begin_device_login(START, None).unwrap();
        give_up(&mut session);
        let body = r#"{"device_code":"D","user_code":"U","verification_uri":"https://w.example","expires_in":900}"#;
        let output = session.response(START, ID, answer(200, body)).unwrap();
        assert_eq!(events(&output), ["response:stale"]);
        assert!(!output.effects.iter().any(|effect| matches!(effect, Effect::ShowDeviceCode { .. })));
    }
}

#[test]
fn a_refresh_that_signing_out_overtook_fails_for_nobody() {
    let mut session = signed_in(0);
    session.refresh(START).unwrap();
    session.sign_out(START, SignOutOptions::default()).unwrap();
    let output = session.response(START, ID, answer(400, r#"{"error":"invalid_grant"}"#)).unwrap();
    assert_eq!(events(&output), [] as [&str; 0]);
    assert_eq!(session.phase(), Phase::SignedOut { reason: webex_oauth::SignedOutReason::ByUser });
}

#[test]
fn user_tokens_are_asked_for_once_and_again_where_theirs_is_over() {
    let mut session = signed_in(0);
    let output = session.downscope(START, "a".into()).unwrap();
    assert_eq!(purposes(&output), [Purpose::Downscope]);
    assert_eq!(purposes(&session.downscope(START, "a".into()).unwrap()), []);
    let body = r#"{"access_token":"UT","expires_in":100,"token_type":"Bearer"}"#;
    session.response(START, ID, answer(200, body)).unwrap();
    // A minute before its end, or a tenth of its life where that is less: here the tenth.
    assert_eq!(purposes(&session.downscope(at(89_999), "a".into()).unwrap()), []);
    assert_eq!(purposes(&session.downscope(at(90_000), "a".into()).unwrap()), [Purpose::Downscope]);
}

#[test]
fn a_user_token_that_was_refused_is_asked_for_when_its_time_has_come() {
    let mut session = signed_in(0);
    session.downscope(START, "a".into()).unwrap();
    session.response(START, ID, answer(503, "")).unwrap();
    let Access::BackingOff { retry_at, .. } = session.access_for(START, &"a".into()) else { panic!() };
    assert_eq!(purposes(&session.downscope(retry_at.plus_millis(-1), "a".into()).unwrap()), []);
    assert_eq!(purposes(&session.downscope(retry_at, "a".into()).unwrap()), [Purpose::Downscope]);
}

#[test]
fn user_tokens_follow_the_token_that_they_were_made_of() {
    let mut session = signed_in(0);
    for (number, scope) in [(1, "a b"), (2, "a"), (3, "c")] {
        session.downscope(START, scope.into()).unwrap();
        session.response(START, RequestId(number), reduced(number)).unwrap();
    }
    let output = session.refresh(START).unwrap();
    // Now `b` and `c` are gone: `a b` has become `a`, which is all there is, and nothing is left of `c`.
    let granted = r#"{"access_token":"AT2","expires_in":3600,"token_type":"Bearer","scope":"a d"}"#;
    let mut output = session.response(START, sent(&output)[0].id, answer(200, granted)).unwrap();
    let asked: Vec<String> = sent(&output)
        .iter()
        .filter(|request| request.purpose == Purpose::Downscope)
        .map(|request| parameter(request.body.expose(), "scope").unwrap())
        .collect();
    assert_eq!(asked, ["a"]);
    // One after the other.
    let mut revoked = Vec::new();
    while let Some(request) = sent(&output).into_iter().find(|request| request.purpose == Purpose::Revoke) {
        revoked.push(parameter(request.body.expose(), "token").unwrap());
        let id = request.id;
        output = session.response(START, id, answer(200, "")).unwrap();
    }
    assert_eq!(revoked, ["UT1", "UT2", "UT3"]);
}

#[test]
fn a_login_goes_before_a_question_about_a_renewal() {
    let mut session = signed_in(1);
    let output = session.refresh(START).unwrap();
    assert!(matches!(output.effects.last(), Some(Effect::AskForToken { .. })), "{output:?}");
    // A browser that is awaited does not need the place: the host may answer.
    let output = session.begin_login(START, LoginOptions::default(), entropy(2)).unwrap();
    assert!(!output.effects.iter().any(|effect| matches!(effect, Effect::AskForToken { .. })), "{output:?}");
    assert!(session.status(START).is_refreshing);
    let output = session.sign_in_with_jwt(START, JWT).unwrap();
    assert_eq!(purposes(&output), [Purpose::JwtLogin]);
    assert!(!session.status(START).is_refreshing);
    // What the host says then is late, and not lost.
    let output = session.provide_token(START, ID, TOKENS.replace("AT", "AT9")).unwrap();
    assert!(!events(&output).is_empty(), "{output:?}");
}

#[test]
fn the_same_sign_in_again_joins_the_first_and_another_one_does_not() {
    let mut session = Session::new(config(0), entropy(1));
    session.sign_in_with_client_credentials(START, Some("a".into())).unwrap();
    assert_eq!(purposes(&session.sign_in_with_client_credentials(START, Some("a".into())).unwrap()), []);
    session.sign_in_with_client_credentials(START, Some("b".into())).unwrap();
    let output = session.response(START, ID, answer(200, TOKENS)).unwrap();
    // The first one's answer is nobody's; the second one goes out.
    assert!(purposes(&output).contains(&Purpose::ClientCredentials), "{output:?}");
}

#[test]
fn what_the_store_holds_of_one_session_is_no_news() {
    let mut ours = signed_in(0);
    let theirs = twin(&ours, 0);
    let output = ours.reload(at(1000), theirs.snapshot()).unwrap();
    assert_eq!(output.effects, []);
    // The same tokens under a later number: nothing has happened, whatever the clock did in between.
    let later = theirs.revision() + 8;
    let number = |revision: u64| format!("\"revision\":{revision},");
    let bytes = theirs.snapshot().expose().replace(&number(theirs.revision()), &number(later));
    let output = ours.reload(at(1000), bytes).unwrap();
    assert_eq!(events(&output), [] as [&str; 0]);
    assert_eq!(ours.revision(), later);
    let Access::Ready { generation, .. } = ours.access(at(1000)) else { panic!() };
    assert_eq!(generation, 1);
}

#[test]
fn a_renewal_that_is_wanted_stays_wanted_unless_the_store_brought_it() {
    for (brings_tokens, is_sent) in [(false, false), (true, false)] {
        let mut ours = signed_in(0);
        let mut theirs = twin(&ours, 0);
        if brings_tokens {
            renewed(&mut theirs, at(1000), tokens(2));
        }
        let output = ours.refresh(at(1000)).unwrap();
        let slower = with_header(answer(429, ""), "retry-after", "100");
        ours.response(at(1000), sent(&output)[0].id, slower).unwrap();
        assert_eq!(purposes(&ours.refresh(at(2000)).unwrap()), [], "the server wants a wait");
        let bytes = theirs.snapshot().expose().replacen(r#""revision":"#, r#""revision":9"#, 1);
        let output = ours.reload(at(3000), bytes).unwrap();
        assert_eq!(purposes(&output).contains(&Purpose::Refresh), is_sent, "{brings_tokens}");
    }
}

#[test]
fn of_two_device_logins_the_later_one_is_kept() {
    for (ours_at, theirs_at, is_kept) in [(1000, 0, true), (0, 1000, false), (0, 0, false)] {
        let base = signed_in(0);
        let (mut ours, mut theirs) = (twin(&base, 0), twin(&base, 0));
        let begin = |session: &mut Session, now: Timestamp, device_code: &str| {
            let output = session.begin_device_login(now, None).unwrap();
            let body = format!(
                r#"{{"device_code":"{device_code}","user_code":"U","verification_uri":"https://d.example","expires_in":300}}"#
            );
            session.response(now, sent(&output)[0].id, answer(200, body)).unwrap();
        };
        begin(&mut ours, at(ours_at), "ours");
        begin(&mut theirs, at(theirs_at), "given up");
        theirs.cancel_login(at(theirs_at), WhichLogin::All).unwrap();
        begin(&mut theirs, at(theirs_at), "theirs");
        // Ours is in the store already, as far as anybody knows.
        ours.tick(at(2000)).unwrap();
        ours.reload(at(2000), theirs.snapshot()).unwrap();
        let kept = if is_kept { r#""device_code":"ours""# } else { r#""device_code":"theirs""# };
        assert!(ours.snapshot().expose().contains(kept), "{ours_at} {theirs_at}");
    }
}

#[test]
fn a_bare_refresh_token_needs_a_client_that_can_use_it() {
    let mut session = Session::new(config(6), entropy(1));
    assert!(session.adopt(START, "refresh_token=RT").is_err(), "nothing renews it");
    assert!(session.adopt(START, "access_token=AT").is_ok());
    let mut session = Session::new(config(1), entropy(1));
    assert!(session.adopt(START, "refresh_token=RT").is_ok(), "the host does");
}

#[test]
fn a_relogin_is_told_again_for_another_refresh_token() {
    let mut session = Session::new(config(0), entropy(1));
    let ends = |token: &str, refresh_token: &str, seconds: u32| {
        let expiry = format!(r#""expires_in":3600,"refresh_token_expires_in":{seconds}"#);
        format!(r#"{{"access_token":"{token}","refresh_token":"{refresh_token}",{expiry}}}"#)
    };
    let is_told = |output: &Output| {
        let tells = |effect: &Effect| matches!(effect, Effect::Notify { event: Event::RefreshTokenExpiresSoon { .. } });
        output.effects.iter().any(tells)
    };
    assert!(is_told(&session.adopt(START, ends("A1", "RT", 86_400)).unwrap()));
    for (token, refresh_token, seconds, expected) in
        [("A2", "RT", 86_400, false), ("A3", "RT", 80_000, true), ("A4", "RT4", 80_000, true)]
    {
        let output = session.refresh(START).unwrap();
        let output =
            session.response(START, sent(&output)[0].id, answer(200, ends(token, refresh_token, seconds))).unwrap();
        assert_eq!(is_told(&output), expected, "{token}");
    }
}

#[test]
fn one_refusal_that_two_callers_report_is_one() {
    let mut session = signed_in(0);
    let output = session.token_rejected(START, 1).unwrap();
    session.token_rejected(START, 1).unwrap();
    session.response(START, sent(&output)[0].id, tokens(2)).unwrap();
    let output = session.token_rejected(START, 2).unwrap();
    assert_eq!(purposes(&output), [Purpose::Refresh]);
}

#[test]
fn a_host_that_renews_redeems_only_what_the_client_cannot() {
    for (has_secret, expected) in [(true, vec![Purpose::RedeemCode]), (false, vec![])] {
        let mut parts = webex();
        parts.renewal = Renewal::HostToken;
        if !has_secret {
            parts.client_secret = None;
        }
        let mut session = Session::new(parts.build().unwrap(), entropy(1));
        let output = session.begin_login(START, LoginOptions::default(), entropy(2)).unwrap();
        let Some(Effect::OpenBrowser { url }) = output.effects.last() else { panic!("{output:?}") };
        let state = parameter(url.expose(), "state").unwrap();
        let output = session.complete_login(START, format!("?code=c&state={state}")).unwrap();
        assert_eq!(purposes(&output), expected);
        let asks = output.effects.iter().any(|effect| matches!(effect, Effect::AskForToken { .. }));
        assert_eq!(asks, !has_secret);
    }
}

#[test]
fn what_an_earlier_session_hears_is_nothing_to_the_next() {
    let mut session = signed_in(0);
    session.refresh(START).unwrap();
    session.sign_out(START, SignOutOptions::default()).unwrap();
    session.adopt(START, TOKENS.replace("AT", "AT2")).unwrap();
    session.response(START, ID, answer(400, r#"{"error":"invalid_grant"}"#)).unwrap();
    assert!(matches!(session.access(START), Access::Ready { .. }));
    assert_eq!(session.status(START).last_fault, None);
}

#[test]
fn tokens_are_the_same_whatever_the_clock_of_either_process_did() {
    let mut ours = signed_in(0);
    let mut theirs = twin(&ours, 0);
    theirs.tick(at(-3_600_000)).unwrap();
    let output = ours.reload(START, theirs.snapshot()).unwrap();
    assert_eq!(output.effects, []);
    let output = theirs.reload(at(-3_600_000), ours.snapshot()).unwrap();
    assert_eq!(output.effects, []);
    assert_eq!(theirs.tokens().unwrap().expires_at, Some(START), "it has moved along");
}

#[test]
fn the_callers_part_of_an_opaque_state_stays_in_the_url() {
    let mut session = Session::new(config(0), entropy(1));
    // {"a":1}
    let options = LoginOptions { state: LoginState::Opaque("eyJhIjoxfQ".into()), ..LoginOptions::default() };
    session.begin_login(START, options, entropy(2)).unwrap();
    let callback = "http://127.0.0.1:8080/oauth?error=access_denied&state=eyJhIjoxfQ";
    let output = session.complete_login(START, callback).unwrap();
    let Some(Effect::Notify { event: Event::LoginFailed { cleaned_url, .. } }) = output.effects.last() else {
        panic!("{output:?}")
    };
    assert_eq!(cleaned_url.as_deref(), Some("http://127.0.0.1:8080/oauth?state=eyJhIjoxfQ"));
}

#[test]
fn the_answer_to_a_sign_in_that_was_joined_is_for_both() {
    let mut session = Session::new(config(0), entropy(1));
    session.sign_in_with_client_credentials(START, Some("a".into())).unwrap();
    session.sign_in_with_client_credentials(START, Some("a".into())).unwrap();
    session.response(START, ID, answer(200, TOKENS)).unwrap();
    assert_eq!(session.phase(), Phase::SignedIn);
}

#[test]
fn a_scope_that_is_not_told_is_the_one_that_was_asked_for() {
    let mut session = Session::new(config(0), entropy(1));
    session.redeem_code(START, "c", None).unwrap();
    session.response(START, ID, reduced(1)).unwrap();
    assert_eq!(session.status(START).scope, Some("spark:kms spark:people_read spark:rooms_read".into()));
}

#[test]
fn an_error_that_is_null_is_none() {
    let mut session = signed_in(0);
    let mut output = session.sign_out(START, SignOutOptions::default()).unwrap();
    for (body, expected) in [(r#"{"error":null}"#, vec![]), (r#"{"error":"x"}"#, vec!["token:revoke-error"])] {
        let request = sent(&output)[0].id;
        output = session.response(START, request, answer(200, body)).unwrap();
        assert_eq!(events(&output), expected, "{body}");
    }
}

#[test]
fn of_a_fragment_only_the_protocols_part_is_kept() {
    let mut session = Session::new(config(0), entropy(1));
    let options = LoginOptions { flow: Flow::Implicit, ..LoginOptions::default() };
    let output = session.begin_login(START, options, entropy(2)).unwrap();
    let Some(Effect::OpenBrowser { url }) = output.effects.last() else { panic!("{output:?}") };
    let state = parameter(url.expose(), "state").unwrap();
    let callback =
        format!("#access_token=AT&expires_in=60&token_type=Bearer&id_token=ID&x=1&state={state}&iss=https://a.b");
    session.complete_login(START, callback).unwrap();
    let tokens = session.tokens().unwrap();
    assert!(tokens.custom.0.is_empty(), "{:?}", tokens.custom);
    assert!(tokens.id_token.is_some());
}
