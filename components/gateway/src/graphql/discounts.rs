//! Discount codes.

use async_graphql::{Context, Object};

use crate::graphql::resolve::{Nullable, PageArguments, PageOf, change, connection};
use crate::model::discount::{Discount, NewDiscount};

/// Queries of discount codes.
#[derive(Default)]
pub struct DiscountsQuery;

#[Object]
impl DiscountsQuery {
    /// The discount codes page by page, newest first. Requires the role ADMIN or the API key.
    async fn discounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
    ) -> Nullable<PageOf<Discount>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
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
    async fn create_discount(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The discount code to create.")] input: NewDiscount,
    ) -> Nullable<Discount> {
        change(context, |session| {
            session.caller().require_admin()?;
            let input = input.try_into()?;
            session.services.discounts.create(session.caller(), &input)
        })
    }

    /// Disables a discount code, so that no more orders can use it. Requires the role ADMIN or the API key.
    async fn disable_discount(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The code, in upper or lower case.")] code: String,
    ) -> Nullable<Discount> {
        change(context, |session| {
            session.services.discounts.disable(session.caller(), &code)
        })
    }
}
