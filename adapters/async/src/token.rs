//! Tokens for callers.

use webex_oauth::{Access, AccessToken, Fault, FaultKind, Input, Misuse, Scope, Secret, SignInReason, Timestamp};
use webex_oauth_driver::ClientError;

use crate::client::Client;
use crate::inner::Table;

/// So often a caller asks for a renewal; tokens that are stale on arrival must not be asked for endlessly.
const MOST_ASKED: u32 = 3;

/// A token and its generation.
pub(crate) type Ready = (AccessToken, u64);

impl Client {
    /// A valid access token. Returns at once while there is one, and waits for the one refresh that serves everybody
    /// while there is none.
    pub async fn token(&self) -> Result<AccessToken, ClientError> {
        self.ready(None).await.map(|(token, _)| token)
    }

    /// The value of an `Authorization` header: `Bearer <token>`.
    pub async fn authorization_header(&self) -> Result<Secret, ClientError> {
        self.token().await.map(|token| Secret::new(token.expose_header()))
    }

    /// Webex: a token with less scope, to hand to somebody who needs no more. Kept, and renewed with the session's own.
    ///
    /// Errors as for [`Client::token`], and [`ClientError::Misuse`] where `scope` is not a part of the granted one.
    pub async fn user_token(&self, scope: &Scope) -> Result<AccessToken, ClientError> {
        self.ready(Some(scope)).await.map(|(token, _)| token)
    }

    /// Renews the tokens now, whatever the clock says. Joins a refresh that is under way.
    pub async fn refresh(&self) -> Result<(), ClientError> {
        let counts = |table: &Table| (table.refreshed, table.refresh_failed.0);
        let before = self.crew.inner().read(|table, _| counts(table));
        let turn = match self.give(Input::Refresh).await {
            // With the reason, as for a token.
            Err(ClientError::Misuse(Misuse::NotSignedIn { .. })) => return self.token().await.map(drop),
            turn => turn?,
        };
        self.crew
            .until_open(|table, now| {
                let session = table.desk.session();
                if !table.desk.is_free() || !table.is_done(turn) {
                    return None;
                }
                if table.refreshed > before.0 {
                    return Some(Ok(()));
                }
                let status = session.status(now);
                if let (true, Some((fault, retry_at))) = (table.refresh_failed.0 > before.1, &table.refresh_failed.1) {
                    return Some(Err(ClientError::Unavailable { fault: fault.clone(), retry_at: *retry_at }));
                }
                if status.is_refreshing {
                    return None;
                }
                // Not begun: the server asked for patience. Or ended: only the user can help.
                match (session.tokens(), status.last_fault) {
                    (Some(_), Some(fault)) => {
                        let retry_at = session.wake_at().unwrap_or(now);
                        Some(Err(ClientError::Unavailable { fault, retry_at }))
                    }
                    (Some(_), None) => Some(Ok(())),
                    (None, _) => match session.access(now) {
                        Access::SignInRequired { reason } => Some(Err(ClientError::SignInRequired { reason })),
                        _ => Some(Err(ClientError::SignInRequired { reason: SignInReason::Expired })),
                    },
                }
            })
            .await?
    }

    /// A token as soon as there is one; `scope` for a user token.
    pub(crate) async fn ready(&self, scope: Option<&Scope>) -> Result<Ready, ClientError> {
        // Most calls end here: one look, nothing else.
        if let Some(answer) = self.crew.inner().with(|table, now| table.ready_now(now, scope)) {
            return answer;
        }
        let wait = async {
            match self.ready_here(scope).await {
                // Another process may have signed in, or been luckier.
                Err(ClientError::SignInRequired { .. } | ClientError::Unavailable { .. })
                    if self.crew.inner().store.is_some() && self.looked().await =>
                {
                    self.ready_here(scope).await
                }
                answer => answer,
            }
        };
        self.in_time("a token", self.limits.patience, wait).await
    }

    /// Looks into the store; answers whether there was news.
    async fn looked(&self) -> bool {
        let inner = self.crew.inner();
        // A store that was begun anew may have a lower revision: then its tokens are others.
        let state = |table: &Table, now| (table.desk.session().revision(), table.desk.session().status(now).generation);
        let before = inner.read(state);
        self.look_into_store().await;
        inner.read(state) != before
    }

    /// Takes in what another process has stored. The look is the client's errand: it is done even where this caller goes away.
    pub(crate) async fn look_into_store(&self) {
        let look = self.crew.inner().with(|table, _| table.look_into_store());
        self.crew.until(|table, _| (table.looks_done >= look).then_some(())).await;
    }

    async fn ready_here(&self, scope: Option<&Scope>) -> Result<Ready, ClientError> {
        let mut asked = 0;
        self.crew
            .until(|table, now| match table.access(now, scope)? {
                Access::Ready { .. } => table.ready_now(now, scope),
                _ if table.closing => Some(Err(ClientError::Closed)),
                Access::Refreshing { .. } => None,
                Access::Stale { .. } if !table.desk.is_free() => None,
                Access::Stale { expires_at, .. } if asked == MOST_ASKED => {
                    let fault = Fault::new(FaultKind::Expired).into();
                    Some(Err(ClientError::Unavailable { fault, retry_at: expires_at.unwrap_or(now) }))
                }
                Access::Stale { .. } => {
                    asked += 1;
                    let usable = matches!(table.access(now, None), Some(Access::Ready { .. }));
                    let input = match scope {
                        Some(scope) if usable => Input::Downscope { scope: scope.clone() },
                        Some(_) | None => Input::EnsureFresh,
                    };
                    table.give(now, input).err().map(Err)
                }
                Access::BackingOff { fault, retry_at } => Some(Err(ClientError::Unavailable { fault, retry_at })),
                Access::SignInRequired { reason } => Some(Err(ClientError::SignInRequired { reason })),
            })
            .await
    }
}

impl Table {
    fn access(&self, now: Timestamp, scope: Option<&Scope>) -> Option<Access> {
        match scope {
            None => self.desk.access(now),
            Some(scope) => self.desk.access_for(now, scope),
        }
    }

    /// A token that is there. Where it should be renewed soon, and somebody is there to do it, that begins; the caller
    /// has nothing to do with it.
    fn ready_now(&mut self, now: Timestamp, scope: Option<&Scope>) -> Option<Result<Ready, ClientError>> {
        let Some(Access::Ready { token, generation, refresh_soon, .. }) = self.access(now, scope) else {
            return None;
        };
        if self.closing {
            return Some(Err(ClientError::Closed));
        }
        if refresh_soon && self.runners > 0 {
            self.post(now, Input::EnsureFresh);
        }
        // Nobody is there to do it: whoever runs the client next begins with it.
        self.refresh_soon = refresh_soon && self.runners == 0;
        Some(Ok((token, generation)))
    }
}
