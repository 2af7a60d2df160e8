//! What the audit log is told of orders: what somebody does by the rights of those who keep the shop.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, Act};
use mercato_shop::orders::{Actor, Status};
use mercato_shop::types::{Caller, Error};

use crate::status::name;

const SERVICE: &str = "orders";

/// A move of this user's order. Of the shop's own moves nothing is told, nor where somebody cancels the own order.
pub fn of_move(
    actor: &Actor,
    action: Option<AuditAction>,
    order_id: &str,
    owner: &str,
    (before, after): (Status, Status),
) -> Result<Option<Event>, Error> {
    let (Some(actor), Some(action)) = (named(actor), action) else {
        return Ok(None);
    };
    if action == AuditAction::OrderCancel && actor == owner {
        return Ok(None);
    }
    let act = Act::by(actor, action).on(order_id);
    let moved = format!("{} -> {}", name(before), name(after));
    act.detail(moved).event(SERVICE).map(Some)
}

/// The placement of an order for another user.
pub fn of_placement(actor: &Actor, order_id: &str, owner: &str) -> Result<Option<Event>, Error> {
    let Some(actor) = named(actor).filter(|actor| *actor != owner) else {
        return Ok(None);
    };
    let act = Act::by(actor, AuditAction::OrderPlace).on(order_id);
    act.detail(format!("for user {owner}")).event(SERVICE).map(Some)
}

/// What is done to a discount code.
pub fn of_discount(
    caller: &Caller,
    action: AuditAction,
    code: &str,
    detail: Option<String>,
) -> Result<Event, Error> {
    let act = Act::by(caller.actor(), action).on(code);
    Act { detail, ..act }.event(SERVICE)
}

/// What the log calls somebody; none for the shop itself.
fn named(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Customer(id) | Actor::Admin(id) => Some(id),
        Actor::ApiKey => Some(API_KEY),
        Actor::Shop => None,
    }
}
