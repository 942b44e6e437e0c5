//! HTTP: no redirects, no cookies, every status an answer, bodies capped.

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::transport::{Connector as _, DefaultConnector};
use ureq::{Agent, Proxy, Timeout};
use webex_oauth::coordinator::Tick;
use webex_oauth::{ConfigError, HttpRequest, HttpResponse, SendFault, TargetUri};
use webex_oauth_driver::Proxies;

use crate::names::Names;
use crate::wire::{OnTheWire, not_later_than, within};

/// How a call failed below HTTP.
pub(crate) struct Failure {
    pub(crate) fault: SendFault,
    /// For people; from the transport, which knows no secret but the URL's, and names none.
    pub(crate) problem: String,
}

#[derive(Clone)]
pub(crate) struct Transport {
    /// For grants. A connection is used once: a request on a stale one could be lost without a trace.
    grants: Agent,
    /// For the caller's own calls.
    calls: Agent,
    proxies: Proxies,
}

impl Transport {
    pub(crate) fn new(user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.unwrap_or(concat!("webex-oauth-ureq/", env!("CARGO_PKG_VERSION")));
        let agent = |idle: usize| {
            let tls = TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .root_certs(RootCerts::PlatformVerifier)
                .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .build();
            let config = Agent::config_builder()
                .tls_config(tls)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .user_agent(user_agent)
                // Each request says its own.
                .proxy(None)
                .max_idle_connections(idle);
            let connector = DefaultConnector::new().chain(OnTheWire);
            Agent::with_parts(config.build(), connector, Names::default())
        };
        Self { grants: agent(0), calls: agent(16), proxies: Proxies::of_environment() }
    }

    /// A proxy on the way there that cannot be used is told before anything is tried.
    pub(crate) fn check_proxy(&self, url: &str) -> Result<(), ConfigError> {
        let Ok(target) = TargetUri::parse(url) else { return Ok(()) };
        self.proxies.for_target(&target).map(drop).map_err(|problem| ConfigError::invalid("proxy", problem))
    }

    /// Sends a request of the session, on a connection of its own, and not after so late.
    pub(crate) fn send(
        &self,
        request: &HttpRequest,
        within: Duration,
        not_after: Option<Tick>,
    ) -> Result<HttpResponse, SendFault> {
        let mut builder = http::Request::builder().method(HttpRequest::METHOD).uri(request.url());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value.expose());
        }
        // A URL or a header that HTTP cannot carry.
        let whole = builder.body(request.body.expose().as_bytes()).map_err(|_| SendFault::NotSent)?;
        let cap = request.hints.max_response_bytes;
        let response = not_later_than(not_after, || self.run(&self.grants, whole, &request.target, within, cap));
        let response = response.map_err(|failure| failure.fault)?;
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Ok(HttpResponse { status: response.status().as_u16(), headers: headers.collect(), body: response.into_body() })
    }

    /// Sends a caller's request.
    pub(crate) fn call(
        &self,
        request: &http::Request<Vec<u8>>,
        target: &TargetUri,
        timeout: Duration,
        cap: usize,
    ) -> Result<http::Response<Vec<u8>>, Failure> {
        let mut copy = http::Request::new(request.body().as_slice());
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy.headers_mut().clone_from(request.headers());
        self.run(&self.calls, copy, target, timeout, cap)
    }

    fn run(
        &self,
        agent: &Agent,
        request: http::Request<&[u8]>,
        target: &TargetUri,
        timeout: Duration,
        cap: usize,
    ) -> Result<http::Response<Vec<u8>>, Failure> {
        let proxy = self.proxies.for_target(target).map_err(not_sent)?;
        let proxy = proxy.map(|proxy| Proxy::new(proxy.as_str())).transpose().map_err(|error| failure(&error))?;
        let request = agent.configure_request(request).timeout_global(Some(timeout)).proxy(proxy);
        within(timeout, || exchange(agent, request.build(), cap))
    }
}

fn exchange(agent: &Agent, request: http::Request<&[u8]>, cap: usize) -> Result<http::Response<Vec<u8>>, Failure> {
    let mut response = agent.run(request).map_err(|error| failure(&error))?;
    // ureq's own limit counts what comes over the wire, and little of that may be much when it is unpacked.
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(limit).read_to_end(&mut body);
    read.map_err(|error| after_the_head(failure(&error.into())))?;
    if body.len() > cap {
        return Err(Failure { fault: SendFault::TooLarge, problem: "the answer is too large".to_owned() });
    }
    let (head, _) = response.into_parts();
    Ok(http::Response::from_parts(head, body))
}

fn not_sent(problem: String) -> Failure {
    Failure { fault: SendFault::NotSent, problem }
}

/// Once the head is there, the request was received.
fn after_the_head(failure: Failure) -> Failure {
    match failure.fault {
        SendFault::NotSent | SendFault::Untrusted => Failure { fault: SendFault::Lost, ..failure },
        SendFault::Lost | SendFault::TooLarge => failure,
    }
}

fn failure(error: &ureq::Error) -> Failure {
    let fault = match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::Tls(_)
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::TlsRequired
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => SendFault::NotSent,
        error if of_certificate(error).is_some() => SendFault::Untrusted,
        ureq::Error::Io(error) if was_refused(error.kind()) => SendFault::NotSent,
        _ => SendFault::Lost,
    };
    Failure { fault, problem: describe(error) }
}

/// What is wrong with the server's certificate. It is looked at before anything is written.
fn of_certificate(error: &ureq::Error) -> Option<&rustls::CertificateError> {
    let of_tls = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    match of_tls {
        rustls::Error::InvalidCertificate(problem) => Some(problem),
        _ => None,
    }
}

/// No connection came about.
fn was_refused(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
    )
}

/// Without the URL, which may carry what the caller put there.
fn describe(error: &ureq::Error) -> String {
    if let Some(problem) = of_certificate(error) {
        return format!("the certificate is not trusted ({problem})");
    }
    match error {
        ureq::Error::BadUri(_) => "the URL cannot be called".to_owned(),
        ureq::Error::Io(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}
