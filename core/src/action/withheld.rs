//! Calls of an API that the token does not go with: told once for each host, so that nobody looks for the reason elsewhere.

use super::turn::{Done, Turn};
use crate::event::{Event, Withheld};
use crate::secret::Secret;
use crate::state::State;

/// So many hosts are remembered as told.
const MOST: usize = 32;

pub(crate) fn called_without_token(turn: &mut Turn<'_>, state: &mut State, url: &Secret) -> Done {
    let judged = turn.config.judge_url(url.expose())?;
    if judged.may_carry_token {
        return Ok(());
    }
    let host = judged.host_entry();
    if state.withheld.contains(&host) {
        return Ok(());
    }
    if state.withheld.len() >= MOST {
        state.withheld.remove(0);
    }
    state.withheld.push(host.clone());
    let why = if judged.target.is_secure() { Withheld::NotInTokenHosts } else { Withheld::NotHttps };
    turn.notify(Event::TokenWithheld { host, why });
    Ok(())
}
