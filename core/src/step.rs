//! The transition table. Every phase and every input is spelled; what happens then has a name and its own room.
//!
//! Rules: an arm names its action and nothing else. `Err` means the caller's mistake, and the state is unchanged. What
//! a server, a browser or a store says is never an `Err`. Time enters here and nowhere else.

use crate::access::SignedOutReason;
use crate::action::guarded::Guarded;
use crate::action::turn::{Done, Turn};
use crate::action::{answer, downscope, guarded, login, progress, refresh, reload, sign_in, sign_out, withheld};
use crate::config::Config;
use crate::effect::Effect;
use crate::error::Misuse;
use crate::input::Input;
use crate::schedule;
use crate::state::{Phase, State};
use crate::time::Timestamp;

/// One step of the machine: total, and a function of its arguments alone.
pub(crate) fn step(config: &Config, state: &mut State, now: Timestamp, input: &Input) -> Result<Vec<Effect>, Misuse> {
    // A clock that was set back moves instants; should the input be a mistake, they must not have moved.
    let untouched = (now < state.latest).then(|| state.clone());
    let latest = state.latest;
    // Each start of a program would begin with what was stored before, and its tokens would never end.
    let is_to_be_stored = schedule::went_back(state, now) && state.grant().is_some();
    state.observe(now);
    let mut turn = Turn::new(config, now);
    let is_reload = matches!(input, Input::Reload { .. });
    if let Err(misuse) = transition(&mut turn, state, input) {
        match untouched {
            Some(before) => *state = before,
            None => state.latest = latest,
        }
        return Err(misuse);
    }
    if is_to_be_stored && !is_reload {
        turn.persist();
    }
    progress::progress(&mut turn, state);
    if !is_reload {
        state.login_is_new = turn.shows_login() && matches!(state.phase, Phase::SigningIn(_));
    }
    Ok(turn.finish(state))
}

/// One step that is no input: the coordinator's.
pub(crate) fn act(config: &Config, state: &mut State, now: Timestamp, action: &Guarded) -> Vec<Effect> {
    state.observe(now);
    let mut turn = Turn::new(config, now);
    guarded::act(&mut turn, state, action);
    progress::progress(&mut turn, state);
    turn.finish(state)
}

/// The phase alone, so that the table can move the state. A login that waits for its browser counts as one under way.
enum At {
    SignedOut(SignedOutReason),
    SigningIn,
    SignedIn,
}

impl At {
    fn of(state: &State) -> Self {
        match &state.phase {
            Phase::SignedOut(reason) if state.pending.is_empty() => Self::SignedOut(*reason),
            Phase::SignedOut(_) | Phase::SigningIn(_) => Self::SigningIn,
            Phase::SignedIn(_) => Self::SignedIn,
        }
    }
}

#[allow(clippy::unit_arg, reason = "an action that cannot be a mistake is done when it returns")]
fn transition(turn: &mut Turn<'_>, state: &mut State, input: &Input) -> Done {
    use At::{SignedIn, SignedOut, SigningIn};
    match (At::of(state), input) {
        // ---------------------------------------------------------------- signed out
        (SignedOut(reason), Input::EnsureFresh) => Ok(sign_in::ask_host(turn, state, reason)),
        (SignedOut(_), Input::Refresh) => Err(Misuse::NotSignedIn { call: "refresh" }),
        (SignedOut(_), Input::TokenRejected { .. }) => Ok(()),
        (SignedOut(_), Input::Embargoed) => Ok(()),
        (SignedOut(_), Input::Downscope { .. }) => Err(Misuse::NotSignedIn { call: "downscope" }),
        (SignedOut(SignedOutReason::ByUser), Input::SignOut { .. }) => Ok(()),
        (SignedOut(_), Input::SignOut { options }) => Ok(sign_out::sign_out(turn, state, options)),

        // ---------------------------------------------------------------- signing in, over a session or not; signed in
        (SigningIn | SignedIn, Input::EnsureFresh) => Ok(refresh::ensure_fresh(turn, state)),
        (SigningIn | SignedIn, Input::Refresh) => refresh::demand(turn, state),
        (SigningIn | SignedIn, Input::TokenRejected { generation }) => {
            Ok(refresh::token_rejected(turn, state, *generation))
        }
        (SigningIn | SignedIn, Input::Embargoed) => Ok(sign_out::embargo(turn, state)),
        (SigningIn | SignedIn, Input::Downscope { scope }) => downscope::demand(turn, state, scope),
        (SigningIn | SignedIn, Input::SignOut { options }) => Ok(sign_out::sign_out(turn, state, options)),

        // ---------------------------------------------------------------- in every phase: signing in
        (SignedOut(_) | SigningIn | SignedIn, Input::BeginLogin { options, entropy }) => {
            login::begin_login(turn, state, options, entropy)
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::CompleteLogin { callback }) => {
            Ok(login::complete_login(turn, state, callback))
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::CancelLogin { which }) => Ok(login::cancel(turn, state, *which)),
        (SignedOut(_) | SigningIn | SignedIn, Input::RedeemCode { code, verifier }) => {
            sign_in::redeem_code(turn, state, code, verifier.as_ref())
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::BeginDeviceLogin { scope }) => {
            sign_in::begin_device(turn, state, scope.as_ref())
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::SignInWithJwt { jwt }) => {
            sign_in::sign_in_with_jwt(turn, state, jwt)
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::SignInAsGuest { service_token, subject, display_name }) => {
            sign_in::sign_in_as_guest(turn, state, service_token, subject, display_name)
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::SignInWithClientCredentials { scope }) => {
            sign_in::sign_in_with_client_credentials(turn, state, scope.as_ref())
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::Adopt { tokens }) => sign_in::adopt(turn, state, tokens),

        // ---------------------------------------------------------------- in every phase: answers, the store, time
        (SignedOut(_) | SigningIn | SignedIn, Input::Reload { snapshot }) => {
            Ok(reload::reload(turn, state, snapshot, reload::Standing::Unknown))
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::CalledWithoutToken { url }) => {
            withheld::called_without_token(turn, state, url)
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::Response { id, response }) => {
            Ok(answer::response(turn, state, *id, response))
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::SendFailed { id, fault }) => {
            Ok(answer::send_failed(turn, state, *id, *fault))
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::ProvideToken { id, tokens }) => {
            Ok(answer::provide_token(turn, state, *id, tokens))
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::ProvideJwt { id, jwt }) => {
            answer::provide_jwt(turn, state, *id, jwt)
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::HostFailed { id, reason }) => {
            answer::host_failed(turn, state, *id, reason)
        }
        (SignedOut(_) | SigningIn | SignedIn, Input::Tick) => Ok(refresh::tick(turn, state)),
    }
}
