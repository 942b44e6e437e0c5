//! People who are signed in, and what they see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use webex_oauth_simulator::{Decision, Simulator};

pub(crate) struct Person {
    name: String,
    app: String,
    session: String,
}

/// What a visit showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The own name.
    Right,
    /// A page that says that Webex does not answer. The session is there.
    Trouble,
    /// Another name, or none.
    Wrong,
    /// Not signed in any longer.
    SignedOut,
    /// No answer of the application at all.
    Nothing,
}

/// How many saw what, when everybody was asked.
#[derive(Debug, Default)]
pub(crate) struct After {
    pub(crate) right: usize,
    pub(crate) others: Vec<Seen>,
}

fn name(number: usize) -> String {
    format!("Person Number{number:05}x")
}

pub(crate) fn of_number(number: usize) -> webex_oauth_simulator::Person {
    let (first_name, last_name) = name(number).split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (id, email) = (format!("person-{number}"), format!("person{number}@example.com"));
    webex_oauth_simulator::Person { id, email, first_name, last_name }
}

/// Until the application serves.
pub(crate) async fn wait_for(http: &reqwest::Client, port: u16) {
    let begun = Instant::now();
    while !http.get(format!("http://localhost:{port}/icon.svg")).send().await.is_ok_and(|it| it.status() == 200) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the application does not start");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn sign_in_all(
    http: &reqwest::Client,
    port: u16,
    simulator: &Arc<Simulator>,
    users: usize,
    in_flight: usize,
) -> Arc<Vec<Person>> {
    let sign_ins = (0..users).map(|number| sign_in(http.clone(), port, Arc::clone(simulator), number));
    Arc::new(stream::iter(sign_ins).buffer_unordered(in_flight).collect().await)
}

async fn sign_in(http: reqwest::Client, port: u16, simulator: Arc<Simulator>, number: usize) -> Person {
    let app = format!("http://localhost:{port}");
    let begun = until_a_node_answers(http.get(format!("{app}/login"))).await;
    let login = cookie(&begun);
    let url = begun.headers()[LOCATION].to_str().expect("a URL").to_owned();
    let callback = simulator.visit_as(&format!("person-{number}"), &url, Decision::Accept).expect("accepted");
    let landed = until_a_node_answers(http.get(callback).header(COOKIE, login)).await;
    assert_eq!(landed.status(), 303, "person {number} signs in");
    Person { name: name(number), app, session: cookie(&landed) }
}

/// The answer of the application. The proxy's own 503 says that the request has reached no node: a check of each was late, as happens
/// on a busy machine.
async fn until_a_node_answers(request: reqwest::RequestBuilder) -> reqwest::Response {
    let begun = Instant::now();
    loop {
        let answer = request.try_clone().expect("no body").send().await.expect("an answer");
        if answer.status() != 503 || begun.elapsed() > Duration::from_secs(60) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The cookie that an answer sets, not the one that it removes.
fn cookie(answer: &reqwest::Response) -> String {
    let values = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let set = values.filter_map(|text| text.split(';').next()).find(|pair| !pair.ends_with('='));
    set.expect("a cookie").to_owned()
}

impl Person {
    pub(crate) async fn visit(&self, http: &reqwest::Client) -> Seen {
        self.see(http.get(format!("{}/", self.app))).await
    }

    pub(crate) async fn refresh(&self, http: &reqwest::Client) -> Seen {
        self.see(http.post(format!("{}/refresh", self.app)).header(ORIGIN, &self.app)).await
    }

    async fn see(&self, request: reqwest::RequestBuilder) -> Seen {
        let Ok(answer) = request.header(COOKIE, &self.session).send().await else {
            return Seen::Nothing;
        };
        let status = answer.status().as_u16();
        let is_home = answer.headers().get(LOCATION).is_some_and(|to| to == "/");
        let Ok(text) = answer.text().await else {
            return Seen::Nothing;
        };
        match status {
            200 if text.contains(&self.name) => Seen::Right,
            200 if text.contains("Sign in with Webex") => Seen::SignedOut,
            303 if is_home => Seen::Right,
            401 => Seen::SignedOut,
            // The proxy's own pages: no node was there.
            502..=504 if text.contains("<html><body><h1>50") => Seen::Nothing,
            502 if !text.contains("Person Number") => Seen::Trouble,
            _ => Seen::Wrong,
        }
    }

    /// Until there is something else to see than trouble. A session that has failed often waits five minutes.
    async fn visit_after(&self, http: &reqwest::Client) -> Seen {
        let begun = Instant::now();
        loop {
            match self.visit(http).await {
                Seen::Trouble | Seen::Nothing if begun.elapsed() < Duration::from_secs(330) => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                seen => return seen,
            }
        }
    }
}

/// Visits everybody once more.
pub(crate) async fn all_are_there(http: &reqwest::Client, people: &Arc<Vec<Person>>, in_flight: usize) -> After {
    let visits = (0..people.len()).map(|at| {
        let (http, people) = (http.clone(), Arc::clone(people));
        async move { people[at].visit_after(&http).await }
    });
    let seen: Vec<Seen> = stream::iter(visits).buffer_unordered(in_flight).collect().await;
    let right = seen.iter().filter(|seen| **seen == Seen::Right).count();
    After { right, others: seen.into_iter().filter(|seen| *seen != Seen::Right).collect() }
}
