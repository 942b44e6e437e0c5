//! A walk: any sequence of moves, sensible or hostile, and after each move everything that a session promises.
//!
//! A move is four bytes, so that proptest can shrink a walk and a fuzzer can mutate it.

use std::collections::BTreeSet;

use webex_oauth::{
    Access, Config, Effect, Entropy, Flow, HttpRequest, HttpResponse, Input, LoginId, LoginOptions, LoginState,
    LogoutVia, Output, Phase, RequestId, ResponseMode, Scope, Secret, SendFault, Session, SignInReason, SignOutOptions,
    SignedOutReason, Status, Timestamp, WhichLogin,
};

use crate::kit::{self, answer, with_header};

pub(crate) type Move = [u8; 4];

const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;
const YEAR: i64 = 365 * DAY;
/// Beyond the timeout of a request the session gives its driver this long.
const GRACE: i64 = 15 * SECOND;

/// A change of phase: from where, by which input, to where.
pub(crate) type Edge = (&'static str, String, &'static str);

/// Takes the walk and panics at the first broken promise. Returns the changes of phase on it.
pub(crate) fn walk(config: u8, moves: &[Move]) -> BTreeSet<Edge> {
    let mut walk = Walk::new(kit::config(config));
    for step in moves {
        walk.take(*step);
    }
    walk.edges
}

/// A grant request whose outcome is open.
struct Open {
    id: RequestId,
    deadline: Timestamp,
}

struct Walk {
    config: Config,
    session: Session,
    /// Gets the same inputs.
    twin: Session,
    now: Timestamp,
    /// The reading that came with the last input that was taken.
    latest: Timestamp,
    open: Vec<Open>,
    /// Requests without an answer, the newest last.
    requests: Vec<HttpRequest>,
    asked: Vec<RequestId>,
    /// Every id that ever was.
    ids: Vec<RequestId>,
    /// `state` of the last login URL.
    login_state: String,
    stored: Vec<Secret>,
    /// The access token and what is left of its life.
    life: Option<(String, i64)>,
    edges: BTreeSet<Edge>,
}

/// Everything that a query can tell.
#[derive(Debug, PartialEq)]
struct View {
    snapshot: Secret,
    access: Access,
    wake_at: Option<Timestamp>,
    phase: Phase,
    status: Status,
    revision: u64,
}

impl Walk {
    fn new(config: Config) -> Self {
        Self {
            session: Session::new(config.clone(), kit::entropy(1)),
            twin: Session::new(config.clone(), kit::entropy(1)),
            config,
            now: kit::START,
            latest: kit::START,
            open: Vec::new(),
            requests: Vec::new(),
            asked: Vec::new(),
            ids: Vec::new(),
            login_state: String::new(),
            stored: Vec::new(),
            life: None,
            edges: BTreeSet::new(),
        }
    }

    fn view(&self) -> View {
        let (session, now) = (&self.session, self.now);
        View {
            snapshot: session.snapshot(),
            access: session.access(now),
            wake_at: session.wake_at(),
            phase: session.phase(),
            status: session.status(now),
            revision: session.revision(),
        }
    }

    fn take(&mut self, step: Move) {
        let [what, which, a, _] = step;
        match what % 30 {
            26 | 27 => self.wait_until_woken(),
            28 => self.jump(which),
            29 => self.restart(which),
            _ => {
                if a % 8 == 7 {
                    self.now = jumped(self.now, which);
                }
                self.feed(step);
            }
        }
    }

    /// A driver that does nothing but wait: time alone must lead on.
    fn wait_until_woken(&mut self) {
        let Some(wake_at) = self.session.wake_at() else {
            return;
        };
        self.now = self.now.max(wake_at);
        if self.now.as_millis() > i64::MAX - YEAR {
            // Instants saturate here: there is no later.
            return;
        }
        for _ in 0..4 {
            self.feed([24, 0, 0, 0]);
            if self.session.wake_at().is_none_or(|next| next > self.now) {
                return;
            }
        }
        panic!("it spins: now {:?}, {:?}, {:?}", self.now, self.session.wake_at(), self.view());
    }

    fn jump(&mut self, which: u8) {
        self.now = jumped(self.now, which);
        self.feed([24, 0, 0, 0]);
    }

    /// The process ends and begins again with what was stored last.
    fn restart(&mut self, which: u8) {
        let snapshot = match which % 3 {
            0 => Some(self.session.snapshot()),
            1 => self.stored.last().cloned(),
            _ => self.stored.get(usize::from(which) % self.stored.len().max(1)).cloned(),
        };
        let Some(snapshot) = snapshot else {
            return;
        };
        let restore = || Session::restore(self.config.clone(), snapshot.expose()).unwrap();
        let (session, twin) = (restore(), restore());
        (self.session, self.twin) = (session, twin);
        self.open.clear();
        self.requests.clear();
        self.asked.clear();
        self.life = None;
        // The stored reading of the clock counts.
        self.latest = Timestamp::from_millis(
            serde_json::from_str::<serde_json::Value>(snapshot.expose()).unwrap()["saved_at"].as_i64().unwrap(),
        );
    }

    fn feed(&mut self, step: Move) {
        let (input, same) = (self.input(step), self.input(step));
        let about = answered(&input);
        let renews = may_renew(&input);
        let reloaded = match &input {
            Input::Reload { snapshot } => webex_oauth::snapshot_revision(snapshot.expose()).ok(),
            _ => None,
        };
        let tick = matches!(input, Input::Tick);
        let before = self.view();
        let tokens_before = self.tokens();
        let text = format!("{input:?}");

        let result = self.session.handle(self.now, input);
        let same_result = self.twin.handle(self.now, same);
        assert_eq!(result, same_result, "the same inputs, other effects");
        assert_eq!(
            self.session.snapshot().expose(),
            self.twin.snapshot().expose(),
            "the same inputs, another snapshot"
        );

        let output = match result {
            Err(misuse) => {
                assert_eq!(before, self.view(), "{text} was a mistake ({misuse}) and changed something");
                assert!(!tick, "a tick is never a mistake");
                return;
            }
            Ok(output) => output,
        };
        let (from, to) = (phase_name(before.phase), phase_name(self.session.phase()));
        // What time alone does is a tick's, whichever input it comes with.
        if from != to && (tick || self.now == self.latest) {
            let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
            self.edges.insert((from, name, to));
        }
        let back = (i128::from(self.now.as_millis()) - i128::from(self.latest.as_millis())).min(0);
        self.latest = self.now;
        for open in &mut self.open {
            let moved = i128::from(open.deadline.as_millis()) + back;
            open.deadline = Timestamp::from_millis(i64::try_from(moved).unwrap_or(i64::MIN));
        }
        self.open.retain(|open| open.deadline > self.now && Some(open.id) != about);
        self.requests.retain(|request| Some(request.id) != about);
        self.asked.retain(|id| Some(*id) != about);

        assert_eq!(output.wake_at, self.session.wake_at());
        self.check_order(&output, &before, reloaded);
        let changed = tokens_before != self.tokens();
        assert!(!changed || stores(&output) || reloaded.is_some(), "new tokens are not stored after {text}");
        self.check_life(renews);
        self.run(&output);
        self.check_restore();
    }

    fn tokens(&self) -> Option<(Option<String>, Option<Secret>)> {
        let tokens = self.session.tokens()?;
        Some((tokens.access_token.as_ref().map(|token| token.expose().to_owned()), tokens.refresh_token.clone()))
    }

    /// Persist is first and alone and one revision further, Notify is last.
    fn check_order(&self, output: &Output, before: &View, reloaded: Option<u64>) {
        let rank = |effect: &Effect| match effect {
            Effect::Persist { .. } => 0,
            Effect::Notify { .. } => 2,
            _ => 1,
        };
        let ranks: Vec<i32> = output.effects.iter().map(rank).collect();
        assert!(ranks.is_sorted(), "{output:?}");
        assert!(ranks.iter().filter(|rank| **rank == 0).count() <= 1, "{output:?}");
        // What began apart counts on from the number of the store.
        let held = [before.revision, reloaded.unwrap_or(before.revision)];
        match output.effects.first() {
            Some(Effect::Persist { snapshot, revision, replaces }) => {
                assert!(held.contains(replaces), "it replaces {replaces}, held was {held:?}");
                // Above the 24 bits that count is where the session began.
                let counted = if *replaces == 0 { *revision % (1 << 24) } else { *revision };
                assert_eq!(counted, replaces.saturating_add(1), "{revision}");
                assert_eq!(webex_oauth::snapshot_revision(snapshot.expose()), Ok(*revision));
                assert_eq!(*snapshot, self.session.snapshot());
                assert_eq!(self.session.revision(), *revision);
            }
            _ => assert!(held.contains(&self.session.revision())),
        }
    }

    /// Time only shortens a token's life, whichever way the clock goes.
    fn check_life(&mut self, renews: bool) {
        let tokens = self.session.tokens();
        let life = tokens.and_then(|tokens| {
            let left = tokens.expires_at?.millis_since(self.now).max(0);
            Some((tokens.access_token.as_ref()?.expose().to_owned(), left))
        });
        if let (Some((old, was)), Some((new, is)), false) = (&self.life, &life, renews)
            && old == new
        {
            assert!(is <= was, "{was} ms were left, now {is}");
        }
        self.life = life;
        let ready = |at: Timestamp| matches!(self.session.access(at), Access::Ready { .. });
        if !ready(self.now) {
            for back in [1, 59 * SECOND, 61 * SECOND, YEAR] {
                assert!(!ready(self.now.plus_millis(-back)), "{back} ms earlier the token is good again");
            }
        }
    }

    /// Does what the effects say, as far as the walk remembers it.
    fn run(&mut self, output: &Output) {
        let timeout = self.config.parts().request_timeout;
        for effect in &output.effects {
            match effect {
                Effect::Persist { snapshot, .. } => self.stored.push(snapshot.clone()),
                Effect::Send { request } => {
                    self.ids.push(request.id);
                    if request.purpose.is_grant() {
                        self.opens(request.id, self.now.plus(timeout).plus_millis(GRACE));
                    }
                    self.requests.push(request.clone());
                }
                Effect::AskForJwt { id } | Effect::AskForToken { id, .. } => {
                    self.ids.push(*id);
                    self.asked.push(*id);
                }
                Effect::OpenBrowser { url } => {
                    if let Some(state) = kit::parameter(url.expose(), "state") {
                        self.login_state = state;
                    }
                }
                Effect::ShowDeviceCode { .. } | Effect::Notify { .. } => {}
            }
        }
    }

    fn opens(&mut self, id: RequestId, deadline: Timestamp) {
        assert!(self.open.is_empty(), "two grant requests are out: {:?} and {id:?}", self.open[0].id);
        self.open.push(Open { id, deadline });
    }

    /// What is stored is what there is.
    fn check_restore(&self) {
        let snapshot = self.session.snapshot();
        let restored = Session::restore(self.config.clone(), snapshot.expose()).unwrap();
        assert_eq!(restored.snapshot().expose(), snapshot.expose());
        assert_eq!(restored.tokens(), self.session.tokens());
        let (own, again) = (self.session.access(self.now), restored.access(self.now));
        match (&own, &again) {
            (
                Access::Ready { token, generation, expires_at, .. },
                Access::Ready { token: t, generation: g, expires_at: e, .. },
            ) => assert_eq!((token, generation, expires_at), (t, g, e)),
            (Access::Ready { .. }, _) => panic!("{own:?} became {again:?}"),
            // That an API refused the token, or that a request is out, is not stored.
            (_, Access::Ready { .. }) => {
                let signed_out = Access::SignInRequired { reason: SignInReason::SignedOut(SignedOutReason::ByUser) };
                assert_ne!(own, signed_out);
            }
            (Access::SignInRequired { .. }, _) => {
                assert!(matches!(again, Access::SignInRequired { .. } | Access::Stale { .. }))
            }
            (_, _) => {}
        }
        for access in [own, self.session.access_for(self.now, &"spark:kms".into())] {
            if let Access::Refreshing { id } = access {
                assert!(self.session.wake_at().is_some(), "it waits for {id:?}, and for ever if no answer comes");
            }
        }
    }

    // -------------------------------------------------------------------- moves

    fn input(&self, [what, which, a, b]: Move) -> Input {
        let now = self.now;
        match what % 30 {
            0 => Input::BeginLogin { options: login_options(which, b), entropy: entropy(a) },
            1 => Input::CompleteLogin { callback: self.callback(which, a).into() },
            2 => Input::CancelLogin {
                which: match (a % 3, LoginId::of(&self.callback(which, a))) {
                    (1, Some(of)) => WhichLogin::Browser(of),
                    (2, _) => WhichLogin::UnderWay,
                    (_, _) => WhichLogin::All,
                },
            },
            3 => Input::RedeemCode {
                code: text(which, &["code-1", "code-2", "", " "]).into(),
                verifier: (a % 2 == 0).then(|| "a".repeat(43).into()),
            },
            4 => Input::BeginDeviceLogin { scope: scope(which) },
            5 => Input::SignInWithJwt {
                jwt: text(which, &["a.b.c", "Bearer a.b.d", " a.b.", "a.b", "ä.b.c", ""]).into(),
            },
            6 => Input::SignInAsGuest {
                service_token: text(which, &["ST", "", "a b"]).into(),
                subject: text(a, &["guest", " ", "\"\u{0}\\"]).to_owned(),
                display_name: text(b, &["Guest", "", "\u{202e}"]).to_owned(),
            },
            7 => Input::SignInWithClientCredentials { scope: scope(which) },
            8 => Input::Adopt { tokens: adoptable(which, now).into() },
            9 => Input::Reload { snapshot: self.reloadable(which, a) },
            10 | 11 => Input::EnsureFresh,
            12 => Input::Refresh,
            13 | 14 => {
                let current = self.session.status(now).generation;
                let generation = [current, current.wrapping_sub(1), current.wrapping_add(1), u64::MAX, 0];
                Input::TokenRejected { generation: pick(which, &generation) }
            }
            15 if which % 8 == 0 => Input::Embargoed,
            15 if which % 8 == 1 => Input::CalledWithoutToken {
                url: text(
                    a,
                    &["https://a.example/x", "http://webexapis.com/", "https://webexapis.com/", "x", "https://a\\@b/"],
                )
                .into(),
            },
            15 => Input::Downscope { scope: scope(a).unwrap_or_default() },
            16 => Input::ProvideToken { id: self.id(which), tokens: adoptable(a, now).into() },
            17 => Input::ProvideJwt { id: self.id(which), jwt: text(a, &["x.y.z", "x.y", ""]).into() },
            18 => Input::HostFailed { id: self.id(which), reason: text(a, &["no backend", ""]).repeat(usize::from(b)) },
            19 if which % 2 == 0 => Input::SignOut { options: sign_out_options(a) },
            25 => Input::SendFailed {
                id: self.id(which),
                fault: pick(a, &[SendFault::NotSent, SendFault::Lost, SendFault::TooLarge, SendFault::Untrusted]),
            },
            24 => Input::Tick,
            _ => Input::Response { id: self.id(which), response: server_answer(a, b) },
        }
    }

    /// Mostly an id that is awaited, sometimes any other.
    fn id(&self, which: u8) -> RequestId {
        let newest = self.requests.last().map(|request| request.id);
        let oldest = self.requests.first().map(|request| request.id);
        let open = self.open.first().map(|open| open.id);
        let asked = self.asked.last().copied();
        let any = self.ids.get(usize::from(which) % self.ids.len().max(1)).copied();
        let chosen = match which % 8 {
            0..=2 => open.or(asked).or(newest),
            3 | 4 => newest.or(asked),
            5 => oldest,
            6 => any,
            _ => Some(RequestId(if which < 128 { u64::MAX } else { 0 })),
        };
        chosen.unwrap_or(RequestId(7))
    }

    fn callback(&self, which: u8, a: u8) -> String {
        let (base, state) = (kit::REDIRECT_URI, &self.login_state);
        match which % 24 {
            0..=5 => format!("{base}?code=code-{a}&state={state}"),
            6 => format!("{base}#access_token=implicit-{a}&expires_in=3600&token_type=Bearer&state={state}"),
            7 => format!("{base}?error=access_denied&state={state}"),
            8 => format!("{base}?error=access_denied&code=x&state={state}"),
            9 => format!("code=code-{a}&state={state}&iss=https%3A%2F%2Fas.example"),
            10 => format!("{base}?code=x&state=wrong"),
            11 => format!("{base}?code=x&code=y&state={state}"),
            12 => format!("https://evil.example/oauth?code=x&state={state}"),
            13 => format!("{base}?code=%ff%fe&state={state}"),
            14 => format!("{base}#access_token=a b&expires_in=-1&state={state}"),
            15 => format!("{base}?code={}&state={state}", "x".repeat(70_000)),
            16 => format!("{base}#anchor"),
            17 => String::new(),
            18 => "\u{0}#?&==%".to_owned(),
            19 => format!("#access_token=T&expires_in={}&state={state}", u64::MAX),
            20 => format!("/oauth?code={a}&state={state}"),
            21 => format!("{base}?error={}&error_description=%1b[31m&state={state}", "e".repeat(5000)),
            22 => format!("{base}?state={state}"),
            _ => format!("javascript:alert(1)?code=x&state={state}"),
        }
    }

    fn reloadable(&self, which: u8, a: u8) -> Secret {
        let newest = self.stored.last().map_or("{}", Secret::expose);
        let other = usize::from(a) % self.stored.len().max(1);
        let other = self.stored.get(other).map_or("", Secret::expose);
        let with_revision = |text: &str, revision: u64| {
            let Ok(mut value) = serde_json::from_str::<serde_json::Value>(text) else {
                return String::new();
            };
            value["revision"] = revision.into();
            value.to_string()
        };
        let revision = self.session.revision();
        match which % 10 {
            0 => newest.to_owned(),
            1..=3 => with_revision(other, revision.saturating_add(1)),
            4 => with_revision(newest, revision.saturating_add(5)),
            5 => with_revision(other, u64::MAX / 2),
            6 => newest.replace("\"webex_oauth\":2", "\"webex_oauth\":3"),
            7 => newest.replace("C0123", "C9999"),
            8 => newest.chars().take(usize::from(a) * 4).collect(),
            _ => text(a, &["", "null", "[]", "{", "{\"webex_oauth\":1}"]).to_owned(),
        }
        .into()
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::SignedOut { .. } => "SignedOut",
        Phase::SigningIn { .. } => "SigningIn",
        Phase::SignedIn => "SignedIn",
    }
}

fn stores(output: &Output) -> bool {
    matches!(output.effects.first(), Some(Effect::Persist { .. }))
}

/// The request that the input is an outcome of.
fn answered(input: &Input) -> Option<RequestId> {
    match input {
        Input::Response { id, .. }
        | Input::SendFailed { id, .. }
        | Input::ProvideToken { id, .. }
        | Input::ProvideJwt { id, .. }
        | Input::HostFailed { id, .. } => Some(*id),
        _ => None,
    }
}

/// True for inputs that bring tokens.
fn may_renew(input: &Input) -> bool {
    matches!(
        input,
        Input::Response { .. }
            | Input::ProvideToken { .. }
            | Input::Adopt { .. }
            | Input::CompleteLogin { .. }
            | Input::Reload { .. }
    )
}

fn pick<T: Copy>(which: u8, of: &[T]) -> T {
    of[usize::from(which) % of.len()]
}

fn text<'a>(which: u8, of: &[&'a str]) -> &'a str {
    pick(which, of)
}

fn entropy(number: u8) -> Entropy {
    kit::entropy(number)
}

fn jumped(now: Timestamp, which: u8) -> Timestamp {
    let by = [
        1,
        SECOND,
        30 * SECOND,
        61 * SECOND,
        600 * SECOND,
        DAY,
        14 * DAY,
        90 * DAY,
        YEAR,
        100 * YEAR,
        -1,
        -SECOND,
        -59 * SECOND,
        -61 * SECOND,
        -DAY,
        -YEAR,
        -100 * YEAR,
        0,
    ];
    match which {
        250 => Timestamp::from_millis(i64::MAX),
        251 => Timestamp::from_millis(i64::MIN),
        252 => Timestamp::from_millis(0),
        253 => Timestamp::from_millis(i64::MAX - 2),
        254 => Timestamp::from_millis(i64::MIN + 2),
        255 => kit::START,
        _ => now.plus_millis(pick(which, &by)),
    }
}

fn scope(which: u8) -> Option<Scope> {
    let scopes = ["spark:kms", "spark:people_read", "spark:kms spark:people_read", "", "admin", "a\u{0}b \"c\""];
    (which % 7 < 6).then(|| text(which % 7, &scopes).into())
}

fn login_options(which: u8, b: u8) -> LoginOptions {
    let mut options = LoginOptions::default();
    match which % 12 {
        0..=3 => {}
        4 => options.flow = Flow::Implicit,
        5 => options.state = LoginState::Json(r#"{"page":"/me","n":1.5}"#.to_owned()),
        6 => options.state = LoginState::Opaque(text(b, &["CiscoDevNet", ""]).into()),
        7 => options.state = LoginState::Json(text(b, &["[]", "{", "{\"csrf_token\":1}", "{}"]).to_owned()),
        8 => {
            options.extra = vec![(text(b, &["audience", "state", ""]).to_owned(), "x&y=z".to_owned())];
            options.prompt = Some("select_account".to_owned());
            options.response_mode = Some(ResponseMode::FormPost);
        }
        9 => {
            options.email = Some(text(b, &["Ada@Example.com ", " "]).to_owned());
            options.login_hint = Some("ada".to_owned());
        }
        10 => {
            let uris =
                ["http://127.0.0.1:9/cb", "http://app.example/", "not a url", "myapp:/oauth", "https://a.example/#x"];
            options.redirect_uri = Some(text(b, &uris).to_owned());
        }
        _ => {
            options.flow = Flow::Implicit;
            options.state = LoginState::Opaque("x".into());
        }
    }
    options.scope = scope(b);
    options
}

fn sign_out_options(which: u8) -> SignOutOptions {
    let logout = pick(which, &[LogoutVia::Nothing, LogoutVia::Browser, LogoutVia::Post]);
    SignOutOptions {
        revoke: which.is_multiple_of(2),
        logout,
        goto: which.is_multiple_of(5).then(|| "https://a.example/?x=1".to_owned()),
    }
}

fn adoptable(which: u8, now: Timestamp) -> String {
    let later = now.plus_millis(3600 * SECOND).as_millis();
    match which % 14 {
        0 => format!("bare-{which}"),
        1 => format!("Bearer spaced-{which}"),
        2 => format!(r#"{{"access_token":"A-{which}","refresh_token":"R-{which}","expires_in":3600}}"#),
        3 => format!(r#"{{"credentials":{{"supertoken":{{"access_token":"A","expires":{later}}}}}}}"#),
        4 => format!(r#"{{"refresh_token":"only-{which}"}}"#),
        5 => format!("https://app.example/#access_token=F-{which}&expires_in=60&refresh_token=FR"),
        6 => r#"{"access_token":"A","refresh_token":"R","expires_in":0,"refresh_token_expires_in":0}"#.to_owned(),
        7 => r#"{"access_token":"A","refresh_token":"R","expires_in":9223372036854775807,"x":{"y":[1.5e300]}}"#.to_owned(),
        8 => r#"{"access_token":"A","expires":-9223372036854775808}"#.to_owned(),
        9 => format!(r#"{{"access_token":"A","refresh_token":"R","deep":{}1{}}}"#, "[".repeat(126), "]".repeat(126)),
        10 => "a b c".to_owned(),
        11 => String::new(),
        12 => r#"{"access_token":"A","refresh_token":"R","refresh_token_expires":1800000000001,"webex_oauth":7,"custom":{}}"#
            .to_owned(),
        _ => "x".repeat(1 << 10),
    }
}

fn server_answer(which: u8, b: u8) -> HttpResponse {
    let number = u64::from(b % 16);
    let codes = [
        "invalid_grant",
        "invalid_client",
        "invalid_request",
        "access_denied",
        "authorization_pending",
        "slow_down",
        "expired_token",
        "server_error",
        "temporarily_unavailable",
        "tokenlimit_reached",
        "login_required",
        "e_other",
    ];
    let waits = ["0", "1", "-5", "99999999999999999999", "rand(30)", "Sun, 06 Nov 1994 08:49:37 GMT", "30"];
    match which % 32 {
        0..=7 => kit::tokens(number),
        8 => answer(200, format!(r#"{{"access_token":"AT-{number}","expires_in":{b}}}"#)),
        9 => answer(201, format!(r#"{{"access_token":"AT-{b}","refresh_token":"RT-{b}","expires_in":"60.0"}}"#)),
        10 => answer(200, format!(r#"{{"token":"AT-{number}","expiresIn":3600,"note":{{"n":{b}.5}}}}"#)),
        11 | 12 => answer(400, format!(r#"{{"error":"{}"}}"#, text(b, &codes))),
        13 => answer(200, format!(r#"{{"error":"{}","access_token":"AT"}}"#, text(b, &codes))),
        14 => answer(401, r#"{"message":"no","errors":[{"description":"no"}],"trackingId":"ROUTER_1"}"#),
        15 => with_header(answer(429, ""), "Retry-After", text(b, &waits)),
        16 => with_header(answer(503, "<html>"), "retry-after", text(b, &waits)),
        17 => answer(pick(b, &[500, 502, 504, 302, 404, 418, 423, 428, 0, 65535]), "<html>no</html>"),
        18 | 19 => answer(
            200,
            format!(
                r#"{{"device_code":"D-{b}","user_code":"U","verification_uri":"https://v.example","expires_in":{},
                    "interval":{}}}"#,
                pick(b, &[300, 0, i64::MAX]),
                pick(b, &[5, 0, 1, i64::MAX])
            ),
        ),
        20 => answer(428, r#"{"message":"authorization_pending"}"#),
        21 => answer(200, ""),
        22 => answer(200, "null"),
        23 => answer(200, vec![b; usize::from(b)]),
        24 => answer(200, r#"{"access_token":"A","refresh_token":"R","expires_in":-1}"#),
        25 => answer(200, r#"{"access_token":"A","refresh_token":"R2","expires_in":9223372036854775807}"#),
        26 => answer(
            200,
            format!(
                r#"{{"access_token":"A{b}","refresh_token":"R2","refresh_token_expires_in":{},"expires_in":1}}"#,
                b
            ),
        ),
        27 => answer(200, format!(r#"{{"access_token":"A{b}","d":{}0{}}}"#, "[".repeat(126), "]".repeat(126))),
        28 => answer(200, r#"{"access_token":"A","refresh_token":["R"]}"#),
        29 => answer(200, r#"{"access_token":"A\u0000"}"#),
        30 => answer(200, format!(r#"{{"access_token":"A{b}","refresh_token":"R{b}","expires":{}}}"#, i64::MIN)),
        _ => answer(200, format!(r#"{{"access_token":"A{b}","x{b}":{b}.{b}e{b},"scope":["spark:kms","b"]}}"#)),
    }
}
