//! The store and the server: how a job ends.

use super::*;

/// What the server says.
pub(super) fn answer((status, body): (u16, String)) -> Done {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Done::Response(HttpResponse { status, headers, body: body.into_bytes() })
}

fn is_of_device(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::DeviceAuthorization | Purpose::DeviceToken)
}

impl World {
    pub(super) fn swap(&mut self, snapshot: Secret, replaces: u64) -> Result<Done, String> {
        let holds = self.row.as_ref().map_or(0, |row| snapshot_revision(row.expose()).unwrap());
        if holds != replaces {
            return Ok(Done::Conflict(self.row.clone()));
        }
        let family = number_after(snapshot.expose(), RT).and_then(|refresh| self.server.family(refresh));
        let known = ![SIGN_IN_UNKNOWN, LOST_WRITE].iter().any(|why| self.server.excuse.contains(why));
        if known && family.is_some_and(|family| self.deleted.contains(&family)) {
            return Err("tokens of a session that was signed out or deleted are stored".into());
        }
        let before = self.row_refresh().and_then(|refresh| self.server.family(refresh));
        self.nobody_ends_it_unasked(before, family, &snapshot)?;
        self.kept.extend(family);
        if let Some(before) = before.filter(|_| before != family && !snapshot.expose().contains("grant_ended")) {
            self.deleted.insert(before);
        }
        self.before = self.row.replace(snapshot);
        Ok(Done::Saved)
    }

    /// What was stored last was rotated or signed in for nothing, and that has to be named. A session that somebody ended
    /// is not brought back by a store that keeps its promises.
    pub(super) fn fail_over(&mut self) {
        let family = |row: &Secret| number_after(row.expose(), RT).and_then(|refresh| self.server.family(refresh));
        let before = self.before.take().filter(|row| family(row).is_none_or(|family| !self.deleted.contains(&family)));
        if let (Some(before), true) = (before, self.row.is_some()) {
            self.server.excuse(LOST_WRITE);
            self.row = Some(before);
        }
    }

    pub(super) fn end_job(&mut self, n: usize, at: usize, how: How) -> Checked {
        let Some((&job, out)) = self.node(n).jobs.iter().nth(at) else { return Ok(()) };
        let out = out.clone();
        let result = match &out.op {
            Op::Load => self.load(how),
            Op::Save { snapshot, replaces, .. } => {
                let saves = |(_, out): &(_, &Out)| matches!(out.op, Op::Save { .. });
                let is_late = self.node(n).jobs.iter().filter(saves).count() > 1;
                self.save(how, is_late, snapshot.clone(), *replaces)?
            }
            Op::TryLock => self.try_lock(n, how),
            Op::Unlock => {
                if self.lock == Some(n) {
                    self.lock = None;
                }
                Some(Done::Unlocked)
            }
            Op::Send { .. } if out.code.is_some() => self.answer_code(n, job, &out, how)?,
            Op::Send { request, .. } if is_of_device(request.purpose) => self.answer_device(n, job, &out, how)?,
            Op::Send { .. } => self.answer(n, job, &out, how)?,
            Op::AskForToken { .. } | Op::AskForJwt { .. } => Some(Done::HostFailed("no".into())),
        };
        let Some(result) = result else { return Ok(()) };
        let node = self.node(n);
        node.jobs.remove(&job);
        if matches!(out.op, Op::Load) && !out.stopped {
            node.loads_ended = node.loads;
        }
        let row = match (&out.op, &result) {
            (Op::Save { snapshot, .. }, Done::Saved) => Some(snapshot.clone()),
            (_, Done::Loaded(Some(row)) | Done::Conflict(Some(row))) => Some(row.clone()),
            _ => None,
        };
        if let (Op::Save { snapshot, .. }, false) = (&out.op, matches!(result, Done::Saved | Done::Conflict(_))) {
            let family = number_after(snapshot.expose(), RT).and_then(|refresh| self.server.family(refresh));
            self.node(n).unsaved.extend(family);
        }
        let node = self.node(n);
        node.stored.extend(row.iter().filter_map(|row| number_after(row.expose(), AT)));
        let (now, had) = (self.clock(n), self.family_at(n));
        let node = self.node(n);
        node.coordinator.done(now, job, result.clone());
        if how == How::Twice {
            node.coordinator.done(now, job, result);
        }
        if let Some(k) = out.code {
            self.check_login_end(n, k, had)?;
        }
        if matches!(&out.op, Op::Send { request, .. } if is_of_device(request.purpose)) {
            self.check_device_end(n, had)?;
        }
        self.drain(n)
    }

    pub(super) fn load(&self, how: How) -> Option<Done> {
        Some(match how {
            _ if self.down => Done::StoreFailed(fault()),
            How::Fails | How::Lost => Done::StoreFailed(fault()),
            How::Garbage => Done::Locked,
            _ => Done::Loaded(self.row.clone()),
        })
    }

    pub(super) fn save(
        &mut self,
        how: How,
        is_late: bool,
        snapshot: Secret,
        replaces: u64,
    ) -> Result<Option<Done>, String> {
        let failed = Some(Done::StoreFailed(fault()));
        let family = |row: &Secret| number_after(row.expose(), RT).and_then(|refresh| self.server.family(refresh));
        let signs_in = replaces == 0 || self.row.as_ref().and_then(family) != family(&snapshot);
        if signs_in && (is_late || matches!(how, How::Lost | How::Later)) {
            // Whoever deletes what it brought cannot be told from one who came before: the sign-in is saved once more.
            self.server.excuse(SIGN_IN_UNKNOWN);
        }
        Ok(match how {
            _ if self.down => failed,
            How::Fails => failed,
            How::Garbage => Some(Done::LockBusy),
            How::Lost => {
                self.swap(snapshot, replaces)?;
                failed
            }
            How::Later => {
                self.delayed.push((snapshot, replaces));
                failed
            }
            _ => Some(self.swap(snapshot, replaces)?),
        })
    }

    pub(super) fn try_lock(&mut self, n: usize, how: How) -> Option<Done> {
        Some(match how {
            How::Fails | How::Lost => Done::StoreFailed(fault()),
            How::Garbage => Done::Saved,
            _ if self.lock.is_some() => Done::LockBusy,
            _ => {
                self.lock = Some(n);
                Done::Locked
            }
        })
    }

    pub(super) fn answer(&mut self, n: usize, job: JobId, out: &Out, how: How) -> Result<Option<Done>, String> {
        if let Some(mail) = &out.mail {
            return Ok(Some(mail.clone()));
        }
        let Op::Send { request, .. } = &out.op else { return Ok(None) };
        let Some(refresh) = out.refresh else {
            if let Some(refresh) = number_after(request.body.expose(), "token=RT") {
                self.server.revoke(refresh);
            }
            return Ok(Some(answer((200, "{}".into()))));
        };
        Ok(Some(match how {
            How::Fails => {
                self.server.not_spent(refresh);
                Done::SendFailed(SendFault::NotSent)
            }
            How::Busy => {
                self.server.not_spent(refresh);
                answer((503, String::new()))
            }
            How::Lost | How::Later | How::Garbage => {
                self.server.excuse("an answer was lost");
                let _ = self.server.refresh(refresh)?;
                if how == How::Garbage { answer((200, "<html>".into())) } else { Done::SendFailed(SendFault::Lost) }
            }
            How::Processed => {
                let mail = answer(self.server.refresh(refresh)?);
                if let Some(out) = self.node(n).jobs.get_mut(&job) {
                    out.mail = Some(mail);
                }
                return Ok(None);
            }
            How::Ok | How::Twice => answer(self.server.refresh(refresh)?),
        }))
    }
}
