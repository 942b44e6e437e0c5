//! Authorization codes: good once, for the client and the redirect URI they were made for.

use crate::account::Account;
use crate::answer::Refusal;
use crate::call::Call;
use crate::token_endpoint::field;
use crate::tokens::s256;
use crate::world::State;

#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    /// As the authorization request had it; what was not sent then need not be sent now.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) account: Account,
    pub(crate) scope: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) expires_ms: u64,
    /// The sign-in it was spent on.
    pub(crate) family: Option<u64>,
}

/// What a code verifier has to match (RFC 7636).
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Plain(String),
    S256(String),
}

pub(crate) struct Redeemed {
    pub(crate) code: String,
    pub(crate) client_id: String,
    pub(crate) account: Account,
    pub(crate) scope: String,
}

/// Checks a code and the proofs that come with it; spends it when they hold.
pub(crate) fn redeem(state: &mut State, call: &Call, client_id: &str, now: u64) -> Result<Redeemed, Refusal> {
    let text = field(call, "code")?;
    let code = state.codes.get(text).cloned();
    let code = code.ok_or_else(|| Refusal::bad_grant("The code is not known."))?;
    if code.client_id != client_id {
        return Err(Refusal::bad_grant("The code was issued to another client."));
    }
    if let Some(family) = code.family {
        // RFC 6749, 4.1.2: what was issued for it is not to be trusted any more.
        state.ledger.tally.code_replays += 1;
        state.ledger.revoke_family(family, now);
        return Err(Refusal::bad_grant("The code was used before; its tokens are revoked."));
    }
    if code.expires_ms <= now {
        return Err(Refusal::bad_grant("The code is expired."));
    }
    if code.redirect_uri.is_some() && call.form.get("redirect_uri") != code.redirect_uri.as_deref() {
        return Err(Refusal::bad_grant("redirect_uri is not the one of the authorization request."));
    }
    verify(code.challenge.as_ref(), call.form.filled("code_verifier"))?;
    Ok(Redeemed { code: text.into(), client_id: code.client_id, account: code.account, scope: code.scope })
}

fn verify(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), Refusal> {
    let Some(challenge) = challenge else {
        // A verifier without a challenge is a downgrade (RFC 9700, 2.1.1).
        return match verifier {
            None => Ok(()),
            Some(_) => Err(Refusal::bad_grant("There is a code_verifier, but there was no code_challenge.")),
        };
    };
    let verifier = verifier.ok_or_else(|| Refusal::bad_grant("code_verifier is missing."))?;
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return Err(Refusal::bad_request("code_verifier is not 43 to 128 unreserved characters."));
    }
    let holds = match challenge {
        Challenge::Plain(expected) => verifier == expected,
        Challenge::S256(expected) => s256(verifier) == *expected,
    };
    if holds { Ok(()) } else { Err(Refusal::bad_grant("code_verifier does not match the code_challenge.")) }
}
