//! Messages that staff write.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::AuditAction;
use mercato_shop::address::{is_email, is_phone};
use mercato_shop::collection::Stored;
use mercato_shop::notifications::{Email, Kind, Medium, Notification, NotificationStatus as Status, Sms};
use mercato_shop::types::{Caller, Error};
use mercato_shop::{id, text};

use crate::content::{Content, one_line};
use crate::delivery::{Draft, deliver, retry_while_waiting};
use crate::platform::Platform;
use crate::repository::{
    NOTIFICATIONS, NotificationBody, PENDING_MESSAGES, notification_id, to_notification,
};
use crate::sender::SMS_DISABLED;
use crate::{events, settings};

const MAX_SUBJECT: usize = 200;
const MAX_TEXT: usize = 100_000;
/// Twilio's limit.
const MAX_SMS: usize = 1_600;
const MAX_KEY: usize = 100;

/// Sends an e-mail.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field.
pub fn send_email(ports: &impl Platform, caller: &Caller, input: &Email) -> Result<Notification, Error> {
    if !is_email(&input.to) {
        return Err(Error::invalid(
            "to",
            "`to` must be an e-mail address, such as ada@example.com.",
        ));
    }
    let html = input.html.as_deref();
    let content = Content::Email {
        subject: one_line(check_text("subject", MAX_SUBJECT, &input.subject)?),
        text: check_text("text", MAX_TEXT, &input.text)?.into(),
        html: html
            .map(|html| Ok::<_, Error>(check_text("html", MAX_TEXT, html)?.into()))
            .transpose()?,
    };
    send(
        ports,
        caller,
        Medium::Email,
        &input.to,
        content,
        input.idempotency_key.as_deref(),
    )
}

/// Sends an SMS.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field. [`Error::Unavailable`] if the shop sends no SMS.
pub fn send_sms(ports: &impl Platform, caller: &Caller, input: &Sms) -> Result<Notification, Error> {
    if !is_phone(&input.to) {
        return Err(Error::invalid(
            "to",
            "`to` must be a phone number in E.164 form: +, the country code and the number, digits only.",
        ));
    }
    let content = Content::Sms(check_text("text", MAX_SMS, &input.text)?.into());
    if !settings::sends_sms(ports) {
        return Err(Error::Unavailable(SMS_DISABLED.into()));
    }
    send(
        ports,
        caller,
        Medium::Sms,
        &input.to,
        content,
        input.idempotency_key.as_deref(),
    )
}

/// Sends the stored content of a waiting message. Returns nothing if there is none.
///
/// # Errors
/// As [`deliver`].
pub fn send_pending(
    ports: &impl Platform,
    notification: Stored<NotificationBody>,
    audited: Option<Event>,
) -> Result<Option<Stored<NotificationBody>>, Error> {
    let Some(message) = PENDING_MESSAGES.get(ports, &notification.id)? else {
        return Ok(None);
    };
    let draft = Draft {
        audited,
        ..Draft::stored(notification)
    };
    deliver(ports, draft, &message.body.to, message.body.content).map(Some)
}

/// Handles the event that retries a waiting message. A message that no longer waits is done.
///
/// # Errors
/// [`HandlerFailure::Retry`] if the message still waits.
pub fn retry_pending(ports: &impl Platform, notification_id: &str) -> Result<(), HandlerFailure> {
    let Some(notification) = NOTIFICATIONS.get(ports, notification_id)? else {
        return Ok(());
    };
    match send_pending(ports, notification, None)? {
        Some(notification) => retry_while_waiting(&notification),
        None => Ok(()),
    }
}

/// Sends a message once for each idempotency key.
fn send(
    ports: &impl Platform,
    caller: &Caller,
    medium: Medium,
    to: &str,
    content: Content,
    idempotency_key: Option<&str>,
) -> Result<Notification, Error> {
    let (id, stored) = match idempotency_key {
        Some(key) => {
            text::line("idempotencyKey", MAX_KEY, key)?;
            text::required("idempotencyKey", key)?;
            let id = notification_id(&format!("message/{key}"), medium);
            let stored = NOTIFICATIONS.get(ports, &id)?;
            (id, stored)
        }
        None => (notification_id(&format!("message/{}", id::new()), medium), None),
    };
    let stored = match stored {
        Some(sent) if sent.body.status.0 == Status::Sent => return Ok(to_notification(sent)),
        stored => stored,
    };
    let action = match medium {
        Medium::Email => AuditAction::EmailSend,
        Medium::Sms => AuditAction::SmsSend,
    };
    let audited = events::audited(caller, action, &id)?;
    let mut draft = match stored {
        Some(stored) => Draft::stored(stored),
        None => Draft::new(id, NotificationBody::new(Kind::Message, medium)),
    };
    draft.audited = Some(audited);
    deliver(ports, draft, to, content).map(to_notification)
}

/// Checks a text that must not be blank. White space at its ends is kept.
fn check_text<'a>(field: &str, max: usize, text: &'a str) -> Result<&'a str, Error> {
    text::required(field, text)?;
    text::lines(field, max, text)
}
