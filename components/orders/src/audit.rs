//! The actors of orders, and the actions that the audit log records: what an ADMIN or the API key does.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::orders::{Actor, Status};
use mercato_shop::types::{Caller, Error, Role, SignedIn};

use crate::status::name;

const SERVICE: &str = "orders";

/// Returns the actor that an order's timeline records for a caller.
///
/// # Errors
/// [`Error::Unauthenticated`] for an anonymous caller.
pub fn actor(caller: &Caller) -> Result<Actor, Error> {
    caller.require_authenticated()?;
    Ok(match caller {
        Caller::User(SignedIn { user_id, role, .. }) => match role {
            Role::Customer => Actor::Customer(user_id.clone()),
            Role::Admin => Actor::Admin(user_id.clone()),
        },
        Caller::ApiKey | Caller::Anonymous => Actor::ApiKey,
    })
}

/// Returns the audit event of a change of status. Changes by the shop itself are not recorded, nor are
/// cancellations by the order's owner.
pub fn status_change(
    actor: &Actor,
    action: Option<AuditAction>,
    order_id: &str,
    owner: &str,
    (before, after): (Status, Status),
) -> Result<Option<Event>, Error> {
    let (Some(actor), Some(action)) = (actor_name(actor), action) else {
        return Ok(None);
    };
    if action == AuditAction::OrderCancel && actor == owner {
        return Ok(None);
    }
    let act = AuditedAction::by(actor, action).on(order_id);
    let change = format!("{} -> {}", name(before), name(after));
    act.detail(change).event(SERVICE).map(Some)
}

/// Returns the audit event of a placement for another user.
pub fn placement(actor: &Actor, order_id: &str, owner: &str) -> Result<Option<Event>, Error> {
    let Some(actor) = actor_name(actor).filter(|actor| *actor != owner) else {
        return Ok(None);
    };
    let act = AuditedAction::by(actor, AuditAction::OrderPlace).on(order_id);
    act.detail(format!("for user {owner}")).event(SERVICE).map(Some)
}

/// Returns the audit event of an action on a discount code.
pub fn discount(
    caller: &Caller,
    action: AuditAction,
    code: &str,
    detail: Option<String>,
) -> Result<Event, Error> {
    let act = AuditedAction::by(caller.actor(), action).on(code);
    AuditedAction { detail, ..act }.event(SERVICE)
}

/// Returns the name of an actor in the audit log, or `None` for the shop itself.
fn actor_name(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Customer(id) | Actor::Admin(id) => Some(id),
        Actor::ApiKey => Some(API_KEY),
        Actor::Shop => None,
    }
}
