//! Carts of guests and users.

use http::{Method, StatusCode};
use mercato_shop::carts::{self, Owner};
use mercato_shop::types::Error;

use crate::model::cart::{Addition, Cart, CartChoice, CartUnits, CheckoutTerms};
use crate::model::convert::Convert;
use crate::model::order::Order;
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Outcome};

/// Returns the operations of carts.
pub fn operations() -> Vec<Operation> {
    let cart = |method, path, name, summary, handler| {
        Operation::new(method, path, name, summary, Access::Guests, handler)
            .query::<CartChoice>()
            .answers::<Cart>(StatusCode::OK)
    };
    vec![
        cart(
            Method::GET,
            &["/api/cart/{userId}"],
            "getCart",
            "Read a cart, with current prices and stock",
            get,
        ),
        cart(
            Method::POST,
            &["/api/cart/{userId}/add"],
            "addToCart",
            "Add units of a product. For a guest without a cart, it creates one: keep the _id of the answer",
            add,
        )
        .body::<Addition>(BodyKind::Required),
        cart(
            Method::PUT,
            &["/api/cart/{userId}/update/{productId}"],
            "updateCartItem",
            "Set the number of units of a product in the cart. 0 removes the product",
            update,
        )
        .body::<CartUnits>(BodyKind::Required),
        cart(
            Method::DELETE,
            &["/api/cart/{userId}/remove/{productId}"],
            "removeFromCart",
            "Remove a product from the cart, if it is there",
            remove,
        ),
        Operation::new(
            Method::POST,
            &["/api/cart/{userId}/checkout"],
            "checkoutCart",
            "Order all products in the cart of a user, or none. Two checkouts at the same time with the same terms return \
             the same order",
            Access::Authenticated,
            checkout,
        )
        .answers::<Order>(StatusCode::CREATED)
        .body::<CheckoutTerms>(BodyKind::Optional),
    ]
}

fn get(call: &Call<'_>) -> Outcome {
    let owner = owner(call)?;
    let cart: Cart = call.services().carts.view(call.caller(), &owner)?.convert();
    Ok(Answer::private(&cart)?)
}

fn add(call: &Call<'_>) -> Outcome {
    let owner = owner(call)?;
    let input: Addition = call.body()?;
    let quantity = units(input.quantity)?;
    if let Owner::User(id) = &owner {
        call.session.require_user(id)?;
    }
    let carts = &call.services().carts;
    changed(carts.add(call.caller(), &owner, &input.product_id, quantity)?)
}

fn update(call: &Call<'_>) -> Outcome {
    let input: CartUnits = call.body()?;
    set(call, units(input.quantity)?)
}

fn remove(call: &Call<'_>) -> Outcome {
    set(call, 0)
}

fn set(call: &Call<'_>, quantity: u32) -> Outcome {
    let owner = owner(call)?;
    let product_id = call.parameter("productId")?;
    let carts = &call.services().carts;
    changed(carts.update(call.caller(), &owner, &product_id, quantity)?)
}

fn checkout(call: &Call<'_>) -> Outcome {
    let id = call.parameter("userId")?;
    let user_id = if id == "me" {
        None
    } else {
        call.session.check_user_id("userId", &id)?;
        call.session.require_user(&id)?;
        Some(id.as_str())
    };
    let terms: CheckoutTerms = call.body_or_default()?;
    let carts = &call.services().carts;
    let order: Order = carts
        .checkout(call.caller(), user_id, &terms.convert())?
        .convert();
    Ok(Answer::created(&order)?)
}

/// Returns the owner of the cart. Rejects an invalid credential: its user is not a guest.
fn owner(call: &Call<'_>) -> Result<Owner, Error> {
    let choice: CartChoice = call.query()?;
    let id = call.parameter("userId")?;
    match choice.cart_id {
        Some(cart_id) if id == "me" => Ok(Owner::Cart(cart_id)),
        Some(_) => {
            let message = "Send `cartId` only to /api/cart/me. The cart of a user has none.";
            Err(Error::invalid("cartId", message))
        }
        None if id == "me" => {
            call.session.require_valid_credential()?;
            Ok(Owner::Caller)
        }
        None => {
            call.session.check_user_id("userId", &id)?;
            Ok(Owner::User(id))
        }
    }
}

/// Returns a number of units. The service rejects numbers that are too small or too large.
fn units(quantity: i64) -> Result<u32, Error> {
    if quantity < 0 {
        return Err(Error::invalid("quantity", "`quantity` must not be negative."));
    }
    Ok(u32::try_from(quantity).unwrap_or(u32::MAX))
}

fn changed(cart: carts::Cart) -> Outcome {
    let cart: Cart = cart.convert();
    Ok(Answer::uncached(StatusCode::OK, &cart)?)
}
