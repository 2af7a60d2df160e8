//! The events that the carts service publishes.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::types::{Caller, Error};

use crate::key::CartKey;

/// Returns an entry for the audit log, if the caller changes the cart of another user.
pub fn audited(caller: &Caller, key: &CartKey) -> Result<Option<Event>, Error> {
    match key {
        CartKey::User(id) if caller.user_id() != Some(id) => {
            let action = AuditedAction::by(caller.actor(), AuditAction::CartChange).on(id);
            action.event("carts").map(Some)
        }
        CartKey::User(_) | CartKey::Guest(_) => Ok(None),
    }
}
