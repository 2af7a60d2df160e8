//! What goes when a user is erased.

use mercato_ports::documents::{Comparison, Condition, Position, Scalar, Write};
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::Error;

use crate::message::MESSAGES;
use crate::preferences::PREFERENCES;
use crate::service::{NotificationsService, Platform};

/// How many messages one commit changes.
const BATCH: u32 = 200;

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    /// Takes away what a user has chosen and where messages went. That there were messages stays, as do the orders. Can be repeated.
    pub(crate) fn forget(&self, user_id: &str) -> Result<(), Error> {
        if let Some(kept) = self.kept_preferences(user_id)? {
            self.ports.commit(&[PREFERENCES.delete(&kept)], &[])?;
        }
        let mut query = MESSAGES.query(BATCH);
        query.conditions.push(Condition {
            field: "userId".into(),
            comparison: Comparison::Equal,
            value: Scalar::Text(user_id.into()),
        });
        loop {
            let messages = MESSAGES.find(&self.ports, &query)?;
            let Some(last) = messages.last() else {
                return Ok(());
            };
            query.after = Some(Position {
                value: None,
                id: last.id.clone(),
            });
            let mut writes: Vec<Write> = Vec::new();
            for mut message in messages {
                if message.body.recipient.take().is_some() {
                    writes.push(MESSAGES.replace(&message)?);
                }
            }
            if !writes.is_empty() {
                self.ports.commit(&writes, &[])?;
            }
        }
    }
}
