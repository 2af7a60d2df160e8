//! Messages of the port `mailer` as mail programs read them (RFC 5322).

use lettre::Message as Mail;
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::mailer::{MailFailure, Message};

/// A message from a sender: its text, and the HTML as an alternative where there is one.
///
/// # Errors
/// [`MailFailure::Rejected`] where the receiver is no address.
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
        // Not as a bare body: readers would not know its character set.
        None => builder.singlepart(SinglePart::plain(message.text)),
    }
    .map_err(|error| rejected(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(html: Option<&str>) -> String {
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
    fn every_form_tells_its_character_set() {
        for (html, parts) in [(None, 1), (Some("<p>Schöne Grüße</p>"), 2)] {
            let mail = composed(html);
            assert!(mail.contains("MIME-Version: 1.0\r\n"), "{mail}");
            assert_eq!(mail.matches("; charset=utf-8\r\n").count(), parts, "{mail}");
            assert!(
                mail.contains("Content-Type: text/plain; charset=utf-8\r\n"),
                "{mail}"
            );
        }
    }
}
