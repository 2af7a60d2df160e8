//! Ids and times.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{Uuid, Variant};

use crate::types::Error;

/// Returns a new id: a UUID of version 7 (RFC 9562). Ids sort by their time of creation.
#[must_use]
pub fn new() -> String {
    Uuid::now_v7().hyphenated().to_string()
}

/// Returns the id that follows `first` by `offset`, with the same time of creation. Returns `None` if `first`
/// is not an id.
#[must_use]
pub fn after(first: &str, offset: u32) -> Option<String> {
    let [head @ .., a, b, c, d] = Uuid::try_parse(first).ok()?.into_bytes();
    let [a, b, c, d] = u32::from_be_bytes([a, b, c, d])
        .wrapping_add(offset)
        .to_be_bytes();
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(head.into_iter().chain([a, b, c, d]))
        .for_each(|(to, from)| *to = from);
    Some(Uuid::from_bytes(bytes).hyphenated().to_string())
}

/// Returns sixteen bytes with 122 random bits, which is enough for a salt.
#[must_use]
pub fn random_bytes() -> [u8; 16] {
    Uuid::new_v4().into_bytes()
}

/// Returns bytes of the platform's secure random source, for a secret.
///
/// # Errors
/// [`Error::Internal`] if the source fails.
pub fn secret<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Internal(format!("the random source failed: {error}")))?;
    Ok(bytes)
}

/// Returns whether a text is a UUID with hyphens, in lower case.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    text.len() == 36
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && Uuid::try_parse(text).is_ok_and(|id| id.get_variant() == Variant::RFC4122)
}

/// Returns the present time, in milliseconds since the Unix epoch, UTC.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Returns a text that sorts before all ids of this time and later, and after all earlier ids. The time is in
/// milliseconds since the Unix epoch.
#[must_use]
pub fn lower_bound(milliseconds: u64) -> String {
    let [_, _, bytes @ ..] = milliseconds.to_be_bytes();
    let [a, b, c, d, e, f] = bytes;
    format!("{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{f:02x}-7")
}

/// Returns the time of creation of an id, in milliseconds since the Unix epoch. Returns `None` if the text is
/// not an id.
#[must_use]
pub fn time_of(id: &str) -> Option<u64> {
    let [a, b, c, d, e, f, ..] = Uuid::try_parse(id).ok()?.into_bytes();
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

#[cfg(test)]
mod tests {
    use super::{after, is_valid, lower_bound, new, now, time_of};

    #[test]
    fn the_lower_bound_of_a_time_sorts_before_its_ids() {
        let before = now();
        let id = new();
        let created = time_of(&id).unwrap();
        assert!((before..=now()).contains(&created));
        assert!(lower_bound(created) < id && id < lower_bound(created + 1));
        assert_eq!(time_of("no id"), None);
    }

    #[test]
    fn following_ids_are_unique_and_have_the_same_time() {
        let first = new();
        assert_eq!(after(&first, 0).unwrap(), first);
        let ids: std::collections::BTreeSet<_> =
            (0..1_000).map(|offset| after(&first, offset).unwrap()).collect();
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
    fn new_ids_are_valid_and_sort_by_time() {
        let ids: Vec<_> = (0..100).map(|_| new()).collect();
        assert!(ids.iter().all(|id| is_valid(id)));
        assert!(ids.is_sorted());
    }

    #[test]
    fn rejects_texts_of_another_shape() {
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
