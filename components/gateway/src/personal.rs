//! All that the shop keeps of a person, of every service, told and taken away (GDPR, articles 15, 17 and 20).

use mercato_shop::accounts::User;
use mercato_shop::carts::Whose;
use mercato_shop::notifications::NotificationFilter;
use mercato_shop::orders::{OrderFilter, OrderQuery};
use mercato_shop::types::{Caller, Error, Page};
use serde::Serialize;
use serde_json::{Value, json};

use crate::rest::shapes::{Cart, Notification, NotificationKind, NotificationMedium, Order, Payment};
use crate::services::Services;

/// How much is asked for at once.
const PAGE: u32 = 100;

/// A person's data, as a JSON object; the accounts service says who may have them. Its times are in milliseconds since 1970, UTC; all others are
/// as REST tells them.
pub fn export(services: &Services, caller: &Caller, id: &str) -> Result<Value, Error> {
    let text = services.accounts.export(caller, id)?;
    let mut all: Value = serde_json::from_str(&text).map_err(unreadable)?;
    let (mut orders, mut payments) = (Vec::new(), Vec::new());
    pages(|page| {
        let query = OrderQuery {
            filter: OrderFilter {
                user_id: Some(id.to_owned()),
                status: None,
                created_from: None,
                created_before: None,
            },
            oldest_first: false,
            page,
        };
        let found = services.orders.list(caller, &query)?;
        let last = found.edges.last().map(|edge| edge.cursor.clone());
        let ids: Vec<_> = found.edges.iter().map(|edge| edge.order.id.clone()).collect();
        for payment in services.payments.get_many(caller, &ids)? {
            payments.extend(
                payment?
                    .map(|payment| value(&Payment::from(payment)))
                    .transpose()?,
            );
        }
        for edge in found.edges {
            orders.push(value(&Order::from(edge.order))?);
        }
        Ok(last.filter(|_| found.has_next))
    })?;
    let mut notifications = Vec::new();
    pages(|page| {
        let filter = NotificationFilter {
            user_id: Some(id.to_owned()),
            kind: None,
            medium: None,
            status: None,
        };
        let found = services.notifications.list(caller, &filter, &page)?;
        let last = found.edges.last().map(|edge| edge.cursor.clone());
        for edge in found.edges {
            notifications.push(value(&Notification::from(edge.notification))?);
        }
        Ok(last.filter(|_| found.has_next))
    })?;
    let cart = services.carts.view(caller, &Whose::User(id.to_owned()))?;
    let mut preferences = Vec::new();
    let choices = match services.notifications.preferences(caller, Some(id)) {
        // Who is erased chooses nothing.
        Err(Error::NotFound(_)) => Vec::new(),
        choices => choices?,
    };
    for choice in choices {
        let (kind, medium) = (
            NotificationKind::from(choice.kind),
            NotificationMedium::from(choice.medium),
        );
        preferences
            .push(json!({ "kind": value(&kind)?, "medium": value(&medium)?, "enabled": choice.enabled }));
    }
    let others = json!({
        "cart": value(&Cart::from(cart))?, "orders": orders, "payments": payments,
        "notifications": notifications, "notificationPreferences": preferences,
    });
    if let (Some(all), Value::Object(others)) = (all.as_object_mut(), others) {
        all.extend(others);
    }
    Ok(all)
}

/// Takes a person's data away. The cart goes first: where it can't, the account is as it was, and whoever tries again does both. What else
/// there is goes by the event of the erasure.
pub fn erase(services: &Services, caller: &Caller, id: &str) -> Result<User, Error> {
    services.carts.forget(caller, id)?;
    services.accounts.erase(caller, id)
}

/// Reads page after page; the reading of one answers the cursor of the next, if there is one.
fn pages(mut read: impl FnMut(Page) -> Result<Option<String>, Error>) -> Result<(), Error> {
    let mut after = None;
    loop {
        after = read(Page { first: PAGE, after })?;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn value(shape: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(shape).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Internal(format!("an export can't be read: {error}"))
}
