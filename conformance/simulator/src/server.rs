//! The routes, and the loop that accepts connections. It is our own because a connection has to
//! be cut without an answer when a fault wants it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, delete, get, post};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::pipeline::{Cut, observe};
use crate::wire::{Next, Wire, Wired};
use crate::world::World;
use crate::{api, authorize, catalog, control, device, guest, home, metadata, revoke, space_api, token_endpoint};

pub(crate) fn routes(world: Arc<World>) -> Router {
    let token = post(token_endpoint::access_token);
    let sign_ins = get(api::authorizations).delete(api::delete_authorizations);
    Router::new()
        .route("/v1/authorize", get(authorize::page))
        .route("/v1/authorize/decision", get(authorize::decision).post(authorize::decision))
        .route("/callback", get(authorize::callback))
        .route("/v1/access_token", token.clone())
        .route("/v1/jwt/login", post(guest::jwt_login))
        .route("/v1/guests/token", post(guest::guests_token))
        .route("/v1/device/authorize", post(device::authorize))
        .route("/v1/device/token", post(device::token))
        .route("/verify", get(device::verify).post(device::verify))
        .route("/v1/people/me", get(api::people_me))
        .route("/v1/echo", any(api::echo))
        .route("/v1/echo/{*rest}", any(api::echo))
        .route("/v1/authorizations", sign_ins)
        .route("/v1/authorizations/tokenExpiry", get(api::token_expiry))
        .route("/v1/authorizations/{id}", delete(api::delete_authorization))
        .route("/avatars/{initials}", get(api::avatar))
        .route("/v1/rooms", get(space_api::rooms))
        .route("/v1/rooms/{id}", get(space_api::room))
        .route("/v1/memberships", get(space_api::memberships).post(space_api::add_member))
        .route("/v1/messages", get(space_api::messages).post(space_api::post_message))
        .route("/u2c/api/v1/catalog", get(catalog::catalog))
        .route("/u2c/api/v1/limited/catalog", get(catalog::limited))
        .route("/idb/oauth2/v1/authorize", get(authorize::page))
        .route("/idb/oauth2/v1/access_token", token)
        .route("/idb/oauth2/v1/revoke", post(revoke::revoke))
        .route("/idb/oauth2/v1/logout", get(revoke::logout).post(revoke::logout))
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/.well-known/openid-configuration", get(metadata::metadata))
        .merge(home::routes())
        .nest("/_sim", control::routes())
        .fallback(api::unknown)
        .method_not_allowed_fallback(api::wrong_method)
        .layer(from_fn_with_state(world.clone(), observe))
        .with_state(world)
}

/// Serves until it is told to stop, or until nobody is left to tell.
pub(crate) async fn serve(listener: TcpListener, world: Arc<World>, mut stop: oneshot::Receiver<()>) {
    let router = routes(world);
    loop {
        tokio::select! {
            _ = &mut stop => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream, router.clone()))),
                // Out of file descriptors, most likely: some will be free again.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let next = Next::default();
    let wired = Wired::new(stream, next.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let call = inner.call(request.map(Body::new));
        let next = next.clone();
        async move {
            match call.await {
                Ok(mut response) if response.extensions().get::<Cut>().is_none() => {
                    next.set(response.extensions_mut().remove::<Wire>().unwrap_or_default());
                    Ok::<Response, _>(response)
                }
                // An error here makes hyper close the connection with nothing written.
                _ => Err(std::io::Error::other("cut")),
            }
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(wired), service);
    // How a connection ended is the client's to judge.
    let _ = served.await;
}
