//! REST: every path that the API promises, each by its literal form, with the bodies that front ends send.

use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::http::Response;
use crate::shop::{As, Shop, User};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "compatible_paths",
        portable = [
            paths_of_accounts,
            paths_of_products,
            paths_of_carts,
            paths_of_orders,
            paths_of_payments,
            paths_of_notifications,
            paths_of_operations,
            a_slash_at_the_end_of_a_path_is_ignored
        ],
        component = [answers_have_both_names_of_an_id, flags_are_words_or_digits]
    )
}

/// Sends a request and expects this status. The failure names the path.
fn send(
    shop: &Shop,
    caller: As<'_>,
    method: &'static str,
    path: &str,
    body: Value,
    status: u16,
) -> Result<Response> {
    let response = shop.rest(caller, method, path, body)?;
    response
        .expect_status(status)
        .with_context(|| format!("{method} {path}"))?;
    Ok(response)
}

/// Fails unless `id` and `_id` at this pointer are the same text.
fn has_both_ids(response: &Response, pointer: &str) -> Result<()> {
    let id = response.text(&format!("{pointer}/_id"))?;
    response.has(&format!("{pointer}/id"), id)
}

fn paths_of_accounts(shop: &Shop) -> Result<()> {
    let password = "a long password";
    for (register, login) in [
        ("/api/users/register", "/api/users/login"),
        ("/auth/register", "/auth/login"),
    ] {
        let name = unique("paths");
        let by_name = json!({ "username": name, "password": password });
        let email = format!("{name}@example.com");
        let by_email = json!({ "email": email, "name": "Ada", "password": password });
        let first = send(shop, As::Anonymous, "POST", register, by_name.clone(), 201)?;
        has_both_ids(&first, "/user")?;
        let second = send(shop, As::Anonymous, "POST", register, by_email, 201)?;
        second.has("/user/name", "Ada")?;
        second.has("/user/email", &email)?;
        second.expect(!second.text("/user/username")?.is_empty(), "expected a user name")?;
        send(shop, As::Anonymous, "POST", login, by_name, 200)?;
        let by_email = json!({ "email": email, "password": password });
        let signed_in = send(shop, As::Anonymous, "POST", login, by_email, 200)?;
        signed_in.has("/user/_id", second.text("/user/_id")?)?;
    }

    let user = shop.register("paths")?;
    let path = format!("/api/users/{}", user.id);
    let checked = send(shop, user.caller(), "POST", "/api/users/verify", Value::Null, 200)?;
    checked.expect(
        checked.body().contains(&user.id),
        "expected the id of the token's user",
    )?;
    let token = json!({ "token": user.token });
    let checked = send(shop, As::Anonymous, "POST", "/api/users/verify", token, 200)?;
    checked.expect(
        checked.body().contains(&user.id),
        "expected the id of the token's user",
    )?;
    let invalid = json!({ "token": format!("{}x", user.token) });
    shop.rest(As::Anonymous, "POST", "/api/users/verify", invalid)?
        .problem(401, "UNAUTHENTICATED")?;
    shop.rest(As::Anonymous, "POST", "/api/users/verify", Value::Null)?
        .problem(401, "UNAUTHENTICATED")?;

    has_both_ids(&send(shop, user.caller(), "GET", &path, Value::Null, 200)?, "")?;
    let change = json!({ "name": "Ada Lovelace" });
    let changed = send(shop, user.caller(), "PUT", &path, change, 200)?;
    changed.has("/name", "Ada Lovelace")?;
    send(
        shop,
        user.caller(),
        "GET",
        &format!("{path}/export"),
        Value::Null,
        200,
    )?;

    let credentials = json!({ "username": user.name, "password": user.password });
    let signed_in = send(shop, As::Anonymous, "POST", "/api/users/login", credentials, 200)?;
    let refresh = json!({ "refresh_token": signed_in.text("/refresh_token")? });
    let next = send(shop, As::Anonymous, "POST", "/api/users/refresh", refresh, 200)?;
    let token = next.text("/access_token")?;
    send(
        shop,
        As::Token(&token),
        "POST",
        "/api/users/logout",
        Value::Null,
        204,
    )?;
    send(shop, As::Key, "DELETE", &path, Value::Null, 204)?;
    Ok(())
}

fn paths_of_products(shop: &Shop) -> Result<()> {
    for create in ["/api/products", "/products", "/api/products/create"] {
        let name = unique("paths");
        let new = json!({ "name": name, "price": 1250, "quantity": 3, "description": "Warm." });
        let created = send(shop, As::Key, "POST", create, new, 201)?;
        has_both_ids(&created, "")?;
        let id = created.text("/_id")?;
        created.has_header("location", &format!("/api/products/{id}"))?;
        for list in ["/api/products", "/products"] {
            let found = send(
                shop,
                As::Anonymous,
                "GET",
                &format!("{list}?search={name}"),
                Value::Null,
                200,
            )?;
            found.has("/items/0/_id", &id)?;
        }
        for path in [format!("/api/products/{id}"), format!("/products/{id}")] {
            send(shop, As::Anonymous, "GET", &path, Value::Null, 200)?.has("/name", &name)?;
            let priced = send(shop, As::Key, "PUT", &path, json!({ "price": 990 }), 200)?;
            priced.has("/price", 990)?;
            priced.has("/quantity", 3)?;
            let counted = send(
                shop,
                As::Key,
                "PUT",
                &path,
                json!({ "price": 980, "quantity": 8 }),
                200,
            )?;
            counted.has("/quantity", 8)?;
            send(shop, As::Key, "PUT", &path, json!({ "quantity": 3 }), 200)?.has("/quantity", 3)?;
            let stale = json!({ "quantity": 9, "version": 1 });
            shop.rest(As::Key, "PUT", &path, stale)?
                .problem(409, "CONFLICT")?;
        }
        let path = format!("/api/products/{id}");
        let received = json!({ "quantity": 4 });
        send(shop, As::Key, "PATCH", &format!("{path}/stock"), received, 200)?.has("/quantity", 7)?;
        let deducted = json!({ "quantity": 2 });
        send(shop, As::Key, "PUT", &format!("{path}/deduct"), deducted, 200)?.has("/quantity", 5)?;
        let delete = if create == "/products" {
            format!("/products/{id}")
        } else {
            path
        };
        send(shop, As::Key, "DELETE", &delete, Value::Null, 200)?;
        send(shop, As::Anonymous, "GET", &delete, Value::Null, 404)?;
    }
    send(shop, As::Anonymous, "GET", "/api/categories", Value::Null, 200)?.value("/items")?;
    Ok(())
}

fn paths_of_carts(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("paths")?, shop.product(250, 9)?);
    for id in ["me", &user.id] {
        let path = format!("/api/cart/{id}");
        let line = json!({ "productId": product, "quantity": 2 });
        send(shop, user.caller(), "POST", &format!("{path}/add"), line, 200)?.has("/total", 500)?;
        let units = json!({ "quantity": 3 });
        let update = format!("{path}/update/{product}");
        send(shop, user.caller(), "PUT", &update, units, 200)?.has("/total", 750)?;
        send(shop, user.caller(), "GET", &path, Value::Null, 200)?.has("/total", 750)?;
        let remove = format!("{path}/remove/{product}");
        send(shop, user.caller(), "DELETE", &remove, Value::Null, 200)?.has("/products", json!([]))?;
        let line = json!({ "productId": product, "quantity": 1 });
        send(shop, user.caller(), "POST", &format!("{path}/add"), line, 200)?;
        let checkout = format!("{path}/checkout");
        send(shop, user.caller(), "POST", &checkout, Value::Null, 201)?.has("/total", 250)?;
    }
    let other = format!("/api/cart/{}", shop.bob()?.id);
    shop.rest(user.caller(), "GET", &other, Value::Null)?
        .problem(403, "FORBIDDEN")
}

/// Returns the number of orders in a list, and fails unless it holds this order.
fn lists(shop: &Shop, user: &User, path: &str, order: &str) -> Result<()> {
    let list = send(shop, user.caller(), "GET", path, Value::Null, 200)?;
    list.value("/pageInfo/hasNextPage")?;
    list.expect(list.body().contains(order), "expected the order in the list")
}

fn paths_of_orders(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("paths")?, shop.product(250, 90)?);
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let of_user = format!("/api/orders/{}", user.id);
    let mut order = String::new();
    for path in ["/api/orders", "/orders", &of_user, "/api/orders/me"] {
        let placed = send(shop, user.caller(), "POST", path, lines.clone(), 201)?;
        has_both_ids(&placed, "")?;
        placed.has("/userId", &user.id)?;
        placed.has("/total", 500)?;
        order = placed.text("/_id")?;
        placed.has_header("location", &format!("/api/orders/{order}"))?;
    }

    let cart = json!({ "productId": product, "quantity": 3 });
    send(shop, user.caller(), "POST", "/api/cart/me/add", cart, 200)?;
    let from_cart = send(shop, user.caller(), "POST", &of_user, json!({}), 201)?;
    from_cart.has("/total", 750)?;
    send(shop, As::Key, "POST", &of_user, lines.clone(), 201)?.has("/userId", &user.id)?;
    let of_other = format!("/api/orders/{}", shop.bob()?.id);
    shop.rest(user.caller(), "POST", &of_other, lines)?
        .problem(403, "FORBIDDEN")?;

    for path in [
        "/api/orders",
        "/orders",
        &of_user,
        &format!("/api/orders/user/{}", user.id),
    ] {
        lists(shop, &user, path, &order)?;
    }
    for path in [of_other, format!("/api/orders/user/{}", shop.bob()?.id)] {
        let refused = shop.rest(user.caller(), "GET", &path, Value::Null)?;
        refused.expect([403, 404].contains(&refused.status), "expected a refusal")?;
    }
    for path in [format!("/api/orders/{order}"), format!("{of_user}/{order}")] {
        send(shop, user.caller(), "GET", &path, Value::Null, 200)?.has("/_id", &order)?;
    }

    for (method, path, status, becomes) in [
        ("PUT", format!("/api/orders/{order}/status"), "Paid", "paid"),
        (
            "PATCH",
            format!("/api/orders/{order}/status"),
            "PROCESSING",
            "processing",
        ),
        ("PUT", format!("/orders/{order}/status"), "Shipped", "shipped"),
        (
            "PATCH",
            format!("/orders/{order}/status"),
            "Delivered",
            "delivered",
        ),
    ] {
        let changed = send(shop, As::Key, method, &path, json!({ "status": status }), 200)?;
        changed.has("/status", becomes)?;
    }
    let again = json!({ "status": "Shipped" });
    shop.rest(As::Key, "PUT", &format!("/api/orders/{order}/status"), again)?
        .problem(409, "INVALID_TRANSITION")?;
    let pending = shop.order(user.caller(), &[(&product, 1)])?;
    let cancel = format!("/api/orders/{pending}");
    send(shop, user.caller(), "DELETE", &cancel, Value::Null, 200)?.has("/status", "cancelled")
}

fn paths_of_payments(shop: &Shop) -> Result<()> {
    let (user, product) = (shop.register("paths")?, shop.product(250, 9)?);
    let order = shop.order(user.caller(), &[(&product, 2)])?;
    let pay = format!("/api/payments/{order}");
    let method = json!({ "paymentMethod": "tok_ok" });
    let paid = send(shop, user.caller(), "POST", &pay, method, 201)?;
    paid.has("/amount", 500)?;
    has_both_ids(&paid, "")?;
    let payment = format!("/api/payments/{}", paid.text("/_id")?);
    for path in [&payment, &format!("/api/payments/order/{order}")] {
        send(shop, user.caller(), "GET", path, Value::Null, 200)?.has("/amount", 500)?;
    }
    let refund = json!({ "amount": 100, "reason": "One sock was damaged." });
    let refunded = send(shop, As::Key, "POST", &format!("{payment}/refund"), refund, 200)?;
    refunded.has("/refunded", 100)?;
    let unsigned = shop.rest(
        As::Anonymous,
        "POST",
        "/webhooks/stripe",
        json!({ "type": "ping" }),
    )?;
    unsigned.expect(
        (400..500).contains(&unsigned.status) && unsigned.status != 404,
        "an event without a signature should be refused",
    )
}

fn paths_of_notifications(shop: &Shop) -> Result<()> {
    let email = json!({ "to": "ada@example.com", "subject": "News", "text": "There is news." });
    let sent = send(
        shop,
        As::Key,
        "POST",
        "/api/notification/email",
        email.clone(),
        200,
    )?;
    has_both_ids(&sent, "")?;
    shop.rest(shop.bob()?.caller(), "POST", "/api/notification/email", email)?
        .problem(403, "FORBIDDEN")?;
    // The shop under test need not be able to send SMS.
    let sms = json!({ "to": "+4915112345678", "text": "There is news." });
    let answer = shop.rest(As::Key, "POST", "/api/notification/sms", sms.clone())?;
    answer.expect(
        [200, 503].contains(&answer.status),
        "expected an SMS, or UNAVAILABLE",
    )?;
    shop.rest(shop.bob()?.caller(), "POST", "/api/notification/sms", sms)?
        .problem(403, "FORBIDDEN")
}

fn paths_of_operations(shop: &Shop) -> Result<()> {
    for path in ["/livez", "/readyz"] {
        send(shop, As::Anonymous, "GET", path, Value::Null, 200)?;
    }
    send(shop, As::Anonymous, "GET", "/openapi.json", Value::Null, 200)?;
    send(shop, As::Anonymous, "GET", "/docs", Value::Null, 200)?;
    Ok(())
}

fn a_slash_at_the_end_of_a_path_is_ignored(shop: &Shop) -> Result<()> {
    let new = json!({ "name": unique("paths"), "price": 1, "quantity": 1 });
    let created = send(shop, As::Key, "POST", "/api/products/", new, 201)?;
    let id = created.text("/_id")?;
    for path in [
        format!("/api/products/{id}/"),
        format!("/products/{id}/"),
        "/api/products/?first=1".to_owned(),
        "/api/categories/".to_owned(),
        "/docs/".to_owned(),
    ] {
        send(shop, As::Anonymous, "GET", &path, Value::Null, 200)?;
    }
    let user = shop.register("paths")?;
    send(shop, user.caller(), "GET", "/api/users/me/", Value::Null, 200)?;
    let lines = json!({ "products": [{ "_id": id, "quantity": 1 }] });
    send(shop, user.caller(), "POST", "/orders/", lines, 201)?;
    shop.get(As::Anonymous, "/api/nonsense/")?
        .problem(404, "NOT_FOUND")
}

fn answers_have_both_names_of_an_id(shop: &Shop) -> Result<()> {
    let (user, product, _) = (shop.register("paths")?, shop.product(250, 9)?, shop.category()?);
    let order = shop.order(user.caller(), &[(&product, 2)])?;
    let cart = json!({ "productId": product, "quantity": 1 });
    let cart = send(shop, user.caller(), "POST", "/api/cart/me/add", cart, 200)?;
    has_both_ids(&cart, "")?;
    has_both_ids(&cart, "/products/0")?;
    for (path, pointer) in [
        (format!("/api/users/{}", user.id), ""),
        (format!("/api/products/{product}"), ""),
        ("/api/products?first=1".to_owned(), "/items/0"),
        ("/api/categories".to_owned(), "/items/0"),
        (format!("/api/orders/{order}"), ""),
        (format!("/api/orders/{order}"), "/products/0"),
    ] {
        has_both_ids(&send(shop, As::Key, "GET", &path, Value::Null, 200)?, pointer)?;
    }
    let too_many = json!({ "products": [{ "_id": product, "quantity": 99 }] });
    let short = send(shop, user.caller(), "POST", "/api/orders", too_many, 409)?;
    has_both_ids(&short, "/lines/0")
}

fn flags_are_words_or_digits(shop: &Shop) -> Result<()> {
    let name = unique("paths");
    for (quantity, flag) in [(0, "0"), (3, "1")] {
        let new = json!({ "name": name, "price": 1, "quantity": quantity, "manufacturer": name });
        let id = send(shop, As::Key, "POST", "/api/products", new, 201)?.text("/_id")?;
        let words = [flag, if flag == "1" { "true" } else { "false" }];
        for word in words {
            let path = format!("/api/products?manufacturer={name}&inStock={word}");
            let found = send(shop, As::Anonymous, "GET", &path, Value::Null, 200)?;
            found.has("/items/0/_id", &id)?;
            found.has("/pageInfo/hasNextPage", false)?;
        }
    }
    let refused = shop.get(As::Anonymous, "/api/products?inStock=2")?;
    refused.problem(400, "BAD_USER_INPUT")?;
    refused.has(
        "/errors/0",
        json!({ "field": "inStock", "message": "Must be true or false." }),
    )
}
