//! The widget sample.

use webex_oauth_integration::{App, Settings, WidgetSettings};
use webex_oauth_simulator::{BOT_TOKEN, Decision, Endpoint, Fault, SPACE_ID};

use crate::kit::{Browser, app, path_of, shows};

async fn with_space(space: &str, script: Option<&str>) -> App {
    let widget =
        WidgetSettings { bot_token: BOT_TOKEN.into(), space_id: space.to_owned(), script: script.map(str::to_owned) };
    App::start(Settings { widget: Some(widget), ..Settings::simulated() }).await.unwrap()
}

async fn say(browser: &Browser, text: &str) -> crate::kit::Page {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("text", text).finish();
    browser.post("/space", &body).await
}

#[tokio::test]
async fn who_signs_in_is_added_to_the_space_sees_it_and_speaks() {
    let app = with_space(SPACE_ID, None).await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    let url = browser.start("/login").await;
    assert!(url.contains("spark%3Aall"), "{url}");
    let callback = simulator.visit(&url, Decision::Accept).unwrap();
    assert_eq!(browser.get(path_of(&callback)).await.location.as_deref(), Some("/space"));
    let empty = browser.get("/space").await;
    assert!(empty.status == 200 && empty.text.contains(">Simulated Space</h1>"), "{}", empty.text);
    for said in ["Hello, <b>everybody</b>", "  ", "Is it you, Grace?"] {
        assert!(say(&browser, said).await.location.unwrap().starts_with("/space"));
    }
    let page = browser.get("/space").await;
    assert!(page.text.contains("Hello, &lt;b&gt;everybody") && page.text.contains("ada@example.com"), "{}", page.text);
    assert_eq!(page.text.matches("class=\"text\"").count(), 2);
    // The second visit found her there already, which is fine.
    let added: Vec<_> = simulator.log().into_iter().filter(|entry| entry.endpoint == Endpoint::Memberships).collect();
    let outcomes: Vec<_> = added.iter().map(|entry| (entry.status.unwrap(), entry.outcome.as_str())).collect();
    assert_eq!(outcomes, [(200, "ok"), (409, "conflict")]);
    assert!(browser.get("/").await.text.contains("Open the space"));
    assert!(!page.text.contains("_PF84_"), "no token is in the page");
    assert_eq!(browser.post("/space/token", "").await.status, 404, "nor does one leave for a widget that there is not");
}

#[tokio::test]
async fn trouble_with_the_space_is_a_page_and_the_session_stays() {
    let elsewhere = with_space("no-such-space", None).await;
    let browser = Browser::new(&elsewhere);
    browser.sign_in(elsewhere.simulator().unwrap(), "ada@example.com").await;
    let page = browser.get("/space").await;
    shows(&page, 502, "The space cannot be shown");
    assert!(page.text.contains("HTTP 404 There is no such space") && page.text.contains("ROUTER_"), "{}", page.text);
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));

    let app = with_space(SPACE_ID, None).await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    browser.get("/space").await;
    app.simulator().unwrap().fault(Fault::status(403).at(Endpoint::Messages));
    shows(&say(&browser, "x").await, 502, "Your message was not sent");
    app.simulator().unwrap().set_down(true);
    shows(&browser.get("/space").await, 502, "Webex does not answer");
}

#[tokio::test]
async fn the_widget_of_webex_comes_from_where_it_was_configured_and_from_nowhere_else() {
    let app = with_space(SPACE_ID, Some("https://cdn.example/space/bundle.js")).await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    let page = browser.get("/space").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("src=\"https://cdn.example/space/bundle.js\"") && page.text.contains("/widget.js"));
    assert!(page.policy.contains("script-src 'self' https://cdn.example;"), "{}", page.policy);
    assert!(!browser.get("/").await.policy.contains("cdn.example"), "of this page only");
    assert!(!page.text.contains("_PF84_"));
    let handed = browser.post("/space/token", "").await;
    assert!(handed.text.contains("_PF84_") && handed.text.contains(SPACE_ID) && !handed.text.contains("refresh"));
    assert_eq!(Browser::new(&app).post("/space/token", "").await.status, 401);
    let request = browser.http.post(format!("{}/space/token", app.url())).header("origin", "https://evil.example");
    shows(&browser.send(request).await, 403, "Not from here");
}

#[tokio::test]
async fn without_a_space_there_is_none_and_strangers_see_none() {
    let app = app().await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    assert_eq!(browser.get("/space").await.location.as_deref(), Some("/"));
    assert!(!browser.get("/").await.text.contains("Open the space"));
    let app = with_space(SPACE_ID, None).await;
    let stranger = Browser::new(&app);
    for page in [stranger.get("/space").await, say(&stranger, "x").await] {
        assert_eq!(page.location.as_deref(), Some("/"));
    }
    assert!(app.simulator().unwrap().log().iter().all(|entry| entry.endpoint != Endpoint::Memberships));
}
