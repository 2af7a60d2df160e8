//! REST: each operation with its status, headers and body.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, check_id, check_time, unique};
use crate::http::{JSON, Request};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "rest",
        portable = [
            an_order_is_placed_paid_and_cancelled,
            the_overview_names_the_runtime_and_its_parts
        ],
        component = [
            a_user_registers_signs_in_refreshes_and_signs_out,
            a_user_reads_edits_and_erases_their_record,
            a_product_is_created_edited_stocked_and_listed,
            a_current_etag_is_answered_without_a_body,
            a_change_of_a_stale_version_is_refused,
            refusals_are_problems,
            the_openapi_document_lists_every_operation,
            the_start_page_shows_what_runs_and_how_it_is,
            the_api_page_loads_nothing_from_other_hosts
        ]
    )
}

fn a_user_registers_signs_in_refreshes_and_signs_out(shop: &Shop) -> Result<()> {
    for (register, login) in [
        ("/api/users/register", "/api/users/login"),
        ("/auth/register", "/auth/login"),
    ] {
        let name = unique("rest");
        let credentials = json!({ "username": name, "password": "a long password" });
        let registered = shop.rest(As::Anonymous, "POST", register, credentials.clone())?;
        registered.expect_status(201)?.expect_media_type(JSON)?;
        let id = registered.text("/user/_id")?;
        check_id(&id)?;
        let location = format!("/api/users/{id}");
        registered.has_header("location", &location)?;
        registered.has_header("cache-control", "no-store")?;
        shop.rest(As::Anonymous, "POST", register, credentials.clone())?
            .problem(409, "CONFLICT")?;

        let signed_in = shop.rest(As::Anonymous, "POST", login, credentials)?;
        signed_in.expect_status(200)?;
        let wrong = json!({ "username": name, "password": "another password" });
        shop.rest(As::Anonymous, "POST", login, wrong)?
            .problem(401, "UNAUTHENTICATED")?;

        let refresh = json!({ "refresh_token": signed_in.text("/refresh_token")? });
        let next = shop.rest(As::Anonymous, "POST", "/api/users/refresh", refresh)?;
        next.expect_status(200)?;
        let token = next.text("/access_token")?;
        let token = As::Token(&token);
        shop.get(token, "/api/users/me")?.expect_status(200)?;
        shop.rest(token, "POST", "/api/users/logout", Value::Null)?
            .expect_status(204)?;
        let refresh = json!({ "refresh_token": next.text("/refresh_token")? });
        shop.rest(As::Anonymous, "POST", "/api/users/refresh", refresh)?
            .problem(401, "UNAUTHENTICATED")?;
    }
    Ok(())
}

fn a_user_reads_edits_and_erases_their_record(shop: &Shop) -> Result<()> {
    let user = shop.register("rest")?;
    let path = format!("/api/users/{}", user.id);
    for path in [path.as_str(), "/api/users/me"] {
        let read = shop.get(user.caller(), path)?;
        read.expect_status(200)?;
        read.has("/username", &user.name)?;
        check_time(&read.text("/createdAt")?)?;
    }
    let profile = json!({ "name": "Ada", "locale": "en-GB" });
    let edited = shop.rest(user.caller(), "PUT", &path, profile)?;
    edited.expect_status(200)?;
    edited.has("/name", "Ada")?;
    let export = shop.get(user.caller(), &format!("{path}/export"))?;
    export.expect_status(200)?;
    export.expect(
        export.body().contains(&user.name),
        "the export should contain the name",
    )?;
    let line = json!({ "productId": shop.product(1, 1)?, "quantity": 1 });
    shop.rest(user.caller(), "POST", "/api/cart/me/add", line)?
        .expect_status(200)?;
    shop.rest(user.caller(), "DELETE", &path, Value::Null)?
        .expect_status(204)?;
    let erased = shop.get(As::Key, &path)?;
    erased.expect_status(200)?;
    check_time(&erased.text("/erasedAt")?)?;
    let cart = shop.get(As::Key, &format!("/api/cart/{}", user.id))?;
    cart.expect_status(200)?;
    cart.has("/products", json!([]))
}

fn a_product_is_created_edited_stocked_and_listed(shop: &Shop) -> Result<()> {
    let name = unique("rest");
    let new = json!({ "name": name, "price": 1250, "quantity": 3, "manufacturer": name });
    let created = shop.rest(As::Key, "POST", "/api/products", new)?;
    created.expect_status(201)?;
    let path = format!("/api/products/{}", created.text("/_id")?);
    created.has_header("location", &path)?;
    let edited = shop.rest(As::Key, "PUT", &path, json!({ "price": 900 }))?;
    edited.expect_status(200)?;
    let (stock, deduct) = (format!("{path}/stock"), format!("{path}/deduct"));
    for (method, path, change, left) in [("PATCH", &stock, 4, 7), ("PUT", &deduct, 5, 2)] {
        let changed = shop.rest(As::Key, method, path, json!({ "quantity": change }))?;
        changed.expect_status(200)?;
        changed.has("/quantity", left)?;
    }
    let too_many = shop.rest(As::Key, "PUT", &deduct, json!({ "quantity": 3 }))?;
    too_many.problem(409, "OUT_OF_STOCK")?;
    too_many.has("/lines/0/available", 2)?;
    for collection in ["/api/products", "/products"] {
        let list = format!("{collection}?manufacturer={name}&inStock=true&minPrice=900&sort=-price&first=1");
        let page = shop.get(As::Anonymous, &list)?;
        page.expect_status(200)?;
        page.has("/items/0/name", &name)?;
        page.has("/pageInfo/hasNextPage", false)?;
    }
    Ok(())
}

fn an_order_is_placed_paid_and_cancelled(shop: &Shop) -> Result<()> {
    // No other test places orders for this user.
    let user = shop.register("rest")?;
    let product = shop.product(250, 10)?;
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    for collection in ["/api/orders", "/orders"] {
        let placed = shop.rest(user.caller(), "POST", collection, lines.clone())?;
        placed.expect_status(201)?;
        placed.has("/total", 500)?;
        placed.has("/status", "pending")?;
        let path = format!("/api/orders/{}", placed.text("/_id")?);
        placed.has_header("location", &path)?;
        let status = format!("{path}/status").replace("/api/orders", collection);
        let skipped = shop.rest(As::Key, "PATCH", &status, json!({ "status": "delivered" }))?;
        skipped.problem(409, "INVALID_TRANSITION")?;
        let paid = shop.rest(As::Key, "PATCH", &status, json!({ "status": "paid" }))?;
        paid.expect_status(200)?;
        let page = shop.get(
            user.caller(),
            &format!("{collection}?userId=me&status=paid&sort=-created&first=1"),
        )?;
        page.has("/items/0/_id", placed.value("/_id")?)?;
        let since = placed.text("/createdAt")?;
        let oldest = format!("{collection}?sort=created&createdFrom={since}&first=1");
        let page = shop.get(user.caller(), &oldest)?;
        page.has("/items/0/createdAt", placed.value("/createdAt")?)?;
        let cancelled = shop.rest(user.caller(), "DELETE", &path, Value::Null)?;
        cancelled.expect_status(200)?;
        cancelled.has("/status", "cancelled")?;
    }
    Ok(())
}

fn a_current_etag_is_answered_without_a_body(shop: &Shop) -> Result<()> {
    let path = format!("/api/products/{}", shop.product(1, 1)?);
    let read = shop.get(As::Anonymous, &path)?;
    let tag = read.header("etag").unwrap_or_default().to_owned();
    read.expect(tag.len() > 2, "expected an ETag")?;
    read.has_header("cache-control", "public, no-cache")?;
    let again = shop.send(Request::new("GET", &path).header("if-none-match", &tag))?;
    again.expect_status(304)?;
    again.expect(again.body().is_empty(), "expected no body")?;
    shop.rest(As::Key, "PUT", &path, json!({ "price": 2 }))?
        .expect_status(200)?;
    let other = shop.send(Request::new("GET", &path).header("if-none-match", &tag))?;
    other.expect_status(200)?;
    Ok(())
}

fn a_change_of_a_stale_version_is_refused(shop: &Shop) -> Result<()> {
    let path = format!("/api/products/{}", shop.product(1, 1)?);
    let edit = |tag: &str, price: i64| {
        let request = Request::json("PUT", &path, &json!({ "price": price })).header("if-match", tag);
        shop.send_as(As::Key, request)
    };
    let edited = edit("\"1\"", 2)?;
    edited.expect_status(200)?;
    let stale = edit("\"1\"", 3)?;
    stale.problem(409, "CONFLICT")?;
    stale.has("/version", 2)?;
    let tag = edited.header("etag").unwrap_or_default().to_owned();
    edit(&tag, 3)?.expect_status(200)?;
    let (stock, deduct) = (format!("{path}/stock"), format!("{path}/deduct"));
    for (method, path, body) in [
        ("PUT", &path, json!({ "price": 4, "version": 1 })),
        ("PATCH", &stock, json!({ "quantity": 1, "version": 1 })),
        ("PUT", &deduct, json!({ "quantity": 1, "version": 1 })),
        ("DELETE", &path, json!({ "version": 1 })),
    ] {
        shop.rest(As::Key, method, path, body)?.problem(409, "CONFLICT")?;
    }
    shop.rest(As::Key, "DELETE", &path, json!({ "version": 3 }))?
        .expect_status(200)?;
    Ok(())
}

fn refusals_are_problems(shop: &Shop) -> Result<()> {
    for body in [
        json!(["arrayuser", "a long password", null]),
        json!({ "username": {} }),
    ] {
        let refused = shop.rest(As::Anonymous, "POST", "/api/users/register", body)?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.value("/errors/0/field")?;
    }
    for path in ["/api/nonsense", &format!("/api/products/{UNKNOWN_ID}")] {
        shop.get(As::Key, path)?.problem(404, "NOT_FOUND")?;
    }
    let method = shop.rest(As::Key, "DELETE", "/api/products", Value::Null)?;
    method.problem(405, "METHOD_NOT_ALLOWED")?;
    method.expect(
        method.header("allow").is_some_and(|allow| allow.contains("POST")),
        "Allow should name the methods of the path",
    )?;
    let untyped = shop.send_as(As::Key, Request::new("POST", "/api/products").body("{}"))?;
    untyped.problem(415, "UNSUPPORTED_MEDIA_TYPE")?;
    let send = |body: &str| {
        let request = Request::new("POST", "/api/products").header("content-type", JSON);
        shop.send_as(As::Key, request.body(body))
    };
    let malformed = send("{\n nonsense")?;
    malformed.problem(400, "BAD_REQUEST")?;
    malformed.expect(
        malformed.text("/detail")?.contains("line 2"),
        "the detail should name the line",
    )?;
    for (body, field) in [
        (
            r#"{"name": "a", "price": 1, "quantity": 1, "colour": "red"}"#,
            "colour",
        ),
        (r#"{"name": "a", "price": "1", "quantity": 1}"#, "price"),
        (r#"{"name": "", "price": 1, "quantity": 1}"#, "name"),
    ] {
        let refused = send(body)?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", field)?;
    }
    for (body, field, message) in [
        (
            r#"{"name": "a", "price": "1", "quantity": 1}"#,
            "price",
            "Must be a whole number from 0 to 9007199254740991.",
        ),
        (
            r#"{"name": "a", "price": 1.5, "quantity": 1}"#,
            "price",
            "Must be a whole number from 0 to 9007199254740991.",
        ),
        (r#"{"price": 1, "quantity": 1}"#, "name", "Is required."),
        (
            r#"{"name": 5, "price": 1, "quantity": 1}"#,
            "name",
            "Must be text.",
        ),
        (
            r#"{"name": "a", "name": "b", "price": 1}"#,
            "name",
            "Must be sent only once.",
        ),
        (
            r#"{"name": "a", "price": 1, "images": {}}"#,
            "images",
            "Must be an array.",
        ),
    ] {
        let error = json!({ "field": field, "message": message });
        send(body)?.has("/errors/0", error)?;
    }
    for (query, field, message) in [
        ("first=many", "first", "Must be a whole number from 1 to 100."),
        ("first=1&first=2", "first", "Must be sent only once."),
        ("inStock=yes", "inStock", "Must be true or false."),
    ] {
        let refused = shop.get(As::Anonymous, &format!("/api/products?{query}"))?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0", json!({ "field": field, "message": message }))?;
    }
    let unknown = shop.get(As::Anonymous, "/api/products?colour=red")?;
    unknown.has("/errors/0/field", "colour")?;
    let key = shop.rest(As::Anonymous, "POST", "/api/products", json!({}))?;
    key.problem(401, "UNAUTHENTICATED")?;
    key.expect(
        key.text("/detail")?.contains("x-api-key"),
        "the detail should name the header",
    )?;
    let wrong = shop.rest(As::WrongKey, "POST", "/api/products", json!({}))?;
    wrong.problem(401, "UNAUTHENTICATED")?;
    wrong.expect(
        wrong.text("/detail")?.contains("API_SECRET"),
        "the detail should name the setting",
    )?;
    let customer = shop.rest(shop.ada()?.caller(), "POST", "/api/products", json!({}))?;
    customer.problem(403, "FORBIDDEN")?;
    customer.expect(
        customer.text("/detail")?.contains("ADMIN"),
        "the detail should name the role",
    )
}

/// Replaces the parameters of a path with an id that does not exist.
fn with_unknown_ids(path: &str) -> String {
    let parts = path.split('/');
    let parts: Vec<_> = parts
        .map(|part| if part.starts_with('{') { UNKNOWN_ID } else { part })
        .collect();
    parts.join("/")
}

fn the_openapi_document_lists_every_operation(shop: &Shop) -> Result<()> {
    let response = shop.get(As::Anonymous, "/openapi.json")?;
    response.expect_status(200)?.expect_media_type(JSON)?;
    ensure!(
        response.text("/openapi")?.starts_with("3.1."),
        "the document should be OpenAPI 3.1"
    );
    let document = response.json()?;
    let paths = document.get("paths").and_then(Value::as_object);
    // Without credentials, an operation is answered or refused, but its method is never unknown. Some
    // runtimes answer health checks themselves, with any method.
    for (path, item) in paths.into_iter().flatten() {
        let methods: &[_] = if ["/livez", "/readyz"].contains(&path.as_str()) {
            &["GET"]
        } else {
            &["GET", "POST", "PUT", "PATCH", "DELETE"]
        };
        for &method in methods {
            let documented = item.get(method.to_ascii_lowercase()).is_some();
            let found = shop.rest(As::Anonymous, method, &with_unknown_ids(path), Value::Null)?;
            found.expect(
                documented == (found.status != 405),
                format!("{method} {path} should exist: {documented}"),
            )?;
        }
    }
    Ok(())
}

fn the_api_page_loads_nothing_from_other_hosts(shop: &Shop) -> Result<()> {
    let page = shop.get(As::Anonymous, "/docs")?;
    page.expect_status(200)?.expect_media_type("text/html")?;
    page.expect(!page.body().contains("//"), "the page should name no other host")?;
    for part in [
        "/docs/assets/docs.js",
        "/docs/assets/docs.css",
        "/docs/assets/swagger-ui.css",
        "/docs/assets/swagger-ui-bundle.js",
    ] {
        let plain = shop.get(As::Anonymous, part)?;
        plain.expect_status(200)?;
        plain.expect(page.body().contains(part), "the page should load the file")?;
        let compressed = shop.send(Request::new("GET", part).header("accept-encoding", "gzip"))?;
        compressed.expect(
            compressed.bytes().len() <= plain.bytes().len(),
            "compression should not enlarge the file",
        )?;
    }
    Ok(())
}

fn the_overview_names_the_runtime_and_its_parts(shop: &Shop) -> Result<()> {
    let overview = shop.get(As::Anonymous, "/")?;
    overview.expect_status(200)?.expect_media_type(JSON)?;
    overview.has("/name", "Mercato")?;
    overview.has("/ready", true)?;
    overview.expect(
        !overview.text("/runtime")?.is_empty(),
        "expected the name of the runtime",
    )?;
    let links = overview.value("/links")?;
    for link in links.as_array().into_iter().flatten() {
        let path = link.get("path").and_then(Value::as_str).unwrap_or_default();
        let accept = "text/html, */*;q=0.5";
        let linked = shop.send(Request::new("GET", path).header("accept", accept))?;
        linked.expect_status(200)?;
    }
    for part in [
        "catalog",
        "accounts",
        "carts",
        "orders",
        "payments",
        "notifications",
        "webhooks",
        "cache",
    ] {
        overview.expect(
            overview
                .body()
                .contains(&json!({ "name": part, "ready": true }).to_string()),
            format!("{part} should be ready"),
        )?;
    }
    Ok(())
}

fn the_start_page_shows_what_runs_and_how_it_is(shop: &Shop) -> Result<()> {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = shop.send(Request::new("GET", "/").header("accept", accept))?;
    page.expect_status(200)?.expect_media_type("text/html")?;
    page.has_header("cache-control", "no-store")?;
    for text in [
        "All parts are ready.",
        "href=\"/graphql\"",
        "href=\"/docs\"",
        "API_SECRET",
        "/api/users/register",
        "/api/products",
        "/api/orders",
    ] {
        page.expect(
            page.body().contains(text),
            format!("the page should contain {text}"),
        )?;
    }
    for text in [
        "{version}",
        "{runtime}",
        "{parts}",
        "{links}",
        "{state}",
        shop.secret(),
    ] {
        page.expect(
            !page.body().contains(text),
            "the page should be complete, without the key",
        )?;
    }
    for part in ["/start/assets/start.css", "/start/assets/start.js"] {
        page.expect(page.body().contains(part), format!("the page should load {part}"))?;
        shop.get(As::Anonymous, part)?.expect_status(200)?;
    }
    Ok(())
}
