//! Carts.

use async_graphql::{ComplexObject, Context, Object};
use mercato_shop::carts::{Owner, Terms};
use mercato_shop::types::Error;

use crate::graphql::resolve::{Nullable, change, load, read};
use crate::model::cart::{Cart, CartLine, CartProduct};
use crate::model::order::Order;
use crate::model::product::Product;
use crate::model::scalar::{Amount, Id, Int};
use crate::request_session::RequestSession;

/// Queries of carts.
#[derive(Default)]
pub struct CartsQuery;

#[Object]
impl CartsQuery {
    /// The cart with this `cartId`, or else of the signed-in user, with current prices and stock. An expired or
    /// unknown cart is empty.
    async fn cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the cart, which a guest's first addition returns.")] cart_id: Option<
            Id,
        >,
        #[graphql(desc = "The caller, or any user with the role ADMIN or the API key.")] user_id: Option<Id>,
    ) -> Nullable<Cart> {
        read(context, |session| {
            let owner = match user_id {
                Some(_) if cart_id.is_some() => {
                    return Err(Error::invalid("userId", "Send either `cartId` or `userId`."));
                }
                Some(id) => {
                    session.check_user_id("userId", &id)?;
                    Owner::User(id.0)
                }
                None => owner(session, cart_id)?,
            };
            session.services.carts.view(session.caller(), &owner)
        })
    }
}

/// Mutations of carts.
#[derive(Default)]
pub struct CartsMutation;

#[Object]
impl CartsMutation {
    /// Adds units of a product to the cart with this `cartId`, or else of the signed-in user. For a guest
    /// without a cart, or with an unknown `cartId`, it creates a cart: keep the `_id` of the answer.
    async fn add_to_cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] product_id: Id,
        #[graphql(
            default = 1,
            desc = "The units to add to those already in the cart: at least 1, and at most 1000000 in total."
        )]
        quantity: i32,
        #[graphql(desc = "The `_id` of the cart. Without it, the cart of the signed-in user.")]
        cart_id: Option<Id>,
    ) -> Nullable<Cart> {
        change(context, |session| {
            let owner = owner(session, cart_id)?;
            let quantity = units(quantity)?;
            let carts = &session.services.carts;
            carts.add(session.caller(), &owner, &product_id, quantity)
        })
    }

    /// Sets the number of units of a product in the cart. 0 removes the product.
    async fn update_cart_item(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] product_id: Id,
        #[graphql(desc = "0 to 1000000.")] quantity: i32,
        #[graphql(desc = "The `_id` of the cart. Without it, the cart of the signed-in user.")]
        cart_id: Option<Id>,
    ) -> Nullable<Cart> {
        change(context, |session| {
            let owner = owner(session, cart_id)?;
            let quantity = units(quantity)?;
            let carts = &session.services.carts;
            carts.update(session.caller(), &owner, &product_id, quantity)
        })
    }

    /// Removes a product from the cart, if it is there.
    async fn remove_from_cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] product_id: Id,
        #[graphql(desc = "The `_id` of the cart. Without it, the cart of the signed-in user.")]
        cart_id: Option<Id>,
    ) -> Nullable<Cart> {
        change(context, |session| {
            let owner = owner(session, cart_id)?;
            session
                .services
                .carts
                .update(session.caller(), &owner, &product_id, 0)
        })
    }

    /// Removes all products from the cart.
    async fn clear_cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the cart. Without it, the cart of the signed-in user.")]
        cart_id: Option<Id>,
    ) -> Nullable<Cart> {
        change(context, |session| {
            let owner = owner(session, cart_id)?;
            session.services.carts.clear(session.caller(), &owner)
        })
    }

    /// Merges a guest's cart into the cart of the signed-in user, up to 1000000 units of a product. The
    /// guest's cart ends. Idempotent.
    async fn merge_cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `_id` of the guest's cart.")] cart_id: Id,
    ) -> Nullable<Cart> {
        change(context, |session| {
            session.services.carts.merge(session.caller(), &cart_id)
        })
    }

    /// Orders all products in the cart of the signed-in user, or none, with the errors of `placeOrder`. The
    /// ordered products leave the cart. Two checkouts at the same time with the same terms return the same
    /// order. If a checkout was interrupted and the cart has changed since, the next one returns the order
    /// that was placed. Products that were added later stay in the cart.
    async fn checkout_cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A discount code.")] discount_code: Option<String>,
        #[graphql(desc = "The destination, which determines the tax: an ISO 3166 code such as DE or US-CA.")]
        region: Option<String>,
        #[graphql(
            desc = "The `total` that the customer saw. If it has changed, no order is placed, and the error is CONFLICT."
        )]
        expected_total: Option<Int>,
        #[graphql(desc = "Like `expectedTotal`, for all amounts: the `totalAmount` that the customer saw.")]
        expected_total_amount: Option<Amount>,
    ) -> Nullable<Order> {
        change(context, |session| {
            let expected_total = Amount::of_input("expectedTotal", expected_total, expected_total_amount)?;
            let terms = Terms {
                discount_code,
                region,
                expected_total,
            };
            session.services.carts.checkout(session.caller(), None, &terms)
        })
    }
}

#[ComplexObject]
impl Cart {
    /// The lines of the cart, in the order of their addition.
    async fn lines(&self) -> Vec<CartLine> {
        self.cart_lines()
    }

    /// The lines of the cart, with the ids of their products.
    #[graphql(
        deprecation = "The `_id` is the product's, so caches merge the lines of all carts. Use `lines`."
    )]
    async fn products(&self) -> &[CartProduct] {
        &self.products
    }
}

#[ComplexObject]
impl CartProduct {
    /// The id of the product.
    #[graphql(name = "_id")]
    async fn product_id(&self) -> &Id {
        self.id.as_id()
    }

    /// The product. Null if it is no longer for sale.
    async fn product(&self, context: &Context<'_>) -> Nullable<Product> {
        load(context, |session| session.products.load(&self.id)).await
    }
}

#[ComplexObject]
impl CartLine {
    /// The product. Null if it is no longer for sale.
    async fn product(&self, context: &Context<'_>) -> Nullable<Product> {
        load(context, |session| session.products.load(&self.product_id)).await
    }
}

/// Returns the owner of the cart. Rejects an invalid credential: its user is not a guest.
fn owner(session: &RequestSession, cart_id: Option<Id>) -> Result<Owner, Error> {
    match cart_id {
        Some(id) => Ok(Owner::Cart(id.0)),
        None => {
            session.require_valid_credential()?;
            Ok(Owner::Caller)
        }
    }
}

/// Returns a number of units. The service rejects numbers that are too small or too large.
fn units(quantity: i32) -> Result<u32, Error> {
    u32::try_from(quantity).map_err(|_| Error::invalid("quantity", "`quantity` must not be negative."))
}
