//! Messages of staff that could not be sent yet.
//!
//! Other notifications are rendered again for each attempt. A message of staff cannot be rendered, so it is
//! stored while its notification waits. An event retries it.

use mercato_ports::documents::Write;
use mercato_ports::events::Event;
use mercato_shop::collection::Stored;
use mercato_shop::notifications::NotificationStatus as Status;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;

use crate::events;
use crate::repository::{NotificationBody, PENDING_MESSAGES, PendingMessage};

/// Returns the writes and events that belong to a new status of a message of staff. The message is stored
/// when its notification begins to wait, together with the event that retries it. It is deleted when the
/// notification no longer waits.
pub fn on_status(
    ports: &impl Ports,
    notification: &Stored<NotificationBody>,
    status: Status,
    message: &PendingMessage,
) -> Result<(Vec<Write>, Vec<Event>), Error> {
    // At the first attempt, the message cannot be stored already.
    let stored = if notification.body.attempts <= 1 {
        None
    } else {
        PENDING_MESSAGES.get(ports, &notification.id)?
    };
    Ok(match (status, stored) {
        (Status::Waiting, None) => (
            vec![PENDING_MESSAGES.insert(&notification.id, message)?],
            vec![events::message_waits(&notification.id)?],
        ),
        (Status::Waiting, Some(_)) | (_, None) => Default::default(),
        (_, Some(stored)) => (vec![PENDING_MESSAGES.delete(&stored)], Vec::new()),
    })
}
