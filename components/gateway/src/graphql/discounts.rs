//! Discount codes.

use async_graphql::{Context, Object};

use crate::graphql::resolve::{Nullable, PageOf, change, connection, page_size};
use crate::model::discount::{Discount, NewDiscount};

/// Queries of discount codes.
#[derive(Default)]
pub struct DiscountsQuery;

#[Object]
impl DiscountsQuery {
    /// The discount codes page by page, newest first. Requires the role ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn discounts(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100.")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<PageOf<Discount>> {
        connection(context, first, after, |session, page| {
            session.services.discounts.list(session.caller(), page)
        })
    }
}

/// Mutations of discount codes.
#[derive(Default)]
pub struct DiscountsMutation;

#[Object]
impl DiscountsMutation {
    /// Creates a discount code for `placeOrder`. It never changes, but can be disabled. Requires the role
    /// ADMIN or the API key.
    async fn create_discount(&self, context: &Context<'_>, input: NewDiscount) -> Nullable<Discount> {
        change(context, |session| {
            session.caller().require_admin()?;
            let input = input.try_into()?;
            session.services.discounts.create(session.caller(), &input)
        })
    }

    /// Disables a discount code, so that no more orders can use it. Requires the role ADMIN or the API key.
    async fn disable_discount(&self, context: &Context<'_>, code: String) -> Nullable<Discount> {
        change(context, |session| {
            session.services.discounts.disable(session.caller(), &code)
        })
    }
}
