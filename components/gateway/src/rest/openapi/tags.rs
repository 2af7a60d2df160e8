//! The tags of the OpenAPI document: the areas of the API.

use serde_json::{Value, json};

/// The tag of operations that are not for clients. Their paths are not below `/api`.
pub const OTHERS: &str = "operations";

/// The tags and their descriptions, in the order of the document.
const ALL: [(&str, &str); 8] = [
    ("users", "Registration, sign-in and profiles."),
    ("products", "Products and their stock."),
    ("categories", "The tree of categories."),
    ("cart", "Carts of users and guests."),
    ("orders", "Orders and their status."),
    ("payments", "Payments and refunds of orders."),
    ("notification", "E-mails and SMS that staff send."),
    (OTHERS, "Health checks, and events of the payment gateway."),
];

/// Returns the tags with their descriptions.
pub fn all() -> Value {
    let tag = |(name, description)| json!({ "name": name, "description": description });
    ALL.map(tag).into_iter().collect()
}

/// Returns the tag of an operation: the first part of its path below `/api`.
pub fn of(path: &str) -> &str {
    let area = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next());
    area.unwrap_or(OTHERS)
}
