//! Getting a letter out of the house.

use mercato_ports::mailer::{MailFailure, Message};
use mercato_shop::breaker::Breaker;
use mercato_shop::settings::{self, sms};

use crate::letters::Letter;
use crate::service::Platform;
use crate::twilio::Twilio;

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

/// Whether the shop sends SMS.
pub fn sends_sms(ports: &impl Platform) -> bool {
    settings::given(&|name| ports.config(name), "TWILIO_ACCOUNT_SID").is_some()
}

/// Twilio as it is configured; none where the shop sends no SMS.
///
/// # Errors
/// What is wrong with the configuration, which is written to the log as well.
fn twilio<P: Platform>(ports: &P) -> Result<Option<Twilio<'_, P>>, String> {
    let account = sms::read(&|name| ports.config(name)).map_err(|reason| {
        eprintln!("SMS are misconfigured: {reason}");
        format!("SMS are misconfigured: {reason}.")
    })?;
    Ok(account.map(|account| {
        let sms::Account {
            base,
            sid,
            token,
            from,
        } = account;
        Twilio::new(ports, &base, &sid, &token, from)
    }))
}
