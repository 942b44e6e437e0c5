//! Answers: JSON, errors in the style of the place, pages, redirects, and a note for the log.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::call::Call;
use crate::log::Note;
use crate::options::{ErrorStyle, Options};
use crate::token_ref::TokenRef;

/// What Webex says to a bad token.
pub(crate) const UNAUTHORIZED: &str =
    "The request requires a valid access token set in the Authorization request header.";

/// A response and what the log shall say about it.
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) note: Note,
}

/// A refusal, before it is known how it is to look.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) why: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, why: impl Into<String>) -> Self {
        Self { status, code, why: why.into() }
    }

    pub(crate) fn bad_request(why: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", why)
    }

    pub(crate) fn bad_grant(why: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", why)
    }

    pub(crate) fn answer(&self, call: &Call, options: &Options) -> Answer {
        let body = error_body(style(call, options), self.code, &self.why, &call.tracking_id);
        let mut answer = Answer::json(self.status, &body).outcome(self.code);
        if self.status == 401 && call.basic().is_some() {
            let value = HeaderValue::from_static("Basic realm=\"simulator\"");
            answer.response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        answer
    }
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status_code(status);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, note: Note { outcome: "ok".into(), ..Note::default() } }
    }

    pub(crate) fn empty(status: u16) -> Self {
        let mut answer = Self::json(status, &Value::Null);
        *answer.response.body_mut() = Body::empty();
        answer.response.headers_mut().remove(header::CONTENT_TYPE);
        answer
    }

    pub(crate) fn redirect(location: &str) -> Self {
        let mut answer = Self::empty(302).outcome("redirect");
        if let Ok(value) = HeaderValue::from_str(location) {
            answer.response.headers_mut().insert(header::LOCATION, value);
        }
        answer
    }

    /// 401 in the words of the Webex API.
    pub(crate) fn unauthorized(call: &Call) -> Self {
        let body = json!({
            "message": UNAUTHORIZED,
            "errors": [{"description": UNAUTHORIZED}],
            "trackingId": call.tracking_id,
        });
        let mut answer = Self::json(401, &body).outcome("unauthorized");
        let value = HeaderValue::from_static("Bearer realm=\"simulator\", error=\"invalid_token\"");
        answer.response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        answer
    }

    pub(crate) fn outcome(mut self, outcome: &str) -> Self {
        self.note.outcome = outcome.into();
        self
    }

    pub(crate) fn presented(mut self, token: Option<TokenRef>) -> Self {
        self.note.presented = token;
        self
    }

    pub(crate) fn issued(mut self, tokens: Vec<TokenRef>) -> Self {
        self.note.issued = tokens;
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.response;
        response.extensions_mut().insert(self.note);
        response
    }
}

pub(crate) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(crate) fn style(call: &Call, options: &Options) -> ErrorStyle {
    match options.error_style {
        ErrorStyle::ByPath if call.path.starts_with("/idb/") => ErrorStyle::Oauth,
        ErrorStyle::ByPath => ErrorStyle::Webex,
        chosen => chosen,
    }
}

pub(crate) fn error_body(style: ErrorStyle, code: &str, why: &str, tracking_id: &str) -> Value {
    let message = match style {
        ErrorStyle::Oauth => {
            return json!({"error": code, "error_description": why, "trackingId": tracking_id});
        }
        ErrorStyle::WebexProse => why,
        ErrorStyle::Webex | ErrorStyle::ByPath => code,
    };
    json!({"message": message, "errors": [{"description": why}], "trackingId": tracking_id})
}
