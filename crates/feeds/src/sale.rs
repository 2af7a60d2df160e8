//! The times of a sale.

use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

/// Returns whether a sale with these dates is on now. An empty date is no limit. A time without an offset is in
/// UTC, and an end without a time is the end of its day.
///
/// # Errors
/// If a date is not ISO 8601.
pub fn is_on(start: &str, end: &str, now: OffsetDateTime) -> Result<bool, String> {
    let has_begun = start.is_empty() || parse(start, Time::MIDNIGHT)? <= now;
    let has_ended = !end.is_empty() && parse(end, Time::MAX)? < now;
    Ok(has_begun && !has_ended)
}

/// Splits Google's form of an interval.
pub fn interval(text: &str) -> (&str, &str) {
    let (start, end) = text.split_once('/').unwrap_or((text, ""));
    (start.trim(), end.trim())
}

fn parse(text: &str, time: Time) -> Result<OffsetDateTime, String> {
    let iso = normalize(text);
    let with_offset = OffsetDateTime::parse(&iso, &Iso8601::PARSING).ok();
    let local = || PrimitiveDateTime::parse(&iso, &Iso8601::PARSING).ok();
    let date = || {
        Date::parse(&iso, &Iso8601::PARSING)
            .ok()
            .map(|date| date.with_time(time))
    };
    let found = with_offset.or_else(|| local().or_else(date).map(PrimitiveDateTime::assume_utc));
    found.ok_or_else(|| format!("`{text}` is not a date: write it as 2026-01-31 or 2026-01-31T08:00+01:00"))
}

/// Writes an offset such as `+0100` with a colon, and a space before the time as a `T`.
fn normalize(text: &str) -> String {
    let text = text.trim().replacen(' ', "T", 1);
    match text.rfind(['+', '-']).and_then(|at| text.split_at_checked(at)) {
        Some((date, offset)) if date.contains('T') && offset.len() == 5 => {
            let (hours, minutes) = offset.split_at_checked(3).unwrap_or((offset, "00"));
            format!("{date}{hours}:{minutes}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_is_on_between_its_dates() {
        let now = OffsetDateTime::parse("2026-06-15T12:00:00Z", &Iso8601::PARSING).unwrap();
        for (start, end, expected) in [
            ("", "", true),
            ("2026-06-15", "2026-06-15", true),
            ("2026-06-16", "", false),
            ("", "2026-06-14", false),
            ("2026-06-15T13:00+0100", "2026-06-15T11:59-0100", true),
            ("2026-06-15T13:01+0100", "", false),
            ("2026-01-01T00:00Z", "2026-12-31T23:59:59Z", true),
            ("2026-06-15 12:00:00", "", true),
            ("2026-06-15 12:00:01", "", false),
        ] {
            assert_eq!(is_on(start, end, now), Ok(expected), "{start}/{end}");
        }
        assert!(is_on("tomorrow", "", now).is_err());
        assert_eq!(interval("2026-01-01/2026-02-01"), ("2026-01-01", "2026-02-01"));
    }
}
