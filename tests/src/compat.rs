//! The requests of existing clients, verbatim, and the shapes that they rely on. `contract` compares the
//! schema itself.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::http::Request;
use crate::shop::{As, Shop};
use crate::tokens;
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "compat",
        component = [
            register_user_with_variables_of_the_contracts_types,
            register_user_with_literals,
            create_product_with_the_api_key,
            place_order_with_a_bearer_token,
            place_order_with_a_token_without_a_role,
            users_and_user,
            products_and_product,
            orders_and_order,
            several_operations_in_one_document,
            a_refused_field_is_null_beside_public_data
        ]
    )
}

/// A member's name, and a check of its type.
type Member = (&'static str, fn(&Value) -> bool);

/// Fails unless an object has exactly these members with these types.
fn shape(answer: &GraphqlResponse, pointer: &str, members: &[Member]) -> Result<()> {
    let object = answer.data(pointer)?.as_object();
    let count = object.map_or(0, serde_json::Map::len);
    answer.expect(
        count == members.len(),
        format!("{pointer} should have {} members", members.len()),
    )?;
    for (name, has_type) in members {
        let valid = object.and_then(|object| object.get(*name)).is_some_and(has_type);
        answer.expect(valid, format!("{pointer}/{name} should have its type"))?;
    }
    Ok(())
}

const USER: [Member; 2] = [("_id", Value::is_string), ("username", Value::is_string)];
const PRODUCT: [Member; 4] = [
    ("_id", Value::is_string),
    ("name", Value::is_string),
    ("price", Value::is_i64),
    ("quantity", Value::is_i64),
];
const ORDER: [Member; 3] = [
    ("_id", Value::is_string),
    ("userId", Value::is_string),
    ("products", Value::is_array),
];
const ORDER_PRODUCT: [Member; 2] = [("_id", Value::is_string), ("quantity", Value::is_i64)];

fn register_user_with_variables_of_the_contracts_types(shop: &Shop) -> Result<()> {
    let name = unique("compat");
    let answer = shop.graphql(
        As::Anonymous,
        "mutation RegisterUser($input: RegisterUserInput) {
           registerUser(input: $input) {
             access_token
             user {
               _id
               username
             }
           }
         }",
        json!({ "input": { "username": name, "password": "a good password" } }),
    )?;
    shape(
        &answer,
        "/registerUser",
        &[("access_token", Value::is_string), ("user", Value::is_object)],
    )?;
    shape(&answer, "/registerUser/user", &USER)?;
    answer.has("/registerUser/user/username", &name)?;
    let claims = tokens::verified(shop.secret(), answer.text("/registerUser/access_token")?)?;
    let id = answer.data("/registerUser/user/_id")?;
    ensure!(
        claims.get("userId") == Some(id),
        "userId should be {id} in {claims}"
    );
    Ok(())
}

fn register_user_with_literals(shop: &Shop) -> Result<()> {
    let name = unique("compat");
    let query = format!(
        r#"mutation {{ registerUser(input: {{username: "{name}", password: "a good password"}}) {{ access_token user {{ _id username }} }} }}"#
    );
    let answer = shop.query(As::Anonymous, &query)?;
    shape(&answer, "/registerUser/user", &USER)?;
    answer.has("/registerUser/user/username", &name)
}

const CREATE_PRODUCT: &str = "mutation CreateProduct($input: CreateProductInput) {
    createProduct(input: $input) { _id name price quantity } }";

fn create_product_with_the_api_key(shop: &Shop) -> Result<()> {
    let name = unique("compat");
    let input = json!({ "input": { "name": name, "price": 10, "quantity": 3 } });
    let answer = shop.graphql(As::Key, CREATE_PRODUCT, input)?;
    shape(&answer, "/createProduct", &PRODUCT)?;
    answer.has("/createProduct/name", &name)?;
    answer.has("/createProduct/price", 10)?;
    answer.has("/createProduct/quantity", 3)
}

const PLACE_ORDER: &str = "mutation PlaceOrder($products: [OrderProductInput]) {
    placeOrder(products: $products) { _id userId products { _id quantity } } }";

fn place_order_with_a_bearer_token(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let product = shop.product(10, 5)?;
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let answer = shop.graphql(ada.caller(), PLACE_ORDER, lines)?;
    shape(&answer, "/placeOrder", &ORDER)?;
    shape(&answer, "/placeOrder/products/0", &ORDER_PRODUCT)?;
    answer.has("/placeOrder/userId", &ada.id)?;
    answer.has("/placeOrder/products", json!([{ "_id": product, "quantity": 2 }]))
}

/// The contract's tokens have a `userId`. Mercato adds the role.
fn place_order_with_a_token_without_a_role(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let claims = json!({ "userId": ada.id, "iat": tokens::now(), "exp": tokens::now() + 60 });
    let token = tokens::signed(shop.secret(), &claims)?;
    let product = shop.product(10, 5)?;
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let answer = shop.graphql(As::Token(&token), PLACE_ORDER, lines)?;
    answer.has("/placeOrder/userId", &ada.id)?;
    let input = json!({ "name": unique("compat"), "price": 10, "quantity": 3 });
    shop.create_product(As::Token(&token), input)?
        .refused("FORBIDDEN")?;
    Ok(())
}

fn users_and_user(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let query = "query ($id: ID!) { users { _id username } user(id: $id) { _id username } }";
    let answer = shop.graphql(ada.caller(), query, json!({ "id": ada.id }))?;
    shape(&answer, "/users/0", &USER)?;
    shape(&answer, "/user", &USER)?;
    answer.has("/users/0", answer.data("/user")?)?;
    let all = shop.query(As::Key, "{ users { _id username } }")?;
    all.expect(all.list("/users")?.len() > 1, "the API key should see all users")
}

fn products_and_product(shop: &Shop) -> Result<()> {
    let id = shop.product(10, 5)?;
    let query = "query ($id: ID!) {
        products { _id name price quantity } product(id: $id) { _id name price quantity } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "id": id }))?;
    shape(&answer, "/products/0", &PRODUCT)?;
    shape(&answer, "/product", &PRODUCT)?;
    answer.has("/product/_id", &id)
}

fn orders_and_order(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let product = shop.product(10, 5)?;
    let order = shop.order(ada.caller(), &[(&product, 1)])?;
    let query = "query ($id: ID!) { orders { _id userId products { _id quantity } }
        order(id: $id) { _id userId products { _id quantity } } }";
    let answer = shop.graphql(ada.caller(), query, json!({ "id": order }))?;
    shape(&answer, "/orders/0", &ORDER)?;
    shape(&answer, "/orders/0/products/0", &ORDER_PRODUCT)?;
    shape(&answer, "/order", &ORDER)?;
    answer.column_contains("/orders", "", answer.data("/order")?)
}

fn several_operations_in_one_document(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let document = "
        query Mine { users { _id } orders { _id } products { ...P } }
        query One($id: ID!) { product(id: $id) { ...P } }
        mutation Buy($products: [OrderProductInput]) { placeOrder(products: $products) { _id userId } }
        fragment P on Product { _id name price quantity }";
    let product = shop.product(10, 5)?;
    let run = |operation: &str, variables: Value| {
        let body = json!({ "query": document, "operationName": operation, "variables": variables });
        shop.send_graphql(ada.caller(), Request::post(&body))
    };
    run("Mine", json!({}))?.list("/products")?;
    let one = run("One", json!({ "id": product }))?;
    shape(&one, "/product", &PRODUCT)?;
    let bought = run("Buy", json!({ "products": [{ "_id": product, "quantity": 1 }] }))?;
    bought.has("/placeOrder/userId", &ada.id)
}

fn a_refused_field_is_null_beside_public_data(shop: &Shop) -> Result<()> {
    let answer = shop.query(As::Anonymous, "{ products { _id } orders { _id } }")?;
    let error = answer.refused("UNAUTHENTICATED")?;
    answer.expect(
        error.get("path") == Some(&json!(["orders"])),
        "the error should name its field",
    )?;
    answer.is_null("/orders")?;
    answer.expect(
        answer.partial("/products")?.is_array(),
        "the response should contain the public data",
    )?;
    answer.http.expect_status(200).map(drop)
}
