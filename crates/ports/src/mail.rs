//! Messages of the port `mailer` in the format of mail programs (RFC 5322).

use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;
use lettre::Message as Mail;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::mailer::{MailFailure, Message};

/// Composes a mail from a message and its sender. An HTML text becomes an alternative to the plain text.
///
/// # Errors
/// [`MailFailure::Rejected`] if the recipient's address is invalid.
pub fn compose(from: &Mailbox, message: Message) -> Result<Mail, MailFailure> {
    let rejected = |error: &dyn std::error::Error| MailFailure::Rejected(error.to_string());
    let to = message.to.parse::<Mailbox>().map_err(|error| rejected(&error))?;
    let builder = Mail::builder()
        .from(from.clone())
        .to(to)
        .raw_header(subject(message.subject))
        .message_id(None);
    match message.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(message.text, html)),
        // A bare body would not declare its character set.
        None => builder.singlepart(SinglePart::plain(message.text)),
    }
    .map_err(|error| rejected(&error))
}

/// Returns the header of a subject. A subject that looks encoded is encoded once more. So mail programs show it
/// as text.
fn subject(text: String) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    if !text.contains("=?") {
        return HeaderValue::new(name, text);
    }
    let mut encoded = String::new();
    let written = {
        let mut writer = EmailWriter::new(&mut encoded, name.len() + ": ".len(), 0, false);
        rfc2047::encode(&text, &mut writer)
    };
    match written {
        Ok(()) => HeaderValue::dangerous_new_pre_encoded(name, text, encoded),
        // Writing to a string does not fail.
        Err(_) => HeaderValue::new(name, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;

    fn formatted(subject: &str, html: Option<&str>) -> String {
        let message = Message {
            to: "zoe@example.com".into(),
            subject: subject.into(),
            text: "Schöne Grüße".into(),
            html: html.map(Into::into),
        };
        let mail = compose(&"shop@example.com".parse().unwrap(), message).unwrap();
        String::from_utf8(mail.formatted()).unwrap()
    }

    #[test]
    fn declares_the_character_set_of_every_part() {
        for (html, parts) in [(None, 1), (Some("<p>Schöne Grüße</p>"), 2)] {
            let mail = formatted("Grüße", html);
            assert!(mail.contains("MIME-Version: 1.0\r\n"), "{mail}");
            assert_eq!(mail.matches("; charset=utf-8\r\n").count(), parts, "{mail}");
            assert!(
                mail.contains("Content-Type: text/plain; charset=utf-8\r\n"),
                "{mail}"
            );
        }
    }

    /// Returns the words of a subject, decoded once as mail programs do (RFC 2047).
    fn shown_subject(mail: &str) -> String {
        let (_, rest) = mail.split_once("\r\nSubject: ").unwrap();
        let end = rest
            .match_indices("\r\n")
            .find(|(at, _)| !rest[at + 2..].starts_with([' ', '\t']))
            .unwrap()
            .0;
        let words = rest[..end].split_ascii_whitespace().flat_map(|word| {
            let encoded = word
                .strip_prefix("=?utf-8?b?")
                .unwrap()
                .strip_suffix("?=")
                .unwrap();
            BASE64.decode(encoded).unwrap()
        });
        String::from_utf8(words.collect()).unwrap()
    }

    #[test]
    fn a_subject_that_looks_encoded_is_shown_as_text() {
        for subject in [
            "=?utf-8?q?=0D=0ABcc: all@example.com?=",
            "Hello =?UTF-8?B?DQpCY2M6IGFsbEBleGFtcGxlLmNvbQ==?=",
            "a=?iso-8859-1?Q?b?=c\r\nBcc: all@example.com",
            &"=?utf-8?q?ü?= ".repeat(20),
        ] {
            let mail = formatted(subject, None);
            assert_eq!(shown_subject(&mail), *subject, "{mail}");
            assert!(!mail.contains("\r\nBcc"), "{mail}");
            assert!(mail.lines().all(|line| line.len() <= 78), "{mail}");
        }
    }
}
