//! The shop itself.

use async_graphql::SimpleObject;

/// What clients need to know of the shop before they use it.
#[derive(Clone, Debug, SimpleObject)]
pub struct Shop {
    /// The currency of prices that are sent without a currency, in ISO 4217.
    pub currency: String,
}
