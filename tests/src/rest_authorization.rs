//! The authorization of each operation of the OpenAPI document. A table has a row for each operation and a
//! column for each kind of caller.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::access_table::{Callers, Statuses, rows};
use crate::fixtures::unique;
use crate::http::Request;
use crate::sessions::sign_in;
use crate::shop::{As, Shop, User};
use crate::trials::{component, trial, trials};

const TABLE: &str = include_str!("../tables/rest_authorization.txt");

/// Returns the rows of the table: the method, the path, the body and the statuses.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static str, Statuses)> {
    rows(TABLE).flat_map(|(statuses, method, paths, body)| {
        paths.split(',').map(move |path| (method, path, body, statuses))
    })
}

/// The tests of this area: one for each row, and one that no row is missing.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut tests = trials!(
        shop,
        "rest_authorization",
        component = [every_operation_of_the_document_has_a_row_in_the_table]
    );
    for (method, path, body, statuses) in operations() {
        let name = format!("rest_authorization::{method} {path} allows the right callers");
        tests.push(component(trial(shop, &name, move |shop| {
            check_row(shop, method, path, body, statuses)
        })));
    }
    tests
}

fn every_operation_of_the_document_has_a_row_in_the_table(shop: &Shop) -> Result<()> {
    let document = shop.get(As::Anonymous, "/openapi.json")?;
    let document = document.expect_status(200)?.json()?;
    let paths = document.get("paths").and_then(Value::as_object);
    let documented: BTreeSet<_> = paths
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, _)| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let rows: BTreeSet<_> = operations()
        .map(|(method, path, ..)| (method.to_owned(), path.to_owned()))
        .collect();
    ensure!(
        documented == rows,
        "the table and the document differ in {:?}",
        documented.symmetric_difference(&rows).collect::<Vec<_>>()
    );
    Ok(())
}

/// The data that a request names. Each request has its own, since some requests end it.
struct Targets {
    owner: User,
    product: String,
    /// An order of the owner, if the path contains one. It is paid if the path contains its payment.
    order: Option<String>,
    refresh: Option<String>,
    /// Whether the id in the path is the user who gets an order.
    places_order: bool,
}

impl Targets {
    fn new(shop: &Shop, owner: &User, method: &str, path: &str, body: &str) -> Result<Self> {
        let owner = if method == "DELETE" && path.starts_with("/api/users/") {
            shop.register("owner")?
        } else {
            owner.clone()
        };
        let product = shop.product(100, 100)?;
        if path.contains("/cart/") {
            let line = json!({ "productId": product, "quantity": 1 });
            shop.rest(owner.caller(), "POST", "/api/cart/me/add", line)?
                .expect_status(200)?;
        }
        let order = if path.contains("/orders/{id}") || path.contains("/payments/") {
            Some(shop.order(owner.caller(), &[(&product, 1)])?)
        } else {
            None
        };
        if let Some(order) = order.as_ref().filter(|_| path.contains("/payments/"))
            && (method, path) != ("POST", "/api/payments/{id}")
        {
            let pay = format!("/api/payments/{order}");
            let method = json!({ "paymentMethod": "tok_ok" });
            shop.rest(owner.caller(), "POST", &pay, method)?
                .expect_status(201)?;
        }
        let refresh = if body.contains("$refresh") {
            Some(sign_in(shop, &owner)?.refresh)
        } else {
            None
        };
        Ok(Self {
            owner,
            product,
            order,
            refresh,
            places_order: (method, path) == ("POST", "/api/orders/{id}"),
        })
    }

    fn path(&self, path: &str) -> String {
        let is_of_user = self.places_order || path.contains("/orders/user/") || path.contains("{orderId}");
        let id = if path.starts_with("/api/users/") || is_of_user {
            &self.owner.id
        } else {
            self.order.as_ref().unwrap_or(&self.product)
        };
        path.replace("{id}", id)
            .replace("{orderId}", self.order.as_deref().unwrap_or_default())
            .replace("{userId}", &self.owner.id)
            .replace("{productId}", &self.product)
    }

    fn body(&self, body: &str) -> Result<Value> {
        if body.is_empty() {
            return Ok(Value::Null);
        }
        let body = body
            .replace("$name", &unique("cell"))
            .replace("$login", &self.owner.name)
            .replace("$password", &self.owner.password)
            .replace("$refresh", self.refresh.as_deref().unwrap_or_default())
            .replace("$product", &self.product);
        Ok(serde_json::from_str(&body)?)
    }
}

fn check_row(shop: &Shop, method: &'static str, path: &str, body: &str, statuses: Statuses) -> Result<()> {
    let owner = shop.register("owner")?;
    for (column, status) in statuses.into_iter().enumerate() {
        let targets = Targets::new(shop, &owner, method, path, body)?;
        let callers = Callers::new(shop, &targets.owner)?;
        let Some((name, caller)) = callers.all().into_iter().nth(column) else {
            anyhow::bail!("there are seven callers");
        };
        let request = Request::json(method, targets.path(path), &targets.body(body)?);
        let response = shop.send_as(caller, request)?;
        let result = match status {
            "400" => response.problem(400, "BAD_USER_INPUT"),
            "401" => response.problem(401, "UNAUTHENTICATED"),
            "403" => response.problem(403, "FORBIDDEN"),
            "404" => response.problem(404, "NOT_FOUND"),
            status => response.expect_status(status.parse()?).map(drop),
        };
        result.map_err(|error| error.context(format!("{method} {path} for {name}")))?;
    }
    Ok(())
}
