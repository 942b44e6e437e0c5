//! Instants, as the host tells them: the core has no clock.

use std::fmt;
use std::time::Duration;

/// An instant: milliseconds since the Unix epoch, as the host's wall clock reads.
///
/// Arithmetic saturates, so no answer of a server can overflow it. Nothing assumes that successive readings grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down: a JWT's `NumericDate`.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// `self` later by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        self.plus_millis(millis(duration))
    }

    /// `self` later by `millis`, earlier where that is negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to `self`; negative where `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As far from `to` as `self` is from `from`. The distance may be more than an `i64` holds, so it is added wide.
    pub(crate) fn moved_along(self, from: Self, to: Self) -> Self {
        let moved = i128::from(self.0) - i128::from(from.0) + i128::from(to.0);
        let nearest = if moved < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(moved).unwrap_or(nearest))
    }
}

/// RFC 3339 in UTC, for people. It has years of four digits only: beyond them it is the first or the last of its instants.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match time::OffsetDateTime::from_unix_timestamp(self.as_secs()) {
            Ok(at) if (0..=9999).contains(&at.year()) => {
                let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
                write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
            }
            Ok(_) | Err(_) if self.0 < 0 => f.write_str("0000-01-01T00:00:00Z"),
            Ok(_) | Err(_) => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}

/// A duration in milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_along_stays_within_what_an_instant_holds() {
        let (least, most) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        let zero = Timestamp::from_millis(0);
        assert_eq!(least.moved_along(zero, Timestamp::from_millis(-1)), least);
        assert_eq!(most.moved_along(zero, Timestamp::from_millis(1)), most);
        assert_eq!(Timestamp::from_millis(7).moved_along(most, least), least);
        assert_eq!(least.moved_along(least, zero), zero);
    }
}
