//! A person with a browser, as an HTTP client plays it.

use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use webex_oauth_integration::{App, Settings};
use webex_oauth_simulator::{Decision, Simulator};

/// A browser without a window: cookies, and redirects by hand.
pub(crate) struct Browser {
    pub(crate) http: reqwest::Client,
    pub(crate) app: String,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) text: String,
    pub(crate) policy: String,
    pub(crate) allow: String,
    pub(crate) cookies: Vec<String>,
}

impl Browser {
    pub(crate) fn new(app: &App) -> Self {
        // Of several tests only the first one installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().cookie_store(true).redirect(Policy::none()).no_proxy();
        Self { http: http.build().unwrap(), app: app.url().to_owned() }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let answer = request.send().await.unwrap();
        let text = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let policy = text("content-security-policy").unwrap_or_default();
        let allow = text("allow").unwrap_or_default();
        let set = answer.headers().get_all("set-cookie").iter();
        let cookies = set.map(|value| value.to_str().unwrap().to_owned()).collect();
        let (status, location) = (answer.status().as_u16(), text(LOCATION.as_str()));
        Page { status, location, policy, allow, cookies, text: answer.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(format!("{}{path}", self.app))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Page {
        let request = self.http.post(format!("{}{path}", self.app)).header("origin", &self.app);
        self.send(request.header("content-type", "application/json").body(body.to_owned())).await
    }

    /// Start; answers the authorization URL.
    pub(crate) async fn start(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 303, "{}", page.text);
        page.location.unwrap()
    }

    /// Back from Webex: the page that says what came of it, or where it leads when it worked out.
    pub(crate) async fn land(&self, path: &str) -> Page {
        let page = self.get(path).await;
        if page.location.as_deref() != Some("/outcome") {
            return page;
        }
        assert_eq!(page.status, 303);
        self.get("/outcome").await
    }

    /// The whole way in; answers where it led.
    pub(crate) async fn sign_in(&self, simulator: &Simulator, person: &str) -> Page {
        let url = self.start("/login").await;
        let callback = simulator.visit_as(person, &url, Decision::Accept).unwrap();
        self.get(path_of(&callback)).await
    }
}

/// What comes after the host.
pub(crate) fn path_of(url: &str) -> &str {
    let at = url.find("/oauth").unwrap();
    &url[at..]
}

pub(crate) async fn app() -> App {
    App::start(Settings::simulated()).await.unwrap()
}

pub(crate) fn shows(page: &Page, status: u16, title: &str) {
    assert_eq!(page.status, status, "{}", page.text);
    assert!(page.text.contains(&format!("<h1>{title}</h1>")), "no {title:?} in {}", page.text);
    assert!(page.policy.contains("default-src 'none'") && !page.policy.contains("unsafe"), "{}", page.policy);
}
