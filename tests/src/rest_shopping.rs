//! REST: the way of a customer from the catalog to the payment, and the operations of operators beside it.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, check_time, unique};
use crate::http::Request;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "rest_shopping",
        portable = [an_order_is_paid_and_refunded],
        component = [
            a_product_is_found_by_its_details_and_deleted,
            a_guest_and_a_customer_fill_carts,
            an_operator_orders_for_existing_users_only,
            a_customer_orders_by_the_users_id
        ]
    )
}

fn a_product_is_found_by_its_details_and_deleted(shop: &Shop) -> Result<()> {
    let (category, sku) = (shop.category()?, unique("sku"));
    let categories = shop.get(As::Anonymous, "/api/categories")?;
    categories.expect_status(200)?;
    categories.expect(
        categories.body().contains(&category),
        "the category should be listed",
    )?;
    let new = json!({
        "name": sku, "price": 1250, "quantity": 3, "sku": sku, "categoryId": category,
        "images": [{ "url": "https://shop.example/hat.jpg", "alt": "A hat" }],
        "attributes": [{ "name": "material", "value": "felt" }], "weight": 250,
    });
    let created = shop.rest(As::Key, "POST", "/api/products", new.clone())?;
    created.expect_status(201)?;
    for name in ["sku", "categoryId", "images", "attributes", "weight"] {
        created.has(&format!("/{name}"), new.get(name))?;
    }
    shop.rest(As::Key, "POST", "/api/products", new)?
        .problem(409, "CONFLICT")?;
    for filter in [
        format!("sku={sku}"),
        format!("category={category}&standalone=true"),
    ] {
        let list = format!("/api/products?{filter}");
        let page = shop.get(As::Anonymous, &list)?;
        page.has("/items/0/name", &sku)?;
        page.has("/pageInfo/hasNextPage", false)?;
    }
    let path = format!("/api/products/{}", created.text("/_id")?);
    let delete = |tag: &str| {
        let request = Request::new("DELETE", &path).header("if-match", tag);
        shop.send_as(As::Key, request)
    };
    delete("\"7\"")?.problem(409, "CONFLICT")?;
    let deleted = delete(created.header("etag").unwrap_or_default())?;
    deleted.expect_status(200)?;
    check_time(&deleted.text("/archivedAt")?)?;
    shop.get(As::Anonymous, &path)?.problem(404, "NOT_FOUND")
}

fn a_guest_and_a_customer_fill_carts(shop: &Shop) -> Result<()> {
    let (product, user) = (shop.product(250, 9)?, shop.register("rest")?);
    let own = format!("/api/cart/{}", user.id);
    let line = |quantity: i64| json!({ "productId": product, "quantity": quantity });
    for path in ["/api/cart/me/add".into(), format!("{own}/add")] {
        shop.rest(user.caller(), "POST", &path, line(1))?
            .expect_status(200)?;
    }
    let update = format!("{own}/update/{product}");
    let updated = shop.rest(user.caller(), "PUT", &update, json!({ "quantity": 3 }))?;
    updated.expect_status(200)?;
    updated.has("/total", 750)?;
    shop.get(As::Key, &own)?.has("/products/0/quantity", 3)?;
    let checkout = format!("{own}/checkout");
    shop.rest(user.caller(), "POST", &checkout, json!({ "expectedTotal": 1 }))?
        .problem(409, "CONFLICT")?;
    let order = shop.rest(user.caller(), "POST", &checkout, json!({ "expectedTotal": 750 }))?;
    order.expect_status(201)?;
    let path = format!("/api/orders/{}", order.text("/_id")?);
    order.has_header("location", &path)?;
    order.has("/subtotal", 750)?;
    shop.get(user.caller(), "/api/cart/me")?
        .has("/products", json!([]))?;

    let added = shop.rest(As::Anonymous, "POST", "/api/cart/me/add", line(2))?;
    added.expect_status(200)?;
    let guest = format!("?cartId={}", added.text("/_id")?);
    shop.get(As::Anonymous, &format!("/api/cart/me{guest}"))?
        .has("/products", added.value("/products")?)?;
    let remove = format!("/api/cart/me/remove/{product}{guest}");
    let removed = shop.rest(As::Anonymous, "DELETE", &remove, Value::Null)?;
    removed.expect_status(200)?;
    removed.has("/products", json!([]))?;
    let checkout = format!("/api/cart/me/checkout{guest}");
    shop.rest(As::Anonymous, "POST", &checkout, Value::Null)?
        .problem(401, "UNAUTHENTICATED")
}

fn an_operator_orders_for_existing_users_only(shop: &Shop) -> Result<()> {
    let (product, user) = (shop.product(250, 9)?, shop.register("rest")?);
    let line = json!({ "productId": product });
    for (action, body, status) in [("add", line, 200), ("checkout", Value::Null, 201)] {
        let path = |id: &str| format!("/api/cart/{id}/{action}");
        shop.rest(As::Key, "POST", &path(UNKNOWN_ID), body.clone())?
            .problem(404, "NOT_FOUND")?;
        shop.rest(As::Key, "POST", &path(&user.id), body)?
            .expect_status(status)?;
    }
    Ok(())
}

fn a_customer_orders_by_the_users_id(shop: &Shop) -> Result<()> {
    let (product, user, bob) = (shop.product(250, 9)?, shop.register("rest")?, shop.bob()?);
    let own = format!("/api/orders/{}", user.id);
    let lines = json!([{ "productId": product, "quantity": 2 }]);
    let mut ids = Vec::new();
    for (caller, body) in [
        (user.caller(), json!({ "products": lines })),
        (user.caller(), json!({ "items": lines })),
        (As::Key, json!({ "products": lines })),
    ] {
        let placed = shop.rest(caller, "POST", &own, body)?;
        placed.expect_status(201)?;
        placed.has("/userId", &user.id)?;
        placed.has("/id", placed.value("/_id")?)?;
        ids.insert(0, placed.text("/_id")?);
    }
    shop.rest(user.caller(), "POST", &own, Value::Null)?
        .problem(400, "BAD_USER_INPUT")?;
    shop.add_to_cart(user.caller(), &product, 1)?
        .int("/addToCart/total")?;
    let placed = shop.rest(user.caller(), "POST", &own, Value::Null)?;
    placed.has("/total", 250)?;
    ids.insert(0, placed.text("/_id")?);
    let order = placed.text("/_id")?;

    let of_user = format!("/api/orders/user/{}", user.id);
    for path in [&own, &of_user, "/api/orders/me", "/api/orders/user/me"] {
        let list = shop.get(user.caller(), path)?;
        for (index, id) in ids.iter().enumerate() {
            list.has(&format!("/items/{index}/_id"), id)?;
        }
        list.has("/pageInfo/hasNextPage", false)?;
    }
    for path in [format!("{own}/{order}"), format!("/api/orders/{order}")] {
        shop.get(user.caller(), &path)?.has("/_id", &order)?;
    }
    let status = format!("/api/orders/{order}/status");
    for (state, answer) in [
        ("Paid", "paid"),
        ("PROCESSING", "processing"),
        ("Shipped", "shipped"),
        ("delivered", "delivered"),
    ] {
        let changed = shop.rest(As::Key, "PUT", &status, json!({ "status": state }))?;
        changed.expect_status(200)?;
        changed.has("/status", answer)?;
    }
    shop.rest(bob.caller(), "POST", &own, json!({ "products": lines }))?
        .problem(403, "FORBIDDEN")?;
    shop.get(bob.caller(), &own)?.problem(404, "NOT_FOUND")?;
    for (path, status, code) in [
        (of_user, 403, "FORBIDDEN"),
        (format!("{own}/{order}"), 403, "FORBIDDEN"),
        (format!("/api/orders/{order}"), 404, "NOT_FOUND"),
    ] {
        shop.get(bob.caller(), &path)?.problem(status, code)?;
        shop.get(As::Anonymous, &path)?.problem(401, "UNAUTHENTICATED")?;
    }
    let other = format!("/api/orders/{UNKNOWN_ID}");
    shop.get(As::Key, &other)?.problem(404, "NOT_FOUND")?;
    shop.rest(As::Key, "POST", &other, json!({ "products": lines }))?
        .problem(404, "NOT_FOUND")
}

fn an_order_is_paid_and_refunded(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let lines = json!({ "products": [{ "_id": shop.product(250, 5)?, "quantity": 2 }] });
    let order = shop.rest(ada.caller(), "POST", "/api/orders", lines)?;
    let id = order.text("/_id")?;
    let (path, of_order) = (format!("/api/payments/{id}"), format!("/api/payments/order/{id}"));
    shop.get(ada.caller(), &of_order)?.problem(404, "NOT_FOUND")?;
    let pay = |method: &str| {
        let body = json!({ "paymentMethod": method });
        shop.rest(ada.caller(), "POST", &path, body)
    };
    pay("tok_declined")?.problem(402, "PAYMENT_DECLINED")?;
    let paid = pay("tok_ok")?;
    paid.expect_status(201)?;
    paid.has_header("location", &path)?;
    paid.has("/status", "succeeded")?;
    paid.has("/amount", 500)?;
    for path in [&path, &of_order] {
        let read = shop.get(ada.caller(), path)?;
        read.expect_status(200)?;
        read.has("/_id", &id)?;
    }
    let refund = format!("{path}/refund");
    let part = json!({ "amount": 200, "reason": "Too small" });
    let refunded = shop.rest(As::Key, "POST", &refund, part)?;
    refunded.expect_status(200)?;
    refunded.has("/refunds/0/reason", "Too small")?;
    refunded.has("/refunds/0/amount", 200)?;
    shop.rest(As::Key, "POST", &refund, json!({ "amount": 301 }))?
        .problem(400, "BAD_USER_INPUT")?;
    shop.rest(As::Key, "POST", &refund, Value::Null)?
        .expect_status(200)?;
    shop.get(As::Key, &path)?.has("/refunded", 500)
}
