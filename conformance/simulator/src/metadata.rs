//! What the server says about itself (RFC 8414).

use std::sync::Arc;

use axum::extract::State as Shared;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::token_endpoint::{DEVICE_CODE, SCOPE_REDUCTION};
use crate::world::World;

pub(crate) async fn metadata(Shared(world): Shared<Arc<World>>) -> Answer {
    Answer::json(200, &document(&world.base_url))
}

fn document(base: &str) -> Value {
    json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/v1/authorize"),
        "token_endpoint": format!("{base}/v1/access_token"),
        "revocation_endpoint": format!("{base}/idb/oauth2/v1/revoke"),
        "device_authorization_endpoint": format!("{base}/v1/device/authorize"),
        "end_session_endpoint": format!("{base}/idb/oauth2/v1/logout"),
        "userinfo_endpoint": format!("{base}/v1/people/me"),
        "response_types_supported": ["code", "token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code", "implicit", "refresh_token", "client_credentials", DEVICE_CODE, SCOPE_REDUCTION,
        ],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "scopes_supported": ["spark:all", "spark:kms", "spark:people_read", "spark:rooms_read"],
    })
}
