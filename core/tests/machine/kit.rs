//! What the tests share: configurations, randomness, answers. Used by the fuzz targets as well.

use std::time::Duration;

use webex_oauth::{
    ClientAuth, Config, ConfigParts, DownscopeFailure, Entropy, HttpRequest, HttpResponse, Leniency, Provider, Renewal,
    RetryAfterBounds, Timestamp,
};

pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:8080/oauth";

/// 64 bytes that look random enough; the same number gives the same ones.
pub(crate) fn entropy(number: u8) -> Entropy {
    let bytes: Vec<u8> = (0..64_u8).map(|i| i.wrapping_mul(37).wrapping_add(number)).collect();
    Entropy::new(&bytes).unwrap()
}

/// A confidential Webex integration.
pub(crate) fn webex() -> ConfigParts {
    let mut parts = ConfigParts::new(Provider::webex(), "C0123");
    parts.client_secret = Some("the client secret".into());
    parts.redirect_uri = Some(REDIRECT_URI.to_owned());
    parts.scope = "spark:kms spark:people_read spark:rooms_read".into();
    parts
}

/// The longest and the shortest that a configuration takes.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
const SHORTEST: Duration = Duration::from_millis(1);

/// Configurations that differ in every way that the machine looks at.
pub(crate) fn config(number: u8) -> Config {
    let mut parts = webex();
    match number % 9 {
        0 => {}
        1 => {
            parts.client_secret = None;
            parts.renewal = Renewal::HostToken;
        }
        2 => parts.renewal = Renewal::HostJwt,
        3 => {
            parts.provider = Provider::custom("https://as.example/authorize?tenant=1", "https://as.example/token");
            parts.provider.leniency = Leniency::Strict;
            parts.provider.issuer = Some("https://as.example".to_owned());
            parts.provider.issuer_required = true;
            parts.provider.device_authorization_endpoint = Some("https://as.example/device".to_owned());
            parts.client_secret = None;
        }
        4 => {
            parts.provider = Provider::webex_idbroker();
            parts.downscope_failure = DownscopeFailure::UseFullToken;
        }
        5 => {
            parts.refresh.proactive = false;
            parts.refresh.revoke_superseded = Some(false);
            parts.client_auth = Some(ClientAuth::BasicFormEncoded);
        }
        6 => {
            parts.client_secret = None;
            parts.redirect_uri = None;
            parts.scope = "".into();
        }
        7 => {
            parts.refresh.soon_permille = (0, 1000);
            parts.refresh.margin = Duration::MAX;
            parts.refresh.min_interval = Duration::MAX;
            parts.refresh.backoff = LONGEST;
            parts.refresh.max_backoff = LONGEST;
            parts.refresh.warn_before_relogin = Duration::MAX;
            parts.login_lifetime = LONGEST;
            parts.request_timeout = Duration::from_secs(3600);
        }
        _ => {
            parts.refresh.soon_permille = (1000, 1000);
            parts.refresh.margin = Duration::ZERO;
            parts.refresh.min_interval = Duration::ZERO;
            parts.refresh.backoff = SHORTEST;
            parts.refresh.max_backoff = SHORTEST;
            parts.refresh.warn_before_relogin = Duration::ZERO;
            parts.login_lifetime = SHORTEST;
            parts.request_timeout = SHORTEST;
            let nothing = Duration::ZERO;
            parts.retry_after =
                RetryAfterBounds { missing: nothing, zero: nothing, minimum: nothing, maximum: SHORTEST };
        }
    }
    parts.build().unwrap()
}

pub(crate) fn answer(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.into() }
}

pub(crate) fn with_header(mut response: HttpResponse, name: &str, value: &str) -> HttpResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

/// Webex's answer to a successful token request.
pub(crate) fn tokens(number: u64) -> HttpResponse {
    let body = format!(
        r#"{{"access_token":"AT-{number}","expires_in":1209599,"refresh_token":"RT-{number}",
            "refresh_token_expires_in":7775999,"token_type":"Bearer","scope":"spark:people_read spark:kms"}}"#
    );
    answer(200, body)
}

/// The value of a parameter in a form body or URL, decoded.
pub(crate) fn parameter(text: &str, name: &str) -> Option<String> {
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn body_parameter(request: &HttpRequest, name: &str) -> Option<String> {
    parameter(request.body.expose(), name)
}
