//! Delivers one notification, from its claim to its final status.

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::notifications::{Kind, NotificationStatus as Status};
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::types::Error;

use crate::content::Content;
use crate::names::ByName;
use crate::pending;
use crate::platform::Platform;
use crate::repository::{
    NOTIFICATIONS, NotificationBody, PENDING_MESSAGES, PendingMessage, find_notification,
};
use crate::sender::{self, SendError};

/// How long a claim lasts, in milliseconds. After that, another request may send the notification.
const CLAIM: u64 = 60_000;
/// How long notifications are kept, in milliseconds: 90 days. A repeated event within this time sends nothing
/// twice.
const RETENTION: u64 = 90 * 24 * 3_600_000;
/// How often a final status is written. It records a send that cannot be undone.
const ATTEMPTS: usize = 3;

/// A notification to be delivered.
pub struct Draft {
    pub id: String,
    /// The version of the stored notification. A new one is not stored yet.
    pub version: Option<u64>,
    pub body: NotificationBody,
    /// The entry for the audit log, if staff requested the delivery. The first write commits it.
    pub audited: Option<Event>,
}

impl Draft {
    /// Returns a draft of a new notification.
    pub const fn new(id: String, body: NotificationBody) -> Self {
        Self {
            id,
            version: None,
            body,
            audited: None,
        }
    }

    /// Returns a draft of a stored notification.
    pub fn stored(stored: Stored<NotificationBody>) -> Self {
        Self {
            version: Some(stored.version),
            ..Self::new(stored.id, stored.body)
        }
    }

    /// Rejects a notification that a concurrent request is sending.
    fn require_unclaimed(&self) -> Result<(), Error> {
        let claimed_until = self.body.updated_at.saturating_add(CLAIM);
        if self.body.status.0 == Status::Sending && id::now() < claimed_until {
            return Err(busy());
        }
        Ok(())
    }
}

/// Sends a notification. Returns it with its new status.
///
/// # Errors
/// [`Error::Unavailable`] if a concurrent request is sending it, or if the store fails.
pub fn deliver(
    ports: &impl Platform,
    mut draft: Draft,
    to: &str,
    content: Content,
) -> Result<Stored<NotificationBody>, Error> {
    draft.require_unclaimed()?;
    draft.body.recipient = Some(masked(to));
    draft.body.attempts = draft.body.attempts.saturating_add(1);
    let claimed = write(ports, draft, Status::Sending, None)?;
    let (status, reason) = match sender::send(ports, to, &content) {
        Ok(()) => (Status::Sent, None),
        Err(SendError::Permanent(reason)) => (Status::Failed, Some(reason)),
        Err(SendError::Temporary(reason)) => (Status::Waiting, Some(reason)),
    };
    let message = (claimed.body.kind.0 == Kind::Message).then(|| PendingMessage {
        to: to.into(),
        content,
        created_at: id::now(),
    });
    conclude(ports, claimed, status, reason, message.as_ref())
}

/// Gives a notification that cannot be sent its status and the reason.
///
/// # Errors
/// As [`deliver`].
pub fn close(
    ports: &impl Ports,
    draft: Draft,
    status: Status,
    reason: &str,
) -> Result<Stored<NotificationBody>, Error> {
    let is_same = draft.body.status.0 == status && draft.body.reason.as_deref() == Some(reason);
    if let Some(version) = draft.version.filter(|_| is_same) {
        return Ok(Stored {
            id: draft.id,
            version,
            body: draft.body,
        });
    }
    draft.require_unclaimed()?;
    write(ports, draft, status, Some(reason.into()))
}

/// Retries the event of a notification as long as the notification waits.
pub fn retry_while_waiting(notification: &Stored<NotificationBody>) -> Result<(), HandlerFailure> {
    match notification.body.status.0 {
        Status::Waiting => Err(HandlerFailure::Retry(
            notification.body.reason.clone().unwrap_or_default(),
        )),
        Status::Sending | Status::Sent | Status::Failed | Status::Skipped => Ok(()),
    }
}

/// Writes a notification at the version of its draft.
fn write(
    ports: &impl Ports,
    draft: Draft,
    status: Status,
    reason: Option<String>,
) -> Result<Stored<NotificationBody>, Error> {
    let mut stored = Stored {
        id: draft.id,
        version: draft.version.unwrap_or(0),
        body: draft.body,
    };
    set_status(&mut stored.body, status, reason);
    let write = match draft.version {
        Some(_) => NOTIFICATIONS.replace(&stored)?,
        None => NOTIFICATIONS.insert(&stored.id, &stored.body)?,
    };
    match ports.commit(&[write], draft.audited.as_slice()) {
        Ok(()) => stored.version += 1,
        Err(CommitFailure::Refused(_)) => return Err(busy()),
        Err(failure) => return Err(failure.into()),
    }
    if draft.version.is_none() {
        let before = stored.body.updated_at.saturating_sub(RETENTION);
        prune(ports, &NOTIFICATIONS, ("createdAt", before), &stored.id, |_| true);
    }
    Ok(stored)
}

/// Writes the final status of an attempt, over any concurrent change.
fn conclude(
    ports: &impl Ports,
    mut claimed: Stored<NotificationBody>,
    status: Status,
    reason: Option<String>,
    message: Option<&PendingMessage>,
) -> Result<Stored<NotificationBody>, Error> {
    let mut error = busy();
    for _ in 0..ATTEMPTS {
        set_status(&mut claimed.body, status, reason.clone());
        let (mut writes, events) = match message {
            None => Default::default(),
            Some(message) => match pending::on_status(ports, &claimed, status, message) {
                Ok(changes) => changes,
                Err(failed) => {
                    error = failed;
                    continue;
                }
            },
        };
        writes.push(NOTIFICATIONS.replace(&claimed)?);
        match ports.commit(&writes, &events) {
            Ok(()) => {
                if !events.is_empty() {
                    let before = claimed.body.updated_at.saturating_sub(RETENTION);
                    prune(
                        ports,
                        &PENDING_MESSAGES,
                        ("createdAt", before),
                        &claimed.id,
                        |_| true,
                    );
                }
                claimed.version += 1;
                return Ok(claimed);
            }
            Err(CommitFailure::Refused(_)) => claimed = find_notification(ports, &claimed.id)?,
            Err(failure) => error = failure.into(),
        }
    }
    Err(error)
}

fn set_status(body: &mut NotificationBody, status: Status, reason: Option<String>) {
    body.status = ByName(status);
    body.reason = reason;
    body.updated_at = id::now();
}

fn busy() -> Error {
    Error::Unavailable("Another request is sending this notification. Try again in a minute.".into())
}

/// Masks an address, so that its owner recognises it but nobody can write to it.
fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}…@{domain}")
        }
        None => {
            let hidden = address.chars().count().saturating_sub(3);
            let last: String = address.chars().skip(hidden).collect();
            format!("…{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn masks_addresses() {
        assert_eq!(masked("ada@example.com"), "a…@example.com");
        assert_eq!(masked("ö@example.com"), "ö…@example.com");
        assert_eq!(masked("+4915112345678"), "…678");
        assert_eq!(masked("1"), "…1");
    }
}
