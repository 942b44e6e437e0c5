//! The token that a driver may hand out without asking: no lock, no call, until a line of the clock is passed.

use super::Coordinator;
use super::output::{Fresh, Output};
use super::rules::Rule;
use crate::access::Access;

impl Coordinator {
    pub(super) fn publish(&mut self) {
        let fresh = self.fresh();
        if fresh != self.published {
            self.published.clone_from(&fresh);
            // Whoever is answered and then asks for a token gets this one. It replaces what was published before it.
            let answer = self.out.iter().position(|output| matches!(output, Output::Resolve { .. }));
            let before = self.out.iter().rposition(|output| matches!(output, Output::Publish { .. }));
            let at = answer.unwrap_or(self.out.len()).max(before.map_or(0, |before| before + 1));
            self.out.insert(at, Output::Publish { fresh });
        }
    }

    fn fresh(&self) -> Option<Fresh> {
        if self.is_closing() {
            return None;
        }
        let Access::Ready { token, generation, expires_at, .. } = self.session.access(self.now.wall) else {
            // What ended it may not be stored yet; nothing is handed out all the same.
            return None;
        };
        let before = self.published.as_ref();
        let is_known = before.is_some_and(|before| before.generation == generation && before.token == token);
        if !is_known && !self.saving.is_all_settled() && self.obeys(Rule::StoredBeforeUsed) {
            // The token before is as good as it was, as long as it lives.
            let lives = |fresh: &&Fresh| fresh.expires_at.is_none_or(|end| self.now.wall < end);
            return before.filter(lives).cloned();
        }
        let (soon, must) = self.session.token_lines().unwrap_or_default();
        let from = before.filter(|_| is_known).map_or(self.now.wall, |before| before.from.min(self.now.wall));
        Some(Fresh { token, generation, expires_at, from, until: soon.or(must) })
    }
}
