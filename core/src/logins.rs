//! Logins that are over. Another process may still hold a copy of one in its memory: from the store it learns that the
//! login is used up, cancelled or superseded, and neither redeems its code again nor stores it anew.

use std::fmt;

use crate::protocol::callback;
use crate::protocol::form::is_unreserved;
use crate::protocol::pkce;
use crate::time::Timestamp;

/// Which login in a browser: made of a hash of its `state`, so that it may be shown and written down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginId(LoginMark);

impl LoginId {
    /// Of the login with this URL (what [`Effect::OpenBrowser`](crate::Effect::OpenBrowser) opens), with this callback, or
    /// with this `state`.
    pub fn of(url: &str) -> Option<Self> {
        let state = callback::state_in(url);
        LoginMark::of(state.as_deref().unwrap_or(url)).map(Self)
    }

    pub(crate) fn of_state(state: &str) -> Option<Self> {
        LoginMark::of(state).map(Self)
    }

    /// From the text that [`LoginId::as_str`] gave.
    pub fn read(text: &str) -> Option<Self> {
        LoginMark::read(text).map(Self)
    }

    /// Eight characters of base64url.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginId({self})")
    }
}

/// Which logins [`Input::CancelLogin`](crate::Input::CancelLogin) gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichLogin {
    /// All that wait for their browser, and the one that is under way.
    All,
    /// This one in a browser, whether or not that has come back. Others go on.
    Browser(LoginId),
    /// The one that is under way: on a device, by a JWT, by a code. Those that wait for their browser go on.
    UnderWay,
}

/// So many logins may wait for a browser at once. Whoever has more sign-in pages of one session open within the lifetime of a
/// login is a program that goes in circles, and all of them are stored with every change.
pub(crate) const MOST_PENDING: usize = 8;

/// Tells logins apart, also those whose caller gave them the same state: of what only this login has. It is made of a hash:
/// nothing follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LoginMark([u8; LoginMark::LEN]);

impl LoginMark {
    const LEN: usize = 8;

    /// Of the secret that only this login has.
    pub(crate) fn of(secret: &str) -> Option<Self> {
        Self::read(&pkce::challenge(secret))
    }

    /// The same, where the hash is at hand, or of a text that was stored.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes().first_chunk()?;
        bytes.iter().all(|byte| is_unreserved(*byte)).then_some(Self(*bytes))
    }

    /// Eight characters of base64url.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// When a login ended, and by whom: two who end one in the same millisecond, each redeeming its code, have not read of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) at: Timestamp,
    /// Drawn at the start of a coordinator; 0 where there is none.
    pub(crate) by: u32,
}

/// The last ones, the newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct EndedLogins(Vec<(LoginMark, End)>);

impl EndedLogins {
    /// A sign-out may end as many at once as may be pending. More do not end while a copy of the first one can still be
    /// completed; and if they do, it is asked for again.
    const MOST: usize = 2 * MOST_PENDING;

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LoginMark, End)> {
        self.0.iter().copied()
    }

    /// How it ended, if it did.
    pub(crate) fn of(&self, mark: LoginMark) -> Option<End> {
        self.iter().find(|(own, _)| *own == mark).map(|(_, end)| end)
    }

    /// Ends a login, if it has not ended before. It is the newest, whatever the clock did.
    pub(crate) fn end(&mut self, mark: LoginMark, end: End) {
        let newest = self.iter().next().map_or(end.at, |(_, newest)| newest.at.plus_millis(1));
        self.add(mark, End { at: end.at.max(newest), ..end });
    }

    /// Takes over one that ended elsewhere.
    pub(crate) fn add(&mut self, mark: LoginMark, end: End) {
        if self.of(mark).is_none() {
            let newer = self.0.partition_point(|(other, ended)| (ended.at, *other) > (end.at, mark));
            self.0.insert(newer, (mark, end));
            self.0.truncate(Self::MOST);
        }
    }

    /// Takes over what the others do not have. Whether there was anything.
    pub(crate) fn add_all(&mut self, others: &Self) -> bool {
        let before = self.clone();
        others.iter().for_each(|(mark, end)| self.add(mark, end));
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(n: u8) -> LoginMark {
        LoginMark([n; 8])
    }

    fn at(millis: i64) -> End {
        End { at: Timestamp::from_millis(millis), by: 0 }
    }

    #[test]
    fn the_newest_are_kept_and_the_first_end_counts() {
        let mut ended = EndedLogins::default();
        for n in [1, 3, 2].into_iter().chain(4..=17) {
            ended.add(mark(n), at(n.into()));
        }
        ended.add(mark(5), at(99));
        let left: Vec<_> = ended.iter().collect();
        let newest: Vec<_> = (2..=17).rev().map(|n| (mark(n), at(n.into()))).collect();
        assert_eq!(left, newest);
        assert_eq!((ended.of(mark(5)), ended.of(mark(1))), (Some(at(5)), None));
        assert!(!ended.clone().add_all(&ended), "nothing new");
        assert!(EndedLogins::default().add_all(&ended));
        let older = EndedLogins(vec![(mark(1), at(1))]);
        assert!(!ended.add_all(&older), "too old to matter");
    }

    #[test]
    fn the_last_one_to_end_is_the_newest_whatever_the_clock_did() {
        let mut ended = EndedLogins::default();
        for (n, now) in [(1, 1000), (2, 500), (3, 500), (2, 2000)] {
            ended.end(mark(n), at(now));
        }
        let all: Vec<_> = ended.iter().collect();
        assert_eq!(all, [(mark(3), at(1002)), (mark(2), at(1001)), (mark(1), at(1000))]);
        let mut read = EndedLogins::default();
        all.into_iter().rev().for_each(|(mark, end)| read.add(mark, end));
        assert_eq!(read, ended);
    }

    #[test]
    fn a_login_is_known_by_its_url_its_callback_and_its_state() {
        let id = LoginId::of("S-1");
        assert!(id.is_some_and(|id| LoginId::read(id.as_str()) == Some(id)));
        for text in ["https://as.example/authorize?client_id=C&state=S-1", "/cb?code=x&state=S%2D1", "code=x&state=S-1"]
        {
            assert_eq!(LoginId::of(text), id, "{text}");
        }
        assert_ne!(LoginId::of("https://as.example/authorize?client_id=C&state=S-2"), id);
    }

    #[test]
    fn a_mark_is_eight_characters_of_base64url() {
        assert!(LoginMark::of("s").is_some());
        assert_eq!(LoginMark::read("AbCdEfGhIj"), LoginMark::read("AbCdEfGh"));
        assert_eq!(LoginMark::read("AbCdEfG"), None);
        assert_eq!(LoginMark::read("Zo\u{eb}Zo\u{eb}Zo"), None);
        assert_eq!(LoginMark::read("\"bcdefgh"), None);
    }
}
