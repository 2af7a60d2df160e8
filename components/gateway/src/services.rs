//! The services behind the gateway.

use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{
    Accounts, Carts, Catalog, Discounts, Notifications, Orders, Payments, Placement, Webhooks,
};

/// What the gateway calls: imports in a component, the services themselves in native tests.
#[allow(missing_debug_implementations, reason = "trait objects")]
pub struct Services {
    /// Who the users are.
    pub accounts: Box<dyn Accounts + Send + Sync>,
    /// What the shop sells.
    pub catalog: Box<dyn Catalog + Send + Sync>,
    /// What was bought.
    pub orders: Box<dyn Orders + Send + Sync>,
    /// Orders under ids that the gateway chooses.
    pub placement: Box<dyn Placement + Send + Sync>,
    /// What guests and users mean to buy.
    pub carts: Box<dyn Carts + Send + Sync>,
    /// The discount codes.
    pub discounts: Box<dyn Discounts + Send + Sync>,
    /// What was written to people.
    pub notifications: Box<dyn Notifications + Send + Sync>,
    /// What was paid.
    pub payments: Box<dyn Payments + Send + Sync>,
    /// Who is told of what happens.
    pub webhooks: Box<dyn Webhooks + Send + Sync>,
    /// Where answers are kept that are the same for everyone.
    pub cache: Box<dyn Cache + Send + Sync>,
    /// Where the gateway keeps what came with an `Idempotency-Key`.
    pub documents: Box<dyn Ports + Send + Sync>,
    /// How the keys of an OpenID provider are fetched.
    pub http: Box<dyn HttpClient + Send + Sync>,
}
