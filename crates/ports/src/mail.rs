//! Messages of the port `mailer` in the format of mail programs (RFC 5322).

use lettre::Message as Mail;
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
        .subject(message.subject)
        .message_id(None);
    match message.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(message.text, html)),
        // A bare body would not declare its character set.
        None => builder.singlepart(SinglePart::plain(message.text)),
    }
    .map_err(|error| rejected(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(html: Option<&str>) -> String {
        let message = Message {
            to: "zoe@example.com".into(),
            subject: "Grüße".into(),
            text: "Schöne Grüße".into(),
            html: html.map(Into::into),
        };
        let mail = compose(&"shop@example.com".parse().unwrap(), message).unwrap();
        String::from_utf8(mail.formatted()).unwrap()
    }

    #[test]
    fn declares_the_character_set_of_every_part() {
        for (html, parts) in [(None, 1), (Some("<p>Schöne Grüße</p>"), 2)] {
            let mail = formatted(html);
            assert!(mail.contains("MIME-Version: 1.0\r\n"), "{mail}");
            assert_eq!(mail.matches("; charset=utf-8\r\n").count(), parts, "{mail}");
            assert!(
                mail.contains("Content-Type: text/plain; charset=utf-8\r\n"),
                "{mail}"
            );
        }
    }
}
