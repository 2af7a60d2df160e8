//! Erases the data of a user.

use mercato_ports::documents::{Position, Write};
use mercato_shop::ports::Ports;
use mercato_shop::query::equal;
use mercato_shop::types::Error;

use crate::repository::{NOTIFICATIONS, PREFERENCES};

/// How many notifications one commit changes.
const BATCH: u32 = 200;

/// Deletes the preferences of a user, and the addresses in the user's notifications. The notifications
/// themselves are kept, as the orders are. Can be repeated.
pub fn erase(ports: &impl Ports, user_id: &str) -> Result<(), Error> {
    if let Some(preferences) = PREFERENCES.get(ports, user_id)? {
        ports.commit(&[PREFERENCES.delete(&preferences)], &[])?;
    }
    let mut query = NOTIFICATIONS.query(BATCH);
    query.conditions.push(equal("userId", user_id));
    loop {
        let notifications = NOTIFICATIONS.find(ports, &query)?;
        let Some(last) = notifications.last() else {
            return Ok(());
        };
        query.after = Some(Position {
            value: None,
            id: last.id.clone(),
        });
        let mut writes: Vec<Write> = Vec::new();
        for mut notification in notifications {
            if notification.body.recipient.take().is_some() {
                writes.push(NOTIFICATIONS.replace(&notification)?);
            }
        }
        if !writes.is_empty() {
            ports.commit(&writes, &[])?;
        }
    }
}
