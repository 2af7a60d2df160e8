//! What a shop does as its settings say, in shops that are configured for it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::configured::{Host, configured_trials};
use crate::own::Home;
use crate::world::{World, place_order, unique};

/// How long what is due after two seconds may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "settings",
        [
            an_order_that_nobody_pays_expires_and_gives_its_stock_back,
            a_cart_that_nobody_changes_expires,
            tax_is_as_the_region_has_it,
            the_keeper_is_told_of_products_that_run_low,
        ]
    )
}

/// The answer to a query, once it is as it should become.
fn becomes(world: &World, who: As<'_>, query: &str, is_so: impl Fn(&Answer) -> bool) -> Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = world.shop.query(who, query)?;
        if is_so(&answer) {
            return Ok(answer);
        }
        answer.expect(Instant::now() < deadline, "it should become otherwise in time")?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn an_order_that_nobody_pays_expires_and_gives_its_stock_back(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("ORDER_EXPIRY_SECONDS", "2")])?;
    let world = World::new(running.shop());
    let (ada, product) = (world.register("ada")?, world.product(100, 5)?);
    let placed = place_order(&world.shop, ada.caller(), &[(&product, 3)])?;
    let id = placed.text("/placeOrder/_id")?;
    let query = format!("{{ order(id: \"{id}\") {{ status }} product(id: \"{product}\") {{ quantity }} }}");
    becomes(&world, ada.caller(), &query, |answer| {
        let is = |pointer: &str, expected: Value| answer.data(pointer).is_ok_and(|found| *found == expected);
        is("/order/status", json!("CANCELLED")) && is("/product/quantity", json!(5))
    })?;
    let late = "mutation ($id: ID!) { updateOrderStatus(id: $id, status: PAID) { status } }";
    world
        .shop
        .graphql(As::Key, late, json!({ "id": id }))?
        .refused("INVALID_TRANSITION")?;
    running.stop()
}

fn a_cart_that_nobody_changes_expires(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("CART_EXPIRY_SECONDS", "2")])?;
    let world = World::new(running.shop());
    let (ada, product) = (world.register("ada")?, world.product(100, 5)?);
    let add = "mutation ($id: ID!) { addToCart(productId: $id, quantity: 2) { total } }";
    let filled = world.shop.graphql(ada.caller(), add, json!({ "id": product }))?;
    ensure!(
        filled.int("/addToCart/total")? == 200,
        "the cart should be filled first"
    );
    let query = "{ cart { total products { quantity } } }";
    becomes(&world, ada.caller(), query, |answer| {
        answer.list("/cart/products").is_ok_and(<[Value]>::is_empty)
    })?;
    running.stop()
}

fn tax_is_as_the_region_has_it(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let running = host.start(&home, &[("TAX_RATES", "US-CA=7.25,DE=19,*=0")])?;
    let world = World::new(running.shop());
    let (ada, product) = (world.register("ada")?, world.product(999, 99)?);
    let query = "mutation ($id: String!, $region: String) {
        placeOrder(products: [{ _id: $id, quantity: 3 }], region: $region) { subtotal tax total } }";
    // A part of a country without a rate has its country's. Halves are rounded up: 217.2825 and 569.43.
    for (region, tax) in [
        (json!("US-CA"), 217),
        (json!("DE"), 569),
        (json!("DE-BY"), 569),
        (json!("FR"), 0),
        (Value::Null, 0),
    ] {
        let variables = json!({ "id": product, "region": region });
        let order = world.shop.graphql(ada.caller(), query, variables)?;
        let whole = |part: &str| order.int(&format!("/placeOrder/{part}"));
        let found = (whole("subtotal")?, whole("tax")?, whole("total")?);
        ensure!(found == (2997, tax, 2997 + tax), "{region}: {found:?}");
    }
    running.stop()
}

fn the_keeper_is_told_of_products_that_run_low(host: &Host) -> Result<()> {
    let home = Home::new()?;
    // Nobody else's: who is told is told of in part.
    let at = format!("@{}.example.com", unique("keeper"));
    let keeper = format!("keeper{at}");
    let settings = [("KEEPER_EMAIL", &*keeper), ("LOW_STOCK", "2")];
    let running = host.start(&home, &settings)?;
    let world = World::new(running.shop());
    let (ada, product) = (world.register("ada")?, world.product(100, 5)?);
    let placed = place_order(&world.shop, ada.caller(), &[(&product, 3)])?;
    placed.text("/placeOrder/_id")?;
    let query = "{ notifications(first: 10) { edges { node { kind medium recipient } } } }";
    let told = json!({ "kind": "LOW_STOCK", "medium": "EMAIL", "recipient": format!("k…{at}") });
    becomes(&world, As::Key, query, |answer| {
        let list = answer.column("/notifications/edges", "/node");
        list.is_ok_and(|list| list.contains(&told))
    })?;
    running.stop()
}
