//! REST: what a customer does from the catalog to the payment, and what the keepers of the shop do besides.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call};
use crate::rest::{ask, call, problem, text, value};
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, check_time, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "rest_shopping",
        [
            a_product_is_found_by_its_details_and_deleted,
            a_cart_is_filled_by_a_guest_and_by_a_user_who_orders_it,
            a_keeper_orders_for_nobody_who_does_not_exist,
            an_order_is_paid_looked_at_and_given_back,
        ]
    )
}

fn a_product_is_found_by_its_details_and_deleted(world: &World) -> Result<()> {
    let (category, sku) = (world.category()?, unique("sku"));
    let categories = ask(world, As::Anonymous, "GET", "/api/categories", Value::Null)?;
    categories.expect_status(200)?;
    categories.expect(categories.text().contains(&category), || {
        "the category should be listed".into()
    })?;
    let new = json!({
        "name": sku, "price": 1250, "quantity": 3, "sku": sku, "categoryId": category,
        "images": [{ "url": "https://shop.example/hat.jpg", "alt": "A hat" }],
        "attributes": [{ "name": "material", "value": "felt" }],
    });
    let created = ask(world, As::Key, "POST", "/api/products", new.clone())?;
    created.expect_status(201)?;
    for name in ["sku", "categoryId", "images", "attributes"] {
        ensure!(
            created.json()?.get(name) == new.get(name),
            "{name} should be as it was sent"
        );
    }
    let taken = ask(world, As::Key, "POST", "/api/products", new)?;
    problem(&taken, 409, "CONFLICT")?;
    for filter in [
        format!("sku={sku}"),
        format!("category={category}&standalone=true"),
    ] {
        let list = format!("/api/products?{filter}");
        let page = ask(world, As::Anonymous, "GET", &list, Value::Null)?;
        ensure!(
            text(&page, "/items/0/name")? == sku && value(&page, "/pageInfo/hasNextPage")? == false,
            "{filter} should find it"
        );
    }
    let path = format!("/api/products/{}", text(&created, "/_id")?);
    let delete = |tag: &str| {
        let call = call("DELETE", &path, Value::Null).header("if-match", tag);
        world.shop.send_as(As::Key, call)
    };
    problem(&delete("\"7\"")?, 409, "CONFLICT")?;
    problem(
        &ask(world, world.bob()?.caller(), "DELETE", &path, Value::Null)?,
        403,
        "FORBIDDEN",
    )?;
    let deleted = delete(created.header("etag").unwrap_or_default())?;
    deleted.expect_status(200)?;
    check_time(&text(&deleted, "/archivedAt")?)?;
    problem(&world.shop.send(Call::new("GET", &path))?, 404, "NOT_FOUND")
}

fn a_cart_is_filled_by_a_guest_and_by_a_user_who_orders_it(world: &World) -> Result<()> {
    let (product, user) = (world.product(250, 9)?, world.register("rest")?);
    let own = format!("/api/cart/{}", user.id);
    let line = |quantity: i64| json!({ "productId": product, "quantity": quantity });
    for path in ["/api/cart/me/add".into(), format!("{own}/add")] {
        ask(world, user.caller(), "POST", &path, line(1))?.expect_status(200)?;
    }
    let update = format!("{own}/update/{product}");
    let updated = ask(world, user.caller(), "PUT", &update, json!({ "quantity": 3 }))?;
    updated.expect_status(200)?;
    ensure!(value(&updated, "/total")? == 750, "it should come to 750");
    problem(
        &ask(world, world.bob()?.caller(), "GET", &own, Value::Null)?,
        403,
        "FORBIDDEN",
    )?;
    problem(
        &ask(world, As::Anonymous, "GET", &own, Value::Null)?,
        401,
        "UNAUTHENTICATED",
    )?;
    let seen = ask(world, As::Key, "GET", &own, Value::Null)?;
    ensure!(
        value(&seen, "/products/0/quantity")? == 3,
        "those who keep the shop should see it"
    );
    let checkout = format!("{own}/checkout");
    let stale = ask(
        world,
        user.caller(),
        "POST",
        &checkout,
        json!({ "expectedTotal": 1 }),
    )?;
    problem(&stale, 409, "CONFLICT")?;
    let order = ask(
        world,
        user.caller(),
        "POST",
        &checkout,
        json!({ "expectedTotal": 750 }),
    )?;
    order.expect_status(201)?;
    let path = format!("/api/orders/{}", text(&order, "/_id")?);
    order.expect(order.header("location") == Some(&path), || {
        "expected its Location".into()
    })?;
    ensure!(value(&order, "/subtotal")? == 750, "as the cart was");
    let empty = ask(world, user.caller(), "GET", "/api/cart/me", Value::Null)?;
    ensure!(value(&empty, "/products")? == json!([]), "it should be ordered");

    let begun = ask(world, As::Anonymous, "POST", "/api/cart/me/add", line(2))?;
    begun.expect_status(200)?;
    let guests = format!("?cartId={}", text(&begun, "/_id")?);
    let read = ask(
        world,
        As::Anonymous,
        "GET",
        &format!("/api/cart/me{guests}"),
        Value::Null,
    )?;
    ensure!(
        value(&read, "/products")? == value(&begun, "/products")?,
        "it should be the guest's"
    );
    let remove = format!("/api/cart/me/remove/{product}{guests}");
    let removed = ask(world, As::Anonymous, "DELETE", &remove, Value::Null)?;
    removed.expect_status(200)?;
    ensure!(value(&removed, "/products")? == json!([]), "it should be removed");
    let checkout = format!("/api/cart/me/checkout{guests}");
    problem(
        &ask(world, As::Anonymous, "POST", &checkout, Value::Null)?,
        401,
        "UNAUTHENTICATED",
    )
}

fn a_keeper_orders_for_nobody_who_does_not_exist(world: &World) -> Result<()> {
    let (product, user) = (world.product(250, 9)?, world.register("rest")?);
    let line = json!({ "productId": product });
    let path = |id: &str, act: &str| format!("/api/cart/{id}/{act}");
    for act in ["add", "checkout"] {
        let body = if act == "add" { line.clone() } else { Value::Null };
        let nobodys = ask(world, As::Key, "POST", &path(UNKNOWN_ID, act), body.clone())?;
        problem(&nobodys, 404, "NOT_FOUND")?;
        let status = if act == "add" { 200 } else { 201 };
        ask(world, As::Key, "POST", &path(&user.id, act), body)?.expect_status(status)?;
    }
    Ok(())
}

fn an_order_is_paid_looked_at_and_given_back(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let lines = json!({ "products": [{ "_id": world.product(250, 5)?, "quantity": 2 }] });
    let order = ask(world, ada.caller(), "POST", "/api/orders", lines)?;
    let id = text(&order, "/_id")?;
    let (path, of_order) = (format!("/api/payments/{id}"), format!("/api/payments/order/{id}"));
    problem(
        &ask(world, ada.caller(), "GET", &of_order, Value::Null)?,
        404,
        "NOT_FOUND",
    )?;
    let pay = |who: As<'_>, method: &str| {
        let body = json!({ "paymentMethod": method });
        ask(world, who, "POST", &path, body)
    };
    problem(&pay(As::Anonymous, "tok_ok")?, 401, "UNAUTHENTICATED")?;
    problem(&pay(world.bob()?.caller(), "tok_ok")?, 403, "FORBIDDEN")?;
    problem(&pay(ada.caller(), "tok_declined")?, 402, "PAYMENT_DECLINED")?;
    let paid = pay(ada.caller(), "tok_ok")?;
    paid.expect_status(201)?;
    paid.expect(paid.header("location") == Some(&path), || {
        "expected its Location".into()
    })?;
    ensure!(
        text(&paid, "/status")? == "succeeded" && value(&paid, "/amount")? == 500,
        "it should be paid in full"
    );
    for path in [&path, &of_order] {
        let read = ask(world, ada.caller(), "GET", path, Value::Null)?;
        read.expect_status(200)?;
        ensure!(text(&read, "/_id")? == id, "it should be the order's");
    }
    let refund = format!("{path}/refund");
    let part = json!({ "amount": 200, "reason": "Too small" });
    problem(
        &ask(world, ada.caller(), "POST", &refund, part.clone())?,
        403,
        "FORBIDDEN",
    )?;
    let given = ask(world, As::Key, "POST", &refund, part)?;
    given.expect_status(200)?;
    ensure!(
        text(&given, "/refunds/0/reason")? == "Too small" && value(&given, "/refunds/0/amount")? == 200,
        "it should tell the refund"
    );
    let too_much = ask(world, As::Key, "POST", &refund, json!({ "amount": 301 }))?;
    problem(&too_much, 400, "BAD_USER_INPUT")?;
    ask(world, As::Key, "POST", &refund, Value::Null)?.expect_status(200)?;
    let all = ask(world, As::Key, "GET", &path, Value::Null)?;
    ensure!(value(&all, "/refunded")? == 500, "all should be given back");
    Ok(())
}
