//! Finds passwords that are guessed first, after NIST SP 800-63B: common ones, and ones made of names or of
//! repeated and sequential characters.

use mercato_shop::text::fold;
use sha2::{Digest, Sha256};

/// The first four bytes of the SHA-256 of each common password, sorted.
const COMMON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/common-passwords"));

/// The name of the shop.
const SHOP: &str = "mercato";

/// Shorter parts of a name occur in many passwords by chance.
const MIN_NAME: usize = 3;

/// How many characters a password needs that are neither repeated nor sequential, besides names.
const MIN_DISTINCT: usize = 4;

/// How many digits or symbols around a common password leave it common, such as the year.
const MAX_AFFIX: usize = 6;

/// The longest unit that makes a weak password when it is repeated.
const MAX_UNIT: usize = 4;

/// Why a password is easily guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is a common password, perhaps repeated or with a few digits or symbols around it.
    Common,
    /// It has little besides a name of the user or of the shop.
    Name,
    /// It has little besides repeated or sequential characters.
    Repetition,
}

/// Returns why a password is weak, if it is. `names` are the user's: the user name, the e-mail address.
pub fn find(password: &str, names: &[&str]) -> Option<Weakness> {
    let password = fold(password);
    if is_common(&password) {
        return Some(Weakness::Common);
    }
    let unit = unit(&password);
    if unit.chars().count() <= MAX_UNIT || distinct(unit) < MIN_DISTINCT {
        return Some(Weakness::Repetition);
    }
    if extends_common(unit) {
        return Some(Weakness::Common);
    }
    let rest = without_names(&password, names);
    (rest != password && (distinct(&rest) < MIN_DISTINCT || is_common(&rest))).then_some(Weakness::Name)
}

fn is_common(password: &str) -> bool {
    let (table, _) = COMMON.as_chunks::<4>();
    let digest = Sha256::digest(password);
    digest
        .first_chunk()
        .is_some_and(|key| table.binary_search(key).is_ok())
}

/// Returns the shortest text that makes the password when it is repeated: the password itself if nothing is
/// repeated.
fn unit(password: &str) -> &str {
    let lengths = 1..=password.len() / 2;
    let units = lengths.filter(|length| password.len().is_multiple_of(*length));
    let mut units = units.filter_map(|length| password.get(..length));
    units
        .find(|unit| unit.repeat(password.len() / unit.len()) == password)
        .unwrap_or(password)
}

/// Returns whether a password is a common one with a few digits or symbols after or before it.
fn extends_common(password: &str) -> bool {
    std::iter::successors(Some(password), |text| without_affix(text))
        .take(1 + MAX_AFFIX)
        .any(is_common)
}

/// Removes the last character, or else the first one, if it is no letter.
fn without_affix(text: &str) -> Option<&str> {
    let is_affix = |char: char| !char.is_alphabetic();
    text.strip_suffix(is_affix)
        .or_else(|| text.strip_prefix(is_affix))
}

/// Counts the different characters that do not continue a run such as `aaa`, `abc` or `321`.
fn distinct(text: &str) -> usize {
    let mut found = Vec::new();
    let mut previous = None;
    for char in text.chars() {
        let continues = previous.is_some_and(|previous| u32::from(char).abs_diff(previous) <= 1);
        if !continues && !found.contains(&char) {
            found.push(char);
        }
        previous = Some(u32::from(char));
    }
    found.len()
}

/// Removes the names, and then white space and ASCII punctuation.
fn without_names(password: &str, names: &[&str]) -> String {
    let names: Vec<_> = names.iter().copied().chain([SHOP]).map(fold).collect();
    let parts = names
        .iter()
        .flat_map(|name| name.split(|char: char| !char.is_alphanumeric()));
    let mut parts: Vec<_> = names.iter().map(String::as_str).chain(parts).collect();
    parts.retain(|part| part.chars().count() >= MIN_NAME);
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    // A space instead of the part keeps the text before it apart from the text after it.
    let rest = parts
        .into_iter()
        .fold(password.to_owned(), |rest, part| rest.replace(part, " "));
    if rest == password {
        return rest;
    }
    let counts = |char: &char| !char.is_whitespace() && !char.is_ascii_punctuation();
    rest.chars().filter(counts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["ada.lovelace", "ada@countess.example", "Zoë Müller"];

    fn assert_all(weakness: Option<Weakness>, passwords: &[&str]) {
        for password in passwords {
            assert_eq!(find(password, &NAMES), weakness, "{password}");
        }
    }

    #[test]
    fn finds_common_passwords() {
        assert_all(
            Some(Weakness::Common),
            &[
                "password",
                "PassWord",
                "password1",
                "iloveyou",
                "qwertyuiop",
                "P@ssw0rd",
                "1q2w3e4r",
                "trustno1!",
                "football",
                "ｐａｓｓｗｏｒｄ",
                "Password2024!",
                "!!princess99",
                "sunshinesunshine",
            ],
        );
    }

    #[test]
    fn finds_repeated_and_sequential_characters() {
        let passwords = [
            "zzzzzzzzz",
            "ßßßßßßßß",
            "abababababab",
            "abcabcabcabc",
            "wordwordword",
            "20252025",
            "zyxwvuts",
            "cdefghijk",
            "aaaabbbbcccc",
            "xyz99999999",
            "🔑🔑🔑🔑🔑🔑🔑🔑",
            "        ",
        ];
        for password in passwords {
            let weakness = find(password, &[]);
            assert!(
                matches!(weakness, Some(Weakness::Repetition | Weakness::Common)),
                "{password}: {weakness:?}"
            );
        }
        assert_all(
            Some(Weakness::Repetition),
            &["zzzzzzzzz", "ßßßßßßßß", "xyz99999999", "🔑🔑🔑🔑🔑🔑🔑🔑"],
        );
    }

    #[test]
    fn finds_names() {
        assert_all(
            Some(Weakness::Name),
            &[
                "ada.lovelace",
                "AdaLovelace",
                "lovelace1815",
                "lovelace-2024!",
                "ada@countess.example",
                "Mercato123",
                "mercato.mercato!",
                "zoemüllerzoë",
                "MÜLLER 1234",
                "ada-password",
            ],
        );
    }

    #[test]
    fn accepts_what_is_not_guessed_first() {
        assert_all(
            None,
            &[
                "a long password",
                "correct horse battery staple",
                "ada likes horses",
                "mercato is my shop",
                "73910462",
                "dGhpcyBp",
                "пароль моей бабушки",
                "密码是八个汉字的",
                "🔑🚪🏠🌳🌞🌧🐈🐕",
                "xq7 lovelace kw2",
            ],
        );
    }

    #[test]
    fn has_at_least_ten_thousand_common_passwords() {
        let list = include_str!("../../common-passwords/list.txt");
        assert!(list.lines().count() >= 10_000);
        for password in list.lines() {
            assert!(is_common(password) && fold(password) == password, "{password}");
        }
    }
}
