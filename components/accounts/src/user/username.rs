//! Rules for user names: the profile UsernameCasePreserved of PRECIS (RFC 8265).
//!
//! The profile refuses invisible characters, symbols, and names that mix directions of writing. Names are
//! unique without the differences that people overlook: case, width, and how accents were typed.

use std::ops::RangeInclusive;

use mercato_shop::id;
use mercato_shop::text::{fold, forbidden_format, format_message};
use mercato_shop::types::Error;
use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

const LENGTH: RangeInclusive<usize> = 3..=64;

/// How many characters of an e-mail address a generated name takes over.
const MAX_LOCAL_PART: usize = 40;

/// Checks the user name of a registration, and returns the form that is stored and shown.
pub fn check(username: &str) -> Result<String, Error> {
    prepare(username).map_err(|message| Error::invalid("username", message))
}

fn prepare(username: &str) -> Result<String, String> {
    let wrong_length = || "`username` must be 3 to 64 characters.".to_owned();
    if username.is_empty() {
        return Err(wrong_length());
    }
    if username
        .chars()
        .any(|char| char.is_whitespace() || char.is_control())
    {
        return Err("`username` must not contain white space or control characters.".into());
    }
    if let Some(char) = forbidden_format(username) {
        return Err(format_message("username", char));
    }
    let name = UsernameCasePreserved::enforce(username).map_err(|error| match error {
        precis_core::Error::BadCodepoint(found) => format!(
            "`username` must have only letters, digits, and punctuation of ASCII: U+{:04X} is none of them.",
            found.cp
        ),
        _ => "`username` must not mix letters that are written from left to right and from right to left."
            .into(),
    })?;
    if LENGTH.contains(&name.chars().count()) {
        Ok(name.into_owned())
    } else {
        Err(wrong_length())
    }
}

/// Returns the form of a user name that must be unique.
pub fn username_key(username: &str) -> String {
    fold(username)
}

/// Returns the keys that a user name can have: its own, and the one of earlier versions, which only had its
/// lower case.
pub fn possible_keys(username: &str) -> Vec<String> {
    let mut keys = vec![username.to_lowercase(), username_key(username)];
    keys.dedup();
    keys
}

/// Generates a user name: the local part of an e-mail address, and random digits that make it unique.
pub fn generate(address: Option<&str>) -> String {
    let local = address.and_then(|address| address.split('@').next());
    let is_allowed = |char: &char| char.is_ascii_alphanumeric() || "._-".contains(*char);
    let local = local.unwrap_or_default().chars().filter(is_allowed);
    let mut name: String = local.take(MAX_LOCAL_PART).collect();
    if name.is_empty() {
        name = "user".into();
    }
    let [a, b, c, d, ..] = id::random_bytes();
    format!("{}-{:08x}", name.to_lowercase(), u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_in_many_languages() {
        for (typed, stored) in [
            ("bob", "bob"),
            ("Alice", "Alice"),
            ("jose\u{301}", "josé"),
            ("Ａｄａ", "Ada"),
            ("王小明", "王小明"),
            ("אבגד", "אבגד"),
            ("o'neil+x@example.com", "o'neil+x@example.com"),
            (&"é".repeat(64), &"é".repeat(64)),
            (&"e\u{301}".repeat(64), &"é".repeat(64)),
        ] {
            assert_eq!(check(typed).as_deref(), Ok(stored), "{typed}");
        }
    }

    #[test]
    fn refuses_names_that_deceive_or_have_the_wrong_length() {
        for (name, word) in [
            ("", "3 to 64"),
            ("bo", "3 to 64"),
            ("e\u{301}e\u{301}", "3 to 64"),
            (&"b".repeat(65), "3 to 64"),
            ("bob bob", "white space"),
            ("bob\u{3000}", "white space"),
            ("bob\u{7}", "control"),
            ("bo\u{200B}ss", "U+200B"),
            ("bob\u{202E}", "U+202E"),
            ("bo\u{AD}ss", "U+00AD"),
            ("bo\u{200D}ss", "U+200D"),
            ("\u{FEFF}boss", "U+FEFF"),
            ("boss👑", "U+1F451"),
            ("bo①ss", "U+2460"),
            ("abcאבג", "left to right"),
        ] {
            match check(name) {
                Err(Error::Invalid(violation)) => {
                    assert!(
                        violation.message.contains(word),
                        "{name:?}: {}",
                        violation.message
                    );
                }
                other => panic!("{name:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn names_that_look_the_same_have_one_key() {
        for (one, other) in [
            ("jose\u{301}", "JOSÉ"),
            ("Straße", "strasse"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ａｄａ", "ada"),
        ] {
            let stored = check(one).unwrap();
            assert_eq!(username_key(&stored), username_key(other));
        }
        assert_eq!(possible_keys("Ada"), ["ada"]);
        assert_eq!(possible_keys("Straße"), ["straße", "strasse"]);
    }

    #[test]
    fn generates_a_name_from_an_address() {
        assert!(generate(Some("Ada.L+x@example.com")).starts_with("ada.lx-"));
        assert!(generate(Some("李@example.com")).starts_with("user-"));
        assert!(check(&generate(None)).is_ok());
    }
}
