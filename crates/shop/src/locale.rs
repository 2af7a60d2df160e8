//! Which of several languages somebody reads best.

/// What is there for a locale (BCP 47): for itself, or for what it is a part of, as RFC 4647 looks it up in section 3.4: de-Latn-AT,
/// de-Latn, de. `language` tells the language of each.
pub fn lookup<'a, T>(
    locale: Option<&str>,
    all: &'a [T],
    language: impl Fn(&T) -> &'static str,
) -> Option<&'a T> {
    let mut tag = locale;
    while let Some(range) = tag {
        let found = all.iter().find(|one| language(one).eq_ignore_ascii_case(range));
        if found.is_some() {
            return found;
        }
        tag = range.rsplit_once('-').map(|(larger, _)| larger);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn the_nearest_language_is_found() {
        let all = ["en", "de", "de-CH"];
        for (locale, found) in [
            ("de", Some("de")),
            ("DE-latn-at", Some("de")),
            ("de-CH-1901", Some("de-CH")),
            ("fr-CA", None),
            ("", None),
            ("den", None),
        ] {
            assert_eq!(lookup(Some(locale), &all, |one| *one).copied(), found, "{locale}");
        }
        assert_eq!(lookup(None, &all, |one| *one), None);
    }
}
