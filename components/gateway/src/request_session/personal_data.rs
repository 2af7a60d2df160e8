//! A person's data in all services: export and erasure (GDPR, articles 15, 17 and 20).

use mercato_shop::accounts::User;
use mercato_shop::carts::Owner;
use mercato_shop::notifications::NotificationFilter;
use mercato_shop::orders::{OrderFilter, OrderQuery};
use mercato_shop::types::{Caller, Error, Page};
use serde::Serialize;
use serde_json::{Value, json};

use crate::model;
use crate::model::cart::Cart;
use crate::model::convert::Convert;
use crate::model::notification::{Notification, NotificationPreference};
use crate::model::order::Order;
use crate::model::payment::Payment;
use crate::services::Services;

/// The number of items in one call.
const PAGE: u32 = 100;

/// Returns a person's data as a JSON object. The accounts service authorizes the export and writes its own
/// part, with times in milliseconds since 1970. All other parts are as REST writes them.
///
/// # Errors
/// The errors of the services.
pub fn export(services: &Services, caller: &Caller, id: &str) -> Result<Value, Error> {
    let account = services.accounts.export(caller, id)?;
    let mut all: Value = serde_json::from_str(&account).map_err(failed)?;
    let mut payments: Vec<Payment> = Vec::new();
    let orders: Vec<Order> = all_pages(|page| {
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
        let ids: Vec<_> = found.edges.iter().map(|edge| edge.order.id.clone()).collect();
        for payment in services.payments.get_many(caller, &ids)? {
            payments.extend(payment?.map(Convert::convert));
        }
        Ok(found.convert())
    })?;
    let notifications: Vec<Notification> = all_pages(|page| {
        let filter = NotificationFilter {
            user_id: Some(id.to_owned()),
            kind: None,
            medium: None,
            status: None,
        };
        Ok(services.notifications.list(caller, &filter, &page)?.convert())
    })?;
    let cart: Cart = services
        .carts
        .view(caller, &Owner::User(id.to_owned()))?
        .convert();
    let preferences = match services.notifications.preferences(caller, Some(id)) {
        // An erased user has no preferences.
        Err(Error::NotFound(_)) => Vec::new(),
        preferences => preferences?,
    };
    let preferences: Vec<NotificationPreference> = preferences.convert();
    let others = json!({
        "cart": to_json(&cart)?, "orders": to_json(&orders)?, "payments": to_json(&payments)?,
        "notifications": to_json(&notifications)?, "notificationPreferences": to_json(&preferences)?,
    });
    if let (Some(all), Value::Object(others)) = (all.as_object_mut(), others) {
        all.extend(others);
    }
    Ok(all)
}

/// Erases a person's data. The cart comes first: if that fails, the account is unchanged and the caller can
/// try again. The other services erase their data when they handle the event of the erasure.
///
/// # Errors
/// The errors of the carts and the accounts service.
pub fn erase(services: &Services, caller: &Caller, id: &str) -> Result<User, Error> {
    services.carts.erase(caller, id)?;
    services.accounts.erase(caller, id)
}

/// Returns the items of all pages.
fn all_pages<T>(mut read: impl FnMut(Page) -> Result<model::page::Page<T>, Error>) -> Result<Vec<T>, Error> {
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = read(Page::first(PAGE, after))?;
        items.extend(page.items);
        after = page.page_info.end_cursor;
        if !page.page_info.has_next_page || after.is_none() {
            return Ok(items);
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(failed)
}

fn failed(error: serde_json::Error) -> Error {
    Error::Internal(format!("an export failed: {error}"))
}
