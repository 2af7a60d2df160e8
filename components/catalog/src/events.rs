//! The events that the catalog emits.

use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::collection::event;
use mercato_shop::types::{Caller, Error};
use serde::Serialize;

use crate::repository::ProductBody;

pub const PRODUCT_CREATED: &str = "mercato.catalog.product-created";
pub const PRODUCT_UPDATED: &str = "mercato.catalog.product-updated";
pub const PRODUCT_ARCHIVED: &str = "mercato.catalog.product-archived";
pub const PRODUCT_RESTORED: &str = "mercato.catalog.product-restored";
const LOW_STOCK: &str = "mercato.catalog.low-stock";
const RESERVATION_DUE: &str = "mercato.catalog.reservation-due";

/// A product after a change. The price is in minor units.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ProductData<'a> {
    product_id: &'a str,
    name: &'a str,
    price: i64,
    currency: &'a str,
    version: u64,
}

/// The units on hand of a product have fallen to its limit.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct LowStockData<'a> {
    product_id: &'a str,
    name: &'a str,
    on_hand: i64,
    threshold: i64,
}

/// A reservation may still be held.
#[derive(Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ReservationData<'a> {
    order_id: &'a str,
}

/// A change of a product, by the kind of the event.
pub fn product_changed(kind: &str, id: &str, body: &ProductBody) -> Result<Event, Error> {
    let data = ProductData {
        product_id: id,
        name: &body.name,
        price: body.price,
        currency: &body.currency,
        version: body.revision,
    };
    event(kind, product_subject(id), &data)
}

pub fn low_stock(id: &str, name: &str, on_hand: i64, threshold: i64) -> Result<Event, Error> {
    let data = LowStockData {
        product_id: id,
        name,
        on_hand,
        threshold,
    };
    event(LOW_STOCK, product_subject(id), &data)
}

/// A timer for a reservation that may still be held when it is due.
pub fn reservation_due(order_id: &str, due: u64) -> Result<Event, Error> {
    let data = ReservationData { order_id };
    let timer = event(RESERVATION_DUE, format!("reservation/{order_id}"), &data)?;
    Ok(Event {
        due: Some(due),
        ..timer
    })
}

/// An entry for the audit log about an action on the product or category with this id.
pub fn audited(
    caller: &Caller,
    action: AuditAction,
    id: &str,
    detail: Option<String>,
) -> Result<Event, Error> {
    let action = AuditedAction::by(caller.actor(), action).on(id);
    AuditedAction { detail, ..action }.event("catalog")
}

/// An entry for the audit log about a batch of an import.
pub fn import_audited(caller: &Caller, detail: String) -> Result<Event, Error> {
    AuditedAction::by(caller.actor(), AuditAction::ProductImport)
        .detail(detail)
        .event("catalog")
}

fn product_subject(id: &str) -> String {
    format!("product/{id}")
}

/// Returns the JSON Schema of the data of each event, by its kind.
#[cfg(feature = "json-schema")]
#[must_use]
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    let product = schemars::schema_for!(ProductData<'_>);
    vec![
        (PRODUCT_CREATED, product.clone()),
        (PRODUCT_UPDATED, product.clone()),
        (PRODUCT_ARCHIVED, product.clone()),
        (PRODUCT_RESTORED, product),
        (LOW_STOCK, schemars::schema_for!(LowStockData<'_>)),
        (RESERVATION_DUE, schemars::schema_for!(ReservationData<'_>)),
    ]
}
