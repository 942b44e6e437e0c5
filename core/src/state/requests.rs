//! Requests that are outstanding: the one for a grant, and those beside it.

use crate::access::Via;
use crate::http::RequestId;
use crate::protocol::request::Carried;
use crate::protocol::scope::Scope;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A grant request that is outstanding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flight {
    pub(crate) id: RequestId,
    pub(crate) kind: FlightKind,
    /// Then it is taken for lost.
    pub(crate) deadline: Timestamp,
    /// Counters at departure.
    pub(crate) attempt: u64,
    pub(crate) epoch: u64,
    pub(crate) version: u64,
    /// Nobody wants the tokens any longer: revoke what arrives.
    pub(crate) unwanted: bool,
    /// A question to the host, not a request: people may be involved, and a login does not wait for it.
    pub(crate) asks_host: bool,
    /// No error quotes it.
    pub(crate) carried: Carried,
    /// The refresh token that it spends: a success is the next one only of that.
    pub(crate) spent: Option<Secret>,
    /// The intent under which it was sent.
    pub(crate) under: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FlightKind {
    SignIn { via: Via, requested: Option<Scope> },
    DeviceStart,
    DevicePoll { requested: Option<Scope> },
    Renew { by: RenewBy },
}

/// What a grant is renewed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RenewBy {
    RefreshToken,
    ClientCredentials,
    HostToken,
    HostJwt,
}

/// A request beside the grant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    pub(crate) id: RequestId,
    pub(crate) kind: SideKind,
    pub(crate) deadline: Timestamp,
    /// No error quotes it.
    pub(crate) carried: Carried,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SideKind {
    Downscope {
        scope: Scope,
    },
    /// A user token that nobody wants any longer: revoke what arrives.
    Unwanted,
    Revoke(Revocation),
    /// The identity broker hears of a sign-out.
    Logout,
}

/// A token to revoke.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Revocation {
    pub(crate) token: Secret,
    /// RFC 7009 section 2.1.
    pub(crate) hint: &'static str,
    /// It was tried before.
    pub(crate) is_retry: bool,
}
