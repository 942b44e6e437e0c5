//! Logins that are over. Another process may still hold a copy of one in its memory: from the store it learns that the
//! login is used up, cancelled or superseded, and neither redeems its code again nor stores it anew.

use crate::protocol::form::is_unreserved;
use crate::protocol::pkce::Challenge;
use crate::time::Timestamp;

/// Tells logins apart. It is made of a hash: nothing follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoginMark([u8; LoginMark::LEN]);

impl LoginMark {
    const LEN: usize = 8;

    /// Of the secret that only this login has.
    pub(crate) fn of(secret: &str) -> Option<Self> {
        Self::read(Challenge::of(secret).as_str())
    }

    /// The same, where the hash is at hand, or of a text that was stored.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes().first_chunk()?;
        // Without a branch: which characters come is anybody's guess.
        bytes.iter().fold(true, |all, byte| all & is_unreserved(*byte)).then_some(Self(*bytes))
    }

    /// ASCII, and nothing in it that JSON would escape.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The last ones, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct EndedLogins([Option<(LoginMark, Timestamp)>; EndedLogins::MOST]);

impl EndedLogins {
    /// More logins do not end while a copy of the first one can still be completed; and if they do, it is asked for again.
    const MOST: usize = 4;

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LoginMark, Timestamp)> {
        self.0.iter().flatten().copied()
    }

    /// When it ended.
    pub(crate) fn at(&self, mark: LoginMark) -> Option<Timestamp> {
        self.iter().find(|(own, _)| *own == mark).map(|(_, at)| at)
    }

    /// Ends a login, if it has not ended before. It is the newest, whatever the clock did.
    pub(crate) fn end(&mut self, mark: LoginMark, now: Timestamp) {
        let newest = self.iter().next().map_or(now, |(_, at)| at.plus_millis(1));
        self.add(mark, now.max(newest));
    }

    /// Takes over one that ended elsewhere.
    pub(crate) fn add(&mut self, mark: LoginMark, at: Timestamp) {
        if self.at(mark).is_none() {
            let place = self.0.iter().position(|own| own.is_none_or(|(other, then)| (then, other) < (at, mark)));
            if let Some(behind) = place.and_then(|place| self.0.get_mut(place..)) {
                behind.rotate_right(1);
                if let Some(first) = behind.first_mut() {
                    *first = Some((mark, at));
                }
            }
        }
    }

    /// Takes over what the others do not have. Whether there was anything.
    pub(crate) fn add_all(&mut self, others: &Self) -> bool {
        let before = *self;
        others.iter().for_each(|(mark, at)| self.add(mark, at));
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(n: u8) -> LoginMark {
        LoginMark([n; 8])
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_newest_are_kept_and_the_first_end_counts() {
        let mut ended = EndedLogins::default();
        for n in [1, 3, 2, 5, 4] {
            ended.add(mark(n), at(n.into()));
        }
        ended.add(mark(5), at(9));
        let left: Vec<_> = ended.iter().collect();
        assert_eq!(left, [5, 4, 3, 2].map(|n| (mark(n), at(n.into()))));
        assert_eq!((ended.at(mark(5)), ended.at(mark(1))), (Some(at(5)), None));
        assert!(!ended.clone().add_all(&ended), "nothing new");
        assert!(EndedLogins::default().add_all(&ended));
        let older = EndedLogins([Some((mark(1), at(1))), None, None, None]);
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
        all.into_iter().rev().for_each(|(mark, at)| read.add(mark, at));
        assert_eq!(read, ended);
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
