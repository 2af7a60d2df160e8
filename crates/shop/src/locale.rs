//! Choice of a language.

/// Finds the item for a locale (BCP 47) by the lookup of RFC 4647, section 3.4.
///
/// For `de-Latn-AT`, this is the item whose `language` is `de-Latn-AT`, `de-Latn` or `de`, whichever matches
/// first.
pub fn lookup<'a, T>(
    locale: Option<&str>,
    items: &'a [T],
    language: impl Fn(&T) -> &'static str,
) -> Option<&'a T> {
    let mut tag = locale;
    while let Some(range) = tag {
        let found = items
            .iter()
            .find(|item| language(item).eq_ignore_ascii_case(range));
        if found.is_some() {
            return found;
        }
        tag = range.rsplit_once('-').map(|(prefix, _)| prefix);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn finds_the_most_specific_language() {
        let languages = ["en", "de", "de-CH"];
        for (locale, found) in [
            ("de", Some("de")),
            ("DE-latn-at", Some("de")),
            ("de-CH-1901", Some("de-CH")),
            ("fr-CA", None),
            ("", None),
            ("den", None),
        ] {
            assert_eq!(
                lookup(Some(locale), &languages, |language| *language).copied(),
                found,
                "{locale}"
            );
        }
        assert_eq!(lookup(None, &languages, |language| *language), None);
    }
}
