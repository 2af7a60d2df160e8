//! Sends e-mails by the mailer, and SMS by Twilio.

mod error;
mod twilio;

use mercato_ports::mailer::{MailFailure, Message};
use mercato_shop::breaker::Breaker;
use mercato_shop::ports::Mail;

use crate::content::Content;
use crate::platform::Platform;
use crate::settings;
pub use error::SendError;
use twilio::Twilio;

/// Why no SMS is sent in a shop without a Twilio account.
pub const SMS_DISABLED: &str = "SMS are disabled, because TWILIO_ACCOUNT_SID is not set.";

/// Sends an e-mail or an SMS to an address.
///
/// # Errors
/// [`SendError`] says whether a later attempt may succeed.
pub fn send(ports: &impl Platform, to: &str, content: &Content) -> Result<(), SendError> {
    match content {
        Content::Email { subject, text, html } => send_email(
            ports,
            &Message {
                to: to.into(),
                subject: subject.clone(),
                text: text.clone(),
                html: html.clone(),
            },
        ),
        Content::Sms(text) => send_sms(ports, to, text),
    }
}

fn send_email(ports: &impl Platform, message: &Message) -> Result<(), SendError> {
    Mail::send(ports, message).map_err(|failure| match failure {
        MailFailure::Rejected(_) => {
            SendError::Permanent("The mail server rejected this address or message.".into())
        }
        MailFailure::Unavailable(_) => SendError::Temporary("The mail server is unavailable.".into()),
    })
}

fn send_sms(ports: &impl Platform, to: &str, text: &str) -> Result<(), SendError> {
    let account = settings::twilio_account(ports).map_err(SendError::Temporary)?;
    let account = account.ok_or_else(|| SendError::Permanent(SMS_DISABLED.into()))?;
    let twilio = Twilio::new(ports, account);
    Breaker::new(ports, "notifications.twilio").call(
        || twilio.send(to, text),
        |error| matches!(error, SendError::Temporary(_)),
        |seconds| {
            SendError::Temporary(format!(
                "Twilio failed several times in a row. The next attempt is allowed in {seconds} seconds."
            ))
        },
    )
}
