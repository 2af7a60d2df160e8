//! Getting a letter out of the house.

use mercato_common::breaker::Breaker;
use mercato_ports::mailer::{MailFailure, Message};

use crate::letters::Letter;
use crate::service::Platform;
use crate::twilio::Twilio;

const TWILIO: &str = "https://api.twilio.com";

/// Why a letter was not sent. No text repeats the letter or its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It can't be sent as it is.
    Never(String),
    /// Not now.
    Later(String),
}

/// Sends a letter to an address.
///
/// # Errors
/// Whether it can be sent later.
pub fn send(ports: &impl Platform, to: &str, letter: Letter) -> Result<(), Trouble> {
    match letter {
        Letter::Email { subject, text, html } => mail(
            ports,
            &Message {
                to: to.into(),
                subject,
                text,
                html,
            },
        ),
        Letter::Sms(text) => {
            let twilio = twilio(ports)
                .map_err(Trouble::Later)?
                .ok_or_else(|| Trouble::Never(UNCONFIGURED.into()))?;
            Breaker::new(ports, "notifications.twilio").through(
                || twilio.send(to, &text),
                |trouble| matches!(trouble, Trouble::Later(_)),
                |seconds| {
                    Trouble::Later(format!(
                        "Twilio fails at the moment, and is left alone for {seconds} seconds."
                    ))
                },
            )
        }
    }
}

/// What is said of SMS that nothing can send.
pub const UNCONFIGURED: &str = "The shop sends no SMS: TWILIO_ACCOUNT_SID is not set.";

fn mail(ports: &impl Platform, message: &Message) -> Result<(), Trouble> {
    ports.send(message).map_err(|failure| match failure {
        MailFailure::Rejected(_) => {
            Trouble::Never("The mail server does not take this address or message.".into())
        }
        MailFailure::Unavailable(_) => Trouble::Later("The mail server does not answer.".into()),
    })
}

/// Twilio as it is configured; none where the shop sends no SMS.
///
/// # Errors
/// What is wrong with the configuration, which is written to the log as well.
pub fn twilio<P: Platform>(ports: &P) -> Result<Option<Twilio<'_, P>>, String> {
    let set = |name| ports.config(name).filter(|value| !value.is_empty());
    let Some(account) = set("TWILIO_ACCOUNT_SID") else {
        return Ok(None);
    };
    let missing = |name| {
        let reason = format!("SMS are misconfigured: TWILIO_ACCOUNT_SID needs {name}.");
        eprintln!("{reason}");
        reason
    };
    let token = set("TWILIO_AUTH_TOKEN").ok_or_else(|| missing("TWILIO_AUTH_TOKEN"))?;
    let from = set("TWILIO_FROM").ok_or_else(|| missing("TWILIO_FROM"))?;
    let base = set("TWILIO_API_BASE").unwrap_or_else(|| TWILIO.into());
    Ok(Some(Twilio::new(ports, &base, &account, &token, from)))
}
