//! Who may do what by REST: one table, with a row for every operation of the OpenAPI document and a column for every kind of caller.

mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call};
use crate::rest::{ask, problem, text};
use crate::sessions::sign_in;
use crate::tokens;
use crate::trials::{trial, trials};
use crate::world::{User, World, unique};
use table::{Columns, TABLE};

/// The tests of this area: one for each row, and one that no row is missing.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let mut tests = trials!(
        world,
        "rest_authorization",
        [every_operation_of_the_document_has_a_row_in_the_table]
    );
    for &(method, paths, body, columns) in TABLE {
        for &path in paths {
            let name = format!("rest_authorization::{method} {path} answers each caller as it should");
            tests.push(trial(world, &name, move |world| {
                check_row(world, method, path, body, columns)
            }));
        }
    }
    tests
}

fn every_operation_of_the_document_has_a_row_in_the_table(world: &World) -> Result<()> {
    let document = world.shop.send(Call::new("GET", "/openapi.json"))?;
    let document = document.expect_status(200)?.json()?;
    let paths = document.get("paths").and_then(Value::as_object);
    let told: BTreeSet<_> = paths
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, _)| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let rows: BTreeSet<_> = TABLE
        .iter()
        .flat_map(|(method, paths, ..)| {
            paths
                .iter()
                .map(move |path| ((*method).to_owned(), (*path).to_owned()))
        })
        .collect();
    ensure!(
        told == rows,
        "the table and the document differ in {:?}",
        told.symmetric_difference(&rows).collect::<Vec<_>>()
    );
    Ok(())
}

/// What a request is about; new for each, since some requests end it.
struct Things {
    owner: User,
    product: String,
    /// An order of the owner's, where the path names one: paid where it names its payment.
    order: Option<String>,
    refresh: Option<String>,
}

impl Things {
    fn new(world: &World, owner: &User, method: &str, path: &str, body: &str) -> Result<Self> {
        let owner = if method == "DELETE" && path.starts_with("/api/users/") {
            world.register("owner")?
        } else {
            owner.clone()
        };
        let product = world.product(100, 100)?;
        if path.contains("/cart/") {
            let line = json!({ "productId": product, "quantity": 1 });
            ask(world, owner.caller(), "POST", "/api/cart/me/add", line)?.expect_status(200)?;
        }
        let order = if path.contains("/orders/{id}") || path.contains("/payments/") {
            let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
            let placed = ask(world, owner.caller(), "POST", "/api/orders", lines)?;
            Some(text(&placed, "/_id")?)
        } else {
            None
        };
        if let Some(order) = order.as_ref().filter(|_| path.contains("/payments/"))
            && (method, path) != ("POST", "/api/payments/{id}")
        {
            let pay = format!("/api/payments/{order}");
            let method = json!({ "paymentMethod": "tok_ok" });
            ask(world, owner.caller(), "POST", &pay, method)?.expect_status(201)?;
        }
        let refresh = if body.contains("$refresh") {
            Some(sign_in(world, &owner.name, &owner.password)?.refresh)
        } else {
            None
        };
        Ok(Self {
            owner,
            product,
            order,
            refresh,
        })
    }

    fn path(&self, path: &str) -> String {
        let id = if path.starts_with("/api/users/") {
            &self.owner.id
        } else {
            self.order.as_ref().unwrap_or(&self.product)
        };
        path.replace("{id}", id)
            .replace("{userId}", &self.owner.id)
            .replace("{productId}", &self.product)
    }

    fn body(&self, body: &str) -> Result<Value> {
        if body.is_empty() {
            return Ok(Value::Null);
        }
        let filled = body
            .replace("$name", &unique("cell"))
            .replace("$login", &self.owner.name)
            .replace("$password", &self.owner.password)
            .replace("$refresh", self.refresh.as_deref().unwrap_or_default())
            .replace("$product", &self.product);
        Ok(serde_json::from_str(&filled)?)
    }
}

fn check_row(world: &World, method: &'static str, path: &str, body: &str, columns: Columns) -> Result<()> {
    let owner = world.register("owner")?;
    let expired = json!({ "userId": owner.id, "role": "ADMIN", "iat": 1_000_000_000, "exp": 1_000_003_600 });
    let expired = tokens::signed(world.shop.secret(), &expired)?;
    for (column, status) in columns.into_iter().enumerate() {
        let things = Things::new(world, &owner, method, path, body)?;
        let (name, who) = match column {
            0 => ("nobody", As::Anonymous),
            1 => ("the owner", things.owner.caller()),
            2 => ("another customer", world.bob()?.caller()),
            3 => ("an administrator", world.root()?.caller()),
            4 => ("the API key", As::Key),
            5 => ("a wrong key", As::WrongKey),
            _ => ("an expired token", As::Token(&expired)),
        };
        let reply = ask(world, who, method, &things.path(path), things.body(body)?)?;
        let code = match status {
            400 => Some("BAD_USER_INPUT"),
            401 => Some("UNAUTHENTICATED"),
            403 => Some("FORBIDDEN"),
            _ => None,
        };
        match code {
            Some(code) => problem(&reply, status, code),
            None => reply.expect_status(status).map(drop),
        }
        .map_err(|error| error.context(format!("{method} {path} for {name}")))?;
    }
    Ok(())
}
