//! Types that cross as the core has them: plain words and records, and values that cross as text or number. Their declaration
//! stands here a second time for uniffi alone; one that differs from the core's does not compile.

use webex_oauth::{
    Advice, Blame, CallbackIgnored, ClientAuth, Deviation, DownscopeFailure, FaultKind, Flow, JwtScheme, Leniency,
    LogoutVia, NotRevoked, Purpose, Renewal, RequestId, ResponseMode, ReturnTo, Scope, ScopeDelta, SendFault,
    SignedOutReason, StaleWhy, StoreIgnored, Timestamp, Via, Withheld,
};

// Milliseconds since the Unix epoch.
uniffi::custom_type!(Timestamp, i64, {
    remote,
    lower: |at| at.as_millis(),
    try_lift: |millis| Ok(Timestamp::from_millis(millis)),
});

uniffi::custom_type!(RequestId, u64, {
    remote,
    lower: |id| id.0,
    try_lift: |number| Ok(RequestId(number)),
});

// Scope tokens, sorted and separated by spaces. Any text is understood.
uniffi::custom_type!(Scope, String, {
    remote,
    lower: |scope| scope.as_str().to_owned(),
    try_lift: |text| Ok(Scope::parse(&text)),
});

/// The difference between what was asked for and what was granted.
#[uniffi::remote(Record)]
pub struct ScopeDelta {
    /// What was granted.
    pub granted: Scope,
    /// Asked for and not granted.
    pub missing: Scope,
    /// Granted without having been asked for.
    pub extra: Scope,
}

/// How a session came by its tokens.
#[uniffi::remote(Enum)]
pub enum Via {
    Code,
    Implicit,
    Device,
    Jwt,
    Guest,
    ClientCredentials,
    Adopted,
    Host,
}

/// Why a session is signed out.
#[uniffi::remote(Enum)]
pub enum SignedOutReason {
    NeverSignedIn,
    ByUser,
    GrantEnded,
    Embargoed,
}

/// Why a token cannot be used as it is.
#[uniffi::remote(Enum)]
pub enum StaleWhy {
    NoAccessToken,
    Expired,
    Rejected,
    ClockWentBack,
    NotAskedYet,
}

/// Where a failed or cancelled login leads back to.
#[uniffi::remote(Enum)]
pub enum ReturnTo {
    SignedOut,
    SignedIn,
}

/// Why a callback was ignored.
#[uniffi::remote(Enum)]
pub enum CallbackIgnored {
    NoLoginPending,
    AlreadyCompleted,
    OtherUrl,
    NotACallback,
    WrongState,
    DuplicateParameter,
    WrongIssuer,
    Incomplete,
    TooLong,
}

/// Why tokens could not be revoked at all.
#[uniffi::remote(Enum)]
pub enum NotRevoked {
    NoEndpoint,
    NoSecret,
}

/// Why the token does not go with a call.
#[uniffi::remote(Enum)]
pub enum Withheld {
    NotInTokenHosts,
    NotHttps,
}

/// Why a stored snapshot was ignored.
#[uniffi::remote(Enum)]
pub enum StoreIgnored {
    Unreadable,
    NewerVersion,
    OtherConfig,
    Sealed,
}

/// Something in a server's answer that is not by the book and was understood all the same.
#[uniffi::remote(Enum)]
pub enum Deviation {
    MissingTokenType,
    MissingExpiresIn,
    NumberAsText,
    NumberAsFloat,
    UnusualStatus,
    ErrorWithSuccessStatus,
    ErrorAsObject,
    ScopeAsList,
    ScopeWithCommas,
    FormEncoded,
    OddJson,
    UnreadableMember,
}

/// Whose fault it is.
#[uniffi::remote(Enum)]
pub enum Blame {
    Integration,
    User,
    Server,
    Network,
    Grant,
    Host,
}

/// What to do about a fault.
#[uniffi::remote(Enum)]
pub enum Advice {
    WaitAndRetry,
    SignInAgain,
    FixConfiguration,
    TryBasicRaw,
    WaitOrSignIn,
}

/// What kind of failure.
#[uniffi::remote(Enum)]
pub enum FaultKind {
    Refused,
    Unauthorized,
    RateLimited,
    Unavailable,
    Unexpected,
    Malformed,
    Network,
    Expired,
    Host,
}

/// How sending failed. `NotSent`, and `Untrusted` where its certificate is not trusted, only where the server cannot have seen
/// the request.
#[uniffi::remote(Enum)]
pub enum SendFault {
    NotSent,
    Untrusted,
    Lost,
    TooLarge,
}

/// What a request is for.
#[uniffi::remote(Enum)]
pub enum Purpose {
    RedeemCode,
    Refresh,
    ClientCredentials,
    JwtLogin,
    GuestToken,
    DeviceAuthorization,
    DeviceToken,
    Downscope,
    Revoke,
    Logout,
}

/// The flow of a login in the browser.
#[uniffi::remote(Enum)]
pub enum Flow {
    Code,
    Implicit,
}

/// How the server hands the answer to the browser.
#[uniffi::remote(Enum)]
pub enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// How the identity provider learns of a sign-out.
#[uniffi::remote(Enum)]
pub enum LogoutVia {
    Nothing,
    Browser,
    Post,
}

/// How the client proves who it is at the token endpoint.
#[uniffi::remote(Enum)]
pub enum ClientAuth {
    BasicFormEncoded,
    BasicRaw,
    Body,
    None,
}

/// How the guest JWT is presented.
#[uniffi::remote(Enum)]
pub enum JwtScheme {
    Bearer,
    Raw,
}

/// What a parser lets pass.
#[uniffi::remote(Enum)]
pub enum Leniency {
    Lenient,
    Strict,
}

/// Who renews the tokens.
#[uniffi::remote(Enum)]
pub enum Renewal {
    Grant,
    HostToken,
    HostJwt,
}

/// What a caller gets whose downscoped token could not be had.
#[uniffi::remote(Enum)]
pub enum DownscopeFailure {
    Refuse,
    UseFullToken,
}
