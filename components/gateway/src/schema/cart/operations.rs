//! What can be read and changed of carts.

use async_graphql::{Context, ID, Object};
use mercato_shop::carts::{Terms, Whose};
use mercato_shop::types::Error;

use crate::schema::cart::CartObject;
use crate::schema::nullable::{Nullable, change, read};
use crate::schema::order::OrderObject;
use crate::session::Session;

/// What can be read of carts.
#[derive(Default)]
pub struct CartQuery;

#[Object]
impl CartQuery {
    /// The cart of a guest, by its `cartId`, or else of the signed-in user, at the prices and with the stock of now. One that has
    /// expired, or that nobody knows, is an empty one.
    async fn cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` that a guest's first addition has answered")] cart_id: Option<ID>,
        #[graphql(desc = "A user: the caller, or anyone for an ADMIN or the API key")] user_id: Option<ID>,
    ) -> Nullable<CartObject> {
        read(context, |session| {
            let whose = match user_id {
                Some(_) if cart_id.is_some() => {
                    let message = "A cart is a guest's or a user's: give cartId or userId, not both.";
                    return Err(Error::invalid("userId", message));
                }
                Some(id) => {
                    session.valid_user_id("userId", &id)?;
                    Whose::User(id.0)
                }
                None => whose(session, cart_id)?,
            };
            Ok(CartObject(session.services.carts.view(session.caller(), &whose)?))
        })
    }
}

/// What can be changed of carts.
#[derive(Default)]
pub struct CartMutation;

#[Object]
impl CartMutation {
    /// Adds so many pieces of a product to the cart of a guest, by its `cartId`, or else of the signed-in user. Without either it begins
    /// a guest's cart, as it does where the `cartId` is not known any more: keep the `_id` of the answer.
    async fn add_to_cart(
        &self,
        context: &Context<'_>,
        product_id: ID,
        #[graphql(default = 1, desc = "1 to 1000000, together with what is there")] quantity: i32,
        cart_id: Option<ID>,
    ) -> Nullable<CartObject> {
        change(context, |session| {
            let whose = whose(session, cart_id)?;
            let quantity = number(quantity)?;
            let carts = &session.services.carts;
            let cart = carts.add(session.caller(), &whose, &product_id, quantity)?;
            Ok(CartObject(cart))
        })
    }

    /// Says how many pieces of a product that is in the cart there are to be; 0 removes it.
    async fn update_cart_item(
        &self,
        context: &Context<'_>,
        product_id: ID,
        #[graphql(desc = "0 to 1000000")] quantity: i32,
        cart_id: Option<ID>,
    ) -> Nullable<CartObject> {
        change(context, |session| {
            let whose = whose(session, cart_id)?;
            let quantity = number(quantity)?;
            let carts = &session.services.carts;
            let cart = carts.update(session.caller(), &whose, &product_id, quantity)?;
            Ok(CartObject(cart))
        })
    }

    /// Removes a product from the cart, if it is there.
    async fn remove_from_cart(
        &self,
        context: &Context<'_>,
        product_id: ID,
        cart_id: Option<ID>,
    ) -> Nullable<CartObject> {
        change(context, |session| {
            let whose = whose(session, cart_id)?;
            let carts = &session.services.carts;
            let cart = carts.update(session.caller(), &whose, &product_id, 0)?;
            Ok(CartObject(cart))
        })
    }

    /// Removes everything from the cart.
    async fn clear_cart(&self, context: &Context<'_>, cart_id: Option<ID>) -> Nullable<CartObject> {
        change(context, |session| {
            let whose = whose(session, cart_id)?;
            let carts = &session.services.carts;
            Ok(CartObject(carts.clear(session.caller(), &whose)?))
        })
    }

    /// Adds what is in a guest's cart to that of the signed-in user, up to 1000000 pieces of a product, and ends the guest's. It can be
    /// repeated: nothing is added twice.
    async fn merge_cart(&self, context: &Context<'_>, cart_id: ID) -> Nullable<CartObject> {
        change(context, |session| {
            let carts = &session.services.carts;
            Ok(CartObject(carts.merge(session.caller(), &cart_id)?))
        })
    }

    /// Orders what is in the cart of the signed-in user: all or nothing, with the errors of `placeOrder`. What was ordered leaves the
    /// cart. Of two on the same terms at the same moment both answer the same order; later, there is nothing in the cart. Where it was
    /// interrupted, and the cart was touched since, the order that it placed is the answer once more, and what was added stays in the
    /// cart.
    async fn checkout_cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Takes something off, once, or as often as the code is good for")]
        discount_code: Option<String>,
        #[graphql(desc = "Where it goes to, and is taxed: an ISO 3166 code such as DE or US-CA")]
        region: Option<String>,
        #[graphql(
            desc = "The `total` that the cart was seen with; CONFLICT, and no order, where its products come to something else"
        )]
        expected_total: Option<i32>,
    ) -> Nullable<OrderObject> {
        change(context, |session| {
            let terms = Terms {
                discount_code,
                region,
                expected_total: expected_total.map(i64::from),
            };
            let order = session.services.carts.checkout(session.caller(), None, &terms);
            Ok(OrderObject(order?))
        })
    }
}

/// The cart that is meant. Who sends a credential that proves nothing is no guest, and hears of it.
fn whose(session: &Session, cart_id: Option<ID>) -> Result<Whose, Error> {
    match cart_id {
        Some(id) => Ok(Whose::Guest(id.0)),
        None => {
            session.require_no_rejection()?;
            Ok(Whose::Callers)
        }
    }
}

/// A quantity; the service tells which are too many or too few.
fn number(quantity: i32) -> Result<u32, Error> {
    u32::try_from(quantity).map_err(|_| Error::invalid("quantity", "A quantity is not negative."))
}
