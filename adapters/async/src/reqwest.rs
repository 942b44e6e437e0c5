//! The ready-made transport: reqwest on tokio, rustls with the roots of the operating system.

mod body;
#[cfg(feature = "reqwest-middleware")]
mod middleware;

use std::error::Error;
use std::time::Duration;

use webex_oauth::{SendFault, TargetUri, TransportHints};
use webex_oauth_driver::{BoxFuture, Proxies};

use crate::transport::{AsyncHttp, GrantRequest, Request, Response, SendError};

#[cfg(feature = "reqwest-middleware")]
pub use self::middleware::{AuthorizationMiddleware, refused_why};

/// [`AsyncHttp`] by [reqwest](::reqwest). Runs inside of a tokio runtime, which may be another one for each call.
#[derive(Debug, Clone)]
pub struct Reqwest {
    calls: Pair,
    /// For what may not be sent twice, nor over a connection that has ended without a word.
    grants: Pair,
    /// A client of somebody's own has its own.
    proxies: Option<Proxies>,
}

#[derive(Debug, Clone)]
struct Pair {
    usual: ::reqwest::Client,
    /// For this machine.
    direct: ::reqwest::Client,
}

impl Reqwest {
    /// With rustls and the roots of the operating system. Redirects are off, as token endpoints need it. The proxies of
    /// the environment are used, but for hosts on loopback: what goes there is in plain http.
    ///
    /// # Errors
    ///
    /// [`SendError`] where TLS cannot be set up: the system has no roots, for example.
    pub fn new() -> Result<Self, SendError> {
        let (tls, proxies) = (tls()?, Proxies::of_environment());
        let of_environment = {
            let proxies = proxies.clone();
            move |url: &::reqwest::Url| proxy_of(&proxies, url)
        };
        let proxy = ::reqwest::Proxy::custom(of_environment);
        let builder = || {
            ::reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(::reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10))
                .referer(false)
                .user_agent(concat!("webex-oauth/", env!("CARGO_PKG_VERSION")))
        };
        let build = |builder: ::reqwest::ClientBuilder| builder.build().map_err(|error| broken(&error));
        let once = || builder().pool_max_idle_per_host(0).retry(::reqwest::retry::never());
        Ok(Self {
            calls: Pair { usual: build(builder().proxy(proxy.clone()))?, direct: build(builder().no_proxy())? },
            grants: Pair { usual: build(once().proxy(proxy))?, direct: build(once().no_proxy())? },
            proxies: Some(proxies),
        })
    }

    /// With a client of your own: proxies, further roots, a pool that is shared. It must not follow redirects:
    /// `redirect(Policy::none())`. Nor should it send again by itself, `retry(reqwest::retry::never())`, or send a grant over
    /// a connection that was used before, `pool_max_idle_per_host(0)`.
    pub fn with_client(client: ::reqwest::Client) -> Self {
        let pair = Pair { direct: client.clone(), usual: client };
        Self { calls: pair.clone(), grants: pair, proxies: None }
    }
}

impl AsyncHttp for Reqwest {
    fn send(&self, request: Request, hints: TransportHints) -> BoxFuture<'static, Result<Response, SendError>> {
        let target = TargetUri::parse(&request.uri().to_string());
        let is_here = target.as_ref().is_ok_and(TargetUri::is_loopback);
        let unusable =
            self.proxies.as_ref().zip(target.ok()).and_then(|(proxies, target)| proxies.for_target(&target).err());
        if let Some(problem) = unusable {
            return Box::pin(async move { Err(SendError::new(SendFault::NotSent, problem)) });
        }
        let grant = request.extensions().get::<GrantRequest>().cloned();
        let clients = if grant.is_some() { &self.grants } else { &self.calls };
        let client = if is_here { &clients.direct } else { &clients.usual }.clone();
        Box::pin(async move {
            let mut request = ::reqwest::Request::try_from(request).map_err(|error| broken(&error))?;
            if let Some(grant) = grant {
                body::guard(&mut request, grant);
            }
            let mut answer = client.execute(request).await.map_err(|error| failed(&error))?;
            let announced = answer.content_length().unwrap_or(0);
            if announced > u64::try_from(hints.max_response_bytes).unwrap_or(u64::MAX) {
                return Err(too_large());
            }
            let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
            while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
                if body.len() + chunk.len() > hints.max_response_bytes {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            let mut response = http::Response::new(body);
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            Ok(response)
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn unblock(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let running = tokio::task::spawn_blocking(work);
        Box::pin(async move {
            // Where the runtime ends before, nothing was done, and the client notices.
            let _ = running.await;
        })
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        // Outside of a runtime there is nobody who could do it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(work);
        }
    }
}

fn proxy_of(proxies: &Proxies, url: &::reqwest::Url) -> Option<::reqwest::Url> {
    proxies.for_target(&TargetUri::parse(url.as_str()).ok()?).ok()?.cloned()
}

fn tls() -> Result<rustls::ClientConfig, SendError> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let no_tls = |error: rustls::Error| SendError::new(SendFault::NotSent, format!("TLS cannot be set up: {error}"));
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(no_tls)?
        .with_platform_verifier()
        .map_err(no_tls)?
        .with_no_client_auth();
    Ok(config)
}

/// A request that never left, or may have: only what is certainly unsent may be sent again.
fn failed(error: &::reqwest::Error) -> SendError {
    if let Some(problem) = of_certificate(error) {
        return SendError::new(SendFault::Untrusted, format!("the certificate is not trusted ({problem})"));
    }
    let unsent = error.is_connect() || error.is_builder() || body::was_held_back(error);
    SendError::new(if unsent { SendFault::NotSent } else { SendFault::Lost }, innermost(error))
}

/// What is wrong with the server's certificate. It is looked at before anything is written.
fn of_certificate<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::CertificateError> {
    // An error of IO is skipped over by its own `source`.
    let inner = error.downcast_ref().and_then(std::io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
    match error.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(problem)) => Some(problem),
        _ => of_certificate(inner.or_else(|| error.source())?),
    }
}

fn broken(error: &::reqwest::Error) -> SendError {
    SendError::new(SendFault::NotSent, innermost(error))
}

fn too_large() -> SendError {
    SendError::new(SendFault::TooLarge, "the answer is too large")
}

/// The cause says what happened; what is around it names the URL, which is nobody's business.
fn innermost(error: &::reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| if error.is_timeout() { "no answer in time" } else { "the request failed" }.to_owned())
}
