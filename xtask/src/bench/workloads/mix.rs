//! What the shoppers of a shop do together.

use anyhow::Result;

use super::{reads, writes};
use crate::bench::data::Data;
use crate::bench::request::{Plan, Request, shuffled};

/// The requests of one connection, before it begins again: 80 % browse, 15 % fill the cart, 5 % order.
const LISTS: usize = 80;
const PRODUCTS: usize = 64;
const SEARCHES: usize = 16;
const CART: usize = 30;
const ORDERS: usize = 10;
/// The products that shoppers look at.
const VIEWED: usize = 200;

/// Mixes browsing with carts and orders. Each user has a cart and orders of their own.
pub fn mix(data: &Data) -> Result<Plan> {
    let mut plan = Plan::default();
    let list = add(&mut plan, vec![reads::list(20)]);
    let products = add(&mut plan, reads::products(data, VIEWED));
    let searches = add(&mut plan, reads::searches());
    for (connection, token) in data.tokens()?.into_iter().enumerate() {
        let cart = add(&mut plan, writes::additions(data, &token));
        let orders = add(&mut plan, writes::orders(data, &token, connection, ORDERS));
        let parts = [
            (&list, LISTS),
            (&products, PRODUCTS),
            (&searches, SEARCHES),
            (&cart, CART),
            (&orders, ORDERS),
        ];
        let numbers = parts.into_iter().flat_map(|(numbers, count)| {
            shuffled(numbers.clone(), connection)
                .into_iter()
                .cycle()
                .take(count)
        });
        plan.orders.push(shuffled(numbers.collect(), connection));
    }
    Ok(plan)
}

/// Adds requests to a plan, and returns their numbers.
fn add(plan: &mut Plan, requests: Vec<Request>) -> Vec<usize> {
    let first = plan.requests.len();
    plan.requests.extend(requests);
    (first..plan.requests.len()).collect()
}
