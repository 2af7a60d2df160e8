//! Carts, of guests and of users.

pub mod shapes;

use http::{Method, StatusCode};
use mercato_shop::carts::{Cart as Found, Terms, Whose};
use mercato_shop::types::Error;

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::orders;
use shapes::{Addition, Cart, CartWanted, CheckoutTerms, Pieces};

/// What there is to do with carts.
pub fn operations() -> Vec<Operation> {
    let cart = |method, path, name, summary, handler| {
        Operation::new(method, path, name, summary, Access::Guests, handler)
            .asks::<CartWanted>()
            .answers::<Cart>(StatusCode::OK)
    };
    vec![
        cart(
            Method::GET,
            &["/api/cart/{userId}"],
            "getCart",
            "A cart, at the prices and with the stock of now",
            get,
        ),
        cart(
            Method::POST,
            &["/api/cart/{userId}/add"],
            "addToCart",
            "Add so many pieces of a product; for a guest without a cart it begins one: keep the _id of the answer",
            add,
        )
        .takes::<Addition>(),
        cart(
            Method::PUT,
            &["/api/cart/{userId}/update/{productId}"],
            "updateCartItem",
            "Say how many pieces of a product that is in the cart there are to be; 0 removes it",
            update,
        )
        .takes::<Pieces>(),
        cart(
            Method::DELETE,
            &["/api/cart/{userId}/remove/{productId}"],
            "removeFromCart",
            "Remove a product from the cart, if it is there",
            remove,
        ),
        orders::answering(
            Operation::new(
                Method::POST,
                &["/api/cart/{userId}/checkout"],
                "checkoutCart",
                "Order what is in the cart of a user: all or nothing; of two on the same terms at the same moment both answer the same order",
                Access::Known,
                checkout,
            )
            .may_take::<CheckoutTerms>(),
        ),
    ]
}

fn get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let whose = whose(call)?;
    let cart = call.services().carts.view(call.caller(), &whose)?;
    Ok(Answer::own(&Cart::from(cart))?)
}

fn add(call: &Call<'_>) -> Result<Answer, Refusal> {
    let whose = whose(call)?;
    let input: Addition = call.body()?;
    let quantity = pieces(input.quantity)?;
    if let Whose::User(id) = &whose {
        call.session.require_user(id)?;
    }
    let carts = &call.services().carts;
    changed(carts.add(call.caller(), &whose, &input.product_id, quantity)?)
}

fn update(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: Pieces = call.body()?;
    set(call, pieces(input.quantity)?)
}

fn remove(call: &Call<'_>) -> Result<Answer, Refusal> {
    set(call, 0)
}

fn set(call: &Call<'_>, quantity: u32) -> Result<Answer, Refusal> {
    let whose = whose(call)?;
    let product_id = call.parameter("productId")?;
    let carts = &call.services().carts;
    changed(carts.update(call.caller(), &whose, &product_id, quantity)?)
}

fn checkout(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("userId")?;
    let user_id = if id == "me" {
        None
    } else {
        call.session.valid_user_id("userId", &id)?;
        call.session.require_user(&id)?;
        Some(id.as_str())
    };
    let terms: CheckoutTerms = call.body_or_default()?;
    let terms = Terms {
        discount_code: terms.discount_code,
        region: terms.region,
        expected_total: terms.expected_total,
    };
    let carts = &call.services().carts;
    orders::placed(carts.checkout(call.caller(), user_id, &terms)?)
}

/// The cart that is meant. Who sends a credential that proves nothing is no guest, and hears of it.
fn whose(call: &Call<'_>) -> Result<Whose, Refusal> {
    let wanted: CartWanted = call.query()?;
    let id = call.parameter("userId")?;
    match wanted.cart_id {
        Some(cart_id) if id == "me" => Ok(Whose::Guest(cart_id)),
        Some(_) => {
            let message = "A guest's cart is at /api/cart/me: a cart is a guest's or a user's.";
            Err(Error::invalid("cartId", message).into())
        }
        None if id == "me" => {
            call.session.require_no_rejection()?;
            Ok(Whose::Callers)
        }
        None => {
            call.session.valid_user_id("userId", &id)?;
            Ok(Whose::User(id))
        }
    }
}

/// A quantity; the service tells which are too many or too few.
fn pieces(quantity: i64) -> Result<u32, Error> {
    if quantity < 0 {
        return Err(Error::invalid("quantity", "A quantity is not negative."));
    }
    Ok(u32::try_from(quantity).unwrap_or(u32::MAX))
}

fn changed(cart: Found) -> Result<Answer, Refusal> {
    Ok(Answer::changed(&Cart::from(cart))?)
}
