//! `Retry-After` (RFC 9110 section 10.2.3), as servers really send it.

use std::str::FromStr;
use std::time::Duration;

use time::{Date, Month};

use crate::time::Timestamp;

/// Which waits are believed. Webex has been seen to send `Retry-After: rand(30),add(30)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfterBounds {
    /// Used where the header is missing or cannot be read.
    pub missing: Duration,
    /// Used where the header asks for no wait, or one that is over: 0, a negative number, a date in the past.
    pub zero: Duration,
    /// No wait is shorter.
    pub minimum: Duration,
    /// No wait is longer.
    pub maximum: Duration,
}

impl RetryAfterBounds {
    /// One minute by default and for zero, never more than an hour.
    pub const DEFAULT: Self = Self {
        missing: Duration::from_secs(60),
        zero: Duration::from_secs(60),
        minimum: Duration::from_secs(1),
        maximum: Duration::from_secs(3600),
    };
}

impl Default for RetryAfterBounds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long to wait for an answer with this `Retry-After` that arrived at `now`; always within `bounds`.
pub fn retry_after(header: Option<&str>, now: Timestamp, bounds: &RetryAfterBounds) -> Duration {
    let wait = match header.map(str::trim).and_then(|text| parse(text, now)) {
        None => bounds.missing,
        Some(wait) if wait <= 0 => bounds.zero,
        Some(wait) => Duration::from_millis(wait.unsigned_abs()),
    };
    wait.max(bounds.minimum).min(bounds.maximum)
}

/// Milliseconds to wait, or `None` where the text is neither a whole number of seconds nor an HTTP date.
fn parse(text: &str, now: Timestamp) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than an i64 holds is just "very long".
        let secs = text.parse::<i64>().unwrap_or(if text.starts_with('-') { 0 } else { i64::MAX });
        return Some(secs.saturating_mul(1000));
    }
    http_date(text).map(|date| date.millis_since(now))
}

/// The three forms of an HTTP date (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37
/// GMT` and `Sun Nov  6 08:49:37 1994`. The day of the week does not matter.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, clock) = match words[..] {
        [weekday, day, month, year, clock, "GMT"] if weekday.ends_with(',') => (day, month, year, clock),
        [_, month, day, clock, year] => (day, month, year, clock),
        _ => return None,
    };
    let date = Date::from_calendar_date(full_year(year)?, month_named(month)?, number(day)?).ok()?;
    let mut clock = clock.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let date = date.with_hms(hour, minute, second).ok().filter(|_| clock.next().is_none())?;
    Some(Timestamp::from_secs(date.assume_utc().unix_timestamp()))
}

/// A year of two digits is read within 1970 to 2069.
fn full_year(text: &str) -> Option<i32> {
    match (text.len(), number::<i32>(text)?) {
        (2, year @ ..70) => Some(2000 + year),
        (2, year) => Some(1900 + year),
        (4, year) => Some(year),
        (_, _) => None,
    }
}

fn month_named(text: &str) -> Option<Month> {
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = names.iter().position(|name| *name == text)? + 1;
    Month::try_from(u8::try_from(number).ok()?).ok()
}

/// Digits and nothing else.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(header: &str) -> u64 {
        let now = Timestamp::from_secs(784_111_777 - 30);
        retry_after(Some(header), now, &RetryAfterBounds::DEFAULT).as_secs()
    }

    #[test]
    fn seconds_are_kept_within_bounds() {
        assert_eq!(wait("55"), 55);
        assert_eq!(wait("0"), 60);
        assert_eq!(wait("-5"), 60);
        assert_eq!(wait("99999999999999999999999"), 3600);
    }

    #[test]
    fn all_three_http_dates_are_read() {
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), 30);
        assert_eq!(wait("Sunday, 06-Nov-94 08:49:37 GMT"), 30);
        assert_eq!(wait("Sun Nov  6 08:49:37 1994"), 30);
        assert_eq!(http_date("Sunday, 06-Nov-69 08:49:37 GMT").map(Timestamp::as_secs), Some(3_150_953_377));
        assert_eq!(http_date("Sunday, 06-Nov-70 08:49:37 GMT").map(Timestamp::as_secs), Some(26_729_377));
        assert_eq!(wait("Sun, 06 Nov 1993 08:49:37 GMT"), 60, "in the past, and the weekday does not matter");
    }

    #[test]
    fn what_is_no_date_is_not_taken_for_one() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:01 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun Nov 6 08:49:37 19945",
            ", - - - - GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn nonsense_is_the_default_wait() {
        for text in ["rand(30),add(30)", "30.5", "30 seconds", "30,60", "", "None", "+5"] {
            assert_eq!(wait(text), 60, "{text}");
        }
    }
}
