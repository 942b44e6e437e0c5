//! What comes out of a coordinator, and the rules that it keeps.

use super::*;

impl World {
    pub(super) fn drain(&mut self, n: usize) -> Checked {
        if let Some(node) = &mut self.nodes[n] {
            node.told = false;
        }
        loop {
            let Some(node) = self.nodes[n].as_mut() else { return Ok(()) };
            let Some(output) = node.coordinator.poll() else { break };
            self.check(n, output)?;
        }
        // One whose limit has passed counts as failed, whatever its driver still does.
        let saves = self.count(n, |op| matches!(op, Op::Save { .. }));
        let spends = self.count(n, |op| matches!(op, Op::Send { request, .. } if request.purpose == Purpose::Refresh));
        if saves > 1 || spends > 1 {
            return Err(format!("node {n} has {saves} saves and {spends} refreshes out at once"));
        }
        Ok(())
    }

    pub(super) fn count(&self, n: usize, is: impl Fn(&Op) -> bool) -> usize {
        self.nodes[n].as_ref().map_or(0, |node| {
            node.jobs.values().filter(|out| !out.stopped && out.since + 30_000 > self.now && is(&out.op)).count()
        })
    }

    pub(super) fn check(&mut self, n: usize, output: Output) -> Checked {
        if self.aloud {
            let mut text = format!("{output:?}");
            if let Output::Do { op: Op::Save { snapshot, .. }, .. } = &output {
                text = format!("{text} {}", snapshot.expose());
            }
            println!("    {} node {n}: {text}", self.now);
        }
        match output {
            Output::Do { job, op } => self.begin(n, job, op),
            Output::Stop { job } => {
                let Some(out) = self.node(n).jobs.get_mut(&job) else { return Ok(()) };
                out.stopped = true;
                match &out.op {
                    Op::Save { .. } | Op::Unlock => Err(format!("node {n} stops {:?}", out.op)),
                    Op::Send { request, .. } if request.purpose.is_grant() => Err(format!("node {n} stops a grant")),
                    Op::TryLock => Ok(()),
                    op => {
                        if matches!(op, Op::Load) {
                            let node = self.node(n);
                            node.loads_ended = node.loads;
                        }
                        self.node(n).jobs.remove(&job);
                        Ok(())
                    }
                }
            }
            Output::Resolve { ticket, reply } => self.check_reply(n, ticket.0, &reply),
            Output::Show { .. } => Ok(()),
            Output::Tell { event } => {
                let renewed = matches!(event, ClientEvent::Session(Event::TokensRefreshed { .. }));
                self.node(n).told |= renewed;
                Ok(())
            }
            Output::Publish { fresh } => {
                let token = fresh.and_then(|fresh| number_after(fresh.token.expose(), "AT"));
                self.node(n).published = token;
                self.check_token(n, token, "publishes")
            }
        }
    }

    pub(super) fn begin(&mut self, n: usize, job: JobId, op: Op) -> Checked {
        let now = self.now;
        if matches!(op, Op::Unlock) && self.node(n).told {
            return Err(format!("node {n} tells of a renewal before it gives the lock back"));
        }
        if job.0 <= self.node(n).last_job {
            return Err(format!("node {n} uses {job:?} twice"));
        }
        self.node(n).last_job = job.0;
        let mut refresh = None;
        if let Op::Send { request, not_after, .. } = &op
            && request.purpose == Purpose::Refresh
        {
            refresh = number_after(request.body.expose(), "refresh_token=RT");
            let mono = self.clock(n).mono;
            if self.setting.broken.is_none() && not_after.is_none_or(|at| at < mono) {
                return Err(format!("node {n} sends outside of its window"));
            }
            let shows = self.row.as_ref().is_some_and(|row| row.expose().contains("\"intent\""));
            if !shows && self.server.excuse.is_empty() && !self.down && self.row_refresh() == refresh {
                return Err(format!("node {n} spends RT{refresh:?}, and the store has no intent"));
            }
            if let Some(refresh) = refresh {
                let row = self.row_refresh();
                self.server.note_sent(refresh, n, row)?;
            }
        }
        let mut code = None;
        if let Op::Send { request, .. } = &op
            && request.purpose == Purpose::RedeemCode
        {
            code = Some(self.check_code(n, request.body.expose())?);
        }
        if let Op::Save { snapshot, .. } = &op {
            self.check_logins_in(n, snapshot)?;
        }
        if self.is_closing(n) && !matches!(op, Op::Save { .. } | Op::Unlock) {
            let revokes = matches!(&op, Op::Send { request, .. } if !request.purpose.is_grant());
            if !revokes {
                return Err(format!("node {n} is closing and begins {op:?}"));
            }
        }
        if matches!(op, Op::Load) {
            self.node(n).loads += 1;
        }
        self.node(n).jobs.insert(job, Out { op, since: now, mail: None, refresh, code, stopped: false });
        Ok(())
    }

    pub(super) fn check_token(&mut self, n: usize, token: Option<u32>, does: &str) -> Checked {
        let Some(token) = token else { return Ok(()) };
        let family = self.server.family(token);
        // A sign-out that the store has lost is undone by whoever has not seen it.
        let lost = self.server.excuse.contains(&LOST_WRITE);
        let node = self.node(n);
        if !lost && family.is_some_and(|family| node.signed_out.contains(&family)) {
            return Err(format!("node {n} {does} AT{token} after its sign-out"));
        }
        if !node.stored.contains(&token) && node.coordinator.store_fault().is_none() {
            return Err(format!("node {n} {does} AT{token}, which is not stored"));
        }
        // From now on the store has said so.
        node.stored.insert(token);
        Ok(())
    }

    pub(super) fn check_reply(&mut self, n: usize, ticket: u64, reply: &Reply) -> Checked {
        let Some(waiting) = self.node(n).tickets.remove(&ticket) else {
            return Err(format!("node {n} resolves {ticket}, which nobody waits under: {reply:?}"));
        };
        self.resolved += 1;
        self.check_login(n, waiting.call, reply)?;
        self.check_device(n, waiting.call, reply)?;
        match reply {
            Reply::Token { token, .. } | Reply::Api(Next::Again { token, .. }) => {
                self.check_token(n, number_after(token.expose(), "AT"), "hands out")
            }
            Reply::Failed(Failure::SignInRequired { .. } | Failure::Unavailable { .. })
                if !matches!(waiting.call, Step::Refresh(_)) && self.node(n).loads_ended <= waiting.loads =>
            {
                Err(format!("node {n} says no to {:?} on stale knowledge: {reply:?}", waiting.call))
            }
            _ => Ok(()),
        }
    }
}
