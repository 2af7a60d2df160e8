//! All operations of REST.

use crate::rest::operation::Operation;
use crate::rest::{accounts, carts, health, notifications, orders, payments, products, stripe};

/// Returns all operations.
pub fn all() -> Vec<Operation> {
    [
        accounts::operations(),
        products::operations(),
        carts::operations(),
        orders::operations(),
        payments::operations(),
        vec![stripe::operation()],
        notifications::operations(),
        health::operations(),
    ]
    .concat()
}
