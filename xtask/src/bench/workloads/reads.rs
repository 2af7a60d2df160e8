//! Requests that change nothing.

use anyhow::Result;
use serde_json::{Value, json};

use crate::bench::catalog;
use crate::bench::data::Data;
use crate::bench::request::{Kind, Plan, Request};

/// The products that are read by id.
const PRODUCTS: usize = 500;
/// The users with orders, and the orders of each.
const USERS: usize = 8;
const ORDERS: usize = 20;
/// The products of an order.
const LINES: usize = 3;

/// Lists 20 products.
pub fn list_20(data: &Data) -> Result<Plan> {
    Ok(Plan::shared(vec![list(20)], data.connections))
}

/// Lists 100 products.
pub fn list_100(data: &Data) -> Result<Plan> {
    Ok(Plan::shared(vec![list(100)], data.connections))
}

/// Returns a request that lists the oldest products.
pub fn list(count: usize) -> Request {
    let query = format!("{{productConnection(first:{count}){{edges{{node{{_id name price quantity}}}}}}}}");
    Request::new(Kind::Other, None, &query, &Value::Null)
}

/// Reads products by their ids.
pub fn product(data: &Data) -> Result<Plan> {
    Ok(Plan::shared(products(data, PRODUCTS), data.connections))
}

/// Returns requests that read products by id.
pub fn products(data: &Data, count: usize) -> Vec<Request> {
    let query = "query($id:ID!){product(id:$id){_id name price quantity description}}";
    spread(&data.ids, count)
        .map(|id| Request::new(Kind::Other, None, query, &json!({ "id": id })))
        .collect()
}

/// Searches products.
pub fn search(data: &Data) -> Result<Plan> {
    Ok(Plan::shared(searches(), data.connections))
}

/// Returns requests that search products.
pub fn searches() -> Vec<Request> {
    let query =
        "query($s:String!){productConnection(first:20,filter:{search:$s}){edges{node{_id name price}}}}";
    let words = catalog::searches().into_iter();
    words
        .map(|words| Request::new(Kind::Other, None, query, &json!({ "s": words })))
        .collect()
}

/// Reads orders, after a few users have placed some.
pub fn orders(data: &Data) -> Result<Plan> {
    let tokens = data.tokens()?;
    let place = "mutation($lines:[OrderProductInput!]!){placeOrder(products:$lines){_id}}";
    for token in tokens.iter().take(USERS) {
        for order in 0..ORDERS {
            let ids = data.ids.iter().cycle().skip(order * LINES).take(LINES);
            let lines: Vec<_> = ids
                .zip(1..)
                .map(|(id, units)| json!({ "_id": id, "quantity": units }))
                .collect();
            data.api.execute_as(token, place, &json!({ "lines": lines }))?;
        }
    }
    catalog::settled_stock(data.api, data.ids.len())?;
    let query = "{orderConnection(first:20){edges{node{_id total lines{quantity unitPrice total product{_id name price}}}}}}";
    let request = |token: &String| vec![Request::new(Kind::Other, Some(token), query, &Value::Null)];
    let users = tokens.iter().take(USERS).cycle().take(data.connections);
    Ok(Plan::apart(users.map(request).collect()))
}

/// Returns some of the ids, at even distances.
pub fn spread(ids: &[String], count: usize) -> impl Iterator<Item = &String> {
    ids.iter().step_by((ids.len() / count).max(1)).take(count)
}
