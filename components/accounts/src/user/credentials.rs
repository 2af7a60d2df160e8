//! Rules for user names and passwords.

use std::ops::RangeInclusive;

use mercato_shop::accounts::Credentials;
use mercato_shop::types::Error;

const USERNAME: RangeInclusive<usize> = 3..=64;
/// The minimum is the one of NIST SP 800-63B. The maximum bounds the work of hashing.
const PASSWORD: RangeInclusive<usize> = 8..=128;

/// Checks the credentials of a registration.
pub fn check(input: &Credentials) -> Result<(), Error> {
    let username = &input.username;
    if !USERNAME.contains(&username.chars().count()) {
        return Err(Error::invalid(
            "username",
            "`username` must be 3 to 64 characters.",
        ));
    }
    if username
        .chars()
        .any(|char| char.is_whitespace() || char.is_control())
    {
        return Err(Error::invalid(
            "username",
            "`username` must not contain white space or control characters.",
        ));
    }
    check_password("password", &input.password)
}

/// Checks a new password that was sent in this field.
pub fn check_password(field: &str, password: &str) -> Result<(), Error> {
    if PASSWORD.contains(&password.chars().count()) {
        Ok(())
    } else {
        Err(Error::invalid(
            field,
            format!("`{field}` must be 8 to 128 characters."),
        ))
    }
}

/// Returns the form of a user name that must be unique: names that differ only in case are the same.
pub fn username_key(username: &str) -> String {
    username.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid_field(username: &str, password: &str) -> Option<String> {
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
    fn accepts_names_and_passwords_within_their_limits() {
        let (short, long) = ("b".repeat(2), "b".repeat(65));
        for (username, password, field) in [
            ("bob", "12345678", None),
            (&"é".repeat(64), &"ß".repeat(128), None),
            (&short, "12345678", Some("username")),
            (&long, "12345678", Some("username")),
            ("bob bob", "12345678", Some("username")),
            ("bob\u{7}", "12345678", Some("username")),
            ("bob", "1234567", Some("password")),
            ("bob", &"1".repeat(129), Some("password")),
        ] {
            assert_eq!(invalid_field(username, password).as_deref(), field, "{username}");
        }
    }
}
