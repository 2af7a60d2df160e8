//! The port `mailer` by SMTP. Without a server, mails only appear in the log.

use std::net::SocketAddr;

use lettre::message::Mailbox;
use lettre::{SmtpTransport, Transport};
use mercato_ports::mail::compose;
use mercato_ports::mailer::{MailFailure, Message};

use super::variables;

/// Sends a message through the server at the address `SMTP_SERVER`. The connection is not encrypted, so the
/// server should be on this machine or in its private network.
pub fn send(message: Message) -> Result<(), MailFailure> {
    let Some(server) = variables::get("SMTP_SERVER") else {
        eprintln!(
            "mail to {} is not sent because SMTP_SERVER is not set: {}",
            message.to, message.subject
        );
        return Ok(());
    };
    let unavailable = |reason: &str| MailFailure::Unavailable(reason.to_owned());
    let server: SocketAddr = server
        .parse()
        .map_err(|_| unavailable("SMTP_SERVER must be an IP address with a port, such as 127.0.0.1:25"))?;
    let from: Mailbox = variables::get("MAIL_FROM")
        .ok_or_else(|| unavailable("MAIL_FROM must be set"))?
        .parse()
        .map_err(|_| unavailable("MAIL_FROM must be an e-mail address"))?;
    let mail = compose(&from, message)?;
    let transport = SmtpTransport::builder_dangerous(server.ip().to_string())
        .port(server.port())
        // WASI's sockets do not support timeouts.
        .timeout(None)
        .build();
    match transport.send(&mail) {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(MailFailure::Rejected(error.to_string())),
        Err(error) => Err(MailFailure::Unavailable(error.to_string())),
    }
}
