//! The actions that the audit log records.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::types::{Caller, Error};

/// Returns the audit event of an action on the webhook or the delivery of this id. It has neither URL nor
/// secret.
pub fn act(caller: &Caller, action: AuditAction, id: &str) -> Result<Event, Error> {
    AuditedAction::by(caller.actor(), action).on(id).event("webhooks")
}
