//! Orders.

use async_graphql::{ComplexObject, Context, Object};
use mercato_shop::orders::{NewOrder, OrderQuery};
use mercato_shop::types::{Error, Line};

use crate::graphql::resolve::{
    Nullable, PageArguments, PageOf, change, connection, load, version, whole_list,
};
use crate::model::convert::Convert;
use crate::model::order::{NewLine, Order, OrderFilter, OrderLine, OrderProduct, OrderSort, OrderStatus};
use crate::model::payment::Payment;
use crate::model::product::Product;
use crate::model::scalar::Id;
use crate::model::user::User;
use crate::request_session::check_id;

/// Queries of orders.
#[derive(Default)]
pub struct OrdersQuery;

#[Object]
impl OrdersQuery {
    /// The caller's orders, newest first, at most 1,000. With the role ADMIN or the API key: all orders. For
    /// longer lists, use `orderConnection`.
    async fn orders(&self, context: &Context<'_>) -> Nullable<Vec<Option<Order>>> {
        whole_list(context, |session, page| {
            let query = OrderQuery {
                filter: OrderFilter::default().convert(),
                oldest_first: false,
                page: page.clone(),
            };
            session.services.orders.list(session.caller(), &query)
        })
    }

    /// One order of the caller. With the role ADMIN or the API key: any order.
    async fn order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] id: Id,
    ) -> Nullable<Order> {
        load(context, |session| async move {
            session.caller().require_authenticated()?;
            check_id("id", &id)?;
            session.orders.load(&id).await.map(Some)
        })
        .await
    }

    /// The orders that `orders` lists, page by page, filtered and sorted. The default order is newest first.
    #[allow(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn order_connection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
        #[graphql(desc = "Which orders to list.")] filter: Option<OrderFilter>,
        #[graphql(desc = "The sort order.")] sort: Option<OrderSort>,
    ) -> Nullable<PageOf<Order>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
            let filter = filter.unwrap_or_default();
            if let Some(id) = &filter.user_id {
                session.check_user_id("userId", id)?;
            }
            let query = OrderQuery {
                filter: filter.convert(),
                oldest_first: sort.is_some_and(|sort| sort.is_oldest_first()),
                page: page.clone(),
            };
            session.services.orders.list(session.caller(), &query)
        })
    }
}

/// Mutations of orders.
#[derive(Default)]
pub struct OrdersMutation;

#[Object]
impl OrdersMutation {
    /// Places an order of all lines, or of none. Requires a signed-in user.
    async fn place_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The products to order: at least one, and each product once.")] products: Option<
            Vec<Option<NewLine>>,
        >,
        #[graphql(desc = "A discount code.")] discount_code: Option<String>,
        #[graphql(desc = "The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.")]
        region: Option<String>,
    ) -> Nullable<Order> {
        change(context, |session| {
            session.caller().require_authenticated()?;
            let input = NewOrder {
                lines: lines(products.unwrap_or_default())?,
                discount_code,
                region,
            };
            session.place_order(None, &input)
        })
    }

    /// Changes the status of an order. INVALID_TRANSITION if the order cannot get this status now. Requires
    /// the role ADMIN or the API key.
    async fn update_order_status(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] id: Id,
        #[graphql(desc = "The new status.")] status: OrderStatus,
        #[graphql(
            desc = "The version that the change is based on. CONFLICT if the order has another version by now."
        )]
        version: Option<i32>,
        #[graphql(desc = "For the timeline. At most 500 characters.")] note: Option<String>,
    ) -> Nullable<Order> {
        change(context, |session| {
            session.caller().require_admin()?;
            check_id("id", &id)?;
            let version = version.map(self::version).transpose()?;
            let orders = &session.services.orders;
            orders.update_status(session.caller(), &id, status.into(), version, note.as_deref())
        })
    }

    /// Cancels an order that has not been shipped. Its products go back in stock. For the customer, or with
    /// the role ADMIN or the API key.
    async fn cancel_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] id: Id,
        #[graphql(desc = "For the timeline. At most 500 characters.")] reason: Option<String>,
    ) -> Nullable<Order> {
        change(context, |session| {
            session.caller().require_authenticated()?;
            check_id("id", &id)?;
            session
                .services
                .orders
                .cancel(session.caller(), &id, reason.as_deref())
        })
    }
}

#[ComplexObject]
impl Order {
    /// The lines of the order, in the order of the input.
    async fn lines(&self) -> Vec<OrderLine> {
        self.order_lines()
    }

    /// The lines of the order, with the ids of their products.
    #[graphql(
        deprecation = "The `_id` is the product's, so caches merge the lines of all orders. Use `lines`."
    )]
    async fn products(&self) -> Option<Vec<Option<&OrderProduct>>> {
        Some(self.products.iter().map(Some).collect())
    }

    /// The payment. Null if there was no attempt to pay.
    async fn payment(&self, context: &Context<'_>) -> Nullable<Payment> {
        load(context, |session| session.payments.load(&self.id)).await
    }

    /// The customer. Null if the user is unknown.
    async fn user(&self, context: &Context<'_>) -> Nullable<User> {
        load(context, |session| async move {
            match session.users.load(&self.user_id).await {
                Ok(user) => Ok(Some(user)),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

#[ComplexObject]
impl OrderProduct {
    /// The id of the product.
    #[graphql(name = "_id")]
    async fn product_id(&self) -> &Id {
        self.id.as_id()
    }

    /// The current product, even if it is archived.
    async fn product(&self, context: &Context<'_>) -> Nullable<Product> {
        current_product(context, &self.id).await
    }
}

#[ComplexObject]
impl OrderLine {
    /// The current product, even if it is archived.
    async fn product(&self, context: &Context<'_>) -> Nullable<Product> {
        current_product(context, &self.product_id).await
    }
}

async fn current_product(context: &Context<'_>, id: &str) -> Nullable<Product> {
    load(context, |session| session.products_including_archived.load(id)).await
}

/// Returns the lines of an order. Rejects null.
fn lines(products: Vec<Option<NewLine>>) -> Result<Vec<Line>, Error> {
    let line = |(index, product): (usize, Option<NewLine>)| {
        product.map(Convert::convert).ok_or_else(|| {
            let message = "Must be an object with `_id` and `quantity`, not null.";
            Error::invalid(format!("products[{index}]"), message)
        })
    };
    products.into_iter().enumerate().map(line).collect()
}
