//! Whatever a server writes beside the access token, the tokens are not lost.

use proptest::collection::vec;
use proptest::prelude::*;
use webex_oauth::{ConfigParts, Deviation, Effect, Event, HttpResponse, Output, Provider, RequestId, Session};

use crate::kit::{START, answer, config, entropy};

/// What is replaced or added. `json_value` keeps texts out of those whose text may rightly refuse the token.
const NAMES: [&str; 17] = [
    "token_type",
    "expires_in",
    "expiresIn",
    "expires",
    "refresh_token_expires_in",
    "refresh_token_expires",
    "scope",
    "id_token",
    "token",
    "accessToken",
    "refreshToken",
    "error",
    "error_description",
    "interval",
    "tracking_id",
    "nobody-needs-it",
    "refresh_token",
];

#[derive(Debug, Clone, Copy)]
enum Way {
    Code,
    Refresh,
    Device,
    ClientCredentials,
}

/// A session that awaits the answer to the request named.
fn awaiting(way: Way) -> (Session, RequestId) {
    let mut session = Session::new(config(0), entropy(1));
    let output = match way {
        Way::Code => session.redeem_code(START, "c", None).unwrap(),
        Way::Refresh => {
            let tokens = r#"{"access_token":"OLD","expires_in":3600,"refresh_token":"OLD-RT","token_type":"Bearer"}"#;
            session.adopt(START, tokens).unwrap();
            session.refresh(START).unwrap()
        }
        Way::Device => {
            let started = session.begin_device_login(START, None).unwrap();
            let body = r#"{"device_code":"D","user_code":"U","verification_uri":"https://w.example",
                "expires_in":900,"interval":1}"#;
            session.response(START, sent(&started), answer(200, body)).unwrap();
            session.tick(START.plus_millis(1000)).unwrap()
        }
        Way::ClientCredentials => session.sign_in_with_client_credentials(START, None).unwrap(),
    };
    let id = sent(&output);
    (session, id)
}

fn sent(output: &Output) -> RequestId {
    let request = output.effects.iter().find_map(|effect| match effect {
        Effect::Send { request } => Some(request.id),
        _ => None,
    });
    request.unwrap()
}

fn told(output: &Output) -> Vec<Deviation> {
    let deviations = output.effects.iter().filter_map(|effect| match effect {
        Effect::Notify { event: Event::LeniencyUsed { deviations } } => Some(deviations.clone()),
        _ => None,
    });
    deviations.flatten().collect()
}

/// A JSON text, or one of the writings that are none and that are mended. Bytes that end the object elsewhere are not here:
/// with those there is no telling where a member begins.
fn json_value() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "null",
        "true",
        "0",
        "-1",
        "3599.5",
        "1e400",
        "-1e400",
        "18446744073709551616",
        "NaN",
        "None",
        "True",
        "-",
        "01",
        "+1",
        ".5",
        "0x10",
        "undefined",
        "not a value",
        "",
        "[-,01,]",
        "{\"a\":}",
        "\"\"",
        "\"never\"",
        r#""\ud800""#,
        "[]",
        "{}",
        "[1,[2,{\"a\":null}]]",
        r#"{"access_token":"inner","refresh_token":"inner"}"#,
        "[\"\\ud800\"]",
    ];
    let quoted = vec(any::<u8>().prop_filter("ends the text", |byte| !b"\"\\".contains(byte)), 0..12)
        .prop_map(|bytes| [b"\"".as_slice(), &bytes, b"\""].concat());
    prop_oneof![
        4 => proptest::sample::select(known.map(|text| text.as_bytes().to_vec()).to_vec()),
        2 => quoted,
        1 => any::<f64>().prop_map(|number| format!("{number}").into_bytes()),
        1 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        1 => (1..400_usize).prop_map(|depth| ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes()),
    ]
}

fn is_quoted(value: &[u8]) -> bool {
    value.starts_with(b"\"") && value != b"\"\""
}

const MEMBERS: [(&str, &str); 6] = [
    ("access_token", "\"NEW\""),
    ("expires_in", "1209599"),
    ("refresh_token", "\"NEW-RT\""),
    ("refresh_token_expires_in", "7775999"),
    ("token_type", "\"Bearer\""),
    ("scope", "\"spark:kms\""),
];

const DEVICE: [(&str, &str); 6] = [
    ("device_code", "\"D\""),
    ("user_code", "\"U\""),
    ("verification_uri", "\"https://w.example/v\""),
    ("verification_uri_complete", "\"https://w.example/v?c=U\""),
    ("expires_in", "900"),
    ("interval", "5"),
];
const DEVICE_NAMES: [&str; 7] =
    ["verification_uri_complete", "expires_in", "interval", "message", "trackingId", "error", "nobody-needs-it"];

const METADATA: [(&str, &str); 6] = [
    ("issuer", "\"https://as.example\""),
    ("token_endpoint", "\"https://as.example/token\""),
    ("authorization_endpoint", "\"https://as.example/auth\""),
    ("revocation_endpoint", "\"https://as.example/revoke\""),
    ("token_endpoint_auth_methods_supported", "[\"client_secret_basic\"]"),
    ("code_challenge_methods_supported", "[\"S256\"]"),
];
const METADATA_NAMES: [&str; 10] = [
    "authorization_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
    "end_session_endpoint",
    "userinfo_endpoint",
    "token_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
    "scopes_supported",
    "nobody-needs-it",
];

/// The answer with `name` replaced where it is in it, at the place given where it is not.
fn json(name: &str, value: &[u8], place: usize) -> HttpResponse {
    object(&MEMBERS, name, value, place)
}

fn object(whole: &[(&str, &str)], name: &str, value: &[u8], place: usize) -> HttpResponse {
    let mut members: Vec<(&str, &[u8])> =
        whole.iter().filter(|(of, _)| *of != name).map(|(name, value)| (*name, value.as_bytes())).collect();
    members.insert(place % (members.len() + 1), (name, value));
    let members: Vec<Vec<u8>> =
        members.iter().map(|(name, value)| [format!("\"{name}\":").as_bytes(), value].concat()).collect();
    answer(200, [b"{".as_slice(), &members.join(&b','), b"}"].concat())
}

fn form(name: &str, value: &[u8], place: usize) -> HttpResponse {
    let plain = |text: &str| text.trim_matches('"').as_bytes().to_vec();
    let mut members: Vec<(&str, Vec<u8>)> =
        MEMBERS.iter().filter(|(of, _)| *of != name).map(|(name, value)| (*name, plain(value))).collect();
    members.insert(place % (members.len() + 1), (name, value.to_vec()));
    let encode = |(name, value): &(&str, Vec<u8>)| {
        format!("{name}={}", url::form_urlencoded::byte_serialize(value).collect::<String>())
    };
    answer(200, members.iter().map(encode).collect::<Vec<_>>().join("&"))
}

fn tokens(session: &Session) -> (Option<&str>, Option<&str>) {
    let Some(tokens) = session.tokens() else {
        return (None, None);
    };
    let access = tokens.access_token.as_ref().map(webex_oauth::AccessToken::expose);
    (access, tokens.refresh_token.as_ref().map(webex_oauth::Secret::expose))
}

fn ways() -> impl Strategy<Value = Way> {
    proptest::sample::select(vec![Way::Code, Way::Refresh, Way::Device, Way::ClientCredentials])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_member_beside_the_token_costs_it(
        way in ways(), name in proptest::sample::select(NAMES.to_vec()), value in json_value(), place in any::<usize>()
    ) {
        prop_assume!(name != "token_type" || !is_quoted(&value));
        prop_assume!(name != "refresh_token" || !is_quoted(&value));
        let (mut session, id) = awaiting(way);
        let output = session.response(START.plus_millis(2000), id, json(name, &value, place)).unwrap();
        let (access, refresh) = tokens(&session);
        prop_assert_eq!(access, Some("NEW"));
        if name != "refresh_token" {
            prop_assert_eq!(refresh, Some("NEW-RT"));
            return Ok(());
        }
        let old = matches!(way, Way::Refresh).then_some("OLD-RT");
        prop_assert_eq!(refresh, old);
        // What is mended into null says as little as null.
        let expected = match value.as_slice() {
            b"null" | b"\"\"" => None,
            b"NaN" | b"None" | b"undefined" => Some(Deviation::OddJson),
            _ => Some(Deviation::UnreadableMember),
        };
        let told = told(&output);
        prop_assert!(expected.is_none_or(|expected| told.contains(&expected)), "{:?}", told);
        prop_assert_eq!(told.is_empty(), expected.is_none());
    }

    #[test]
    fn no_parameter_beside_the_token_costs_it(
        way in ways(), name in proptest::sample::select(NAMES.to_vec()), value in vec(any::<u8>(), 0..12),
        place in any::<usize>()
    ) {
        prop_assume!(!["token_type", "refresh_token"].contains(&name) || value.is_empty());
        let (mut session, id) = awaiting(way);
        session.response(START.plus_millis(2000), id, form(name, &value, place)).unwrap();
        let old = matches!(way, Way::Refresh).then_some("OLD-RT");
        let refresh = if name == "refresh_token" { old } else { Some("NEW-RT") };
        prop_assert_eq!(tokens(&session), (Some("NEW"), refresh));
    }

    /// A device's login needs its code, the user's, and where that one is entered.
    #[test]
    fn no_member_beside_the_codes_costs_a_device_its_login(
        name in proptest::sample::select(DEVICE_NAMES.to_vec()), value in json_value(), place in any::<usize>()
    ) {
        let mut session = Session::new(config(0), entropy(1));
        let id = sent(&session.begin_device_login(START, None).unwrap());
        let output = session.response(START, id, object(&DEVICE, name, &value, place)).unwrap();
        let prompt = output.effects.iter().find_map(|effect| match effect {
            Effect::ShowDeviceCode { prompt } => Some(prompt),
            _ => None,
        });
        let prompt = prompt.expect("what to show the user");
        prop_assert_eq!((prompt.user_code.expose(), &*prompt.verification_uri), ("U", "https://w.example/v"));
        prop_assert!((1000..=3_600_000).contains(&prompt.interval.as_millis()), "{:?}", prompt.interval);
    }

    #[test]
    fn no_member_beside_the_endpoints_costs_a_server_its_metadata(
        name in proptest::sample::select(METADATA_NAMES.to_vec()), value in json_value(), place in any::<usize>()
    ) {
        // A text may be an address, which is judged; and a list may say that the server has nothing that we speak.
        prop_assume!(!(name.ends_with("_endpoint") || name == "issuer") || !is_quoted(&value));
        let document = &object(&METADATA, name, &value, place).body;
        let provider = Provider::from_metadata(document, "https://as.example").unwrap();
        prop_assert_eq!(&*provider.token_endpoint, "https://as.example/token");
        prop_assert!(ConfigParts::new(provider, "C1").build().is_ok());
    }

    /// A token of another type is not presented, and what came with it is what the next attempt is made with.
    #[test]
    fn a_token_of_another_type_leaves_its_refresh_token(word in "[a-zA-Z]{1,8}", place in any::<usize>()) {
        prop_assume!(!word.eq_ignore_ascii_case("bearer"));
        let (mut session, id) = awaiting(Way::Refresh);
        let value = format!("\"{word}\"");
        session.response(START.plus_millis(2000), id, json("token_type", value.as_bytes(), place)).unwrap();
        prop_assert_eq!(tokens(&session), (Some("OLD"), Some("NEW-RT")));
    }
}
