//! What somebody who keeps the shop has sent.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::address::{is_email, is_phone};
use mercato_shop::audit::Act;
use mercato_shop::id;
use mercato_shop::notifications::{Email, Kind, Medium, Notification, NotificationStatus as Status, Sms};
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::{Caller, Error};

use crate::delivery::Draft;
use crate::letters::{Letter, one_line};
use crate::message::{self, MESSAGES, MessageBody, to_notification};
use crate::names::As;
use crate::service::{NotificationsService, Platform};

/// The most characters of a subject.
const SUBJECT: usize = 200;
/// The most characters of an e-mail's text.
const TEXT: usize = 100_000;
/// The most characters of an SMS: Twilio takes no more.
const SMS: usize = 1_600;
/// The most characters of an idempotency key.
const KEY: usize = 100;

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    pub(crate) fn write_email(&self, caller: &Caller, input: &Email) -> Result<Notification, Error> {
        caller.require_admin()?;
        if !is_email(&input.to) {
            return Err(Error::invalid(
                "to",
                "An e-mail address looks like ada@example.com.",
            ));
        }
        let letter = Letter::Email {
            subject: one_line(text("subject", &input.subject, SUBJECT)?),
            text: text("text", &input.text, TEXT)?.to_owned(),
            html: match input.html.as_deref() {
                Some(html) => Some(text("html", html, TEXT)?.to_owned()),
                None => None,
            },
        };
        self.send_now(
            caller,
            Medium::Email,
            &input.to,
            letter,
            input.idempotency_key.as_deref(),
        )
    }

    pub(crate) fn write_sms(&self, caller: &Caller, input: &Sms) -> Result<Notification, Error> {
        caller.require_admin()?;
        if !is_phone(&input.to) {
            return Err(Error::invalid(
                "to",
                "A phone number is written as E.164 does: +, the country's code, the number; digits only.",
            ));
        }
        let letter = Letter::Sms(text("text", &input.text, SMS)?.to_owned());
        if let Err(reason) = self.by_sms(&input.to, true).to {
            return Err(Error::Unavailable(reason.into()));
        }
        self.send_now(
            caller,
            Medium::Sms,
            &input.to,
            letter,
            input.idempotency_key.as_deref(),
        )
    }

    fn send_now(
        &self,
        caller: &Caller,
        medium: Medium,
        to: &str,
        letter: Letter,
        key: Option<&str>,
    ) -> Result<Notification, Error> {
        let what = match key {
            Some(key) if key.chars().any(char::is_control) => {
                return Err(Error::invalid(
                    "idempotencyKey",
                    "No control characters fit here.",
                ));
            }
            Some(key) => format!("message/{}", text("idempotencyKey", key, KEY)?),
            None => format!("message/{}", id::new()),
        };
        let now = id::now();
        let id = message::id(&what, medium);
        let action = match medium {
            Medium::Email => AuditAction::EmailSend,
            Medium::Sms => AuditAction::SmsSend,
        };
        let draft = Draft {
            act: Some(act(caller, action, &id)?),
            kept: match key {
                Some(_) => MESSAGES.get(&self.ports, &id)?,
                None => None,
            },
            id,
            fresh: MessageBody {
                kind: As(Kind::Message),
                medium: As(medium),
                status: As(Status::Sending),
                user_id: None,
                order_id: None,
                scarce: None,
                recipient: None,
                reason: None,
                attempts: 0,
                created_at: now,
                updated_at: now,
            },
            again: true,
        };
        match draft.kept {
            Some(sent) if sent.body.status.0 == Status::Sent => Ok(to_notification(sent)),
            _ => self.deliver(draft, to, letter).map(to_notification),
        }
    }

    pub(crate) fn send_again(&self, caller: &Caller, id: &str) -> Result<Notification, Error> {
        caller.require_admin()?;
        let kept = MESSAGES
            .get(&self.ports, id)?
            .ok_or_else(|| Error::NotFound(format!("There is no notification {id}.")))?;
        if kept.body.status.0 == Status::Sent {
            return Err(Error::InvalidTransition(
                "It was sent, and is not sent again.".into(),
            ));
        }
        let act = Some(act(caller, AuditAction::NotificationRetry, id)?);
        let Some(occasion) = kept.body.occasion() else {
            let not_kept = "The text of it is not kept. Send it anew, or ask for another code.";
            return match self.send_kept(kept, act)? {
                Some(sent) => Ok(to_notification(sent)),
                None => Err(Error::Conflict(not_kept.into())),
            };
        };
        let recipient = self.recipient(&occasion)?;
        let draft = Draft {
            id: kept.id.clone(),
            fresh: kept.body.clone(),
            again: true,
            act,
            kept: Some(kept),
        };
        let medium = draft.fresh.medium.0;
        let Some(way) = Self::way(&recipient, medium) else {
            let reason = "There is no such address any more, or it is not wanted there.";
            return self.lay_by(draft, Status::Skipped, reason).map(to_notification);
        };
        let order = self.order(&occasion, way.to.is_ok())?;
        self.try_way(&occasion, order.as_ref(), &recipient, way, draft)
            .map(to_notification)
    }
}

/// Tells the audit log what somebody does to the message of this id.
fn act(caller: &Caller, action: AuditAction, id: &str) -> Result<Event, Error> {
    Act::by(caller.actor(), action).on(id).event("notifications")
}

/// Checks a text that a client sends: of so many characters, none of which controls anything but lines.
fn text<'a>(field: &str, text: &'a str, most: usize) -> Result<&'a str, Error> {
    if !(1..=most).contains(&text.chars().count()) || text.trim().is_empty() {
        return Err(Error::invalid(field, format!("1 to {most} characters fit here.")));
    }
    let controls = |char: char| char.is_control() && !"\t\r\n".contains(char);
    if text.chars().any(controls) {
        return Err(Error::invalid(
            field,
            "No control characters fit here but tabs and line ends.",
        ));
    }
    Ok(text)
}
