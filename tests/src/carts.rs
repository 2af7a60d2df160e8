//! Carts: a guest's that becomes a user's, what changes about it, and its checkout into one order.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::concurrency::at_once;
use crate::trials::trials;
use crate::world::{Stock, User, World, place_order};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "carts",
        [
            a_guests_cart_becomes_the_users_and_an_order,
            a_guests_cart_is_used_by_its_id_alone,
            a_client_can_not_choose_a_carts_id,
            those_who_keep_the_shop_see_a_customers_cart,
            what_has_changed_is_named,
            additions_at_once_are_all_there,
            merges_at_once_add_once,
            checkouts_at_once_are_one_order,
            what_is_out_of_stock_is_told_and_the_cart_stays,
            an_empty_cart_is_not_checked_out_again,
            an_order_is_placed_at_the_total_that_was_seen,
            what_can_not_be_in_a_cart_is_refused,
        ]
    )
}

const CART: &str = "{ _id userId products { _id quantity unitPrice total available product { _id } }
    changes { productId kind before after } total currency expiresAt }";

fn add(world: &World, who: As<'_>, cart: Option<&str>, product: &str, quantity: i64) -> Result<Answer> {
    let query = format!(
        "mutation ($cart: ID, $product: ID!, $quantity: Int!) {{
            addToCart(cartId: $cart, productId: $product, quantity: $quantity) {CART} }}"
    );
    let variables = json!({ "cart": cart, "product": product, "quantity": quantity });
    world.shop.graphql(who, &query, variables)
}

fn update(world: &World, who: As<'_>, product: &str, quantity: i64) -> Result<Answer> {
    let query = format!(
        "mutation ($product: ID!, $quantity: Int!) {{
            updateCartItem(productId: $product, quantity: $quantity) {CART} }}"
    );
    let variables = json!({ "product": product, "quantity": quantity });
    world.shop.graphql(who, &query, variables)
}

fn view(world: &World, who: As<'_>, cart: Option<&str>) -> Result<Answer> {
    let query = format!("query ($cart: ID) {{ cart(cartId: $cart) {CART} }}");
    world.shop.graphql(who, &query, json!({ "cart": cart }))
}

fn merge(world: &World, who: As<'_>, cart: &str) -> Result<Answer> {
    let query = format!("mutation ($cart: ID!) {{ mergeCart(cartId: $cart) {CART} }}");
    world.shop.graphql(who, &query, json!({ "cart": cart }))
}

fn checkout(world: &World, who: As<'_>, expected: Option<i64>) -> Result<Answer> {
    let query = "mutation ($expected: Int) { checkoutCart(expectedTotal: $expected) {
        _id userId subtotal products { _id quantity } } }";
    world.shop.graphql(who, query, json!({ "expected": expected }))
}

/// Begins a guest's cart with this in it, and tells its id.
fn begun(world: &World, product: &str, quantity: i64) -> Result<String> {
    let answer = add(world, As::Anonymous, None, product, quantity)?;
    Ok(answer.text("/addToCart/_id")?.to_owned())
}

/// Fails unless these are the lines of a cart or an order, in this order.
fn expect_lines(answer: &Answer, at: &str, lines: &[(&str, i64)]) -> Result<()> {
    let list = format!("/{at}/products");
    let (ids, quantities) = (answer.column(&list, "/_id")?, answer.column(&list, "/quantity")?);
    let found: Vec<_> = ids.iter().zip(&quantities).collect();
    let expected: Vec<_> = lines
        .iter()
        .map(|(id, quantity)| (json!(id), json!(quantity)))
        .collect();
    let same = found.len() == expected.len()
        && found
            .iter()
            .zip(&expected)
            .all(|(found, expected)| *found.0 == expected.0 && *found.1 == expected.1);
    answer.expect(same, format!("there should be {lines:?}"))
}

/// The ids of a user's orders.
fn orders(world: &World, user: &User) -> Result<Vec<Value>> {
    let answer = world.shop.query(user.caller(), "{ orders { _id } }")?;
    answer.column("/orders", "/_id")
}

fn a_guests_cart_becomes_the_users_and_an_order(world: &World) -> Result<()> {
    let (first, second) = (world.product(250, 9)?, world.product(99, 9)?);
    let cart = begun(world, &first, 2)?;
    let answer = add(world, As::Anonymous, Some(&cart), &second, 1)?;
    expect_lines(&answer, "addToCart", &[(&first, 2), (&second, 1)])?;
    answer.expect(
        answer.text("/addToCart/_id")? == cart && answer.int("/addToCart/total")? == 599,
        "it should be the same cart, and come to 599",
    )?;
    let user = world.register("shopper")?;
    for _ in 0..2 {
        let merged = merge(world, user.caller(), &cart)?;
        expect_lines(&merged, "mergeCart", &[(&first, 2), (&second, 1)])?;
        merged.expect(
            merged.text("/mergeCart/userId")? == user.id && merged.data("/mergeCart/_id")?.is_null(),
            "it should be the user's",
        )?;
    }
    expect_lines(&view(world, As::Anonymous, Some(&cart))?, "cart", &[])?;
    let order = checkout(world, user.caller(), Some(599))?;
    expect_lines(&order, "checkoutCart", &[(&first, 2), (&second, 1)])?;
    expect_lines(&view(world, user.caller(), None)?, "cart", &[])?;
    let again = checkout(world, user.caller(), Some(599))?;
    again.expect(
        again.text("/checkoutCart/_id")? == order.text("/checkoutCart/_id")?,
        "at once again, it should answer the same order",
    )?;
    checkout(world, user.caller(), Some(12_345))?.bad_input("products")?;
    ensure!(orders(world, &user)?.len() == 1, "there should be one order");
    world.stock_becomes(
        &first,
        Stock {
            received: 9,
            on_hand: 7,
            reserved: 0,
            sold: 2,
        },
    )
}

fn a_guests_cart_is_used_by_its_id_alone(world: &World) -> Result<()> {
    let product = world.product(10, 9)?;
    let (one, other) = (begun(world, &product, 1)?, begun(world, &product, 5)?);
    ensure!(
        one != other && one.len() >= 43,
        "ids should be long, and not the same"
    );
    expect_lines(&view(world, As::Anonymous, None)?, "cart", &[])?;
    for who in [As::Anonymous, world.ada()?.caller(), As::Key, As::WrongKey] {
        expect_lines(&view(world, who, Some(&one))?, "cart", &[(&product, 1)])?;
    }
    let clear = "mutation ($cart: ID) { clearCart(cartId: $cart) { products { _id quantity } } }";
    let answer = world.shop.graphql(As::Anonymous, clear, json!({ "cart": one }))?;
    expect_lines(&answer, "clearCart", &[])?;
    expect_lines(
        &view(world, As::Anonymous, Some(&other))?,
        "cart",
        &[(&product, 5)],
    )
}

fn a_client_can_not_choose_a_carts_id(world: &World) -> Result<()> {
    let product = world.product(10, 9)?;
    let chosen = "A".repeat(43);
    expect_lines(&view(world, As::Anonymous, Some(&chosen))?, "cart", &[])?;
    let added = add(world, As::Anonymous, Some(&chosen), &product, 1)?;
    added.expect(
        added.text("/addToCart/_id")? != chosen,
        "the shop should choose the id",
    )?;
    expect_lines(&view(world, As::Anonymous, Some(&chosen))?, "cart", &[])
}

fn those_who_keep_the_shop_see_a_customers_cart(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 9)?);
    add(world, user.caller(), None, &product, 3)?.int("/addToCart/total")?;
    let query = "query ($user: ID!) { cart(userId: $user) { userId products { _id quantity } } }";
    let read = |who| world.shop.graphql(who, query, json!({ "user": user.id }));
    for who in [user.caller(), world.root()?.caller(), As::Key] {
        expect_lines(&read(who)?, "cart", &[(&product, 3)])?;
    }
    read(world.bob()?.caller())?.refused("FORBIDDEN")?;
    read(As::Anonymous)?.refused("UNAUTHENTICATED")?;
    Ok(())
}

fn what_has_changed_is_named(world: &World) -> Result<()> {
    let user = world.register("shopper")?;
    let (dear, scarce, gone) = (
        world.product(100, 9)?,
        world.product(100, 5)?,
        world.product(100, 3)?,
    );
    for (product, quantity) in [(&dear, 1), (&scarce, 4), (&gone, 2)] {
        let answer = add(world, user.caller(), None, product, quantity)?;
        answer.expect(
            answer.list("/addToCart/changes")?.is_empty(),
            "nothing should have changed yet",
        )?;
    }
    let reprice =
        "mutation ($id: ID!) { updateProduct(id: $id, version: 1, input: { price: 120 }) { price } }";
    world
        .shop
        .graphql(As::Key, reprice, json!({ "id": dear }))?
        .int("/updateProduct/price")?;
    place_order(&world.shop, world.ada()?.caller(), &[(&scarce, 2), (&gone, 3)])?.text("/placeOrder/_id")?;
    let change = |id: &str, kind: &str, before: i64, after: i64| json!({ "productId": id, "kind": kind, "before": before, "after": after });
    let expected = [
        change(&dear, "PRICE_CHANGED", 100, 120),
        change(&scarce, "LESS_IN_STOCK", 5, 3),
        change(&gone, "OUT_OF_STOCK", 3, 0),
    ];
    let seen = view(world, user.caller(), None)?;
    seen.expect(
        seen.list("/cart/changes")? == expected && seen.int("/cart/total")? == 720,
        format!("the changes should be {expected:?}, and the total 720"),
    )?;
    update(world, user.caller(), &dear, 1)?.int("/updateCartItem/total")?;
    let seen = view(world, user.caller(), None)?;
    seen.expect(
        Some(seen.list("/cart/changes")?) == expected.get(1..),
        "what was updated should be known",
    )
}

fn additions_at_once_are_all_there(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 99)?);
    let cart = begun(world, &product, 1)?;
    let answers = at_once(20, |number| {
        if number % 2 == 0 {
            add(world, user.caller(), None, &product, 3)
        } else {
            add(world, As::Anonymous, Some(&cart), &product, 3)
        }
    })?;
    for answer in &answers {
        answer.int("/addToCart/total")?;
    }
    expect_lines(&view(world, user.caller(), None)?, "cart", &[(&product, 30)])?;
    expect_lines(
        &view(world, As::Anonymous, Some(&cart))?,
        "cart",
        &[(&product, 31)],
    )
}

fn merges_at_once_add_once(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 99)?);
    let cart = begun(world, &product, 3)?;
    add(world, user.caller(), None, &product, 1)?.int("/addToCart/total")?;
    let answers = at_once(10, |_| merge(world, user.caller(), &cart))?;
    for answer in &answers {
        expect_lines(answer, "mergeCart", &[(&product, 4)])?;
    }
    expect_lines(&view(world, user.caller(), None)?, "cart", &[(&product, 4)])
}

fn checkouts_at_once_are_one_order(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 99)?);
    add(world, user.caller(), None, &product, 3)?.int("/addToCart/total")?;
    let answers = at_once(10, |_| checkout(world, user.caller(), None))?;
    let placed = orders(world, &user)?;
    ensure!(placed.len() == 1, "there should be one order, not {placed:?}");
    let order = placed.first().context("there is one order")?;
    for answer in &answers {
        answer.expect(
            answer.data("/checkoutCart/_id")? == order,
            "all should answer the one order",
        )?;
    }
    expect_lines(&view(world, user.caller(), None)?, "cart", &[])?;
    world.stock_becomes(
        &product,
        Stock {
            received: 99,
            on_hand: 96,
            reserved: 0,
            sold: 3,
        },
    )
}

fn what_is_out_of_stock_is_told_and_the_cart_stays(world: &World) -> Result<()> {
    let user = world.register("shopper")?;
    let (scarce, plenty) = (world.product(10, 2)?, world.product(10, 9)?);
    add(world, user.caller(), None, &scarce, 3)?.int("/addToCart/total")?;
    add(world, user.caller(), None, &plenty, 1)?.int("/addToCart/total")?;
    let refused = checkout(world, user.caller(), None)?;
    let lines = refused
        .refused("OUT_OF_STOCK")?
        .pointer("/extensions/lines")
        .cloned();
    let expected = json!([{ "_id": scarce, "requested": 3, "available": 2 }]);
    refused.expect(
        lines.as_ref() == Some(&expected),
        format!("the lines should be {expected}"),
    )?;
    expect_lines(
        &view(world, user.caller(), None)?,
        "cart",
        &[(&scarce, 3), (&plenty, 1)],
    )?;
    update(world, user.caller(), &scarce, 2)?.int("/updateCartItem/total")?;
    let order = checkout(world, user.caller(), None)?;
    expect_lines(&order, "checkoutCart", &[(&scarce, 2), (&plenty, 1)])
}

fn an_empty_cart_is_not_checked_out_again(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 9)?);
    add(world, user.caller(), None, &product, 2)?.int("/addToCart/total")?;
    let order = checkout(world, user.caller(), None)?;
    checkout(world, user.caller(), Some(20))?.bad_input("products")?;
    let cancel = "mutation ($id: ID!) { cancelOrder(id: $id) { status } }";
    let id = order.text("/checkoutCart/_id")?;
    world
        .shop
        .graphql(user.caller(), cancel, json!({ "id": id }))?
        .text("/cancelOrder/status")?;
    checkout(world, user.caller(), None)?.bad_input("products")?;
    ensure!(orders(world, &user)?.len() == 1, "there should be one order");
    Ok(())
}

fn an_order_is_placed_at_the_total_that_was_seen(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 9)?);
    add(world, user.caller(), None, &product, 3)?.int("/addToCart/total")?;
    let refused = checkout(world, user.caller(), Some(29))?;
    let message = refused.refused("CONFLICT")?.to_string();
    refused.expect(
        message.contains("30 minor units"),
        "it should tell what it comes to",
    )?;
    expect_lines(&view(world, user.caller(), None)?, "cart", &[(&product, 3)])?;
    let order = checkout(world, user.caller(), Some(30))?;
    order.expect(order.int("/checkoutCart/subtotal")? == 30, "it should come to 30")
}

fn what_can_not_be_in_a_cart_is_refused(world: &World) -> Result<()> {
    let (user, product) = (world.register("shopper")?, world.product(10, 9)?);
    checkout(world, user.caller(), None)?.bad_input("products")?;
    for quantity in [-1, 0, 1_000_001] {
        add(world, user.caller(), None, &product, quantity)?.bad_input("quantity")?;
    }
    add(world, user.caller(), None, "42", 1)?.bad_input("productId")?;
    add(world, user.caller(), None, crate::world::UNKNOWN_ID, 1)?.refused("NOT_FOUND")?;
    add(world, As::Anonymous, Some("42"), &product, 1)?.bad_input("cartId")?;
    view(world, As::Anonymous, Some("user/x"))?.bad_input("cartId")?;
    merge(world, user.caller(), "")?.bad_input("cartId")?;
    update(world, user.caller(), &product, 1)?.refused("NOT_FOUND")?;
    update(world, user.caller(), &product, -1)?.bad_input("quantity")?;
    expect_lines(&update(world, user.caller(), &product, 0)?, "updateCartItem", &[])?;
    expect_lines(&view(world, user.caller(), None)?, "cart", &[])
}
