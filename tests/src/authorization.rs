//! The authorization of each operation of the schema. A table has a row for each operation and a column for
//! each kind of caller.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::access_table::{Callers, Statuses, rows};
use crate::fixtures::unique;
use crate::sessions::sign_in;
use crate::shop::{As, Shop, User};
use crate::sse;
use crate::tokens;
use crate::trials::{component, trial, trials};
use crate::webhooks;

const TABLE: &str = include_str!("../tables/graphql_authorization.txt");

/// The mutations that change their owner, so that each test of them needs another owner.
const CHANGES_OWNER: [&str; 4] = ["updateUser", "changePassword", "setRole", "eraseUser"];

/// An operation of the schema.
#[derive(Clone, Copy)]
struct Operation {
    parent: &'static str,
    field: &'static str,
    document: &'static str,
}

/// Returns the rows of the table.
fn operations() -> impl Iterator<Item = (Operation, Statuses)> {
    rows(TABLE).map(|(statuses, parent, field, document)| {
        (
            Operation {
                parent,
                field,
                document,
            },
            statuses,
        )
    })
}

/// The tests of this area: one for each row, and one that no row is missing.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut tests = trials!(
        shop,
        "authorization",
        component = [
            every_operation_of_the_schema_has_a_row_in_the_table,
            a_bad_token_is_refused_and_not_repeated
        ]
    );
    for (operation, statuses) in operations() {
        let Operation { parent, field, .. } = operation;
        let name = format!("authorization::{parent}_{field}_allows_the_right_callers");
        tests.push(component(trial(shop, &name, move |shop| {
            check_row(shop, operation, statuses)
        })));
    }
    tests
}

/// The data that the variables of documents name.
struct Targets {
    owner: User,
    product: String,
    bought: String,
    order: String,
    /// An order that no call has changed.
    fresh: String,
    /// An order with a payment.
    paid: String,
    code: String,
}

/// Returns the mutations that are refused to other customers and open to administrators, and whether the
/// table's document succeeds.
pub fn administrative_mutations() -> impl Iterator<Item = (&'static str, bool)> {
    let mutations = operations().filter(|(operation, _)| operation.parent == "Mutation");
    mutations.filter_map(|(operation, [_, _, other, admin, ..])| match (other, admin) {
        ("403" | "404", "200") => Some((operation.field, true)),
        ("403", "400" | "404") => Some((operation.field, false)),
        _ => None,
    })
}

/// Calls a mutation once with the document of its row, on new data. Fails unless it succeeds.
pub fn perform(shop: &Shop, mutation: &str, caller: As<'_>) -> Result<()> {
    let row = operations().find(|(row, _)| (row.parent, row.field) == ("Mutation", mutation));
    let (operation, _) = row.with_context(|| format!("{mutation} has no row"))?;
    let mut targets = Targets::new(shop, operation.field)?;
    targets.prepare(shop, operation.document)?;
    check_call(shop, operation, &targets, caller, "200")
}

impl Targets {
    fn new(shop: &Shop, field: &str) -> Result<Self> {
        let owner = if CHANGES_OWNER.contains(&field) {
            shop.register("owner")?
        } else {
            shop.ada()?.clone()
        };
        let bought = shop.product(1, 100)?;
        let order = shop.order(owner.caller(), &[(&bought, 1)])?;
        Ok(Self {
            product: shop.product(1, 100)?,
            fresh: order.clone(),
            paid: order.clone(),
            code: shop.discount(json!({ "percent": 10 }))?,
            owner,
            bought,
            order,
        })
    }

    /// Creates the orders that a call of the document uses up.
    fn prepare(&mut self, shop: &Shop, document: &str) -> Result<()> {
        let place = || shop.order(self.owner.caller(), &[(&self.product, 1)]);
        if document.contains("$fresh:") {
            self.fresh = place()?;
        }
        if document.contains("$paid:") {
            self.paid = place()?;
            shop.pay(self.owner.caller(), &self.paid, "tok_ok")?
                .text("/payOrder/status")?;
        }
        Ok(())
    }

    /// Returns the data that the guarded mutations can change.
    fn observe(&self, shop: &Shop) -> Result<Value> {
        let query = "query ($product: ID!, $bought: ID!, $fresh: ID!, $user: ID!) {
            product(id: $product) { price version stock { received } } bought: product(id: $bought) { quantity }
            order(id: $fresh) { status version } user(id: $user) { version role } }";
        let variables = json!({
            "product": self.product, "bought": self.bought, "fresh": self.fresh, "user": self.owner.id,
        });
        Ok(shop.graphql(As::Key, query, variables)?.data("")?.clone())
    }
}

fn check_row(shop: &Shop, operation: Operation, statuses: Statuses) -> Result<()> {
    let mut targets = Targets::new(shop, operation.field)?;
    let owner = targets.owner.clone();
    for ((name, caller), status) in Callers::new(shop, &owner)?.all().into_iter().zip(statuses) {
        targets.prepare(shop, operation.document)?;
        check_call(shop, operation, &targets, caller, status)
            .map_err(|error| error.context(format!("{name} should get {status}")))?;
    }
    Ok(())
}

fn check_call(
    shop: &Shop,
    operation: Operation,
    targets: &Targets,
    caller: As<'_>,
    status: &str,
) -> Result<()> {
    let Operation {
        parent,
        field,
        document,
    } = operation;
    let declares = |name: &str| document.contains(&format!("${name}:"));
    let before = targets.observe(shop)?;
    let owner = &targets.owner;
    let mut variables = json!({
        "user": owner.id, "product": targets.product, "bought": targets.bought, "order": targets.order,
        "fresh": targets.fresh, "paid": targets.paid, "code": targets.code, "name": unique("cell"),
        "version": before.pointer("/product/version"), "userVersion": before.pointer("/user/version"),
        "username": owner.name, "password": owner.password, "login": { "username": owner.name, "password": owner.password },
    });
    let members = variables.as_object_mut().context("variables are an object")?;
    if declares("refresh") || declares("session") {
        let tokens = sign_in(shop, owner)?;
        let claims = tokens::verified(shop.secret(), &tokens.access)?;
        members.insert("session".into(), json!(claims.get("sid")));
        members.insert("refresh".into(), json!(tokens.refresh));
    }
    let category = declares("category").then(|| shop.category()).transpose()?;
    members.insert("category".into(), json!(category));
    let has_webhook = declares("webhook") || declares("delivery");
    let webhook = has_webhook.then(|| webhooks::webhook(shop)).transpose()?;
    members.insert("webhook".into(), json!(webhook));
    if let Some(webhook) = webhook.as_ref().filter(|_| declares("delivery")) {
        members.insert("delivery".into(), json!(webhooks::delivery(shop, webhook)?));
    }
    if declares("slug") {
        let query = "query ($id: ID!) { product(id: $id) { slug } }";
        let product = shop.graphql(As::Key, query, json!({ "id": targets.product }))?;
        members.insert("slug".into(), product.data("/product/slug")?.clone());
    }
    members.retain(|name, _| declares(name));
    let answer = if parent == "Subscription" {
        sse::first_result(shop, caller, document, &variables)?
    } else {
        shop.graphql(caller, document, variables)?
    };

    // A shop has a limited number of categories and webhooks.
    if category.is_some() {
        let query = "mutation ($id: ID!) { deleteCategory(id: $id) { _id } }";
        shop.graphql(As::Key, query, json!({ "id": category }))?;
    }
    let created = answer.partial("/createWebhook/webhook/_id").ok();
    let created = created.and_then(Value::as_str);
    for webhook in webhook.as_deref().into_iter().chain(created) {
        webhooks::delete(shop, webhook)?;
    }

    let pointer = match parent {
        "Product" => format!("/product/{field}"),
        "Order" => format!("/order/{field}"),
        _ => format!("/{field}"),
    };
    let codes: &[&str] = match status {
        "200" => return answer.expect(!answer.data(&pointer)?.is_null(), "there should be a result"),
        "400" => &["BAD_USER_INPUT"],
        "401" => &["UNAUTHENTICATED"],
        "403" => &["FORBIDDEN"],
        "404" => &["NOT_FOUND"],
        "4xx" => &["UNAUTHENTICATED", "FORBIDDEN"],
        other => anyhow::bail!("the table has an unknown status {other}"),
    };
    answer.refused_with_one_of(codes)?;
    match (parent, answer.partial(&pointer)) {
        // The whole request is refused.
        ("Subscription", Err(_)) => {}
        // The caller may not see the order at all, so that it is null itself.
        ("Order", Err(_)) => answer.is_null("/order")?,
        _ => answer.is_null(&pointer)?,
    }
    let after = targets.observe(shop)?;
    answer.expect(
        before == after,
        format!("a refused operation should change nothing: {before} became {after}"),
    )
}

fn every_operation_of_the_schema_has_a_row_in_the_table(shop: &Shop) -> Result<()> {
    let query = "{ __schema { queryType { ...T } mutationType { ...T } subscriptionType { ...T } } }
        fragment T on __Type { name fields { name } }";
    let answer = shop.query(As::Anonymous, query)?;
    let mut schema = BTreeSet::new();
    for root in ["queryType", "mutationType", "subscriptionType"] {
        let name = answer.text(&format!("/__schema/{root}/name"))?.to_owned();
        for field in answer.column(&format!("/__schema/{root}/fields"), "/name")? {
            schema.insert((name.clone(), field.as_str().unwrap_or_default().to_owned()));
        }
    }
    let rows: BTreeSet<_> = operations()
        .map(|(row, _)| (row.parent.to_owned(), row.field.to_owned()))
        .filter(|(parent, _)| ["Query", "Mutation", "Subscription"].contains(&parent.as_str()))
        .collect();
    ensure!(
        schema == rows,
        "the table and the schema differ in {:?}",
        schema.symmetric_difference(&rows).collect::<Vec<_>>()
    );
    Ok(())
}

fn a_bad_token_is_refused_and_not_repeated(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    for (fault, token) in tokens::bad(shop.secret(), &ada.id)? {
        check_bad_token(shop, fault, &token)
            .map_err(|error: anyhow::Error| error.context(format!("a token {fault}")))?;
    }
    Ok(())
}

fn check_bad_token(shop: &Shop, fault: &str, token: &str) -> Result<()> {
    let caller = As::Token(token);
    for query in ["{ orders { _id } }", "{ users { _id } }"] {
        shop.query(caller, query)?.refused("UNAUTHENTICATED")?;
    }
    let public = "{ productConnection(first: 1) { pageInfo { hasNextPage } } }";
    shop.query(caller, public)?
        .data("/productConnection/pageInfo/hasNextPage")?;
    let answer = shop.query(caller, "{ me { _id } }")?;
    let message = answer.refused("UNAUTHENTICATED")?.to_string().to_lowercase();
    answer.expect(
        fault != "expired" || message.contains("expire"),
        "the message should say that the token has expired",
    )?;
    answer.expect(
        token.len() < 9 || !answer.http.body().contains(token),
        "the response should not repeat the token",
    )
}
