//! What can be read and changed of discount codes.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Object};

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::discount::{CreateDiscountInput, DiscountObject};
use crate::schema::nullable::{Nullable, change, read};

/// What can be read of discount codes.
#[derive(Default)]
pub struct DiscountQuery;

#[Object]
impl DiscountQuery {
    /// The discount codes by pages, newest first. For an ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn discounts(
        &self,
        context: &Context<'_>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<Connection<String, DiscountObject, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let page = page(first, after)?;
            let list = session.services.discounts.list(session.caller(), &page)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, DiscountObject(edge.discount)));
            Ok(to_connection(page.after.is_some(), list.has_next, edges))
        })
    }
}

/// What can be changed of discount codes.
#[derive(Default)]
pub struct DiscountMutation;

#[Object]
impl DiscountMutation {
    /// Makes a discount code for `placeOrder`; it never changes, but can be disabled. For an ADMIN or the API key.
    async fn create_discount(
        &self,
        context: &Context<'_>,
        input: CreateDiscountInput,
    ) -> Nullable<DiscountObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            let input = input.try_into()?;
            let discount = session.services.discounts.create(session.caller(), input);
            Ok(DiscountObject(discount?))
        })
    }

    /// Ends a discount code: no order is placed with it any more. For an ADMIN or the API key.
    async fn disable_discount(&self, context: &Context<'_>, code: String) -> Nullable<DiscountObject> {
        change(context, |session| {
            let discount = session.services.discounts.disable(session.caller(), &code);
            Ok(DiscountObject(discount?))
        })
    }
}
