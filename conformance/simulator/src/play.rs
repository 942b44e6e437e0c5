//! The people in front of the screens, played without a browser.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::authorize::{End, visit};
use crate::call::Params;
use crate::device;
use crate::options::Decision;
use crate::simulator::Simulator;
use crate::world::World;

/// The tokens of a sign-in that took no detour through an authorization page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The refresh token, unless it is a token of the client itself.
    pub refresh_token: String,
    /// The life of the access token in seconds.
    pub expires_in: u64,
    /// The life of the refresh token in seconds.
    pub refresh_token_expires_in: u64,
    /// What was granted.
    pub scope: String,
    /// The sign-in, as the log numbers it.
    pub family: u64,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("family", &self.family).field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Simulator {
    /// The person opens this authorization URL and decides. Answers the URL of the redirect, as the
    /// browser would arrive there; `Err` is the text of the page that is shown when the request
    /// is not even worth a redirect.
    pub fn visit(&self, authorize_url: &str, decision: Decision) -> Result<String, String> {
        self.world.visit(authorize_url, decision, None)
    }

    /// The person with this id or e-mail address opens this authorization URL and decides.
    pub fn visit_as(&self, person: &str, authorize_url: &str, decision: Decision) -> Result<String, String> {
        self.world.visit(authorize_url, decision, Some(person))
    }

    /// The person types the user code and decides. Without a code: about the device that asked
    /// last. Answers whether there was one that waits.
    pub fn decide_device(&self, user_code: Option<&str>, decision: Decision) -> bool {
        device::decide(&mut self.world.state(), user_code, decision, None)
    }

    /// Signs the first person in without any page. `None` when there is nobody.
    #[must_use]
    pub fn issue(&self, client_id: &str, scope: &str) -> Option<Issued> {
        self.world.issue(client_id, scope, None)
    }
}

impl World {
    pub(crate) fn visit(&self, url: &str, decision: Decision, person: Option<&str>) -> Result<String, String> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let query = Params::parse(query.as_bytes());
        match visit(&mut self.state(), &query, &self.base_url, decision, person) {
            End::Landed(landing) => Ok(landing.url()),
            End::Refused(why) => Err(why),
        }
    }

    pub(crate) fn issue(&self, client_id: &str, scope: &str, person: Option<&str>) -> Option<Issued> {
        let mut state = self.state();
        let person = match person {
            Some(hint) => state.options.person(hint),
            None => state.options.people.first(),
        };
        let account = person.map(Account::person)?;
        let now = state.now();
        let life = state.options.access_lifetime_ms;
        let refresh_life = state.options.refresh_lifetime_ms;
        let fresh = state.fresh(false, &account, client_id, now.saturating_add(life));
        let family = state.ledger.open(client_id, account, scope, now);
        let until = now.saturating_add(refresh_life);
        let issued = state.ledger.issue(family, fresh, now, life, Some(until))?;
        Some(Issued {
            access_token: issued.access,
            refresh_token: issued.refresh.map(|(text, _)| text).unwrap_or_default(),
            expires_in: life / 1000,
            refresh_token_expires_in: refresh_life / 1000,
            scope: issued.scope,
            family,
        })
    }
}
