//! Syntax of e-mail addresses and phone numbers.

/// Returns whether a text has the syntax of an e-mail address (RFC 5321). The mailbox need not exist.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let printable = |text: &str| {
        text.chars()
            .all(|char| !char.is_whitespace() && !char.is_control() && !"@<>()[],;:\\\"".contains(char))
    };
    (1..=64).contains(&local.len())
        && text.len() <= 254
        && printable(local)
        && printable(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Returns whether a text is a phone number in E.164 notation: a plus sign, the country code, the number.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_valid_addresses() {
        assert!(
            ["ada@example.com", "a.b+c@mail.example.org"]
                .into_iter()
                .all(is_email)
        );
        let long = format!("{}@example.com", "a".repeat(65));
        let bad = [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a da@example.com",
            "a@b@c.de",
            "a@b..c",
            "<a@b.c>",
            "a@b.c\r\nBcc: d@e.f",
            &long,
        ];
        assert!(!bad.into_iter().any(is_email));
        assert!(["+4915112345678", "+12025550123"].into_iter().all(is_phone));
        assert!(
            !["", "+", "0151", "+0151123456", "+49 151 123", "+1234567890123456"]
                .into_iter()
                .any(is_phone)
        );
    }
}
