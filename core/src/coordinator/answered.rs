//! What an API's answer means for the call that got it.
//!
//! | status | first time | again |
//! |---|---|---|
//! | 401 | the token is refused: call again with another one, or hand the answer over | hand it over |
//! | 423, 429 | wait within the caller's limit, then call again | likewise |
//! | 451 | the session is over; hand it over | |
//! | others | hand it over | |

use super::Coordinator;
use super::call::{Of, Spent};
use super::looks::Seen;
use super::output::{Failure, Next};
use super::rules::Rule;
use super::waiters::Want;
use crate::access::{Access, Verdict};
use crate::input::Input;

impl Coordinator {
    /// What to wait for before the call is made again; `Err`: the answer is known at once.
    pub(super) fn judge_answer(
        &mut self,
        generation: u64,
        status: u16,
        retry_after: Option<&str>,
        spent: Spent,
    ) -> Result<Want, Next> {
        let looked = self.seen();
        match self.session.judge(self.now.wall, status, retry_after) {
            // What has come is the caller's, and nothing is begun on its account.
            verdict if self.is_closing() => {
                let why = matches!(verdict, Verdict::Rejected).then_some(Failure::Closed);
                Err(Next::Return { why })
            }
            Verdict::Pass => Err(Next::Return { why: None }),
            Verdict::Rejected if spent.replays > 0 && self.obeys(Rule::OneReplay) => Err(Next::Return { why: None }),
            Verdict::Rejected => {
                self.give(Input::TokenRejected { generation });
                if !matches!(self.session.access(self.now.wall), Access::Ready { .. }) {
                    self.unpublish();
                }
                let spent = Spent { replays: spent.replays.saturating_add(1), ..spent };
                Ok(Want::Again { rejected: Some(generation), spent, looked })
            }
            Verdict::Wait { wait } => {
                let waited = spent.waited.saturating_add(wait);
                if waited > spent.limit {
                    return Err(Next::Return { why: None });
                }
                Ok(Want::Pause { until: self.now.mono.plus(wait), spent: Spent { waited, ..spent }, looked })
            }
            Verdict::Embargoed => {
                self.unpublish();
                self.give(Input::Embargoed);
                Err(Next::Return { why: None })
            }
        }
    }

    /// Another token than the one that was refused; after a wait, whichever is good.
    pub(super) fn again(&mut self, rejected: Option<u64>, spent: Spent, looked: Seen) -> Option<Next> {
        Some(match self.token(&Of::Session, looked)? {
            Ok((_, generation, _)) if rejected == Some(generation) => Next::Return { why: None },
            Ok((token, generation, _)) => Next::Again { token, generation, spent },
            Err(failure) => Next::Return { why: Some(failure) },
        })
    }
}
