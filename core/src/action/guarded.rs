//! What a coordinator asks of its session beyond what everybody may. Written down in a transcript like an input.

use super::reload::{self, Standing};
use super::turn::Turn;
use super::{answer, login, progress, sign_out};
use crate::http::RequestId;
use crate::intent::Intent;
use crate::logins::LoginMark;
use crate::secret::Secret;
use crate::state::State;
use crate::tokens::TokenSet;

#[derive(Debug, Clone)]
pub(crate) enum Guarded {
    /// Begins the request that is due.
    BeginGrant,
    /// Puts an intent into the snapshot, in place of any other.
    Claim { id: u64, domain: Option<String> },
    /// Takes an intent out of the snapshot: nothing was sent under it.
    Withdraw { id: u64 },
    /// The row is gone from the store: somebody ended the session.
    Deleted,
    /// The row is gone in which these logins waited for their browser, or for their code: they are over.
    EndLogins { marks: Vec<LoginMark> },
    /// A request has taken longer than its limit. Its answer may still come.
    Lose { id: RequestId },
    /// A request never left, and it is nobody's fault: its time had passed before. As if it had not been begun.
    Unbegin { id: RequestId },
    /// Writes the session once more.
    Touch,
    /// The coordinator goes on under another name, since the other half of a fork has this one.
    Name { name: u32 },
    /// The next revision is this much higher than it would be.
    SkipRevisions { by: u64 },
    /// The store holds another sign-in than ours, which it held before: somebody put it there after ours had been taken out.
    Yield { snapshot: Secret },
    /// Revokes what a renewal brought for a session that has ended or was replaced meanwhile.
    RevokeUnlessKept { tokens: Box<TokenSet> },
}

pub(crate) fn act(turn: &mut Turn<'_>, state: &mut State, action: &Guarded) {
    match action {
        Guarded::BeginGrant => progress::begin_grant(turn, state),
        Guarded::Claim { id, domain } => {
            let lease = state.grant().map(|grant| (grant.id(state), grant.renewals));
            if let Some((grant, generation)) = lease {
                state.intent = Some(Intent { id: *id, grant, generation, domain: domain.clone() });
                turn.persist();
            }
        }
        Guarded::Withdraw { id } => {
            if state.intent.take_if(|intent| intent.id == *id).is_some() {
                turn.persist();
            }
        }
        Guarded::Deleted => sign_out::deleted(turn, state),
        Guarded::Lose { id } => progress::lose_request(turn, state, *id),
        Guarded::Unbegin { id } => drop(state.flight.take_if(|flight| flight.id == *id)),
        Guarded::EndLogins { marks } => login::end_marked(turn, state, marks),
        Guarded::Touch => turn.persist(),
        Guarded::Name { name } => state.name = *name,
        Guarded::SkipRevisions { by } => state.revision = state.revision.saturating_add(*by),
        Guarded::Yield { snapshot } => reload::reload(turn, state, snapshot, Standing::WasStored),
        Guarded::RevokeUnlessKept { tokens } => answer::revoke_unstored(turn, state, tokens),
    }
}
