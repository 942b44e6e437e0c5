//! Spans of time as people write and read them.

use std::time::Duration;

use webex_oauth::Timestamp;

/// How long a sign-in may wait for its user.
pub(crate) const LONGEST_PATIENCE: Duration = Duration::from_secs(3600);

const UNITS: [(&str, u64); 5] = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1), ("", 0)];

/// `90s`, `10m`, `12h`, `14d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write a number and s, m, h or d, such as 10m".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a whole number before the unit, such as 10m".to_owned())?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}

/// The same for a sign-in, which does not wait for ever.
pub(crate) fn parse_patience(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration.is_zero() || duration > LONGEST_PATIENCE {
        return Err("between 1s and 1h".to_owned());
    }
    Ok(duration)
}

/// `13 days 23 hours`: the two largest units.
pub(crate) fn span(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (name, seconds) in UNITS {
        let Some(count) = rest.checked_div(seconds) else { break };
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
            rest -= count * seconds;
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "less than a second".to_owned() } else { parts.join(" ") }
}

/// `13 days 23 hours`: how long it still is; nothing left where it is over.
pub(crate) fn span_until(at: Timestamp, now: Timestamp) -> String {
    span(Duration::from_millis(u64::try_from(at.millis_since(now)).unwrap_or(0)))
}

/// `in 13 days 23 hours`, `2 hours ago`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let millis = at.millis_since(now);
    let distance = span(Duration::from_millis(millis.unsigned_abs()));
    if millis >= 0 { format!("in {distance}") } else { format!("{distance} ago") }
}

/// `2026-07-03 14:05 UTC`.
pub(crate) fn date(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if text.ends_with('Z') => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// What was pasted with the quotes in which it stood somewhere, or with space around it.
pub(crate) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text).trim()
}

/// `mm:ss` for a countdown.
pub(crate) fn countdown(left: Duration) -> String {
    let seconds = left.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        let of = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(of(1_209_599), "13 days 23 hours");
        assert_eq!(of(3_600), "1 hour");
        assert_eq!(of(86_401), "1 day");
        assert_eq!(of(61), "1 minute 1 second");
        assert_eq!(of(0), "less than a second");
    }

    #[test]
    fn before_and_after_are_told_apart() {
        let now = Timestamp::from_secs(1_000_000);
        assert_eq!(relative(now.plus_millis(7_200_000), now), "in 2 hours");
        assert_eq!(relative(now.plus_millis(-60_000), now), "1 minute ago");
        assert_eq!(date(Timestamp::from_secs(1_700_000_000)), "2023-11-14 22:13 UTC");
    }

    #[test]
    fn a_pair_of_quotes_is_no_part_of_what_was_pasted() {
        for text in ["x", " 'x'\r\n", "\"x\"", "' x '"] {
            assert_eq!(unquoted(text), "x", "{text:?}");
        }
        for text in ["'x", "x\"", "'x\"", "\""] {
            assert_eq!(unquoted(text), text, "half a pair is none");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert!(parse_duration("10").is_err());
        assert!(parse_duration("1.5h").is_err());
        assert!(parse_duration("99999999999999999999d").is_err());
    }
}
