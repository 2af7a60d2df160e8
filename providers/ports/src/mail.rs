//! Messages of the port `mailer` as mail programs read them (RFC 5322).

use lettre::Message as Mail;
use lettre::message::{Mailbox, MultiPart};

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
        None => builder.body(message.text),
    }
    .map_err(|error| rejected(&error))
}
