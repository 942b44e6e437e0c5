//! What a coordinator asked of its session, as JSON beside the inputs.

use serde::{Deserialize, Serialize};

use super::redact::Redactor;
use crate::action::guarded::Guarded;
use crate::http::RequestId;
use crate::intent::{from_hex, hex};
use crate::logins::LoginMark;
use crate::secret::{AccessToken, Secret};
use crate::tokens::TokenSet;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GuardedRecord {
    BeginGrant,
    Claim { intent: String, domain: Option<String> },
    Withdraw { intent: String },
    Deleted,
    Lose { id: u64 },
    Unbegin { id: u64 },
    EndLogins { marks: Vec<String> },
    Touch,
    Name { name: u32 },
    SkipRevisions { by: u64 },
    Yield { snapshot: String },
    RevokeUnlessKept { access_token: Option<String>, refresh_token: Option<String> },
}

impl GuardedRecord {
    pub(super) fn of(action: &Guarded, redactor: &mut Redactor) -> Self {
        match action {
            Guarded::BeginGrant => Self::BeginGrant,
            Guarded::Claim { id, domain } => Self::Claim { intent: hex(*id), domain: domain.clone() },
            Guarded::Withdraw { id } => Self::Withdraw { intent: hex(*id) },
            Guarded::Deleted => Self::Deleted,
            Guarded::Lose { id } => Self::Lose { id: id.0 },
            Guarded::Unbegin { id } => Self::Unbegin { id: id.0 },
            Guarded::EndLogins { marks } => {
                Self::EndLogins { marks: marks.iter().map(|mark| redactor.mark(mark.as_str())).collect() }
            }
            Guarded::Touch => Self::Touch,
            Guarded::Name { name } => Self::Name { name: *name },
            Guarded::SkipRevisions { by } => Self::SkipRevisions { by: *by },
            Guarded::Yield { snapshot } => Self::Yield { snapshot: redactor.snapshot(snapshot.expose()) },
            Guarded::RevokeUnlessKept { tokens } => Self::RevokeUnlessKept {
                access_token: tokens.access_token.as_ref().map(|token| redactor.secret(token.expose())),
                refresh_token: tokens.refresh_token.as_ref().map(|token| redactor.secret(token.expose())),
            },
        }
    }

    /// `fill_in` puts the replay's own login states in.
    pub(super) fn into_action(self, fill_in: impl Fn(String) -> String) -> Guarded {
        let intent = |text: &str| from_hex(text).unwrap_or_default();
        match self {
            Self::BeginGrant => Guarded::BeginGrant,
            Self::Claim { intent: id, domain } => Guarded::Claim { id: intent(&id), domain },
            Self::Withdraw { intent: id } => Guarded::Withdraw { id: intent(&id) },
            Self::Deleted => Guarded::Deleted,
            Self::Lose { id } => Guarded::Lose { id: RequestId(id) },
            Self::Unbegin { id } => Guarded::Unbegin { id: RequestId(id) },
            Self::EndLogins { marks } => {
                let marks = marks.into_iter().map(fill_in).filter_map(|mark| LoginMark::read(&mark));
                Guarded::EndLogins { marks: marks.collect() }
            }
            Self::Touch => Guarded::Touch,
            Self::Name { name } => Guarded::Name { name },
            Self::SkipRevisions { by } => Guarded::SkipRevisions { by },
            Self::Yield { snapshot } => Guarded::Yield { snapshot: fill_in(snapshot).into() },
            Self::RevokeUnlessKept { access_token, refresh_token } => {
                let access_token = access_token.as_deref().map(AccessToken::bearer);
                let refresh_token = refresh_token.map(Secret::new);
                Guarded::RevokeUnlessKept {
                    tokens: Box::new(TokenSet { access_token, refresh_token, ..TokenSet::default() }),
                }
            }
        }
    }
}
