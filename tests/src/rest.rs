//! REST: each operation as a client uses it, with statuses, headers and bodies.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call, JSON, Reply};
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, check_id, check_time, text_at, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "rest",
        [
            a_user_registers_signs_in_goes_on_and_signs_out,
            a_user_reads_edits_and_erases_the_own_record,
            a_product_is_added_edited_stocked_and_listed,
            an_order_is_placed_moved_on_and_cancelled,
            what_is_had_already_is_not_sent_again,
            a_change_of_what_is_no_longer_so_is_refused,
            refusals_are_problems,
            the_document_tells_what_there_is,
            the_page_loads_nothing_from_elsewhere,
        ]
    )
}

/// A request with a body of JSON, or without one.
pub fn call(method: &'static str, path: impl Into<String>, body: Value) -> Call {
    let call = Call::new(method, path);
    if body.is_null() {
        return call;
    }
    call.header("content-type", JSON).body(body.to_string())
}

/// The answer to somebody.
pub fn ask(world: &World, who: As<'_>, method: &'static str, path: &str, body: Value) -> Result<Reply> {
    world.shop.send_as(who, call(method, path, body))
}

/// What is at this place of a reply.
pub fn value(reply: &Reply, pointer: &str) -> Result<Value> {
    let body = reply.json()?;
    let found = body.pointer(pointer).cloned();
    found.ok_or_else(|| reply.failure(format!("there is nothing at {pointer}")))
}

/// The text at this place of a reply.
pub fn text(reply: &Reply, pointer: &str) -> Result<String> {
    Ok(text_at(&reply.json()?, pointer)?.to_owned())
}

/// Fails unless a reply is this problem.
pub fn problem(reply: &Reply, status: u16, code: &str) -> Result<()> {
    reply
        .expect_status(status)?
        .expect_media_type("application/problem+json")?;
    let body = reply.json()?;
    let fine = body.get("code") == Some(&json!(code))
        && body.get("status") == Some(&json!(status))
        && ["type", "title", "detail", "instance"]
            .iter()
            .all(|name| body.get(name).is_some_and(Value::is_string));
    reply.expect(fine, || {
        format!("expected a problem with status {status} and code {code}")
    })?;
    Ok(())
}

fn a_user_registers_signs_in_goes_on_and_signs_out(world: &World) -> Result<()> {
    for (register, login) in [
        ("/api/users/register", "/api/users/login"),
        ("/auth/register", "/auth/login"),
    ] {
        let name = unique("rest");
        let credentials = json!({ "username": name, "password": "a long password" });
        let registered = ask(world, As::Anonymous, "POST", register, credentials.clone())?;
        registered.expect_status(201)?.expect_media_type(JSON)?;
        let id = text(&registered, "/user/_id")?;
        check_id(&id)?;
        let location = format!("/api/users/{id}");
        registered.expect(registered.header("location") == Some(&location), || {
            "expected its Location".into()
        })?;
        registered.expect(registered.header("cache-control") == Some("no-store"), || {
            "nobody should keep tokens".into()
        })?;
        problem(
            &ask(world, As::Anonymous, "POST", register, credentials.clone())?,
            409,
            "CONFLICT",
        )?;

        let signed_in = ask(world, As::Anonymous, "POST", login, credentials)?;
        signed_in.expect_status(200)?;
        let wrong = json!({ "username": name, "password": "another password" });
        problem(
            &ask(world, As::Anonymous, "POST", login, wrong)?,
            401,
            "UNAUTHENTICATED",
        )?;

        let refresh = json!({ "refresh_token": text(&signed_in, "/refresh_token")? });
        let next = ask(world, As::Anonymous, "POST", "/api/users/refresh", refresh)?;
        next.expect_status(200)?;
        let token = text(&next, "/access_token")?;
        let token = As::Token(&token);
        ask(world, token, "GET", "/api/users/me", Value::Null)?.expect_status(200)?;
        ask(world, token, "POST", "/api/users/logout", Value::Null)?.expect_status(204)?;
        let refresh = json!({ "refresh_token": text(&next, "/refresh_token")? });
        problem(
            &ask(world, As::Anonymous, "POST", "/api/users/refresh", refresh)?,
            401,
            "UNAUTHENTICATED",
        )?;
    }
    Ok(())
}

fn a_user_reads_edits_and_erases_the_own_record(world: &World) -> Result<()> {
    let user = world.register("rest")?;
    let path = format!("/api/users/{}", user.id);
    for path in [path.as_str(), "/api/users/me"] {
        let read = ask(world, user.caller(), "GET", path, Value::Null)?;
        read.expect_status(200)?;
        ensure!(
            text(&read, "/username")? == user.name,
            "it should be the own record"
        );
        check_time(&text(&read, "/createdAt")?)?;
    }
    problem(
        &ask(world, world.bob()?.caller(), "GET", &path, Value::Null)?,
        403,
        "FORBIDDEN",
    )?;
    problem(
        &ask(world, As::Anonymous, "GET", &path, Value::Null)?,
        401,
        "UNAUTHENTICATED",
    )?;
    let edited = ask(
        world,
        user.caller(),
        "PUT",
        &path,
        json!({ "name": "Ada", "locale": "en-GB" }),
    )?;
    edited.expect_status(200)?;
    ensure!(text(&edited, "/name")? == "Ada", "the name should be another one");
    let export = ask(
        world,
        user.caller(),
        "GET",
        &format!("{path}/export"),
        Value::Null,
    )?;
    export.expect_status(200)?;
    export.expect(export.text().contains(&user.name), || {
        "the export should tell the name".into()
    })?;
    let line = json!({ "productId": world.product(1, 1)?, "quantity": 1 });
    ask(world, user.caller(), "POST", "/api/cart/me/add", line)?.expect_status(200)?;
    ask(world, user.caller(), "DELETE", &path, Value::Null)?.expect_status(204)?;
    let gone = ask(world, As::Key, "GET", &path, Value::Null)?;
    gone.expect_status(200)?;
    check_time(&text(&gone, "/erasedAt")?)?;
    let cart = ask(
        world,
        As::Key,
        "GET",
        &format!("/api/cart/{}", user.id),
        Value::Null,
    )?;
    cart.expect_status(200)?;
    ensure!(
        value(&cart, "/products")? == json!([]),
        "no cart should be left: {}",
        cart.text()
    );
    Ok(())
}

fn a_product_is_added_edited_stocked_and_listed(world: &World) -> Result<()> {
    let name = unique("rest");
    let new = json!({ "name": name, "price": 1250, "quantity": 3, "manufacturer": name });
    let created = ask(world, As::Key, "POST", "/api/products", new)?;
    created.expect_status(201)?;
    let path = format!("/api/products/{}", text(&created, "/_id")?);
    created.expect(created.header("location") == Some(&path), || {
        "expected its Location".into()
    })?;
    let edited = ask(world, As::Key, "PUT", &path, json!({ "price": 900 }))?;
    edited.expect_status(200)?;
    let stocked = ask(
        world,
        As::Key,
        "PATCH",
        &format!("{path}/stock"),
        json!({ "quantity": 4 }),
    )?;
    stocked.expect_status(200)?;
    ensure!(value(&stocked, "/quantity")? == 7, "there should be seven");
    let deducted = ask(
        world,
        As::Key,
        "PUT",
        &format!("{path}/deduct"),
        json!({ "quantity": 5 }),
    )?;
    deducted.expect_status(200)?;
    ensure!(value(&deducted, "/quantity")? == 2, "there should be two");
    let too_many = ask(
        world,
        As::Key,
        "PUT",
        &format!("{path}/deduct"),
        json!({ "quantity": 3 }),
    )?;
    problem(&too_many, 409, "OUT_OF_STOCK")?;
    ensure!(
        value(&too_many, "/lines/0/available")? == 2,
        "it should tell how many there are"
    );
    for twin in ["/api/products", "/products"] {
        let list = format!("{twin}?manufacturer={name}&inStock=true&minPrice=900&sort=-price&first=1");
        let page = ask(world, As::Anonymous, "GET", &list, Value::Null)?;
        page.expect_status(200)?;
        ensure!(text(&page, "/items/0/name")? == name, "it should be listed");
        ensure!(
            value(&page, "/pageInfo/hasNextPage")? == false,
            "there should be one"
        );
    }
    Ok(())
}

fn an_order_is_placed_moved_on_and_cancelled(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let product = world.product(250, 10)?;
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    for twin in ["/api/orders", "/orders"] {
        let placed = ask(world, ada.caller(), "POST", twin, lines.clone())?;
        placed.expect_status(201)?;
        ensure!(
            value(&placed, "/total")? == 500 && text(&placed, "/status")? == "pending",
            "as ordered"
        );
        let path = format!("/api/orders/{}", text(&placed, "/_id")?);
        placed.expect(placed.header("location") == Some(&path), || {
            "expected its Location".into()
        })?;
        let status = format!("{path}/status").replace("/api/orders", twin);
        let skipped = ask(world, As::Key, "PATCH", &status, json!({ "status": "delivered" }))?;
        problem(&skipped, 409, "INVALID_TRANSITION")?;
        let paid = ask(world, As::Key, "PATCH", &status, json!({ "status": "paid" }))?;
        paid.expect_status(200)?;
        let page = ask(
            world,
            ada.caller(),
            "GET",
            &format!("{twin}?userId=me&status=paid&sort=-created&first=1"),
            Value::Null,
        )?;
        ensure!(
            value(&page, "/items/0/_id")? == value(&placed, "/_id")?,
            "it should be listed"
        );
        let since = text(&placed, "/createdAt")?;
        let oldest = format!("{twin}?sort=created&createdFrom={since}&first=1");
        let page = ask(world, ada.caller(), "GET", &oldest, Value::Null)?;
        ensure!(
            value(&page, "/items/0/createdAt")? == value(&placed, "/createdAt")?,
            "it should be the oldest since then"
        );
        let cancelled = ask(world, ada.caller(), "DELETE", &path, Value::Null)?;
        cancelled.expect_status(200)?;
        ensure!(
            text(&cancelled, "/status")? == "cancelled",
            "it should be given up"
        );
    }
    Ok(())
}

fn what_is_had_already_is_not_sent_again(world: &World) -> Result<()> {
    let path = format!("/api/products/{}", world.product(1, 1)?);
    let read = ask(world, As::Anonymous, "GET", &path, Value::Null)?;
    let tag = read.header("etag").unwrap_or_default().to_owned();
    read.expect(tag.len() > 2, || "expected an ETag".into())?;
    read.expect(read.header("cache-control") == Some("public, no-cache"), || {
        "anybody may keep it, and has to ask".into()
    })?;
    let again = world
        .shop
        .send(Call::new("GET", &path).header("if-none-match", &tag))?;
    again.expect_status(304)?;
    again.expect(again.text().is_empty(), || "expected no body".into())?;
    ask(world, As::Key, "PUT", &path, json!({ "price": 2 }))?.expect_status(200)?;
    let other = world
        .shop
        .send(Call::new("GET", &path).header("if-none-match", &tag))?;
    other.expect_status(200)?;
    Ok(())
}

fn a_change_of_what_is_no_longer_so_is_refused(world: &World) -> Result<()> {
    let path = format!("/api/products/{}", world.product(1, 1)?);
    let edit = |tag: &str, price: i64| {
        let call = call("PUT", &path, json!({ "price": price })).header("if-match", tag);
        world.shop.send_as(As::Key, call)
    };
    let edited = edit("\"1\"", 2)?;
    edited.expect_status(200)?;
    let stale = edit("\"1\"", 3)?;
    problem(&stale, 409, "CONFLICT")?;
    ensure!(value(&stale, "/version")? == 2, "it should tell the version");
    let tag = edited.header("etag").unwrap_or_default().to_owned();
    edit(&tag, 3)?.expect_status(200)?;
    let (stock, deduct) = (format!("{path}/stock"), format!("{path}/deduct"));
    for (method, path, body) in [
        ("PUT", &path, json!({ "price": 4, "version": 1 })),
        ("PATCH", &stock, json!({ "quantity": 1, "version": 1 })),
        ("PUT", &deduct, json!({ "quantity": 1, "version": 1 })),
        ("DELETE", &path, json!({ "version": 1 })),
    ] {
        problem(&ask(world, As::Key, method, path, body)?, 409, "CONFLICT")?;
    }
    ask(world, As::Key, "DELETE", &path, json!({ "version": 3 }))?.expect_status(200)?;
    Ok(())
}

fn refusals_are_problems(world: &World) -> Result<()> {
    for body in [
        json!(["arrayuser", "a long password", null]),
        json!({ "username": {} }),
    ] {
        let refused = ask(world, As::Anonymous, "POST", "/api/users/register", body)?;
        problem(&refused, 400, "BAD_USER_INPUT")?;
        value(&refused, "/errors/0/field")?;
    }
    let nothing = ask(world, As::Key, "GET", "/api/nonsense", Value::Null)?;
    problem(&nothing, 404, "NOT_FOUND")?;
    let unknown = ask(
        world,
        As::Key,
        "GET",
        &format!("/api/products/{UNKNOWN_ID}"),
        Value::Null,
    )?;
    problem(&unknown, 404, "NOT_FOUND")?;
    let method = ask(world, As::Key, "DELETE", "/api/products", Value::Null)?;
    problem(&method, 405, "METHOD_NOT_ALLOWED")?;
    method.expect(
        method.header("allow").is_some_and(|allow| allow.contains("POST")),
        || "expected the methods that there are".into(),
    )?;
    let untyped = world
        .shop
        .send_as(As::Key, Call::new("POST", "/api/products").body("{}"))?;
    problem(&untyped, 415, "UNSUPPORTED_MEDIA_TYPE")?;
    let send = |body: &str| {
        let call = Call::new("POST", "/api/products")
            .header("content-type", JSON)
            .body(body);
        world.shop.send_as(As::Key, call)
    };
    let malformed = send("{\n nonsense")?;
    problem(&malformed, 400, "BAD_REQUEST")?;
    malformed.expect(text(&malformed, "/detail")?.contains("line 2"), || {
        "expected the place".into()
    })?;
    for (body, field) in [
        (
            r#"{"name": "a", "price": 1, "quantity": 1, "colour": "red"}"#,
            "colour",
        ),
        (r#"{"name": "a", "price": "1", "quantity": 1}"#, "price"),
        (r#"{"name": "", "price": 1, "quantity": 1}"#, "name"),
    ] {
        let refused = send(body)?;
        problem(&refused, 400, "BAD_USER_INPUT")?;
        ensure!(
            text(&refused, "/errors/0/field")? == field,
            "{body} should be refused for {field}"
        );
    }
    Ok(())
}

/// A path with ids that nobody has.
fn filled(path: &str) -> String {
    let parts = path.split('/');
    let parts: Vec<_> = parts
        .map(|part| if part.starts_with('{') { UNKNOWN_ID } else { part })
        .collect();
    parts.join("/")
}

fn the_document_tells_what_there_is(world: &World) -> Result<()> {
    let reply = world.shop.send(Call::new("GET", "/openapi.json"))?;
    reply.expect_status(200)?.expect_media_type(JSON)?;
    ensure!(
        text(&reply, "/openapi")?.starts_with("3.1."),
        "it should be OpenAPI 3.1"
    );
    let document = reply.json()?;
    let paths = document.get("paths").and_then(Value::as_object);
    // Whatever is told is there: without credentials it is answered, or refused, but never unknown. What orchestrators ask is answered by
    // some runtimes themselves, by whatever method.
    for (path, item) in paths.into_iter().flatten() {
        let methods: &[_] = if ["/livez", "/readyz"].contains(&path.as_str()) {
            &["GET"]
        } else {
            &["GET", "POST", "PUT", "PATCH", "DELETE"]
        };
        for &method in methods {
            let told = item.get(method.to_ascii_lowercase()).is_some();
            let asked = ask(world, As::Anonymous, method, &filled(path), Value::Null)?;
            asked.expect(told == (asked.status != 405), || {
                format!("{method} {path} should be as it is told")
            })?;
        }
    }
    Ok(())
}

fn the_page_loads_nothing_from_elsewhere(world: &World) -> Result<()> {
    let page = world.shop.send(Call::new("GET", "/docs"))?;
    page.expect_status(200)?.expect_media_type("text/html")?;
    let policy = page
        .header("content-security-policy")
        .unwrap_or_default()
        .to_owned();
    page.expect(policy.starts_with("default-src 'none'"), || {
        "expected a policy".into()
    })?;
    page.expect(!page.text().contains("//"), || {
        "expected nothing from elsewhere".into()
    })?;
    for part in ["/docs/assets/docs.js", "/docs/assets/docs.css"] {
        world.shop.send(Call::new("GET", part))?.expect_status(200)?;
    }
    Ok(())
}
