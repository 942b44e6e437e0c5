//! The widget sample: who has signed in is added to a demo space by a bot, and sees the space. Real Webex shows it by its
//! own widget; a server that has none, by a small view of ours.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};
use webex_oauth_async::webex_oauth::Config;
use webex_oauth_async::webex_oauth::protocol::clean::{clean_text, clean_tracking_text, seen};
use webex_oauth_async::{Client, Reqwest};

use crate::app::Shared;
use crate::cookies::Cookies;
use crate::login::user;
use crate::notice::{Notice, for_user};
use crate::person::{api_url, profile};
use crate::settings::{Problem, WidgetSettings};
use crate::space_page::{self, Said};

/// The demo space, and the bot that lets people in.
pub(crate) struct Space {
    id: String,
    bot: Client,
    /// Where Webex's own widget is; `None` where our view takes its place.
    pub(crate) widget: Option<Widget>,
}

/// The script and the style of the widget.
pub(crate) struct Widget {
    pub(crate) script: String,
    pub(crate) style: String,
    policy: HeaderValue,
}

impl Space {
    pub(crate) async fn new(config: &Config, http: &Reqwest, settings: WidgetSettings) -> Result<Self, Problem> {
        let bot = Client::builder(config.clone()).http(http.clone()).open().await;
        let bot = bot.map_err(|error| Problem(format!("The bot cannot be set up: {error}.")))?;
        let token = json!({ "access_token": settings.bot_token.expose() }).to_string();
        bot.adopt(token).await.map_err(|_| Problem("BOT_TOKEN is not what a token looks like.".to_owned()))?;
        let widget = settings.script.map(|script| Widget::new(&script)).transpose()?;
        Ok(Self { id: settings.space_id, bot, widget })
    }

    /// Lets the person in. Who is in already is welcome, too.
    async fn admit(&self, person: &Value) -> Result<(), Notice> {
        let wanted = json!({ "roomId": self.id, "personId": person["id"] });
        match api(&self.bot, Method::POST, "/memberships", Some(&wanted)).await? {
            (200 | 201 | 409, _) => Ok(()),
            (status, answer) => Err(closed("The bot could not add you to the space.", status, &answer)),
        }
    }
}

impl Widget {
    /// The style lies beside the script, as Webex publishes them.
    fn new(script: &str) -> Result<Self, Problem> {
        let wrong = || Problem(format!("WIDGET_SCRIPT is {script:?}, which is not an https URL."));
        let url = url::Url::parse(script).map_err(|_| wrong())?;
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
        let style = url.join("main.css").map_err(|_| wrong())?;
        if url.scheme() != "https" && !is_loopback {
            return Err(wrong());
        }
        let policy = HeaderValue::from_str(&policy(&url.origin().ascii_serialization())).map_err(|_| wrong())?;
        Ok(Self { script: url.into(), style: style.into(), policy })
    }
}

/// What the widget needs, and nothing more: its script from where it was configured, Webex's services, pictures.
fn policy(origin: &str) -> String {
    let services = ["webex.com", "wbx2.com", "ciscospark.com", "webexapis.com", "webexcontent.com"];
    let connect: String = services.map(|name| format!(" https://*.{name} wss://*.{name}")).concat();
    format!(
        "default-src 'none'; script-src 'self' {origin}; style-src 'self' 'unsafe-inline' {origin}; \
         img-src 'self' https: data: blob:; font-src {origin} data:; media-src https: blob:; \
         connect-src 'self' {origin} https://webexapis.com{connect}; worker-src blob:; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// `/space`.
pub(crate) async fn page(State(shared): State<Shared>, cookies: Cookies) -> Result<Response, Notice> {
    let (Some(space), Some(client)) = (shared.space.as_deref(), user(&shared, &cookies).await?) else {
        return Ok(Redirect::to("/").into_response());
    };
    show(space, &client).await
}

async fn show(space: &Space, client: &Client) -> Result<Response, Notice> {
    let person = profile(client).await?;
    space.admit(&person).await?;
    if let Some(widget) = &space.widget {
        let policy = [(header::CONTENT_SECURITY_POLICY, widget.policy.clone())];
        return Ok((policy, space_page::widget(widget)).into_response());
    }
    let get = async |path: String| match api(client, Method::GET, &path, None).await? {
        (200, answer) => Ok(answer),
        (status, answer) => Err(closed("Webex does not show you the space.", status, &answer)),
    };
    let id: String = url::form_urlencoded::byte_serialize(space.id.as_bytes()).collect();
    let room = get(format!("/rooms/{id}")).await?;
    let messages = get(format!("/messages?roomId={id}&max=50")).await?;
    let text = |value: &Value| seen(value.as_str().unwrap_or_default());
    let lines = |value: &Value| value.as_str().unwrap_or_default().lines().map(seen).collect::<Vec<_>>().join("\n");
    let said = messages["items"].as_array().into_iter().flatten().rev();
    let said: Vec<Said> = said
        .map(|message| Said {
            who: text(&message["personEmail"]),
            when: text(&message["created"]),
            text: lines(&message["text"]),
            own: message["personId"] == person["id"],
        })
        .collect();
    Ok(space_page::view(&text(&room["title"]), &said).into_response())
}

/// Says something in the space.
pub(crate) async fn post(State(shared): State<Shared>, cookies: Cookies, body: Bytes) -> Result<Redirect, Notice> {
    let (Some(space), Some(client)) = (shared.space.as_deref(), user(&shared, &cookies).await?) else {
        return Ok(Redirect::to("/"));
    };
    let said = url::form_urlencoded::parse(&body).find(|(name, _)| name == "text");
    let said = said.map(|(_, text)| text.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(said) = said else {
        return Ok(Redirect::to("/space"));
    };
    let wanted = json!({ "roomId": space.id, "text": said });
    match api(&client, Method::POST, "/messages", Some(&wanted)).await? {
        (200 | 201, _) => Ok(Redirect::to("/space#newest")),
        (status, answer) => Err(Notice {
            title: "Your message was not sent".to_owned(),
            ..closed("Webex did not take it.", status, &answer)
        }),
    }
}

/// What the widget is started with: the person's access token, for this page of ours only, and only where it has a widget.
pub(crate) async fn token(State(shared): State<Shared>, cookies: Cookies) -> Response {
    if shared.space.as_deref().is_none_or(|space| space.widget.is_none()) {
        return (StatusCode::NOT_FOUND, axum::Json(json!({ "error": "not_found" }))).into_response();
    }
    let (Some(space), Ok(Some(client))) = (shared.space.as_deref(), user(&shared, &cookies).await) else {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "login_required" }))).into_response();
    };
    match client.token().await {
        Ok(token) => axum::Json(json!({ "access_token": token.expose(), "space": space.id })).into_response(),
        Err(_) => (StatusCode::BAD_GATEWAY, axum::Json(json!({ "error": "server_error" }))).into_response(),
    }
}

/// One call of the API, and what came of it.
async fn api(client: &Client, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value), Notice> {
    let request = axum::http::Request::builder().method(method).uri(api_url(client, path));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let Ok(request) = request.body(body) else {
        return Err(closed("SPACE_ID is not what the id of a space looks like.", 0, &Value::Null));
    };
    let answer = client.call(request).await.map_err(|error| for_user(&error))?;
    Ok((answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default()))
}

fn closed(text: &str, status: u16, answer: &Value) -> Notice {
    let mut notice = Notice::home(StatusCode::BAD_GATEWAY, "The space cannot be shown", text);
    let why = answer["errors"][0]["description"].as_str().or(answer["message"].as_str()).unwrap_or_default();
    let tracking_id = answer["trackingId"].as_str().unwrap_or_default();
    let (why, tracking_id) = (clean_text(why, &[]), clean_tracking_text(tracking_id, &[]));
    notice.detail = Some(format!("HTTP {status} {why} {tracking_id}").trim().to_owned());
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_lets_in_the_origin_of_the_script_and_no_other() {
        let widget = Widget::new("https://cdn.example/widget/bundle.js").unwrap();
        assert_eq!(widget.style, "https://cdn.example/widget/main.css");
        let policy = widget.policy.to_str().unwrap();
        assert!(policy.contains("script-src 'self' https://cdn.example;"), "{policy}");
        for wrong in ["http://cdn.example/x.js", "bundle.js", "javascript:alert(1)", "https://a b/"] {
            assert!(Widget::new(wrong).is_err(), "{wrong}");
        }
    }
}
