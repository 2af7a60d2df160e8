//! The services and ports that the gateway calls.

use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{
    Accounts, Carts, Catalog, Discounts, Notifications, Orders, Payments, Placement, Webhooks,
};

/// All services and ports: the imports of the component, or native implementations in tests.
#[allow(missing_debug_implementations, reason = "trait objects")]
pub struct Services {
    /// Users and sessions.
    pub accounts: Box<dyn Accounts + Send + Sync>,
    /// Products and stock.
    pub catalog: Box<dyn Catalog + Send + Sync>,
    /// Orders.
    pub orders: Box<dyn Orders + Send + Sync>,
    /// Placement of orders with ids of the gateway.
    pub placement: Box<dyn Placement + Send + Sync>,
    /// Carts.
    pub carts: Box<dyn Carts + Send + Sync>,
    /// Discount codes.
    pub discounts: Box<dyn Discounts + Send + Sync>,
    /// Notifications and messages.
    pub notifications: Box<dyn Notifications + Send + Sync>,
    /// Payments and refunds.
    pub payments: Box<dyn Payments + Send + Sync>,
    /// Webhooks and their deliveries.
    pub webhooks: Box<dyn Webhooks + Send + Sync>,
    /// The cache of public responses.
    pub cache: Box<dyn Cache + Send + Sync>,
    /// The store of responses with an `Idempotency-Key`.
    pub documents: Box<dyn Ports + Send + Sync>,
    /// The client that fetches the keys of an OpenID provider.
    pub http: Box<dyn HttpClient + Send + Sync>,
}
