//! `whoami`: the person behind the token, by the server's word.

use serde_json::Value;
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
    let printed =
        answer.and_then(|person| if json { terminal.json(&person) } else { terminal.result(&describe(&person)) });
    app.end(printed)
}

fn ask(app: &App) -> Result<Value, Failure> {
    let config = app.client.config();
    let base = config.provider().api_base.as_deref();
    let base =
        base.ok_or_else(|| Failure::new(Exit::Settings, "this server has no Webex API; choose another --server"))?;
    let answer = app.client.get(&format!("{base}/people/me"))?;
    if answer.status().as_u16() != 200 {
        return Err(refused(&answer));
    }
    let person: Option<Value> = serde_json::from_slice(answer.body()).ok();
    person
        .filter(Value::is_object)
        .ok_or_else(|| Failure::new(Exit::TryLater, "the server's answer is not about a person; try again later"))
}

fn refused(answer: &Response<Vec<u8>>) -> Failure {
    if let Some(error) = refresh_error(answer) {
        return error.clone().into();
    }
    let status = answer.status().as_u16();
    let tracking = answer.headers().get("trackingid").and_then(|id| id.to_str().ok());
    let tracking = tracking.map(|id| format!(" [trackingId {}]", short(id))).unwrap_or_default();
    let (exit, advice) = match status {
        401 => (Exit::NotSignedIn, "run webex-oauth login"),
        403 => (Exit::NotSignedIn, "sign in again with the scope spark:people_read"),
        451 => (Exit::NotSignedIn, "the organization may not be served here any longer"),
        _ => (Exit::TryLater, "try again later"),
    };
    Failure::new(exit, format!("the server answered {status}{tracking}; {advice}"))
}

/// Name and address, then what programs want.
fn describe(person: &Value) -> String {
    let text = |name: &str| person.get(name).and_then(Value::as_str).map(short);
    let emails = person.get("emails").and_then(Value::as_array);
    let email = emails.and_then(|list| list.first()).and_then(Value::as_str).map(short);
    let name = text("displayName").unwrap_or_else(|| "(no name)".to_owned());
    let mut lines = vec![match email {
        Some(email) => format!("{STRONG}{name}{STRONG:#} <{email}>"),
        None => format!("{STRONG}{name}{STRONG:#}"),
    }];
    for (label, member) in [("id", "id"), ("organization", "orgId"), ("type", "type")] {
        lines.extend(text(member).map(|value| format!("{label:<13} {value}")));
    }
    lines.join("\n")
}

/// No name is longer.
fn short(text: &str) -> String {
    plain(text).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_does_not_steer_the_terminal() {
        let person = json!({"displayName": "Ada\u{1b}]0;x\u{7}", "emails": ["a@example.com"], "orgId": "o"});
        let text = anstream::adapter::strip_str(&describe(&person)).to_string();
        assert_eq!(text, "Ada]0;x <a@example.com>\norganization  o");
    }
}
