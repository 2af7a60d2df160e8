//! Notifications: lists them, sends them about occasions, and retries them.

use mercato_ports::events::HandlerFailure;
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::notifications::{
    Notification, NotificationEdge, NotificationFilter, NotificationPage, NotificationStatus as Status,
};
use mercato_shop::orders::Order;
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, descending, equal};
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::types::{Caller, Error, Page};

use crate::delivery::{Draft, close, deliver, retry_while_waiting};
use crate::names::Named;
use crate::occasion::Occasion;
use crate::platform::Platform;
use crate::recipient::{Recipient, Route};
use crate::repository::{
    NOTIFICATIONS, NotificationBody, find_notification, notification_id, notification_not_found,
    to_notification,
};
use crate::{events, message, templates};

const OWN_NOTIFICATIONS: &str = "You can see only your own notifications.";

/// Returns the notifications with these ids, each with its own error. Notifications of others are
/// [`Error::NotFound`], like notifications that do not exist.
///
/// # Errors
/// [`Error::Unauthenticated`] for an anonymous caller.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<Result<Notification, Error>>, Error> {
    caller.require_authenticated()?;
    let found = NOTIFICATIONS.get_many(ports, ids)?;
    let answer = |(id, stored): (&String, Option<Stored<NotificationBody>>)| {
        let notification = stored.map(to_notification);
        let is_own = |notification: &Notification| notification.user_id.as_deref() == caller.user_id();
        let visible = notification.filter(|notification| caller.is_admin() || is_own(notification));
        visible.ok_or_else(|| notification_not_found(id))
    };
    Ok(ids.iter().zip(found).map(answer).collect())
}

/// Returns one page of the notifications that a caller may see, the newest first.
///
/// # Errors
/// [`Error::Forbidden`] or [`Error::Unauthenticated`] for the notifications of another user.
pub fn list(
    ports: &impl Ports,
    caller: &Caller,
    filter: &NotificationFilter,
    page: &Page,
) -> Result<NotificationPage, Error> {
    let user_id = listed_user(caller, filter.user_id.as_deref())?;
    let conditions = [
        ("userId", user_id),
        ("kind", filter.kind.map(Named::name)),
        ("medium", filter.medium.map(Named::name)),
        ("status", filter.status.map(Named::name)),
    ];
    let conditions = conditions
        .into_iter()
        .filter_map(|(field, value)| Some(equal(field, value?)));
    let mut query = NOTIFICATIONS.query(0);
    query.conditions = conditions.collect();
    query.sort = Some(descending("createdAt"));
    let found = query::page(ports, &NOTIFICATIONS, query, page, "-created", |body| {
        query::time(body.created_at)
    })?;
    Ok(NotificationPage {
        has_next: found.has_next,
        has_previous: found.has_previous,
        total: found.total,
        edges: found.map(|cursor, stored| NotificationEdge {
            cursor,
            notification: to_notification(stored),
        }),
    })
}

/// Sends the notifications of an occasion that were not sent before.
///
/// # Errors
/// [`HandlerFailure::Retry`] if a notification waits. One medium that fails does not hold up the others.
pub fn notify(
    ports: &impl Platform,
    contacts: &impl Contacts,
    orders: &impl Orders,
    key: &str,
    occasion: &Occasion,
) -> Result<(), HandlerFailure> {
    let recipient = Recipient::of(ports, contacts, occasion)?;
    let open = open_drafts(ports, key, occasion, &recipient)?;
    let is_sendable = open.iter().any(|(route, _)| route.to.is_ok());
    let order = find_order(orders, occasion, is_sendable)?;
    let mut outcome = Ok(());
    for (route, draft) in open {
        let sent = send_by(ports, occasion, order.as_ref(), &recipient, route, draft)
            .map_err(HandlerFailure::from)
            .and_then(|notification| retry_while_waiting(&notification));
        outcome = outcome.and(sent);
    }
    outcome
}

/// Sends a notification again, with the present data of its occasion.
///
/// # Errors
/// [`Error::InvalidTransition`] if it was sent. [`Error::Conflict`] if its text is neither stored nor can be
/// rendered.
pub fn retry(
    ports: &impl Platform,
    contacts: &impl Contacts,
    orders: &impl Orders,
    caller: &Caller,
    id: &str,
) -> Result<Notification, Error> {
    let stored = find_notification(ports, id)?;
    if stored.body.status.0 == Status::Sent {
        return Err(Error::InvalidTransition(
            "This notification was sent already. It cannot be sent again.".into(),
        ));
    }
    let audited = Some(events::audited(caller, AuditAction::NotificationRetry, id)?);
    let Some(occasion) = stored.body.occasion() else {
        let sent = message::send_pending(ports, stored, audited)?;
        return sent.map(to_notification).ok_or_else(|| {
            Error::Conflict(
                "The text of this notification is not stored. Send a new message, or request another code."
                    .into(),
            )
        });
    };
    let recipient = Recipient::of(ports, contacts, &occasion)?;
    let medium = stored.body.medium.0;
    let draft = Draft {
        audited,
        ..Draft::stored(stored)
    };
    let sent = match recipient.routes.iter().find(|route| route.medium == medium) {
        Some(route) => {
            let order = find_order(orders, &occasion, route.to.is_ok())?;
            send_by(ports, &occasion, order.as_ref(), &recipient, route, draft)
        }
        None => {
            let reason = "The user has no such address any more, or has disabled this kind of notification.";
            close(ports, draft, Status::Skipped, reason)
        }
    };
    sent.map(to_notification)
}

/// Returns a draft for each route on which the notification was neither sent nor failed.
fn open_drafts<'a>(
    ports: &impl Ports,
    key: &str,
    occasion: &Occasion,
    recipient: &'a Recipient,
) -> Result<Vec<(&'a Route, Draft)>, Error> {
    let routes = &recipient.routes;
    let ids: Vec<_> = routes
        .iter()
        .map(|route| notification_id(key, route.medium))
        .collect();
    let stored = NOTIFICATIONS.get_many(ports, &ids)?;
    let draft = |((id, stored), route): ((String, Option<_>), &'a Route)| {
        let new = || Draft::new(id, NotificationBody::of(occasion, route.medium));
        (route, stored.map_or_else(new, Draft::stored))
    };
    let drafts = ids.into_iter().zip(stored).zip(routes).map(draft);
    let is_done = |draft: &Draft| matches!(draft.body.status.0, Status::Sent | Status::Failed);
    Ok(drafts.filter(|(_, draft)| !is_done(draft)).collect())
}

fn send_by(
    ports: &impl Platform,
    occasion: &Occasion,
    order: Option<&Order>,
    recipient: &Recipient,
    route: &Route,
    draft: Draft,
) -> Result<Stored<NotificationBody>, Error> {
    if let Occasion::VerificationCode(code) = occasion
        && code.expires_at <= id::now()
    {
        return close(ports, draft, Status::Failed, "The code has expired.");
    }
    match &route.to {
        Ok(to) => {
            let content = templates::render(occasion, order, recipient, route.medium)?;
            deliver(ports, draft, to, content)
        }
        Err(reason) => close(ports, draft, Status::Skipped, reason),
    }
}

/// Returns the order of an occasion, if the occasion is about an order and a text must be rendered.
fn find_order(orders: &impl Orders, occasion: &Occasion, is_needed: bool) -> Result<Option<Order>, Error> {
    let Some(id) = occasion.order_id().filter(|_| is_needed) else {
        return Ok(None);
    };
    let found = orders.get_many(&Caller::ApiKey, &[id.to_owned()])?;
    found.into_iter().next().transpose()
}

/// Returns the user whose notifications are listed. Staff may list those of all users.
fn listed_user<'a>(caller: &'a Caller, user_id: Option<&'a str>) -> Result<Option<&'a str>, Error> {
    caller.require_authenticated()?;
    if caller.is_admin() {
        return Ok(user_id);
    }
    let own = caller.user_id();
    if user_id.is_some() && user_id != own {
        return Err(Error::Forbidden(OWN_NOTIFICATIONS.into()));
    }
    Ok(own)
}
