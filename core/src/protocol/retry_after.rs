//! `Retry-After` (RFC 9110 section 10.2.3), as servers really send it.

use std::time::Duration;

use time::PrimitiveDateTime;
use time::macros::format_description;

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

/// The three forms of an HTTP date (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850, asctime.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let imf = format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let asctime = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    let date = PrimitiveDateTime::parse(text, imf).or_else(|_| PrimitiveDateTime::parse(text, asctime)).ok();
    let date = date.or_else(|| rfc850(text))?;
    Some(Timestamp::from_secs(date.assume_utc().unix_timestamp()))
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`: the year has two digits and is read within 1970 to 2069.
fn rfc850(text: &str) -> Option<PrimitiveDateTime> {
    let (_, rest) = text.split_once(", ")?;
    let (date, clock) = rest.split_once(' ')?;
    let (day_and_month, year) = date.rsplit_once('-')?;
    let year: u16 = if year.len() == 2 {
        year.parse().ok()?
    } else {
        return None;
    };
    let century = if year < 70 { 20 } else { 19 };
    let long = format!("{day_and_month}-{century}{year:02} {clock}");
    let form = format_description!("[day]-[month repr:short]-[year] [hour]:[minute]:[second] GMT");
    PrimitiveDateTime::parse(&long, form).ok()
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
        assert_eq!(rfc850("Sunday, 06-Nov-69 08:49:37 GMT").map(PrimitiveDateTime::year), Some(2069));
        assert_eq!(rfc850("Sunday, 06-Nov-70 08:49:37 GMT").map(PrimitiveDateTime::year), Some(1970));
        assert_eq!(wait("Sun, 06 Nov 1993 08:49:37 GMT"), 60, "in the past, and the weekday does not matter");
    }

    #[test]
    fn nonsense_is_the_default_wait() {
        for text in ["rand(30),add(30)", "30.5", "30 seconds", "30,60", "", "None", "+5"] {
            assert_eq!(wait(text), 60, "{text}");
        }
    }
}
