//! A person with a browser.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use webex_oauth_integration::{App, Settings, WidgetSettings};
use webex_oauth_simulator::{BOT_TOKEN, SPACE_ID};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn start() -> App {
    App::start(Settings::simulated()).await.unwrap()
}

/// The widget sample, with the widget from there or with our own view.
pub(crate) async fn with_space(script: Option<String>) -> App {
    let (bot_token, space_id) = (BOT_TOKEN.into(), SPACE_ID.to_owned());
    let widget = Some(WidgetSettings { bot_token, space_id, script });
    App::start(Settings { widget, ..Settings::simulated() }).await.unwrap()
}

#[derive(Clone, Copy)]
pub(crate) enum Screen {
    Desktop,
    Phone,
    Dark,
}

/// A browser with a profile of its own.
pub(crate) struct Browser {
    page: Client,
    app: String,
    screen: Screen,
    driver: Driver,
}

/// chromedriver; it ends with this.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    pub(crate) async fn open(app: &App, screen: Screen) -> Self {
        let (driver, port) = drive();
        let mut options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                     "--lang=en", "--window-size=1280,900", "--hide-scrollbars"],
        });
        match screen {
            Screen::Desktop => {}
            Screen::Phone => {
                options["mobileEmulation"] =
                    json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 } });
            }
            Screen::Dark => {
                options["args"].as_array_mut().unwrap().push("--blink-settings=preferredColorScheme=0".into());
            }
        }
        let capabilities = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let capabilities = capabilities.as_object().unwrap().clone();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let page = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        Self { page, app: app.url().to_owned(), screen, driver }
    }

    pub(crate) async fn goto(&self, path: &str) {
        self.visit(&format!("{}{path}", self.app)).await;
    }

    pub(crate) async fn visit(&self, url: &str) {
        self.page.goto(url).await.unwrap();
    }

    pub(crate) async fn back(&self) {
        self.page.back().await.unwrap();
    }

    pub(crate) async fn click(&self, css: &str) {
        self.press(Locator::Css(css)).await;
    }

    pub(crate) async fn types(&self, css: &str, text: &str) {
        self.waits_for(css).await;
        self.page.find(Locator::Css(css)).await.unwrap().send_keys(text).await.unwrap();
    }

    /// Chooses who accepts or declines.
    pub(crate) async fn choose(&self, person: &str) {
        self.press(Locator::XPath(&format!("//a[.//text()[contains(., '{person}')]]"))).await;
        self.reads("a[aria-current] b", person).await;
    }

    async fn press(&self, locator: Locator<'_>) {
        let press = async || self.page.find(locator).await?.click().await.map(Some);
        until(press).await.unwrap_or_else(|last| panic!("no {locator:?}: {last:?}"));
    }

    pub(crate) async fn reads(&self, css: &str, wanted: &str) {
        self.reads_one_of(css, &[wanted]).await;
    }

    pub(crate) async fn reads_one_of(&self, css: &str, wanted: &[&str]) {
        let seen = Cell::default();
        let reads = async || {
            let text = self.page.find(Locator::Css(css)).await?.text().await?;
            let is_wanted = wanted.contains(&text.as_str());
            seen.set(text);
            Ok(is_wanted.then_some(()))
        };
        let read = until(reads).await;
        read.unwrap_or_else(|last| panic!("{css} reads {:?}, not {wanted:?}: {last:?}", seen.take()));
    }

    /// That a number of the page gets beyond zero.
    pub(crate) async fn counts(&self, expression: &str) {
        let counts = async || Ok((self.evaluate(expression).await? > 0).then_some(()));
        until(counts).await.unwrap_or_else(|last| panic!("{expression} is nothing: {last:?}"));
    }

    pub(crate) async fn waits_for(&self, css: &str) {
        let element = self.page.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        element.unwrap_or_else(|error| panic!("no {css}: {error}"));
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        self.page.find(Locator::Css(css)).await.is_ok()
    }

    pub(crate) async fn source(&self) -> String {
        self.page.source().await.unwrap()
    }

    pub(crate) async fn url(&self) -> String {
        self.page.current_url().await.unwrap().to_string()
    }

    /// The address after the host, whole.
    pub(crate) async fn path(&self) -> String {
        self.url().await.strip_prefix(&self.app).expect("a page of ours").to_owned()
    }

    async fn evaluate(&self, expression: &str) -> Result<i64, CmdError> {
        let value = self.page.execute(&format!("return Math.round({expression})"), Vec::new()).await?;
        Ok(value.as_i64().expect("a number"))
    }

    /// Keeps what is to be seen, and fails where it is wider than the screen.
    pub(crate) async fn shot(&self, name: &str) {
        let screen = match self.screen {
            Screen::Desktop => "desktop",
            Screen::Phone => "phone",
            Screen::Dark => "dark",
        };
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}-{screen}.png")), self.page.screenshot().await.unwrap()).unwrap();
        let overflow = self.evaluate("document.documentElement.scrollWidth - window.innerWidth").await.unwrap();
        assert!(overflow <= 0, "{name} is {overflow} pixels too wide");
    }

    /// Fails where a page did what its policy forbids, or a script failed.
    pub(crate) async fn close(self) {
        let log = self.page.issue_cmd(BrowserLog).await.unwrap();
        let complaints: Vec<&Value> = log
            .as_array()
            .unwrap()
            .iter()
            // A page that says "bad request" is answered so: that is no complaint.
            .filter(|entry| {
                !entry["message"].as_str().unwrap_or_default().contains("the server responded with a status")
            })
            .collect();
        assert!(complaints.is_empty(), "{complaints:?}");
        self.page.close().await.unwrap();
        drop(self.driver);
    }
}

/// Tries until something comes of it; what went wrong last where nothing does. A page comes and goes under a person's
/// hands: what was found a moment ago may be of the page before.
async fn until<T>(attempt: impl AsyncFn() -> Result<Option<T>, CmdError>) -> Result<T, Option<CmdError>> {
    let begun = Instant::now();
    loop {
        let last = match attempt().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if begun.elapsed() > PATIENCE {
            return Err(last);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the browser's console has to say.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// Starts chromedriver on a free port.
fn drive() -> (Driver, u16) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = Driver(command.spawn().expect("chromedriver is installed"));
    let lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    (driver, port.expect("chromedriver says where it is"))
}

fn target() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    own.parent().expect("within target").to_owned()
}
