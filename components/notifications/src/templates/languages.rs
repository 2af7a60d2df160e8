//! The languages of notifications.

use mercato_shop::locale::lookup;

use super::phrases::Phrases;
use super::{de, en};

/// All languages. The first one is the fallback.
const ALL: [&Phrases; 2] = [&en::PHRASES, &de::PHRASES];

/// Returns the phrases of the nearest language.
pub fn phrases_for(locale: Option<&str>) -> &'static Phrases {
    let [fallback, ..] = ALL;
    lookup(locale, &ALL, |phrases| phrases.language)
        .copied()
        .unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_language() {
        for (locale, language) in [
            (Some("de"), "de"),
            (Some("de-AT"), "de"),
            (Some("DE-Latn-AT"), "de"),
            (Some("en-GB"), "en"),
            (Some("fr-CA"), "en"),
            (Some(""), "en"),
            (Some("d"), "en"),
            (None, "en"),
        ] {
            assert_eq!(phrases_for(locale).language, language, "{locale:?}");
        }
    }
}
