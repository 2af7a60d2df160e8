//! Mail by SMTP, or into the log where there is no server.

use std::net::SocketAddr;

use lettre::message::Mailbox;
use lettre::{SmtpTransport, Transport};
use mercato_ports::mail::compose;
use mercato_ports::mailer::{MailFailure, Message};

use super::variable;

/// Sends a message through the server at the address `SMTP_SERVER`. The connection is not encrypted: it is for a relay on this machine or in
/// its private network.
pub fn send(message: Message) -> Result<(), MailFailure> {
    let Some(server) = variable("SMTP_SERVER") else {
        eprintln!(
            "mail to {} is not sent, since there is no SMTP_SERVER: {}",
            message.to, message.subject
        );
        return Ok(());
    };
    let not_now = |reason: &str| MailFailure::Unavailable(reason.to_owned());
    let server: SocketAddr = server
        .parse()
        .map_err(|_| not_now("SMTP_SERVER must be an address such as 127.0.0.1:25: Spin allows no names"))?;
    let from: Mailbox = variable("MAIL_FROM")
        .ok_or_else(|| not_now("MAIL_FROM is not configured"))?
        .parse()
        .map_err(|_| not_now("MAIL_FROM is no e-mail address"))?;
    let mail = compose(&from, message)?;
    let transport = SmtpTransport::builder_dangerous(server.ip().to_string())
        .port(server.port())
        // The sockets of WASI have no timeouts.
        .timeout(None)
        .build();
    match transport.send(&mail) {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(MailFailure::Rejected(error.to_string())),
        Err(error) => Err(MailFailure::Unavailable(error.to_string())),
    }
}
