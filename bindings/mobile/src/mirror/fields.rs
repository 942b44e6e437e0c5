//! What the fields of mirrors are made of, and how each crosses.

use std::borrow::Cow;
use std::convert::identity;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::coordinator::{ClientEvent, JobId, StoreFault, Tick, Ticket};
use webex_oauth::{
    CallbackIgnored, ClientAuth, Deviation, DownscopeFailure, Flow, LoginId, NotRevoked, Phase, Provider, Renewal,
    RequestId, ResponseMode, ReturnTo, Scope, ScopeDelta, SendFault, SignOutOptions, SignedOutReason, StaleWhy,
    StoreIgnored, Timestamp, Via, Withheld,
};

use super::{TryIntoCore, inward, outward};
use crate::config::RefreshPolicy;
use crate::coordinator::CoordinatorEvent;
use crate::error::{Fault, MisuseError};
use crate::http::{HttpRequest, HttpResponse};
use crate::secret::{AccessToken, Entropy, Secret};
use crate::tokens::TokenSet;
use crate::{count, ms};

outward! {
    &'static str => String: str::to_owned;
    Cow<'static, str> => String: Cow::into_owned;
    LoginId => String: |login: LoginId| login.to_string();
    usize => u64: count;
    Duration => u64: ms;
    Tick => u64: Tick::as_millis;
    Ticket => u64: |ticket: Ticket| ticket.0;
    JobId => u64: |job: JobId| job.0;
    webex_oauth::Secret => Arc<Secret>: Secret::of;
    webex_oauth::AccessToken => Arc<AccessToken>: |token| AccessToken::of(&token);
    webex_oauth::TokenSet => Arc<TokenSet>: TokenSet::of;
    // Translated by hand.
    webex_oauth::Fault => Fault: Into::into;
    webex_oauth::HttpRequest => HttpRequest: Into::into;
    webex_oauth::RefreshPolicy => RefreshPolicy: Into::into;
    ClientEvent => CoordinatorEvent: Into::into;
}

inward! {
    u64 => Duration: Duration::from_millis;
    u64 => Tick: Tick::from_millis;
    Arc<Secret> => webex_oauth::Secret: |secret: Arc<Secret>| secret.core();
    Arc<HttpResponse> => webex_oauth::HttpResponse: |response: Arc<HttpResponse>| response.core().clone();
    RefreshPolicy => webex_oauth::RefreshPolicy: Into::into;
}

/// Types that cross as they are.
macro_rules! same {
    ($( $Type:ty ),+ $(,)?) => {
        outward! { $( $Type => $Type: identity; )+ }
        inward! { $( $Type => $Type: identity; )+ }
    };
}

same!(bool, u16, u32, i64, u64, String, Timestamp, RequestId, Scope, ScopeDelta, StoreFault, SignOutOptions, Provider);
same!(Via, SignedOutReason, StaleWhy, ReturnTo, Phase, CallbackIgnored, NotRevoked, Withheld, StoreIgnored, Deviation);
same!(SendFault, Flow, ResponseMode, ClientAuth, Renewal, DownscopeFailure);

impl TryIntoCore<webex_oauth::Entropy> for Arc<Entropy> {
    fn try_into_core(self) -> Result<webex_oauth::Entropy, MisuseError> {
        self.take().ok_or_else(|| MisuseError::InvalidArgument {
            argument: "entropy".to_owned(),
            problem: "serves only once".to_owned(),
        })
    }
}

/// By the URL of a login in a browser, or by its state.
impl TryIntoCore<LoginId> for Arc<Secret> {
    fn try_into_core(self) -> Result<LoginId, MisuseError> {
        LoginId::of(self.core().expose()).ok_or_else(|| MisuseError::InvalidArgument {
            argument: "login".to_owned(),
            problem: "neither a URL with a state nor a state".to_owned(),
        })
    }
}
