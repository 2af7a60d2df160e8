//! Ids, and the time.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{Uuid, Variant};

use crate::types::Error;

/// A new id: a UUID of version 7 (RFC 9562), so that ids sort by the time of their making.
#[must_use]
pub fn new() -> String {
    Uuid::now_v7().hyphenated().to_string()
}

/// The id that stands so many places after another one, made at the same time; none where the other is no id.
#[must_use]
pub fn after(first: &str, places: u32) -> Option<String> {
    let [head @ .., a, b, c, d] = Uuid::try_parse(first).ok()?.into_bytes();
    let [a, b, c, d] = u32::from_be_bytes([a, b, c, d])
        .wrapping_add(places)
        .to_be_bytes();
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(head.into_iter().chain([a, b, c, d]))
        .for_each(|(to, from)| *to = from);
    Some(Uuid::from_bytes(bytes).hyphenated().to_string())
}

/// Sixteen random bytes, of which 122 bits are random: enough for a salt.
#[must_use]
pub fn random_bytes() -> [u8; 16] {
    Uuid::new_v4().into_bytes()
}

/// So many bytes from the platform's secure source of randomness: enough for a secret.
///
/// # Errors
/// Where the platform has none to give.
pub fn secret<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Internal(format!("there is no randomness: {error}")))?;
    Ok(bytes)
}

/// Whether a text has the shape of an id that this shop could have made: hyphenated, in lower case.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    text.len() == 36
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && Uuid::try_parse(text).is_ok_and(|id| id.get_variant() == Variant::RFC4122)
}

/// Now, in milliseconds since the Unix epoch, UTC.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The text that sorts right before every id that was made at this time, in milliseconds since the Unix epoch, or later.
#[must_use]
pub fn first_of(milliseconds: u64) -> String {
    let [_, _, bytes @ ..] = milliseconds.to_be_bytes();
    let [a, b, c, d, e, f] = bytes;
    format!("{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{f:02x}-7")
}

/// When an id was made, in milliseconds since the Unix epoch; none for what is no id.
#[must_use]
pub fn time_of(id: &str) -> Option<u64> {
    let [a, b, c, d, e, f, ..] = Uuid::try_parse(id).ok()?.into_bytes();
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

#[cfg(test)]
mod tests {
    use super::{after, first_of, is_valid, new, now, time_of};

    #[test]
    fn the_first_of_a_time_sorts_before_its_ids_and_behind_earlier_ones() {
        let before = now();
        let id = new();
        let made = time_of(&id).unwrap();
        assert!((before..=now()).contains(&made));
        assert!(first_of(made) < id && id < first_of(made + 1));
        assert_eq!(time_of("no id"), None);
    }

    #[test]
    fn ids_after_an_id_are_others_of_its_time() {
        let first = new();
        assert_eq!(after(&first, 0).unwrap(), first);
        let ids: std::collections::BTreeSet<_> =
            (0..1_000).map(|place| after(&first, place).unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(
            ids.iter()
                .all(|id| is_valid(id) && time_of(id) == time_of(&first))
        );
        let last = "0198c0de-1f2e-7abc-8def-0123ffffffff";
        assert_eq!(after(last, 1).unwrap(), "0198c0de-1f2e-7abc-8def-012300000000");
        assert_eq!(after("no id", 1), None);
    }

    #[test]
    fn new_ids_are_valid_and_sort_by_their_making() {
        let ids: Vec<_> = (0..100).map(|_| new()).collect();
        assert!(ids.iter().all(|id| is_valid(id)));
        assert!(ids.is_sorted());
    }

    #[test]
    fn other_shapes_are_no_ids() {
        for text in [
            "",
            "42",
            "507f1f77bcf86cd799439011",
            "0198C0DE-0000-7000-8000-000000000000",
            "0198c0de00007000800000000000000000000",
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }
}
