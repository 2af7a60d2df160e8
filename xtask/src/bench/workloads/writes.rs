//! Requests that change something.

use anyhow::{Context, Result};
use serde_json::json;

use super::reads::spread;
use crate::bench::data::Data;
use crate::bench::request::{Kind, Plan, Request, shuffled};
use crate::bench::shoppers::PASSWORD;

/// The products in a cart.
const CART: usize = 20;
/// The orders after which a connection begins again.
const ORDERS: usize = 500;

/// Signs users in.
pub fn sign_in(data: &Data) -> Result<Plan> {
    let query = "mutation($input:LoginInput!){login(input:$input){access_token user{_id username role}}}";
    let requests = data.shoppers.names().iter().map(|name| {
        let input = json!({ "username": name, "password": PASSWORD });
        Request::new(Kind::Other, None, query, &json!({ "input": input }))
    });
    Ok(Plan::shared(requests.collect(), data.connections))
}

/// Adds products to the carts of the users.
pub fn cart(data: &Data) -> Result<Plan> {
    let requests = data.tokens()?.into_iter().map(|token| additions(data, &token));
    Ok(Plan::apart(requests.collect()))
}

/// Returns requests that add products to the cart of a user.
pub fn additions(data: &Data, token: &str) -> Vec<Request> {
    let query =
        "mutation($id:ID!){addToCart(productId:$id,quantity:1){total lines{productId quantity unitPrice}}}";
    spread(&data.ids, CART)
        .map(|id| Request::new(Kind::Cart, Some(token), query, &json!({ "id": id })))
        .collect()
}

/// Orders one product again and again.
pub fn order_hot(data: &Data) -> Result<Plan> {
    let product = data.ids.first().context("the shop has no products")?;
    let requests = data
        .tokens()?
        .into_iter()
        .map(|token| vec![order(&token, product)]);
    Ok(Plan::apart(requests.collect()))
}

/// Orders random products.
pub fn order_many(data: &Data) -> Result<Plan> {
    let lists = (0..).zip(data.tokens()?);
    let requests = lists.map(|(connection, token)| orders(data, &token, connection, ORDERS));
    Ok(Plan::apart(requests.collect()))
}

/// Returns requests that order random products.
pub fn orders(data: &Data, token: &str, seed: usize, count: usize) -> Vec<Request> {
    let numbers = shuffled((0..data.ids.len()).collect(), seed);
    let ids = numbers.iter().filter_map(|number| data.ids.get(*number));
    ids.take(count).map(|id| order(token, id)).collect()
}

fn order(token: &str, product: &str) -> Request {
    let query = "mutation($id:String!){placeOrder(products:[{_id:$id,quantity:1}]){_id total lines{productId name quantity unitPrice}}}";
    Request::new(Kind::Order, Some(token), query, &json!({ "id": product }))
}
