//! A runtime reuses instances of components. No data of one request may leak into the next.

use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::json;

use crate::http::Request;
use crate::parallel::at_once;
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "isolation",
        portable = [
            alternating_users_see_only_their_own_data,
            an_anonymous_request_inherits_no_credentials,
            variables_and_errors_do_not_leak_into_the_next_request,
            requests_of_one_batch_share_their_caller_and_nothing_else
        ]
    )
}

fn alternating_users_see_only_their_own_data(shop: &Shop) -> Result<()> {
    let users = [
        shop.register("user")?,
        shop.register("user")?,
        shop.register("user")?,
    ];
    let product = shop.product(1, 1_000)?;
    for user in &users {
        shop.order(user.caller(), &[(&product, 1)])?;
    }
    let query = "{ me { _id username } users { _id } orders { userId } }";
    at_once(8, |worker| {
        for number in 0..30 {
            let user = users.get((worker + number) % users.len());
            let user = user.context("there are three users")?;
            let answer = shop.query(user.caller(), query)?;
            answer.has("/me/_id", &user.id)?;
            answer.has("/me/username", &user.name)?;
            answer.has_column("/users", "/_id", [&user.id])?;
            answer.has_column("/orders", "/userId", [&user.id])?;
        }
        Ok(())
    })
    .map(drop)
}

fn an_anonymous_request_inherits_no_credentials(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    for caller in [ada.caller(), As::Key, shop.root()?.caller()] {
        for _ in 0..20 {
            shop.query(caller, "{ users { _id } }")?.list("/users")?;
            shop.query(As::Anonymous, "{ users { _id } }")?
                .refused("UNAUTHENTICATED")?;
            shop.query(As::Anonymous, "{ me { _id } }")?
                .refused("UNAUTHENTICATED")?;
        }
    }
    Ok(())
}

fn variables_and_errors_do_not_leak_into_the_next_request(shop: &Shop) -> Result<()> {
    let query = "query ($first: Int) { productConnection(first: $first) { edges { cursor } } }";
    let (one, other) = (shop.product(1, 1)?, shop.product(1, 1)?);
    for _ in 0..20 {
        shop.graphql(As::Anonymous, query, json!({ "first": 0 }))?
            .bad_input("first")?;
        let one_page = shop.graphql(As::Anonymous, query, json!({ "first": 1 }))?;
        one_page.expect(
            one_page.list("/productConnection/edges")?.len() == 1,
            "the page should have one product",
        )?;
        let default = shop.query(As::Anonymous, query)?;
        default.expect(
            default.list("/productConnection/edges")?.len() > 1,
            "the page should have the default size",
        )?;
        for id in [&one, &other] {
            shop.read_product(As::Anonymous, id)?.has("/product/_id", id)?;
        }
    }
    Ok(())
}

fn requests_of_one_batch_share_their_caller_and_nothing_else(shop: &Shop) -> Result<()> {
    let (ada, bob) = (shop.ada()?, shop.bob()?);
    let requests = json!([
        { "query": "query A($id: ID!) { user(id: $id) { _id } }", "variables": { "id": bob.id } },
        { "query": "query A { me { _id } }" },
        { "query": "query A($id: ID!) { user(id: $id) { _id } }", "variables": { "id": ada.id } },
    ]);
    let batch = shop.send_as(ada.caller(), Request::post(&requests))?;
    batch.has("/0/errors/0/extensions/code", "FORBIDDEN")?;
    batch.has("/1/data/me/_id", &ada.id)?;
    batch.expect(
        batch.value("/1/errors").is_err(),
        "an error should stay in its request",
    )?;
    batch.has("/2/data/user/_id", &ada.id)
}
