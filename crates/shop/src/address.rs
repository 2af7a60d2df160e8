//! Syntax of e-mail addresses and phone numbers.

use crate::text::{fold, has_forbidden_format};

/// Returns whether a text has the syntax of an e-mail address (RFC 5321, with the characters of RFC 6531).
/// The mailbox need not exist.
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
        && !has_forbidden_format(text)
        && domain.contains('.')
        && domain.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Returns the form of an e-mail address that is unique. The local part has no differences of case. The domain
/// has the ASCII form of UTS #46. So `Ada@Bücher.example` equals `ada@xn--bcher-kva.example`.
#[must_use]
pub fn email_key(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| fold(domain));
    format!("{}@{domain}", fold(local))
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
            ["ada@example.com", "a.b+c@mail.example.org", "jörg@bücher.example"]
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
            "a\u{200B}da@example.com",
            "ada@exam\u{202E}ple.com",
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

    #[test]
    fn compares_addresses_without_case_and_with_domains_in_one_form() {
        for (one, other) in [
            ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com"),
            ("jo\u{308}rg@BÜCHER.example", "JÖRG@xn--bcher-kva.example"),
            ("ada@例え。jp", "ada@xn--r8jz45g.jp"),
        ] {
            assert_eq!(email_key(one), email_key(other));
        }
        let different = ["ada@fass.de", "ada@faß.de", "a.da@fass.de", "ada+x@fass.de"].map(email_key);
        for (index, key) in different.iter().enumerate() {
            assert!(!different[..index].contains(key), "{key}");
        }
    }
}
