//! Slugs: names in URLs.

use mercato_shop::types::Error;
use mercato_shop::{id, text};

use super::letters::{is_word, transliterate};
use super::tokens::is_apostrophe;

/// The longest slug, in characters.
const MAX_SLUG: usize = 100;

/// The longest slug that is made from a name, without the number that makes it unique.
const MAX_FROM_NAME: usize = 80;

/// Makes a slug from a name, in Latin letters as far as possible: `Äpfel & Birnen` becomes `apfel-birnen`.
/// Scripts outside Europe keep their letters. Returns `fallback` for a name without letters and digits.
pub fn from_name(name: &str, fallback: &str) -> String {
    let latin = transliterate(name);
    let latin: String = latin.chars().filter(|char| !is_apostrophe(*char)).collect();
    let mut slug = String::new();
    let mut length = 0;
    for word in latin.split(|char| !is_word(char)) {
        if !word.contains(char::is_alphanumeric) {
            continue;
        }
        let size = word.chars().count();
        if length > 0 && length + 1 + size > MAX_FROM_NAME {
            break;
        }
        if length > 0 {
            slug.push('-');
        }
        slug.extend(word.chars().take(MAX_FROM_NAME));
        length += 1 + size;
    }
    if slug.is_empty() { fallback.into() } else { slug }
}

/// Checks a slug that a client chose.
///
/// # Errors
/// [`Error::Invalid`] if it is too long, or contains other characters than lower-case letters, digits and
/// hyphens between them.
pub fn check(slug: &str) -> Result<String, Error> {
    let slug = text::nfc(slug);
    let is_lower = |char: char| char.to_lowercase().eq([char]);
    let is_allowed = |char: char| char == '-' || is_word(char) && is_lower(char);
    let is_part = |part: &str| part.starts_with(char::is_alphanumeric);
    if !slug.chars().all(is_allowed) || !slug.split('-').all(|part| part.is_empty() || is_part(part)) {
        return Err(invalid());
    }
    if slug.is_empty() || slug.starts_with('-') || slug.ends_with('-') {
        return Err(invalid());
    }
    // A category is found by its id or its slug.
    if id::is_valid(&slug) {
        return Err(Error::invalid(
            "slug",
            "`slug` must not have the form of an id. Choose a name.",
        ));
    }
    Ok(text::line("slug", MAX_SLUG, &slug)?.into())
}

/// Returns the slugs to try for a name: the first one, and then the same with a number.
pub fn candidates(base: &str) -> impl Iterator<Item = String> {
    let numbered = move |number| {
        if number == 1 {
            base.to_owned()
        } else {
            format!("{base}-{number}")
        }
    };
    (1_u32..).map(numbered)
}

fn invalid() -> Error {
    Error::invalid(
        "slug",
        "`slug` must consist of lower-case letters, digits, and hyphens between them, such as winter-socks.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_slugs_of_names_in_any_script() {
        for (name, slug) in [
            ("Wool & Socks", "wool-socks"),
            ("Äpfel & Birnen", "apfel-birnen"),
            ("Straße", "strasse"),
            ("北京", "北京"),
            ("Łódź -- Smørrebrød!", "lodz-smorrebrod"),
            ("Women's T-Shirt", "womens-t-shirt"),
            ("Ёлка 5Ｇ", "elka-5g"),
            ("Παπούτσια", "papoytsia"),
            ("خيمة", "خيمة"),
            ("कुर्ता", "कुर्ता"),
            ("👕", "product"),
            ("👕 red", "red"),
        ] {
            assert_eq!(from_name(name, "product"), slug, "{name}");
            assert_eq!(check(slug).unwrap(), slug, "{name}");
        }
        let long = from_name(&"word ".repeat(100), "product");
        assert!(long.len() <= MAX_FROM_NAME && long.ends_with("-word"), "{long}");
        assert_eq!(from_name(&"w".repeat(500), "product").len(), MAX_FROM_NAME);
    }

    #[test]
    fn checks_chosen_slugs() {
        for slug in ["winter-socks", "a--b", "5g", "größe", "北京"] {
            assert_eq!(check(slug).unwrap(), slug);
        }
        assert_eq!(check("gro\u{308}ße").unwrap(), "größe");
        for slug in [
            "",
            "-a",
            "a-",
            "A",
            "a b",
            "a_b",
            "a/b",
            "Ä",
            "a\u{200B}b",
            "👕",
            "\u{301}a",
            &"s".repeat(101),
        ] {
            assert!(check(slug).is_err(), "{slug}");
        }
    }
}
