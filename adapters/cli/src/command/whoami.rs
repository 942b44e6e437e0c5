//! `whoami`: the person behind the token, by the server's word.

use serde_json::Value;
use webex_oauth::Secret;
use webex_oauth::protocol::clean::{clean_text, clean_tracking_text};
use webex_oauth_ureq::http::Response;
use webex_oauth_ureq::refresh_error;

use crate::app::{App, For};
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::terminal::{STRONG, Terminal, plain};

pub(crate) fn run(global: &Global, terminal: Terminal, json: bool) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Tokens)?;
    let spinner = app.spin("asking the server");
    let answer = ask(&app);
    drop(spinner);
    let printed = answer.and_then(|person| {
        if json { terminal.json(&person) } else { terminal.result(&describe(&person, &secrets(&app))) }
    });
    app.end(printed)
}

fn ask(app: &App) -> Result<Value, Failure> {
    let config = app.client.config();
    let provider = config.provider();
    let of_webex = provider.api_base.as_ref().map(|base| format!("{base}/people/me"));
    let url = of_webex.or_else(|| provider.userinfo_endpoint.clone()).ok_or_else(|| {
        Failure::new(
            Exit::Settings,
            "this server does not say where to ask: it has no Webex API and no userinfo_endpoint",
        )
    })?;
    let answer = app.client.get(&url).map_err(|error| Failure::of_call(error, &url))?;
    if answer.status().as_u16() != 200 {
        return Err(refused(&answer, &secrets(app)));
    }
    let person: Option<Value> = serde_json::from_slice(answer.body()).ok();
    person
        .filter(is_person)
        .ok_or_else(|| Failure::new(Exit::TryLater, "the server's answer is not about a person; try again later"))
}

/// What no answer may bring to the screen, even if a server says it.
fn secrets(app: &App) -> Vec<Secret> {
    let Some(tokens) = app.client.tokens() else { return Vec::new() };
    let access = tokens.access_token.map(|token| Secret::from(token.expose()));
    access.into_iter().chain(tokens.refresh_token).collect()
}

/// Says at least who it is about: Webex's `people/me`, or claims of OpenID Connect (Core 1.0 section 5.1).
fn is_person(answer: &Value) -> bool {
    first(answer, &["id", "displayName", "sub"]).is_some()
}

/// The first of these members that is there.
fn first<'a>(person: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().filter_map(|name| person.get(name)?.as_str()).find(|text| !text.is_empty())
}

fn refused(answer: &Response<Vec<u8>>, secrets: &[Secret]) -> Failure {
    if let Some(error) = refresh_error(answer) {
        return error.clone().into();
    }
    let status = answer.status().as_u16();
    let tracking = answer.headers().get("trackingid").and_then(|id| id.to_str().ok());
    let tracking = tracking.map(|id| format!(" [trackingId {}]", clean_tracking_text(id, secrets))).unwrap_or_default();
    let (exit, advice) = match status {
        401 => (Exit::NotSignedIn, "run webex-oauth login"),
        403 => (Exit::NotSignedIn, "sign in again with the scope spark:people_read"),
        451 => (Exit::NotSignedIn, "the organization may not be served here any longer"),
        _ => (Exit::TryLater, "try again later"),
    };
    Failure::new(exit, format!("the server answered {status}{tracking}; {advice}"))
}

/// The name of who is signed in, and an address, in one line; nothing where the server does not say it.
pub(crate) fn name(app: &App) -> Option<String> {
    let person = ask(app).ok()?;
    describe(&person, &secrets(app)).lines().next().map(str::to_owned)
}

/// Name and address, then what programs want.
fn describe(person: &Value, secrets: &[Secret]) -> String {
    let short = |text: &str| short(text, secrets);
    let emails = person.get("emails").and_then(Value::as_array);
    let email = emails.and_then(|list| list.first()).and_then(Value::as_str).or_else(|| first(person, &["email"]));
    let email = email.map(short);
    let name = first(person, &["displayName", "name", "preferred_username"]).map_or("(no name)".to_owned(), short);
    let mut lines = vec![match email {
        Some(email) => format!("{STRONG}{name}{STRONG:#} <{email}>"),
        None => format!("{STRONG}{name}{STRONG:#}"),
    }];
    for (label, members) in [("id", &["id", "sub"][..]), ("organization", &["orgId"]), ("type", &["type"])] {
        lines.extend(first(person, members).map(|value| format!("{label:<13} {}", short(value))));
    }
    lines.join("\n")
}

/// No name is longer. An id is whole although it looks like a secret, unless it is one.
fn short(text: &str, secrets: &[Secret]) -> String {
    if secrets.iter().any(|secret| text.contains(secret.expose())) {
        return clean_text(text, secrets);
    }
    plain(text).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_does_not_steer_the_terminal() {
        let person = json!({"displayName": "Ada\u{1b}]0;x\u{7}", "emails": ["a@example.com"], "orgId": "o"});
        let text = anstream::adapter::strip_str(&describe(&person, &[])).to_string();
        assert_eq!(text, "Ada]0;x <a@example.com>\norganization  o");
    }

    #[test]
    fn claims_of_openid_connect_name_a_person_as_well() {
        let claims = json!({"sub": "248289761001", "name": "Jane Doe", "email": "jane@example.com", "emails": []});
        let text = anstream::adapter::strip_str(&describe(&claims, &[])).to_string();
        assert_eq!(text, "Jane Doe <jane@example.com>\nid            248289761001");
        assert!(is_person(&json!({"sub": "x"})));
    }

    #[test]
    fn no_answer_shows_the_token() {
        let secrets = [Secret::from("aSecretToken1234")];
        let person = json!({"displayName": "x aSecretToken1234", "id": "aSecretToken1234", "orgId": "T\u{202e}u"});
        let text = anstream::adapter::strip_str(&describe(&person, &secrets)).to_string();
        assert_eq!(text, "x …\nid            …\norganization  Tu");
        let answer = Response::builder().status(500).header("trackingid", "aSecretToken1234").body(Vec::new()).unwrap();
        assert_eq!(refused(&answer, &secrets).to_string(), "the server answered 500 [trackingId …]; try again later");
    }

    #[test]
    fn an_answer_about_nobody_is_none() {
        for answer in [json!({}), json!([]), json!("Ada"), json!({"id": 7}), json!({"displayName": ""})] {
            assert!(!is_person(&answer), "{answer}");
        }
        assert!(is_person(&json!({"id": "x"})));
    }
}
