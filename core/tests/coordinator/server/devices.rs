//! Device grants: a person is shown a code, agrees somewhere else, and the client polls (RFC 8628).

use super::{Server, answer};

/// Its place in the list is the number of its code.
#[derive(Debug, Clone, Default)]
pub(super) struct Device {
    /// What the person said, once they have.
    agreed: Option<bool>,
    /// The refresh token that it brought.
    brought: Option<u32>,
    /// Who got it.
    by: Option<usize>,
    /// Whoever got it may be gone with what it brought.
    lost: bool,
}

impl Server {
    pub(crate) fn devices(&self) -> usize {
        self.devices.len()
    }

    /// The answer to a device authorization request.
    pub(crate) fn begin_device(&mut self) -> String {
        let at = self.devices.len();
        self.devices.push(Device::default());
        format!(
            r#"{{"device_code":"DEV{at}","user_code":"U{at}","verification_uri":"https://as.example/device","expires_in":600,"interval":5}}"#
        )
    }

    pub(crate) fn person_says(&mut self, at: usize, agrees: bool) {
        self.devices[at].agreed.get_or_insert(agrees);
    }

    /// The status and the body that a poll is answered with.
    pub(crate) fn poll_device(&mut self, at: usize, node: usize) -> Result<(u16, String), String> {
        let Some(device) = self.devices.get(at) else { return Err(format!("DEV{at} was never issued")) };
        let no = |error: &str| Ok((400, format!(r#"{{"error":"{error}"}}"#)));
        match (device.agreed, device.brought) {
            (None, _) => no("authorization_pending"),
            (Some(false), _) => no("access_denied"),
            // RFC 8628 section 3.5: like a code it is used once.
            (Some(true), Some(_)) => no("invalid_grant"),
            (Some(true), None) => {
                self.families += 1;
                let refresh = self.issue(self.families);
                (self.devices[at].brought, self.devices[at].by) = (Some(refresh), Some(node));
                Ok((200, answer(refresh)))
            }
        }
    }

    /// Nobody gets the answer.
    pub(crate) fn lose_device(&mut self, at: usize) {
        self.devices[at].lost = true;
    }

    /// Whoever this was is gone, with what its devices have brought.
    pub(super) fn lose_devices_of(&mut self, node: usize) {
        self.devices.iter_mut().filter(|device| device.by == Some(node)).for_each(|device| device.lost = true);
    }

    /// The sign-in that this one led to.
    pub(crate) fn family_of_device(&self, at: usize) -> Option<u32> {
        self.family(self.devices[at].brought?)
    }

    /// One that has brought tokens which live on, and whose sign-in is none of these.
    pub(crate) fn forgotten_device(&self, is_kept: impl Fn(u32) -> bool) -> Option<usize> {
        self.devices.iter().position(|device| {
            let lives = device.brought.filter(|refresh| !device.lost && self.honours(*refresh));
            lives.and_then(|refresh| self.family(refresh)).is_some_and(|family| !is_kept(family))
        })
    }
}
