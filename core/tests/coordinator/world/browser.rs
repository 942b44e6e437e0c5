//! Logins in browsers: what becomes of them, and their rules.

use super::*;
use crate::coordinator::Which;
use crate::logins::{LoginId, MOST_PENDING};
use crate::protocol::authorize::LoginOptions;

impl World {
    pub(super) fn browser(&mut self, n: usize, what: Browser) -> Checked {
        let call = match what {
            Browser::Begin => {
                self.seeds += 1;
                let credential = Credential::Browser { options: LoginOptions::default(), entropy: entropy(self.seeds) };
                Call::SignIn { credential, within: None }
            }
            Browser::Back(k) => Call::CompleteLogin { callback: self.server.callback(k, true).into(), within: None },
            Browser::Denied(k) => Call::CompleteLogin { callback: self.server.callback(k, false).into(), within: None },
            Browser::GiveUp(k) => Call::CancelLogin { of: Which::Browser(self.login_id(k)) },
            Browser::Await(k) => Call::AwaitLogin { of: self.login_id(k), within: None },
        };
        let had = self.family_at(n);
        self.call(n, Step::Browser(n, what), call)?;
        if self.family_at(n) != had {
            return Err(format!("node {n} has another session at once, by {what:?}"));
        }
        Ok(())
    }

    fn login_id(&self, k: usize) -> LoginId {
        LoginId::of(self.server.page(k)).unwrap()
    }

    /// The sign-in that the session of this node has.
    pub(super) fn family_at(&self, n: usize) -> Option<u32> {
        let tokens = self.nodes[n].as_ref()?.coordinator.session().tokens()?;
        self.server.family(number_after(tokens.refresh_token.as_ref()?.expose(), "RT")?)
    }

    /// The answer to a code has come: it brings another session, or leaves the one that was there.
    pub(super) fn check_login_end(&mut self, n: usize, k: usize, had: Option<u32>) -> Checked {
        let has = self.family_at(n);
        if has == self.server.family_of_code(k) {
            had.into_iter().filter(|had| has != Some(*had)).for_each(|had| self.server.replace(had));
        } else if has != had {
            return Err(format!("the answer to CODE{k} ends the session of node {n}"));
        }
        Ok(())
    }

    /// How many logins have led to a sign-in that was stored.
    pub(crate) fn logins(&self) -> u64 {
        let families = (0..self.server.pages()).filter_map(|k| self.server.family_of_code(k));
        families.filter(|family| self.kept.contains(family)).count() as u64
    }

    /// A code goes out: the store shows that its login is used up, or has said that it fails.
    pub(super) fn check_code(&mut self, n: usize, body: &str) -> Result<usize, String> {
        let Some(k) = number_after(body, "code=CODE").map(|k| k as usize) else {
            return Err(format!("node {n} redeems nobody's code"));
        };
        let unsaved = self.node(n).coordinator.store_fault().is_some();
        // Who cannot know whether a row is theirs puts it back where somebody has deleted it, with a login that was used up.
        let put_back = self.ended && self.server.excuse.contains(&SIGN_IN_UNKNOWN);
        let lost = self.server.excuse.contains(&LOST_WRITE) || put_back;
        self.server.note_code_sent(k, n, unsaved, lost)?;
        let waits = self.row.as_ref().is_some_and(|row| row.expose().contains(self.server.state_of(k)));
        if waits && !unsaved && !lost {
            return Err(format!("node {n} redeems CODE{k}, and its login waits in the store for its browser"));
        }
        Ok(k)
    }

    pub(super) fn answer_code(&mut self, n: usize, job: JobId, out: &Out, how: How) -> Result<Option<Done>, String> {
        if let Some(mail) = &out.mail {
            return Ok(Some(mail.clone()));
        }
        let (Some(k), Op::Send { request, .. }) = (out.code, &out.op) else { return Ok(None) };
        let body = request.body.expose();
        Ok(Some(match how {
            How::Fails => {
                self.server.code_not_spent(k, n);
                Done::SendFailed(SendFault::NotSent)
            }
            How::Busy => {
                self.server.code_not_spent(k, n);
                io::answer((503, String::new()))
            }
            How::Lost | How::Later | How::Garbage => {
                self.server.lose_code(k);
                let _ = self.server.redeem(k, body)?;
                let garbage = (200, "<html>".to_owned());
                if how == How::Garbage { io::answer(garbage) } else { Done::SendFailed(SendFault::Lost) }
            }
            How::Processed => {
                let mail = io::answer(self.server.redeem(k, body)?);
                if let Some(out) = self.node(n).jobs.get_mut(&job) {
                    out.mail = Some(mail);
                }
                return Ok(None);
            }
            How::Ok | How::Twice => io::answer(self.server.redeem(k, body)?),
        }))
    }

    /// What is stored has no more logins than may wait, and not what came of one that was said to have failed.
    pub(super) fn check_logins_in(&mut self, n: usize, snapshot: &Secret) -> Checked {
        let waiting = snapshot.expose().matches("\"verifier\"").count();
        if waiting > MOST_PENDING {
            return Err(format!("node {n} stores {waiting} logins that wait for their browser"));
        }
        let family = number_after(snapshot.expose(), RT).and_then(|refresh| self.server.family(refresh));
        let login = snapshot.expose().split_once("\"login\":\"").and_then(|(_, rest)| LoginId::read(rest.get(..8)?));
        let of = (0..self.server.pages()).find(|k| login.is_some() && login == LoginId::of(self.server.page(*k)));
        if let Some(k) = of.filter(|k| self.server.family_of_code(*k) != family) {
            return Err(format!("node {n} stores as what login {k} has brought what it did not bring"));
        }
        let Some(family) = family.filter(|family| !self.kept.contains(family)) else { return Ok(()) };
        let refused = &self.node(n).refused.clone();
        match refused.iter().find(|k| self.server.family_of_code(**k) == Some(family)) {
            Some(k) => Err(format!("node {n} said that login {k} has failed, and stores what it brought")),
            None => Ok(()),
        }
    }

    /// An answer to a call of a login.
    pub(super) fn check_login(&mut self, n: usize, call: Step, reply: &Reply) -> Checked {
        let Step::Browser(_, what) = call else { return Ok(()) };
        match (what, reply) {
            (Browser::Begin, Reply::Url(url)) => self.server.open_page(url.expose()),
            (
                Browser::Back(k) | Browser::Denied(k),
                Reply::Failed(Failure::LoginSuperseded | Failure::LoginCancelled),
            ) => {
                self.node(n).refused.insert(k);
            }
            (Browser::Back(k) | Browser::Denied(k) | Browser::Await(k), Reply::SignedIn { .. }) => {
                let (of, has) = (self.server.family_of_code(k), self.family_at(n));
                // Who has signed in once more since then is signed in.
                let later =
                    self.row_refresh().and_then(|refresh| self.server.family(refresh)).filter(|row| of < Some(*row));
                // And so is who found somebody signed in there, also where another sign-in is on its way to the store by now.
                let is_kept = [of, has, later, self.found_in_store(n)]
                    .into_iter()
                    .flatten()
                    .any(|family| self.kept.contains(&family));
                if !is_kept && !self.could_not_store(n, has) && !self.could_not_store(n, of) {
                    return Err(format!("node {n} says to {call:?} that it is signed in, and nothing is stored"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The sign-in that the store holds, where this node knows of it.
    pub(super) fn found_in_store(&self, n: usize) -> Option<u32> {
        let row = self.row.as_ref()?.expose();
        let (token, node) = (number_after(row, AT)?, self.nodes[n].as_ref()?);
        self.server.family(number_after(row, RT)?).filter(|_| node.stored.contains(&token))
    }

    /// The store has failed to take this sign-in, and has said so.
    pub(super) fn could_not_store(&mut self, n: usize, family: Option<u32>) -> bool {
        let fails = self.node(n).coordinator.store_fault().is_some();
        self.node(n).unsaved.extend(family.filter(|_| fails));
        fails || family.is_some_and(|family| self.node(n).unsaved.contains(&family))
    }

    /// A session ends because somebody ends it, or the server.
    pub(super) fn nobody_ends_it_unasked(&self, before: Option<u32>, after: Option<u32>, row: &Secret) -> Checked {
        if before.is_some() && after.is_none() && !self.ended && !row.expose().contains("grant_ended") {
            return Err("the store's session ends, and nobody has asked for that".into());
        }
        Ok(())
    }

    /// At rest: what a code has brought is in the store, or the server was told to forget it.
    pub(super) fn check_the_codes(&self) -> Checked {
        match self.server.forgotten_code(|family| self.kept.contains(&family)) {
            Some(k) => Err(format!("what CODE{k} brought is neither stored nor revoked")),
            None => Ok(()),
        }
    }
}
