//! What a user name and a password may be.

use mercato_shop::accounts::Credentials;
use mercato_shop::types::Error;

const USERNAME: std::ops::RangeInclusive<usize> = 3..=64;
/// At least 8 characters as NIST SP 800-63B asks, and no more than a hash should have to read.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=128;

/// Checks what somebody wants to register with.
pub fn check(input: &Credentials) -> Result<(), Error> {
    if !USERNAME.contains(&input.username.chars().count()) {
        return Err(Error::invalid("username", "A user name has 3 to 64 characters."));
    }
    if input
        .username
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err(Error::invalid(
            "username",
            "A user name has no spaces and no control characters.",
        ));
    }
    check_password("password", &input.password)
}

/// Checks what is to be a password, and came in this field.
pub fn check_password(field: &str, password: &str) -> Result<(), Error> {
    if PASSWORD.contains(&password.chars().count()) {
        Ok(())
    } else {
        Err(Error::invalid(field, "A password has 8 to 128 characters."))
    }
}

/// What makes a user name unique: names that differ only in case are the same.
pub fn username_key(username: &str) -> String {
    username.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_field(username: &str, password: &str) -> Option<String> {
        match check(&Credentials {
            username: username.into(),
            password: password.into(),
        }) {
            Ok(()) => None,
            Err(Error::Invalid(violation)) => Some(violation.field),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_and_passwords_are_taken_within_their_bounds() {
        assert_eq!(refused_field("bob", "12345678"), None);
        assert_eq!(refused_field(&"é".repeat(64), &"ß".repeat(128)), None);
        assert_eq!(refused_field("bo", "12345678").as_deref(), Some("username"));
        assert_eq!(
            refused_field(&"b".repeat(65), "12345678").as_deref(),
            Some("username")
        );
        assert_eq!(refused_field("bob bob", "12345678").as_deref(), Some("username"));
        assert_eq!(refused_field("bob\u{7}", "12345678").as_deref(), Some("username"));
        assert_eq!(refused_field("bob", "1234567").as_deref(), Some("password"));
        assert_eq!(
            refused_field("bob", &"1".repeat(129)).as_deref(),
            Some("password")
        );
    }
}
