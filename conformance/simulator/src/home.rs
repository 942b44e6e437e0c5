//! `/`: what this is, where to go, who there is, and what was seen. Not a part of what is simulated: it is neither
//! logged nor does it meet a fault.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::middleware::from_fn;
use axum::routing::get;

use crate::answer::Answer;
use crate::control::no_web_pages;
use crate::log::Entry;
use crate::options::Options;
use crate::pages::{escape, wide};
use crate::world::{State, World};

/// So many entries of the log.
const NEWEST: usize = 100;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/", get(home).layer(from_fn(no_web_pages)))
}

async fn home(Shared(world): Shared<Arc<World>>) -> Answer {
    let mut state = world.state();
    let nonce = state.dice.hex(32);
    let mut body = format!(
        "<h1>A simulated Webex</h1><p>It answers at <code>{}</code>. {}</p>",
        escape(&world.base_url),
        if state.down { "<b>It is down: every connection is closed.</b>" } else { "Nothing in it is real." },
    );
    links(&mut body, &state.options, &world.base_url);
    people(&mut body, &state.options, &world.base_url);
    clients(&mut body, &state.options);
    faults(&mut body, &state);
    log(&mut body, &state);
    wide(&nonce, "A simulated Webex", &body)
}

/// Where the first client would send a person.
pub(crate) fn sign_in_path(options: &Options, base_url: &str, login_hint: Option<&str>) -> Option<String> {
    let client = options.clients.iter().find(|client| !client.redirect_uris.is_empty())?;
    // The simulator plays the app itself where it may: `/callback` shows what the app would be sent.
    let uri = if client.redirect_uris.iter().any(|uri| uri == "http://127.0.0.1/callback") {
        format!("{base_url}/callback")
    } else {
        client.redirect_uris.first()?.clone()
    };
    let scope = if client.scopes.is_empty() { "spark:all".into() } else { client.scopes.join(" ") };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.id)
        .append_pair("redirect_uri", &uri)
        .append_pair("scope", &scope)
        .append_pair("state", "set-by-you");
    if let Some(hint) = login_hint {
        query.append_pair("login_hint", hint);
    }
    Some(format!("/v1/authorize?{}", query.finish()))
}

fn links(body: &mut String, options: &Options, base_url: &str) {
    body.push_str("<h2>Where to go</h2><ul class=links>");
    let sign_in =
        sign_in_path(options, base_url, None).map(|path| (path, "Sign in, and see what your app would be sent"));
    let fixed = [
        ("/verify", "Enter the code of a device"),
        ("/.well-known/oauth-authorization-server", "Metadata of the authorization server"),
        ("/u2c/api/v1/limited/catalog?format=hostmap", "The service catalog"),
        ("/_sim", "Control API: about"),
        ("/_sim/log", "Control API: the whole log"),
        ("/_sim/options", "Control API: options"),
    ];
    let fixed = fixed.map(|(path, label)| (path.to_owned(), label));
    for (path, label) in sign_in.into_iter().chain(fixed) {
        let _ = write!(body, "<li><a href=\"{}\">{label}</a></li>", escape(&path));
    }
    body.push_str("</ul>");
}

fn people(body: &mut String, options: &Options, base_url: &str) {
    body.push_str("<h2>People</h2><ul class=people>");
    for person in &options.people {
        let (name, email) = (escape(&person.display_name()), escape(&person.email));
        let _ = match sign_in_path(options, base_url, Some(&person.email)) {
            Some(path) => {
                write!(body, "<li><a href=\"{}\"><b>{name}</b><span>{email}</span></a></li>", escape(&path))
            }
            None => write!(body, "<li><b>{name}</b> {email}</li>"),
        };
    }
    body.push_str("</ul>");
}

fn clients(body: &mut String, options: &Options) {
    body.push_str("<h2>Applications</h2><div class=wide><table><tr><th>client_id<th>client_secret<th>redirect URIs");
    for client in &options.clients {
        let secret =
            client.secret.as_deref().map_or("none: public".into(), |secret| format!("<code>{}</code>", escape(secret)));
        let _ = write!(body, "<tr><td><code>{}</code><td>{secret}<td>", escape(&client.id));
        for uri in &client.redirect_uris {
            let _ = write!(body, "<code>{}</code> ", escape(uri));
        }
    }
    body.push_str("</table></div>");
}

fn faults(body: &mut String, state: &State) {
    body.push_str("<h2>Faults that wait for their requests</h2>");
    if state.faults.is_empty() {
        body.push_str("<p>None. <code>POST /_sim/faults</code> adds some.</p>");
        return;
    }
    body.push_str("<ol>");
    for fault in &state.faults {
        let json = serde_json::to_string(fault).unwrap_or_default();
        let _ = write!(body, "<li><code>{}</code></li>", escape(&json));
    }
    body.push_str("</ol>");
}

fn log(body: &mut String, state: &State) {
    let counters = state.counters();
    let _ = write!(
        body,
        "<h2>What it saw</h2><p>{} requests, {} refreshes, {} live access tokens. <a href=\"/\">Look again</a></p>",
        counters.requests, counters.refreshes_succeeded, counters.live_access_tokens,
    );
    if state.log.entries.is_empty() {
        return;
    }
    body.push_str("<div class=wide><table><tr><th>no.<th>answer<th>request<th>outcome<th>fault");
    for entry in state.log.entries.iter().rev().take(NEWEST) {
        row(body, entry);
    }
    body.push_str("</table></div>");
}

fn row(body: &mut String, entry: &Entry) {
    let status = entry.status.map_or_else(|| "none".into(), |status| status.to_string());
    let grant = entry.grant_type.as_deref().unwrap_or_default();
    let _ = write!(
        body,
        "<tr><td>{}<td>{status}<td>{} {} <span>{}</span><td>{}<td>{}",
        entry.seq,
        escape(&entry.method),
        escape(&entry.path),
        escape(grant),
        escape(&entry.outcome),
        escape(entry.fault.as_deref().unwrap_or_default()),
    );
}
