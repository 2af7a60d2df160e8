//! Rules for passwords.

use std::ops::RangeInclusive;

use mercato_shop::text::nfc;
use mercato_shop::types::Error;

use super::hash;

/// The minimum is the one of NIST SP 800-63B. The maximum bounds the work of hashing.
const LENGTH: RangeInclusive<usize> = 8..=128;

/// A new password that is allowed, in the form that is hashed.
pub struct NewPassword(String);

impl NewPassword {
    /// Checks a new password that was sent in this field.
    pub fn check(field: &str, password: &str) -> Result<Self, Error> {
        let prepared = prepare(password);
        if LENGTH.contains(&prepared.chars().count()) {
            return Ok(Self(prepared));
        }
        let message = format!("`{field}` must be 8 to 128 characters.");
        Err(Error::invalid(field, message))
    }

    /// Hashes the password, which takes long.
    pub fn hash(&self) -> Result<String, Error> {
        hash::hash(&self.0)
    }
}

/// Returns whether a password matches a hash. Without a hash, it takes as long and returns false. So the time
/// of a sign-in does not reveal whether the user exists.
pub fn matches(password: &str, hash: Option<&str>) -> Result<bool, Error> {
    let verify = |password: &str| match hash {
        Some(hash) => hash::verify(password, hash),
        None => hash::verify_nothing(password).map(|()| false),
    };
    let prepared = prepare(password);
    // Earlier versions hashed passwords as they were typed.
    Ok(verify(&prepared)? || prepared != password && verify(password)?)
}

/// Returns a password as it is hashed, so that it does not depend on the keyboard: with the mappings of the
/// PRECIS profile OpaqueString (RFC 8265). Spaces outside ASCII become spaces, and the form is C.
///
/// A character that the profile disallows stays, since emoji and control characters make a password no
/// weaker.
fn prepare(password: &str) -> String {
    let is_other_space = |char: char| {
        matches!(
            char,
            '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
        )
    };
    nfc(&password.replace(is_other_space, " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_passwords_within_their_limits() {
        for (password, is_valid) in [
            ("12345678", true),
            (&"ß".repeat(128), true),
            ("1234567", false),
            (&"1".repeat(129), false),
            (&"e\u{301}".repeat(7), false),
            (&"e\u{301}".repeat(8), true),
        ] {
            assert_eq!(
                NewPassword::check("password", password).is_ok(),
                is_valid,
                "{password}"
            );
        }
    }

    #[test]
    fn matches_a_password_however_it_was_typed() {
        let password = NewPassword::check("password", "pa\u{3000}sse\u{301} 👩\u{200D}🚀").unwrap();
        let stored = password.hash().unwrap();
        for password in ["pa ssé 👩\u{200D}🚀", "pa\u{A0}sse\u{301} 👩\u{200D}🚀"] {
            assert_eq!(matches(password, Some(&stored)), Ok(true), "{password}");
        }
        for password in ["passé 👩\u{200D}🚀", "pa ssé 👩🚀", "pa sse 👩\u{200D}🚀"] {
            assert_eq!(matches(password, Some(&stored)), Ok(false), "{password}");
        }
        assert_eq!(matches("pa ssé", None), Ok(false));
    }

    #[test]
    fn matches_hashes_of_passwords_as_they_were_typed() {
        let typed = "passe\u{301}\u{3000}word";
        let stored = hash::hash(typed).unwrap();
        assert_eq!(matches(typed, Some(&stored)), Ok(true));
        assert_eq!(matches("passé word", Some(&stored)), Ok(false));
    }
}
