//! Rules for passwords.

use std::ops::RangeInclusive;

use mercato_shop::ports::Passwords;
use mercato_shop::text::nfc;
use mercato_shop::types::Error;

use super::weakness::{self, Weakness};

/// The minimum is the one of NIST SP 800-63B. The maximum bounds the work of hashing.
const LENGTH: RangeInclusive<usize> = 8..=128;

const COMMON: &str = "not be a common password such as `password1`, which is guessed first. \
                      Choose several unrelated words, or let a password manager choose.";

const NAME: &str = "not be made of your names, your e-mail address or the shop's name. Choose several \
                    unrelated words, or let a password manager choose.";

const REPETITION: &str = "not be made of repeated or sequential characters such as `aaaa` or `1234`. Choose \
                          several unrelated words, or let a password manager choose.";

/// A new password that is allowed, in the form that is hashed.
pub struct NewPassword(String);

impl NewPassword {
    /// Checks a new password that was sent in this field. It must not be made of the user's `names`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a password that is too short or too long, or that is guessed first.
    pub fn check(field: &str, password: &str, names: &[&str]) -> Result<Self, Error> {
        let prepared = prepare(password);
        let reason = if LENGTH.contains(&prepared.chars().count()) {
            match weakness::find(&prepared, names) {
                None => return Ok(Self(prepared)),
                Some(Weakness::Common) => COMMON,
                Some(Weakness::Name) => NAME,
                Some(Weakness::Repetition) => REPETITION,
            }
        } else {
            "be 8 to 128 characters."
        };
        Err(Error::invalid(field, format!("`{field}` must {reason}")))
    }

    /// Hashes the password, which takes long.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if too many passwords wait to be hashed.
    pub fn hash(&self, ports: &impl Passwords) -> Result<String, Error> {
        Ok(ports.hash(&self.0)?)
    }
}

/// Returns whether a password matches a hash. Without a hash, it takes as long and returns false. So the time
/// of a sign-in does not reveal whether the user exists.
///
/// # Errors
/// [`Error::RateLimited`] if too many passwords wait to be hashed.
pub fn matches(ports: &impl Passwords, password: &str, hash: Option<&str>) -> Result<bool, Error> {
    let prepared = prepare(password);
    // Earlier versions hashed passwords as they were typed.
    Ok(ports.verify(&prepared, hash)? || prepared != password && ports.verify(password, hash)?)
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
    use mercato_shop::testing::TestPorts;

    use super::*;

    #[test]
    fn accepts_passwords_within_their_limits() {
        let long = "ßaxqmekr".repeat(16);
        for (password, is_valid) in [
            ("kxqmzrwj", true),
            (&long, true),
            ("kxqmzrw", false),
            (&format!("{long}s"), false),
            ("ae\u{301}iou\u{308}w", false),
            ("ae\u{301}iou\u{308}wkz", true),
        ] {
            let checked = NewPassword::check("password", password, &[]);
            assert_eq!(checked.is_ok(), is_valid, "{password}");
        }
    }

    #[test]
    fn says_why_a_password_is_rejected() {
        let message = |password| match NewPassword::check("new", password, &["lovelace"]) {
            Err(Error::Invalid(violation)) if violation.field == "new" => violation.message,
            other => panic!("{password}: {:?}", other.map(|password| password.0)),
        };
        for (password, reason) in [
            ("short", "`new` must be 8 to 128 characters."),
            ("12345678", "a common password"),
            ("kkkkkkkkk", "repeated or sequential"),
            ("lovelace1815", "your names"),
        ] {
            assert!(
                message(password).contains(reason),
                "{password}: {}",
                message(password)
            );
        }
    }

    #[test]
    fn matches_a_password_however_it_was_typed() {
        let password = NewPassword::check("password", "pa\u{3000}sse\u{301} 👩\u{200D}🚀", &[]).unwrap();
        let ports = TestPorts::new(&[], &[]);
        let stored = password.hash(&ports).unwrap();
        let matches = |password, hash| matches(&ports, password, hash);
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
        let ports = TestPorts::new(&[], &[]);
        let stored = ports.hash(typed).unwrap();
        let matches = |password, hash| matches(&ports, password, hash);
        assert_eq!(matches(typed, Some(&stored)), Ok(true));
        assert_eq!(matches("passé word", Some(&stored)), Ok(false));
    }
}
