//! Carts: those of guests and users, their merge, their changes, and their checkout into one order.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{Stock, UNKNOWN_ID};
use crate::graphql::GraphqlResponse;
use crate::parallel::at_once;
use crate::shop::{As, Shop, User};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "carts",
        portable = [
            a_guests_cart_is_merged_and_checked_out,
            concurrent_additions_are_all_kept,
            concurrent_merges_add_once,
            concurrent_checkouts_place_one_order
        ],
        component = [
            a_guests_cart_is_found_by_its_id_alone,
            a_client_cannot_choose_a_carts_id,
            operators_see_a_customers_cart,
            a_cart_lists_changed_prices_and_stock,
            a_checkout_short_of_stock_keeps_the_cart,
            an_empty_cart_is_not_checked_out_again,
            a_checkout_is_refused_at_another_total,
            invalid_cart_lines_are_refused
        ]
    )
}

const CART: &str = "{ _id userId products { _id quantity unitPrice total available product { _id } }
    changes { productId kind before after } total currency expiresAt }";

fn add(
    shop: &Shop,
    caller: As<'_>,
    cart: Option<&str>,
    product: &str,
    quantity: i64,
) -> Result<GraphqlResponse> {
    let query = format!(
        "mutation ($cart: ID, $product: ID!, $quantity: Int!) {{
            addToCart(cartId: $cart, productId: $product, quantity: $quantity) {CART} }}"
    );
    let variables = json!({ "cart": cart, "product": product, "quantity": quantity });
    shop.graphql(caller, &query, variables)
}

fn update(shop: &Shop, caller: As<'_>, product: &str, quantity: i64) -> Result<GraphqlResponse> {
    let query = format!(
        "mutation ($product: ID!, $quantity: Int!) {{
            updateCartItem(productId: $product, quantity: $quantity) {CART} }}"
    );
    let variables = json!({ "product": product, "quantity": quantity });
    shop.graphql(caller, &query, variables)
}

fn view(shop: &Shop, caller: As<'_>, cart: Option<&str>) -> Result<GraphqlResponse> {
    let query = format!("query ($cart: ID) {{ cart(cartId: $cart) {CART} }}");
    shop.graphql(caller, &query, json!({ "cart": cart }))
}

fn merge(shop: &Shop, caller: As<'_>, cart: &str) -> Result<GraphqlResponse> {
    let query = format!("mutation ($cart: ID!) {{ mergeCart(cartId: $cart) {CART} }}");
    shop.graphql(caller, &query, json!({ "cart": cart }))
}

fn checkout(shop: &Shop, caller: As<'_>, expected: Option<i64>) -> Result<GraphqlResponse> {
    let query = "mutation ($expected: Int) { checkoutCart(expectedTotal: $expected) {
        _id userId subtotal products { _id quantity } } }";
    shop.graphql(caller, query, json!({ "expected": expected }))
}

/// Creates a guest's cart with these units of a product and returns its id.
fn guest_cart(shop: &Shop, product: &str, quantity: i64) -> Result<String> {
    let answer = add(shop, As::Anonymous, None, product, quantity)?;
    Ok(answer.text("/addToCart/_id")?.to_owned())
}

/// Fails unless a cart or an order has these lines, in this order.
fn has_lines(answer: &GraphqlResponse, field: &str, lines: &[(&str, i64)]) -> Result<()> {
    let list = format!("/{field}/products");
    let (ids, quantities): (Vec<_>, Vec<_>) = lines.iter().copied().unzip();
    answer.has_column(&list, "/_id", ids)?;
    answer.has_column(&list, "/quantity", quantities)
}

/// Fails unless a caller's cart, or the guest's cart with this id, has these lines.
fn cart_has(shop: &Shop, caller: As<'_>, cart: Option<&str>, lines: &[(&str, i64)]) -> Result<()> {
    has_lines(&view(shop, caller, cart)?, "cart", lines)
}

/// Returns the ids of a user's orders.
fn orders(shop: &Shop, user: &User) -> Result<Vec<Value>> {
    let answer = shop.query(user.caller(), "{ orders { _id } }")?;
    answer.column("/orders", "/_id")
}

fn a_guests_cart_is_merged_and_checked_out(shop: &Shop) -> Result<()> {
    let (first, second) = (shop.product(250, 9)?, shop.product(99, 9)?);
    let cart = guest_cart(shop, &first, 2)?;
    let answer = add(shop, As::Anonymous, Some(&cart), &second, 1)?;
    has_lines(&answer, "addToCart", &[(&first, 2), (&second, 1)])?;
    answer.has("/addToCart/_id", &cart)?;
    answer.has("/addToCart/total", 599)?;
    let user = shop.register("shopper")?;
    for _ in 0..2 {
        let merged = merge(shop, user.caller(), &cart)?;
        has_lines(&merged, "mergeCart", &[(&first, 2), (&second, 1)])?;
        merged.has("/mergeCart/userId", &user.id)?;
        merged.has("/mergeCart/_id", format!("user:{}", user.id))?;
    }
    cart_has(shop, As::Anonymous, Some(&cart), &[])?;
    let order = checkout(shop, user.caller(), Some(599))?;
    has_lines(&order, "checkoutCart", &[(&first, 2), (&second, 1)])?;
    cart_has(shop, user.caller(), None, &[])?;
    let again = checkout(shop, user.caller(), Some(599))?;
    again.has("/checkoutCart/_id", order.text("/checkoutCart/_id")?)?;
    checkout(shop, user.caller(), Some(12_345))?.bad_input("products")?;
    ensure!(orders(shop, &user)?.len() == 1, "there should be one order");
    shop.stock_becomes(&first, Stock::settled(9, 2))
}

fn a_guests_cart_is_found_by_its_id_alone(shop: &Shop) -> Result<()> {
    let product = shop.product(10, 9)?;
    let (one, other) = (guest_cart(shop, &product, 1)?, guest_cart(shop, &product, 5)?);
    ensure!(
        one != other && one.len() >= 43,
        "ids should be long and different"
    );
    cart_has(shop, As::Anonymous, None, &[])?;
    for caller in [As::Anonymous, shop.ada()?.caller(), As::Key, As::WrongKey] {
        cart_has(shop, caller, Some(&one), &[(&product, 1)])?;
    }
    let clear = "mutation ($cart: ID) { clearCart(cartId: $cart) { products { _id quantity } } }";
    let answer = shop.graphql(As::Anonymous, clear, json!({ "cart": one }))?;
    has_lines(&answer, "clearCart", &[])?;
    cart_has(shop, As::Anonymous, Some(&other), &[(&product, 5)])
}

fn a_client_cannot_choose_a_carts_id(shop: &Shop) -> Result<()> {
    let product = shop.product(10, 9)?;
    let chosen = "A".repeat(43);
    cart_has(shop, As::Anonymous, Some(&chosen), &[])?;
    let added = add(shop, As::Anonymous, Some(&chosen), &product, 1)?;
    added.expect(
        added.text("/addToCart/_id")? != chosen,
        "the shop should choose the id",
    )?;
    cart_has(shop, As::Anonymous, Some(&chosen), &[])
}

fn operators_see_a_customers_cart(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 9)?);
    add(shop, user.caller(), None, &product, 3)?.int("/addToCart/total")?;
    let query = "query ($user: ID!) { cart(userId: $user) { userId products { _id quantity } } }";
    let read = |caller| shop.graphql(caller, query, json!({ "user": user.id }));
    for caller in [user.caller(), shop.root()?.caller(), As::Key] {
        has_lines(&read(caller)?, "cart", &[(&product, 3)])?;
    }
    read(shop.bob()?.caller())?.refused("FORBIDDEN")?;
    read(As::Anonymous)?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn a_cart_lists_changed_prices_and_stock(shop: &Shop) -> Result<()> {
    let user = shop.register("shopper")?;
    let (dear, scarce, gone) = (
        shop.product(100, 9)?,
        shop.product(100, 5)?,
        shop.product(100, 3)?,
    );
    for (product, quantity) in [(&dear, 1), (&scarce, 4), (&gone, 2)] {
        let answer = add(shop, user.caller(), None, product, quantity)?;
        answer.has("/addToCart/changes", json!([]))?;
    }
    shop.update_product(&dear, 1, json!({ "price": 120 }))?
        .int("/updateProduct/price")?;
    shop.order(shop.ada()?.caller(), &[(&scarce, 2), (&gone, 3)])?;
    let stock_changes = [
        json!({ "productId": scarce, "kind": "LESS_IN_STOCK", "before": 5, "after": 3 }),
        json!({ "productId": gone, "kind": "OUT_OF_STOCK", "before": 3, "after": 0 }),
    ];
    let mut changes =
        vec![json!({ "productId": dear, "kind": "PRICE_CHANGED", "before": 100, "after": 120 })];
    changes.extend(stock_changes.clone());
    let cart = view(shop, user.caller(), None)?;
    cart.has("/cart/changes", changes)?;
    cart.has("/cart/total", 720)?;
    // An update of a line accepts its new price.
    update(shop, user.caller(), &dear, 1)?.int("/updateCartItem/total")?;
    view(shop, user.caller(), None)?.has("/cart/changes", stock_changes)
}

fn concurrent_additions_are_all_kept(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 99)?);
    let cart = guest_cart(shop, &product, 1)?;
    let answers = at_once(20, |number| {
        if number % 2 == 0 {
            add(shop, user.caller(), None, &product, 3)
        } else {
            add(shop, As::Anonymous, Some(&cart), &product, 3)
        }
    })?;
    for answer in &answers {
        answer.int("/addToCart/total")?;
    }
    cart_has(shop, user.caller(), None, &[(&product, 30)])?;
    cart_has(shop, As::Anonymous, Some(&cart), &[(&product, 31)])
}

fn concurrent_merges_add_once(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 99)?);
    let cart = guest_cart(shop, &product, 3)?;
    add(shop, user.caller(), None, &product, 1)?.int("/addToCart/total")?;
    let answers = at_once(10, |_| merge(shop, user.caller(), &cart))?;
    for answer in &answers {
        has_lines(answer, "mergeCart", &[(&product, 4)])?;
    }
    cart_has(shop, user.caller(), None, &[(&product, 4)])
}

fn concurrent_checkouts_place_one_order(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 99)?);
    add(shop, user.caller(), None, &product, 3)?.int("/addToCart/total")?;
    let answers = at_once(10, |_| checkout(shop, user.caller(), None))?;
    let placed = orders(shop, &user)?;
    ensure!(placed.len() == 1, "there should be one order, not {placed:?}");
    let order = placed.first().context("there is one order")?;
    for answer in &answers {
        answer.has("/checkoutCart/_id", order)?;
    }
    cart_has(shop, user.caller(), None, &[])?;
    shop.stock_becomes(&product, Stock::settled(99, 3))
}

fn a_checkout_short_of_stock_keeps_the_cart(shop: &Shop) -> Result<()> {
    let user = shop.register("shopper")?;
    let (scarce, plenty) = (shop.product(10, 2)?, shop.product(10, 9)?);
    add(shop, user.caller(), None, &scarce, 3)?.int("/addToCart/total")?;
    add(shop, user.caller(), None, &plenty, 1)?.int("/addToCart/total")?;
    let refused = checkout(shop, user.caller(), None)?;
    refused.out_of_stock(&[(&scarce, 3, 2)])?;
    cart_has(shop, user.caller(), None, &[(&scarce, 3), (&plenty, 1)])?;
    update(shop, user.caller(), &scarce, 2)?.int("/updateCartItem/total")?;
    let order = checkout(shop, user.caller(), None)?;
    has_lines(&order, "checkoutCart", &[(&scarce, 2), (&plenty, 1)])
}

fn an_empty_cart_is_not_checked_out_again(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 9)?);
    add(shop, user.caller(), None, &product, 2)?.int("/addToCart/total")?;
    let order = checkout(shop, user.caller(), None)?;
    checkout(shop, user.caller(), Some(20))?.bad_input("products")?;
    let id = order.text("/checkoutCart/_id")?;
    shop.cancel_order(user.caller(), id, None)?
        .text("/cancelOrder/status")?;
    checkout(shop, user.caller(), None)?.bad_input("products")?;
    ensure!(orders(shop, &user)?.len() == 1, "there should be one order");
    Ok(())
}

fn a_checkout_is_refused_at_another_total(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 9)?);
    add(shop, user.caller(), None, &product, 3)?.int("/addToCart/total")?;
    let refused = checkout(shop, user.caller(), Some(29))?;
    let message = refused.refused("CONFLICT")?.to_string();
    refused.expect(
        message.contains("0.30 USD"),
        "the message should contain the total",
    )?;
    cart_has(shop, user.caller(), None, &[(&product, 3)])?;
    let order = checkout(shop, user.caller(), Some(30))?;
    order.has("/checkoutCart/subtotal", 30)
}

fn invalid_cart_lines_are_refused(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("shopper")?, shop.product(10, 9)?);
    checkout(shop, user.caller(), None)?.bad_input("products")?;
    for quantity in [-1, 0, 1_000_001] {
        add(shop, user.caller(), None, &product, quantity)?.bad_input("quantity")?;
    }
    add(shop, user.caller(), None, "42", 1)?.bad_input("productId")?;
    add(shop, user.caller(), None, UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    add(shop, As::Anonymous, Some("42"), &product, 1)?.bad_input("cartId")?;
    view(shop, As::Anonymous, Some("user/x"))?.bad_input("cartId")?;
    merge(shop, user.caller(), "")?.bad_input("cartId")?;
    update(shop, user.caller(), &product, 1)?.refused("NOT_FOUND")?;
    update(shop, user.caller(), &product, -1)?.bad_input("quantity")?;
    has_lines(&update(shop, user.caller(), &product, 0)?, "updateCartItem", &[])?;
    cart_has(shop, user.caller(), None, &[])
}
