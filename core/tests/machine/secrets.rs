//! No secret leaves but where it belongs: everything is driven with marked secrets, by a server that throws back at us
//! whatever it was sent, and everything that can be printed is searched for them.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::{Debug, Display};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use webex_oauth::protocol::authorize::AuthorizeRequest;
use webex_oauth::protocol::jwt::{GuestJwt, Lifetime, guest_jwt};
use webex_oauth::protocol::{adopt, callback, token};
use webex_oauth::{
    Access, ClientAuth, Config, ConfigParts, Effect, Event, Fault, Flow, HttpRequest, HttpResponse, Input,
    LoginOptions, LoginState, LogoutVia, Output, Provider, Purpose, Renewal, RequestId, SendFault, Session,
    SignOutOptions, Timestamp, WhichLogin,
};

use crate::kit::{self, answer, with_header};

/// Short words on purpose: nothing but knowing them tells that they are secrets. Some bytes change when encoded.
const CLIENT_SECRET: &str = "hush client/secret";
const ACCESS_TOKEN: &str = "hushAccess~token";
const REFRESH_TOKEN: &str = "hushRefresh+token";
const ID_TOKEN: &str = "hushIdToken";
const CUSTOM: &str = "hushCustomValue";
const CODE: &str = "hushCode/abc";
const STATE: &str = "hushState=opaque";
const VERIFIER: &str = "hushVerifierhushVerifierhushVerifierhushVerif";
const DEVICE_CODE: &str = "hushDevice+code";
const USER_CODE: &str = "hushUserCode";
const JWT: &str = "hushHeader.hushClaims.hushSignature";
const SERVICE_TOKEN: &str = "hushService~token";
const EXTRA: &str = "hushExtraHint";
const GUEST_SECRET: &str = "aHVzaEd1ZXN0U2VjcmV0";
const MARKS: [&str; 14] = [
    CLIENT_SECRET,
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    ID_TOKEN,
    CUSTOM,
    CODE,
    STATE,
    VERIFIER,
    DEVICE_CODE,
    USER_CODE,
    JWT,
    SERVICE_TOKEN,
    EXTRA,
    GUEST_SECRET,
];

/// The forms in which a secret may hide in a text.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), percent_encoded(secret), form_encoded(secret)];
    for padding in 0..3_usize {
        // Whatever stands before and after, these characters are the same.
        let bytes: Vec<u8> = std::iter::repeat_n(b'x', padding).chain(secret.bytes()).collect();
        let first = (padding * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        forms.push(STANDARD.encode(&bytes)[first..last].to_owned());
        forms.push(URL_SAFE_NO_PAD.encode(&bytes)[first..last].to_owned());
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn percent_encoded(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

thread_local! {
    /// Texts that have been searched for this many needles: most of them come again and again.
    static SEEN: RefCell<HashSet<(usize, String)>> = RefCell::default();
}

/// Looks at everything that can be printed.
struct Probe {
    session: Session,
    now: Timestamp,
    needles: Vec<String>,
    /// Looked at before, on the way to the same point.
    quiet: bool,
    looked_at: usize,
}

impl Probe {
    fn new(config: Config) -> Self {
        let mut session = Session::new(config, kit::entropy(1));
        session.start_recording();
        let needles = MARKS.iter().flat_map(|mark| forms(mark)).collect();
        Self { session, now: kit::START, needles, quiet: false, looked_at: 0 }
    }

    fn look(&mut self, what: &str, text: &str) {
        self.looked_at += 1;
        if !SEEN.with_borrow_mut(|seen| seen.insert((self.needles.len(), text.to_owned()))) {
            return;
        }
        if let Some(needle) = self.needles.iter().find(|needle| text.contains(needle.as_str())) {
            panic!("{needle:?} in {what}: {text}");
        }
    }

    fn debug(&mut self, what: &str, value: &impl Debug) {
        self.look(what, &format!("{value:?}"));
    }

    fn display(&mut self, what: &str, value: &(impl Debug + Display)) {
        self.debug(what, value);
        self.look(what, &value.to_string());
    }

    fn feed(&mut self, input: Input) -> Output {
        if self.quiet {
            return self.session.handle(self.now, input).unwrap_or_default();
        }
        let name = format!("{input:?}");
        self.look("the input", &name);
        let result = self.session.handle(self.now, input);
        match &result {
            Ok(output) => {
                self.debug("the output", output);
                for effect in &output.effects {
                    self.effect(effect);
                }
            }
            Err(misuse) => self.display("the misuse", misuse),
        }
        self.queries();
        result.unwrap_or_default()
    }

    fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Send { request } => {
                self.look("the URL of a request", request.url());
                for (name, value) in &request.headers {
                    self.debug(name, value);
                }
            }
            Effect::Notify { event } => {
                self.debug("the event", event);
                if let Some(fault) = fault_of(event) {
                    self.display("the fault", fault);
                }
                if let Event::SignedIn { cleaned_url: Some(url), .. }
                | Event::LoginFailed { cleaned_url: Some(url), .. } = event
                {
                    self.look("the cleaned URL", url);
                }
            }
            _ => {}
        }
    }

    fn queries(&mut self) {
        let now = self.now;
        let accesses = [self.session.access(now), self.session.access_for(now, &"spark:kms".into())];
        for access in accesses {
            if let Access::BackingOff { fault, .. } = &access {
                self.display("the fault", &**fault);
            }
            self.debug("the access", &access);
        }
        let status = self.session.status(now);
        self.debug("the status", &status);
        self.look("the session", &format!("{:?}", self.session));
        self.look("the tokens", &format!("{:?}", self.session.tokens()));
        self.look("the configuration", &format!("{:?}", self.session.config()));
        self.look("the snapshot's Debug", &format!("{:?}", self.session.snapshot()));
        self.look("the logout URL's Debug", &format!("{:?}", self.session.logout_url(None)));
    }

    /// What was recorded. Returns how many texts were searched.
    fn finish(mut self) -> usize {
        let transcript = self.session.transcript().unwrap_or_default().to_owned();
        assert!(transcript.lines().count() > 1);
        for line in transcript.lines() {
            self.look("the transcript", line);
        }
        self.looked_at
    }
}

fn fault_of(event: &Event) -> Option<&Fault> {
    match event {
        Event::RefreshFailed { fault, .. }
        | Event::LoginFailed { fault, .. }
        | Event::DownscopeFailed { fault, .. }
        | Event::RevokeFailed { fault } => Some(fault),
        Event::SignedOut { fault, .. } => fault.as_deref(),
        _ => None,
    }
}

fn parts() -> ConfigParts {
    let mut parts = kit::webex();
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.access_token = Some(ACCESS_TOKEN.into());
    parts
}

fn configs() -> Vec<Config> {
    let mut all = Vec::new();
    for method in [ClientAuth::Body, ClientAuth::BasicFormEncoded, ClientAuth::BasicRaw] {
        let mut parts = parts();
        parts.client_auth = Some(method);
        all.push(parts.build().unwrap());
    }
    let mut idbroker = parts();
    idbroker.provider = Provider::webex_idbroker();
    all.push(idbroker.build().unwrap());
    for renewal in [Renewal::HostToken, Renewal::HostJwt] {
        let mut parts = parts();
        parts.client_secret = None;
        parts.renewal = renewal;
        all.push(parts.build().unwrap());
    }
    all
}

fn login(probe: &mut Probe, flow: Flow, state: LoginState) -> String {
    let extra = vec![("id_token_hint".to_owned(), EXTRA.to_owned())];
    let options = LoginOptions { flow, state, extra, ..LoginOptions::default() };
    let output = probe.feed(Input::BeginLogin { options, entropy: kit::entropy(2) });
    let url = output.effects.iter().find_map(|effect| match effect {
        Effect::OpenBrowser { url } => Some(url.expose().to_owned()),
        _ => None,
    });
    let state = kit::parameter(&url.unwrap_or_default(), "state").unwrap_or_default();
    // The state of this login is a secret as well, and drawn anew.
    if !state.is_empty() {
        probe.needles.extend(forms(&state));
    }
    state
}

fn adopt_tokens(probe: &mut Probe) {
    let tokens = format!(
        r#"{{"access_token":"{ACCESS_TOKEN}","refresh_token":"{REFRESH_TOKEN}","id_token":"{ID_TOKEN}",
            "expires_in":3600,"scope":"spark:kms spark:people_read","note":"{CUSTOM}"}}"#
    );
    probe.feed(Input::Adopt { tokens: tokens.into() });
}

fn success() -> HttpResponse {
    answer(
        200,
        format!(
            r#"{{"access_token":"{ACCESS_TOKEN}","refresh_token":"{REFRESH_TOKEN}","id_token":"{ID_TOKEN}",
                "expires_in":3600,"custom":"{CUSTOM}","token_type":"Bearer"}}"#
        ),
    )
}

fn sent(output: &Output, purpose: Purpose) -> Option<HttpRequest> {
    output.effects.iter().find_map(|effect| match effect {
        Effect::Send { request } if request.purpose == purpose => Some(request.clone()),
        _ => None,
    })
}

/// Brings a session to the point where it has just sent this kind of request. `None`: this configuration cannot.
fn reach(probe: &mut Probe, purpose: Purpose) -> Option<HttpRequest> {
    let output = match purpose {
        Purpose::RedeemCode => {
            let state = login(probe, Flow::Code, LoginState::Opaque(STATE.into()));
            let callback = format!("{}?code={CODE}&state={}", kit::REDIRECT_URI, percent_encoded(&state));
            probe.feed(Input::CompleteLogin { callback: callback.into() })
        }
        Purpose::Refresh => {
            adopt_tokens(probe);
            probe.feed(Input::Refresh)
        }
        Purpose::ClientCredentials => probe.feed(Input::SignInWithClientCredentials { scope: None }),
        Purpose::JwtLogin => probe.feed(Input::SignInWithJwt { jwt: JWT.into() }),
        Purpose::GuestToken => probe.feed(Input::SignInAsGuest {
            service_token: SERVICE_TOKEN.into(),
            subject: "guest".to_owned(),
            display_name: "Guest".to_owned(),
        }),
        Purpose::DeviceAuthorization => probe.feed(Input::BeginDeviceLogin { scope: None }),
        Purpose::DeviceToken => {
            let request = reach(probe, Purpose::DeviceAuthorization)?;
            let body = format!(
                r#"{{"device_code":"{DEVICE_CODE}","user_code":"{USER_CODE}","verification_uri":"https://v.example",
                    "verification_uri_complete":"https://v.example?userCode={USER_CODE}","interval":1}}"#
            );
            probe.feed(Input::Response { id: request.id, response: answer(200, body) });
            probe.now = probe.now.plus_millis(1000);
            probe.feed(Input::Tick)
        }
        Purpose::Downscope => {
            adopt_tokens(probe);
            probe.feed(Input::Downscope { scope: "spark:kms".into() })
        }
        Purpose::Revoke | Purpose::Logout => {
            adopt_tokens(probe);
            let options = SignOutOptions { logout: LogoutVia::Post, ..SignOutOptions::default() };
            probe.feed(Input::SignOut { options })
        }
    };
    sent(&output, purpose)
}

const PURPOSES: [Purpose; 10] = [
    Purpose::RedeemCode,
    Purpose::Refresh,
    Purpose::ClientCredentials,
    Purpose::JwtLogin,
    Purpose::GuestToken,
    Purpose::DeviceAuthorization,
    Purpose::DeviceToken,
    Purpose::Downscope,
    Purpose::Revoke,
    Purpose::Logout,
];

/// Everything in a request that a server can throw back: parameters, header values, also in other encodings.
fn reflections(request: &HttpRequest) -> Vec<String> {
    let public = ["grant_type", "client_id", "redirect_uri", "scope", "token_type_hint", "self_contained_token"];
    let body = request.body.expose();
    let mut values: Vec<String> = Vec::new();
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(body) {
        let secret =
            |(name, value): (&String, &serde_json::Value)| (name == "token").then(|| value.as_str().map(str::to_owned));
        values.extend(members.iter().filter_map(secret).flatten());
    } else {
        let parameters = url::form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| !public.contains(&&**name));
        values.extend(parameters.map(|(_, value)| value.into_owned()));
    }
    if let Some(header) = request.header("authorization") {
        values.push(header.to_owned());
        values.extend(header.split(' ').map(str::to_owned));
    }
    let encoded = |value: &String| {
        [percent_encoded(value), form_encoded(value), STANDARD.encode(value), STANDARD.encode(format!("x{value}y"))]
    };
    let more: Vec<String> = values.iter().flat_map(encoded).collect();
    values.extend(more);
    if request.header("content-type") == Some("application/x-www-form-urlencoded") {
        values.push(body.to_owned());
    }
    values.sort_unstable();
    values.dedup();
    values.retain(|value| !["Bearer", "Basic"].contains(&value.as_str()));
    values
}

/// Answers that carry the value in every place that is ever shown to anybody.
fn hostile(value: &str) -> Vec<HttpResponse> {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let (quoted, sentence) = (json(value), json(&format!("the value '{value}' (={value}) is wrong")));
    let bodies = [
        format!(r#"{{"error":{quoted}}}"#),
        format!(r#"{{"error":"invalid_request","error_description":{sentence}}}"#),
        format!(r#"{{"error":"invalid_grant","error_description":{quoted},"error_uri":{quoted}}}"#),
        format!(r#"{{"error":{{"key":"invalid_request","message":{sentence}}}}}"#),
        format!(r#"{{"error":{{"code":{quoted},"error_description":{quoted}}}}}"#),
        format!(r#"{{"message":{sentence},"trackingId":{quoted}}}"#),
        format!(r#"{{"message":{quoted},"errors":[{{"description":{sentence}}}],"trackingId":{sentence}}}"#),
        format!(r#"{{"errors":[{{"description":{quoted}}}]}}"#),
    ];
    let mut all: Vec<HttpResponse> = bodies.iter().map(|body| answer(400, body.as_str())).collect();
    all.extend([401, 429, 500, 200].map(|status| answer(status, bodies[5].as_str())));
    all.extend([401, 500, 200].map(|status| answer(status, bodies[2].as_str())));
    for status in [200, 302, 429] {
        let tracking = format!("ROUTER_{value}");
        all.push(with_header(with_header(answer(status, value), "TrackingID", &tracking), "Retry-After", value));
        let headers = answer(status, r#"{"access_token":1}"#);
        all.push(with_header(with_header(headers, "trackingid", value), "location", value));
    }
    all.push(answer(200, format!(r#"{{"access_token":"AT","token_type":{}}}"#, json(&value.replace(' ', "-")))));
    all.push(answer(200, format!(r#"{{"access_token":{quoted},"expires_in":{quoted}}}"#)));
    all
}

#[test]
fn a_server_that_reflects_its_requests_learns_us_nothing_to_leak() {
    let (mut looked_at, mut reached) = (0, 0);
    for config in configs() {
        for purpose in PURPOSES {
            let mut probe = Probe::new(config.clone());
            let Some(request) = reach(&mut probe, purpose) else { continue };
            reached += 1;
            let values = reflections(&request);
            assert!(!values.is_empty() || purpose == Purpose::DeviceAuthorization, "{purpose:?} carries no secret?");
            for (number, response) in values.iter().flat_map(|value| hostile(value)).enumerate() {
                let mut probe = Probe { quiet: true, ..Probe::new(config.clone()) };
                let id = reach(&mut probe, purpose).unwrap().id;
                // Every second one comes when nobody waits for it any longer.
                if number % 2 == 1 {
                    probe.now = probe.now.plus_millis(46_000);
                    probe.feed(Input::Tick);
                }
                probe.quiet = false;
                probe.feed(Input::Response { id, response: response.clone() });
                looked_at += probe.finish();
            }
        }
    }
    assert!(reached > 30 && looked_at > 50_000, "{reached} {looked_at}");
}

#[test]
fn hostile_callbacks_show_nothing() {
    let base = kit::REDIRECT_URI;
    for flow in [Flow::Code, Flow::Implicit] {
        for number in 0..40 {
            let mut probe = Probe::new(parts().build().unwrap());
            let state = login(&mut probe, flow, LoginState::Json(r#"{"page":1}"#.to_owned()));
            let encoded = STANDARD.encode(&state);
            let callback = match number {
                0 => format!("{base}?code={CODE}&state={state}"),
                1 => format!("{base}?code={CODE}&state=wrong"),
                2 => format!("{base}?code={CODE}&code={CODE}&state={state}"),
                3 => format!("{base}?error={state}&state={state}"),
                4 => format!("{base}?error=access_denied&error_description={state}&error_uri={state}&state={state}"),
                5 => format!("{base}?error=x{state}x&error_description=a+{encoded}&state={state}"),
                6 => format!("{base}?error=server_error&code={CODE}&state={state}&access_token={ACCESS_TOKEN}"),
                7 => format!(
                    "{base}#access_token={ACCESS_TOKEN}&refresh_token={REFRESH_TOKEN}&state={state}&expires_in=x"
                ),
                8 => format!("{base}#access_token={ACCESS_TOKEN}&id_token={ID_TOKEN}&state={state}&expires_in=60"),
                9 => format!("{base}?%63ode={CODE}&c%6Fde={CODE}&state={state}"),
                10 => format!("{base}?%63ode={CODE}&stat%65={state}&note=ok#id_token={ID_TOKEN}"),
                11 => format!("https://evil.example/?code={CODE}&state={state}"),
                12 => {
                    format!("{base}?code={CODE}&state={state}&iss=https%3A%2F%2Fas.example#access_token={ACCESS_TOKEN}")
                }
                13 => format!("code={CODE}&state={state}"),
                14 => format!("{base}#access_token=a+b&token_type=x+y&state={state}"),
                15 => format!("{base}?state={state}"),
                _ => break,
            };
            let output = probe.feed(Input::CompleteLogin { callback: callback.into() });
            if let Some(request) = sent(&output, Purpose::RedeemCode) {
                probe.feed(Input::Response { id: request.id, response: success() });
            }
            probe.finish();
        }
    }
}

#[test]
fn every_other_input_shows_nothing() {
    let mut looked_at = 0;
    for config in configs() {
        let mut probe = Probe::new(config);
        for purpose in PURPOSES {
            if let Some(request) = reach(&mut probe, purpose) {
                probe.debug("the request", &request);
                probe.feed(Input::Response { id: request.id, response: success() });
                probe.debug("the response", &success());
            }
        }
        probe.feed(Input::RedeemCode { code: CODE.into(), verifier: Some(VERIFIER.into()) });
        probe.feed(Input::CancelLogin { which: WhichLogin::All });
        for tokens in [
            format!("Bearer {ACCESS_TOKEN}"),
            format!("{ACCESS_TOKEN} and {REFRESH_TOKEN} and more"),
            format!(r#"{{"access_token":["{ACCESS_TOKEN}"]}}"#),
            format!(r#"{{"access_token":"{ACCESS_TOKEN}","expires_in":"{REFRESH_TOKEN}"}}"#),
            format!("#access_token={ACCESS_TOKEN}&access_token={ACCESS_TOKEN}"),
            format!(r#"{{"{ACCESS_TOKEN}":1"#),
        ] {
            if let Err(problem) = adopt::read(&tokens, kit::START) {
                probe.look("the problem", problem);
            }
            probe.feed(Input::Adopt { tokens: tokens.clone().into() });
            probe.feed(Input::ProvideToken { id: RequestId(1), tokens: tokens.into() });
        }
        probe.feed(Input::SignInWithJwt { jwt: format!("{JWT}.{JWT}").into() });
        probe.feed(Input::SignInAsGuest {
            service_token: format!("{SERVICE_TOKEN} {SERVICE_TOKEN}").into(),
            subject: "guest".to_owned(),
            display_name: "Guest".to_owned(),
        });
        probe.feed(Input::ProvideJwt { id: RequestId(1), jwt: JWT.into() });
        adopt_tokens(&mut probe);
        let snapshot = probe.session.snapshot();
        for damaged in [
            snapshot.expose().to_owned(),
            snapshot.expose().replace("C0123", "C9999"),
            snapshot.expose().replace(":1,", ":2,"),
            snapshot.expose().chars().take(200).collect(),
        ] {
            if let Err(error) = Session::restore(probe.session.config().clone(), &damaged) {
                probe.display("the error", &error);
            }
            probe.feed(Input::Reload { snapshot: damaged.into() });
        }
        probe.feed(Input::TokenRejected { generation: 1 });
        let url = format!("https://a.example/{ACCESS_TOKEN}?token={ACCESS_TOKEN}#{ACCESS_TOKEN}");
        probe.feed(Input::CalledWithoutToken { url: url.into() });
        probe.feed(Input::CalledWithoutToken { url: format!("https://{ACCESS_TOKEN}@a.example/").into() });
        probe.feed(Input::Embargoed);
        looked_at += probe.finish();
    }
    assert!(looked_at > 1000);
}

#[test]
fn a_host_that_quotes_its_tokens_in_a_reason_shows_nothing() {
    let config = configs().into_iter().find(|config| config.parts().renewal == Renewal::HostToken).unwrap();
    let mut session = Session::new(config, kit::entropy(1));
    session
        .adopt(kit::START, format!(r#"{{"access_token":"{ACCESS_TOKEN}","refresh_token":"{REFRESH_TOKEN}"}}"#))
        .unwrap();
    let output = session.refresh(kit::START).unwrap();
    let Some(Effect::AskForToken { id, ask }) = output.effects.last() else { panic!("{output:?}") };
    let reason = format!("the backend refused {REFRESH_TOKEN} ({})", percent_encoded(REFRESH_TOKEN));
    let told = session.host_failed(kit::START, *id, &reason).unwrap();
    let text = format!("{ask:?} {told:?} {:?}", session.status(kit::START));
    assert!(text.contains("the backend refused"));
    for needle in forms(REFRESH_TOKEN).iter().chain(&forms(ACCESS_TOKEN)) {
        assert!(!text.contains(needle.as_str()), "{text}");
    }
}

#[test]
fn values_of_the_protocol_show_nothing() {
    let mut probe = Probe::new(parts().build().unwrap());
    probe.debug("the parts", &parts());
    probe.debug("the entropy", &kit::entropy(1));
    let options = LoginOptions {
        state: LoginState::Opaque(STATE.into()),
        extra: vec![("id_token_hint".to_owned(), EXTRA.to_owned())],
        ..LoginOptions::default()
    };
    probe.debug("the options", &options);
    let request = AuthorizeRequest { state: Some(STATE), options: Some(&options), ..AuthorizeRequest::default() };
    probe.debug("the authorization request", &request);
    let expected = callback::Expected {
        flow: Flow::Code,
        redirect_uri: kit::REDIRECT_URI,
        state: STATE,
        issuer: None,
        issuer_required: false,
    };
    probe.debug("the expectation", &expected);
    let url = format!("{}?code={CODE}&state={}", kit::REDIRECT_URI, percent_encoded(STATE));
    probe.debug("the callback", &callback::read(&url, &expected, kit::START));
    probe.debug("the answer", &token::read_answer(&success(), kit::START, false));
    let guest = GuestJwt {
        subject: None,
        display_name: None,
        issuer: "issuer".to_owned(),
        secret: GUEST_SECRET.into(),
        lifetime: Lifetime::Seconds(60),
    };
    probe.debug("the guest", &guest);
    probe.debug("the JWT", &guest_jwt(&guest, kit::START, &kit::entropy(3)));
    let wrong = GuestJwt { secret: format!("{GUEST_SECRET}!").into(), ..guest };
    probe.display("the JWT's error", &guest_jwt(&wrong, kit::START, &kit::entropy(3)).unwrap_err());
    for fault in [SendFault::Lost, SendFault::NotSent, SendFault::Untrusted, SendFault::TooLarge] {
        probe.debug("the fault", &fault);
    }
}

#[test]
fn a_refused_configuration_does_not_quote_its_secret() {
    let probe = &mut Probe::new(parts().build().unwrap());
    let quoted = |name: &str| (name.ends_with("CLIENT_SECRET")).then(|| format!("\"{CLIENT_SECRET}"));
    probe.display("the error", &ConfigParts::from_variables(quoted, true).unwrap_err());
    let control = ConfigParts { client_secret: Some(format!("{CLIENT_SECRET}\u{0}").into()), ..parts() };
    probe.display("the error", &control.build().unwrap_err());
    for url in [
        format!("not a url {CLIENT_SECRET}"),
        format!("http://a.example/authorize?client_id=c&client_secret={}", form_encoded(CLIENT_SECRET)),
    ] {
        probe.display("the error", &ConfigParts::from_authorization_url(&url).unwrap_err());
    }
    let metadata = format!(r#"{{"issuer":"https://x.example","client_secret":"{CLIENT_SECRET}"}}"#);
    probe.display("the error", &Provider::from_metadata(metadata.as_bytes(), "https://x.example").unwrap_err());
}
