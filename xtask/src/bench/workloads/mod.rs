//! The workloads: what shoppers do most.

mod mix;
mod reads;
mod writes;

use anyhow::Result;

use super::data::Data;
use super::request::Plan;

/// Requests that are measured together.
pub struct Workload {
    /// The name.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// The most connections, if more of them would only be refused.
    pub max_connections: usize,
    /// Whether every answer stays the same. Then each one is compared with the answer before the load.
    pub is_fixed: bool,
    /// Whether it orders, so that events follow.
    pub has_orders: bool,
    /// Writes the requests for a shop.
    pub plan: fn(&Data) -> Result<Plan>,
}

const READ: Workload = Workload {
    name: "",
    about: "",
    max_connections: usize::MAX,
    is_fixed: true,
    has_orders: false,
    plan: |_| Ok(Plan::default()),
};
const WRITE: Workload = Workload {
    is_fixed: false,
    ..READ
};
const ORDER: Workload = Workload {
    has_orders: true,
    ..WRITE
};

/// The workload that also measures what the least possible request costs.
pub const PROBED: &str = "list-20";

/// All workloads, in the order in which they run. Reads come first, because orders change what they answer.
pub const ALL: [Workload; 10] = [
    Workload {
        name: PROBED,
        about: "the first 20 products",
        plan: reads::list_20,
        ..READ
    },
    Workload {
        name: "list-100",
        about: "the first 100 products",
        plan: reads::list_100,
        ..READ
    },
    Workload {
        name: "product",
        about: "one of 500 products by id",
        plan: reads::product,
        ..READ
    },
    Workload {
        name: "search",
        about: "20 products with two of 18 words",
        plan: reads::search,
        ..READ
    },
    Workload {
        name: "orders",
        about: "the last 20 orders of a user, with lines and their products",
        plan: reads::orders,
        ..READ
    },
    // Mercato refuses password checks when 16 of them wait.
    Workload {
        name: "sign-in",
        about: "sign-in with a password (argon2id), at most 8 at a time",
        max_connections: 8,
        plan: writes::sign_in,
        ..WRITE
    },
    Workload {
        name: "cart",
        about: "add one unit of a product to the user's cart of 20 products",
        plan: writes::cart,
        ..WRITE
    },
    Workload {
        name: "order-hot",
        about: "placeOrder, all of one product",
        plan: writes::order_hot,
        ..ORDER
    },
    Workload {
        name: "order-many",
        about: "placeOrder, over 10,000 products or all",
        plan: writes::order_many,
        ..ORDER
    },
    Workload {
        name: "mix",
        about: "80 % browse (lists, products, searches), 15 % cart, 5 % placeOrder",
        plan: mix::mix,
        ..ORDER
    },
];

/// Returns the names of all workloads.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|workload| workload.name)
}
