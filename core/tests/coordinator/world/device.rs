//! Device logins: their rules.

use super::*;

impl World {
    pub(super) fn device(&mut self, n: usize, what: Device) -> Checked {
        match what {
            Device::Agree(k) => self.server.person_says(k, true),
            Device::Refuse(k) => self.server.person_says(k, false),
            Device::Begin => {
                let had = self.family_at(n);
                let call = Call::SignIn { credential: Credential::Device { scope: None }, within: None };
                self.call(n, Step::Device(n, what), call)?;
                if self.family_at(n) != had {
                    return Err(format!("node {n} has another session at once, by a device login that begins"));
                }
            }
        }
        Ok(())
    }

    /// How many logins on devices have led to a sign-in that was stored.
    pub(crate) fn device_logins(&self) -> u64 {
        let families = (0..self.server.devices()).filter_map(|k| self.server.family_of_device(k));
        families.filter(|family| self.kept.contains(family)).count() as u64
    }

    pub(super) fn answer_device(&mut self, n: usize, job: JobId, out: &Out, how: How) -> Result<Option<Done>, String> {
        if let Some(mail) = &out.mail {
            return Ok(Some(mail.clone()));
        }
        let Op::Send { request, .. } = &out.op else { return Ok(None) };
        let of = number_after(request.body.expose(), "device_code=DEV").map(|k| k as usize);
        if matches!(how, How::Fails) {
            return Ok(Some(Done::SendFailed(SendFault::NotSent)));
        }
        if matches!(how, How::Busy) {
            return Ok(Some(io::answer((503, String::new()))));
        }
        let said = match of {
            Some(k) => self.server.poll_device(k, n)?,
            None => (200, self.server.begin_device()),
        };
        Ok(match how {
            How::Lost | How::Later | How::Garbage => {
                of.into_iter().filter(|_| said.0 == 200).for_each(|k| self.server.lose_device(k));
                let garbage = (200, "<html>".to_owned());
                Some(if how == How::Garbage { io::answer(garbage) } else { Done::SendFailed(SendFault::Lost) })
            }
            How::Processed => {
                if let Some(out) = self.node(n).jobs.get_mut(&job) {
                    out.mail = Some(io::answer(said));
                }
                None
            }
            How::Ok | How::Twice | How::Fails | How::Busy => Some(io::answer(said)),
        })
    }

    /// The answer to a poll has come: it brings another session, or leaves the one that was there.
    pub(super) fn check_device_end(&mut self, n: usize, had: Option<u32>) -> Checked {
        let has = self.family_at(n);
        let is_of_a_device = (0..self.server.devices()).any(|k| self.server.family_of_device(k) == has);
        if has != had && !(has.is_some() && is_of_a_device) {
            return Err(format!("the answer to a poll ends the session of node {n}"));
        }
        had.into_iter().filter(|had| has != Some(*had)).for_each(|had| self.server.replace(had));
        Ok(())
    }

    /// An answer to a call of a device login.
    pub(super) fn check_device(&mut self, n: usize, call: Step, reply: &Reply) -> Checked {
        let (Step::Device(..), Reply::SignedIn { .. }) = (call, reply) else { return Ok(()) };
        let has = self.family_at(n);
        let is_kept = [has, self.found_in_store(n)].into_iter().flatten().any(|family| self.kept.contains(&family));
        if !is_kept && !self.could_not_store(n, has) {
            return Err(format!("node {n} says to {call:?} that it is signed in, and nothing is stored"));
        }
        Ok(())
    }

    /// At rest: what a device has brought is in the store, or the server was told to forget it.
    pub(super) fn check_the_devices(&self) -> Checked {
        match self.server.forgotten_device(|family| self.kept.contains(&family)) {
            Some(k) => Err(format!("what DEV{k} brought is neither stored nor revoked")),
            None => Ok(()),
        }
    }
}
