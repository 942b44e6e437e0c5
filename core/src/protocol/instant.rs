//! Instants as others write them.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::time::Timestamp;

/// An instant of another library's: a count since the Unix epoch as JSON has it, also in quotes, or a date after
/// RFC 3339, where UTC is meant if no zone is named. `None` where it says that there is none.
pub(crate) fn read(value: &Value, now: Timestamp) -> Result<Option<Timestamp>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_f64().and_then(|number| counted(number, now)).map(Some).ok_or(()),
        Value::String(text) => match serde_json::from_str(text.trim()) {
            Ok(number) => counted(number, now).map(Some).ok_or(()),
            Err(_) if text.trim().is_empty() => Ok(None),
            Err(_) => date(text.trim()),
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(()),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "saturates, as intended")]
fn counted(number: f64, now: Timestamp) -> Option<Timestamp> {
    let is_count = number.is_finite() && number >= 0.0;
    let at = if is_in_millis(number as i64, now) { number } else { number * 1000.0 };
    is_count.then_some(Timestamp::from_millis(at as i64))
}

fn date(text: &str) -> Result<Option<Timestamp>, ()> {
    let mut text = text.replacen(' ', "T", 1);
    let time = text.split_once('T').ok_or(())?.1;
    match time.find(['Z', 'z', '+', '-']).and_then(|at| time.get(at + 1..)) {
        None => text.push('Z'),
        // `+0100`
        Some(zone) if zone.len() == 4 && !zone.contains(':') => text.insert(text.len() - 2, ':'),
        Some(_) => {}
    }
    let at = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| ())?;
    // Go's zero time: no end.
    let millis = i64::try_from(at.unix_timestamp_nanos() / 1_000_000).map_err(|_| ())?;
    Ok((at.year() > 1).then_some(Timestamp::from_millis(millis)))
}

/// A count since the Unix epoch, of milliseconds or of seconds: that of the two which is nearer to `now`.
pub(crate) fn of(number: i64, now: Timestamp) -> Timestamp {
    if is_in_millis(number, now) { Timestamp::from_millis(number) } else { Timestamp::from_secs(number) }
}

/// Whether `number` counts milliseconds.
pub(crate) fn is_in_millis(number: i64, now: Timestamp) -> bool {
    let distance = |millis: i64| millis.abs_diff(now.as_millis());
    distance(number) <= distance(number.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_read_as_their_writers_mean_them() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let hour = Ok(Some(Timestamp::from_millis(1_800_003_600_000)));
        for same in [
            json!(1_800_003_600),
            json!(1_800_003_600.0),
            json!(1_800_003_600_000_i64),
            json!("1800003600"),
            json!("2027-01-15T09:00:00Z"),
            json!("2027-01-15T09:00:00"),
            json!("2027-01-15 09:00:00.000000"),
            json!("2027-01-15T10:00:00.000000000+01:00"),
            json!("2027-01-15T10:00:00+0100"),
            json!("2027-01-15T04:00:00-05:00"),
        ] {
            assert_eq!(read(&same, now), hour, "{same}");
        }
        assert_eq!(read(&json!(1_800_003_600.25), now), Ok(Some(Timestamp::from_millis(1_800_003_600_250))));
        assert_eq!(read(&json!(1_000_000_000), now), Ok(Some(Timestamp::from_secs(1_000_000_000))));
        for none in [json!(null), json!(""), json!("0001-01-01T00:00:00Z")] {
            assert_eq!(read(&none, now), Ok(None), "{none}");
        }
        for odd in [
            json!(-1),
            json!(true),
            json!([]),
            json!("soon"),
            json!("2027-01-15"),
            json!("2027-13-15T09:00:00Z"),
            json!("NaN"),
            json!("T\u{e4}+123"),
            json!("+1800003600"),
        ] {
            assert_eq!(read(&odd, now), Err(()), "{odd}");
        }
    }
}
