//! What existing clients send, verbatim, and the shapes that they rely on. The schema itself is compared in `contract`.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Call};
use crate::tokens;
use crate::trials::trials;
use crate::world::{World, create_product, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "compat",
        [
            register_user_with_variables_of_the_contracts_types,
            register_user_with_literals,
            create_product_with_the_api_key,
            create_product_as_an_administrator,
            place_order_with_a_bearer_token,
            place_order_with_a_token_that_names_no_role,
            users_and_user,
            products_and_product,
            orders_and_order,
            everything_in_one_document,
            queries_by_get,
            refusals_have_codes_and_null,
        ]
    )
}

/// A member's name, and whether a value is of its kind.
type Member = (&'static str, fn(&Value) -> bool);

/// Fails unless an object has these members and no others, each of its kind.
fn shape(answer: &Answer, pointer: &str, members: &[Member]) -> Result<()> {
    let object = answer.data(pointer)?.as_object();
    let count = object.map_or(0, serde_json::Map::len);
    answer.expect(
        count == members.len(),
        format!("{pointer} should have {} members", members.len()),
    )?;
    for (name, is_kind) in members {
        let fine = object.and_then(|object| object.get(*name)).is_some_and(is_kind);
        answer.expect(fine, format!("{pointer}/{name} should be of its kind"))?;
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

fn register_user_with_variables_of_the_contracts_types(world: &World) -> Result<()> {
    let name = unique("compat");
    let answer = world.shop.graphql(
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
        json!({ "input": { "username": name, "password": "password1" } }),
    )?;
    shape(
        &answer,
        "/registerUser",
        &[("access_token", Value::is_string), ("user", Value::is_object)],
    )?;
    shape(&answer, "/registerUser/user", &USER)?;
    answer.expect(
        answer.text("/registerUser/user/username")? == name,
        "the name should be kept",
    )?;
    let claims = tokens::verified(world.shop.secret(), answer.text("/registerUser/access_token")?)?;
    let id = answer.data("/registerUser/user/_id")?;
    ensure!(
        claims.get("userId") == Some(id),
        "userId should be {id} in {claims}"
    );
    Ok(())
}

fn register_user_with_literals(world: &World) -> Result<()> {
    let name = unique("compat");
    let query = format!(
        r#"mutation {{ registerUser(input: {{username: "{name}", password: "password1"}}) {{ access_token user {{ _id username }} }} }}"#
    );
    let answer = world.shop.query(As::Anonymous, &query)?;
    shape(&answer, "/registerUser/user", &USER)?;
    answer.expect(
        answer.text("/registerUser/user/username")? == name,
        "the name should be kept",
    )
}

const CREATE_PRODUCT: &str = "mutation CreateProduct($input: CreateProductInput) {
    createProduct(input: $input) { _id name price quantity } }";

fn create_product_with_the_api_key(world: &World) -> Result<()> {
    let name = unique("compat");
    let input = json!({ "input": { "name": name, "price": 10, "quantity": 3 } });
    let answer = world.shop.graphql(As::Key, CREATE_PRODUCT, input)?;
    shape(&answer, "/createProduct", &PRODUCT)?;
    answer.expect(
        answer.text("/createProduct/name")? == name,
        "the name should be kept",
    )?;
    answer.expect(
        answer.int("/createProduct/price")? == 10,
        "the price should be kept",
    )?;
    answer.expect(
        answer.int("/createProduct/quantity")? == 3,
        "the quantity should be kept",
    )
}

fn create_product_as_an_administrator(world: &World) -> Result<()> {
    let input = json!({ "input": { "name": unique("compat"), "price": 10, "quantity": 3 } });
    let answer = world
        .shop
        .graphql(world.root()?.caller(), CREATE_PRODUCT, input)?;
    shape(&answer, "/createProduct", &PRODUCT)
}

const PLACE_ORDER: &str = "mutation PlaceOrder($products: [OrderProductInput]) {
    placeOrder(products: $products) { _id userId products { _id quantity } } }";

fn place_order_with_a_bearer_token(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let product = world.product(10, 5)?;
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let answer = world.shop.graphql(ada.caller(), PLACE_ORDER, lines)?;
    shape(&answer, "/placeOrder", &ORDER)?;
    shape(&answer, "/placeOrder/products/0", &ORDER_PRODUCT)?;
    answer.expect(
        answer.text("/placeOrder/userId")? == ada.id,
        "the order should be the caller's",
    )?;
    answer.expect(
        answer.data("/placeOrder/products")? == &json!([{ "_id": product, "quantity": 2 }]),
        "the order should hold what was ordered",
    )
}

/// The contract's tokens carry `userId`; a role is Mercato's addition.
fn place_order_with_a_token_that_names_no_role(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let claims = json!({ "userId": ada.id, "iat": tokens::now(), "exp": tokens::now() + 60 });
    let token = tokens::signed(world.shop.secret(), &claims)?;
    let product = world.product(10, 5)?;
    let lines = json!({ "products": [{ "_id": product, "quantity": 2 }] });
    let answer = world.shop.graphql(As::Token(&token), PLACE_ORDER, lines)?;
    answer.expect(
        answer.text("/placeOrder/userId")? == ada.id,
        "the order should be the token's user's",
    )?;
    let input = json!({ "name": unique("compat"), "price": 10, "quantity": 3 });
    create_product(&world.shop, As::Token(&token), input)?.refused("FORBIDDEN")?;
    Ok(())
}

fn users_and_user(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let query = "query ($id: ID!) { users { _id username } user(id: $id) { _id username } }";
    let answer = world.shop.graphql(ada.caller(), query, json!({ "id": ada.id }))?;
    shape(&answer, "/users/0", &USER)?;
    shape(&answer, "/user", &USER)?;
    answer.expect(
        answer.data("/users/0")? == answer.data("/user")?,
        "both should be the caller's own record",
    )?;
    let all = world.shop.query(As::Key, "{ users { _id username } }")?;
    all.expect(all.list("/users")?.len() > 1, "the API key should see everyone's")
}

fn products_and_product(world: &World) -> Result<()> {
    let id = world.product(10, 5)?;
    let query = "query ($id: ID!) { products { _id name price quantity } product(id: $id) { _id name price quantity } }";
    let answer = world.shop.graphql(As::Anonymous, query, json!({ "id": id }))?;
    shape(&answer, "/products/0", &PRODUCT)?;
    shape(&answer, "/product", &PRODUCT)?;
    answer.expect(
        answer.text("/product/_id")? == id,
        "the product should be the one asked for",
    )
}

fn orders_and_order(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let product = world.product(10, 5)?;
    let order = place_order(&world.shop, ada.caller(), &[(&product, 1)])?
        .text("/placeOrder/_id")?
        .to_owned();
    let query = "query ($id: ID!) { orders { _id userId products { _id quantity } }
        order(id: $id) { _id userId products { _id quantity } } }";
    let answer = world.shop.graphql(ada.caller(), query, json!({ "id": order }))?;
    shape(&answer, "/orders/0", &ORDER)?;
    shape(&answer, "/orders/0/products/0", &ORDER_PRODUCT)?;
    shape(&answer, "/order", &ORDER)?;
    let one = answer.data("/order")?;
    answer.expect(
        answer.list("/orders")?.contains(one),
        "orders should hold the order",
    )
}

fn everything_in_one_document(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let document = "
        query Mine { users { _id } orders { _id } products { ...P } }
        query One($id: ID!) { product(id: $id) { ...P } }
        mutation Buy($products: [OrderProductInput]) { placeOrder(products: $products) { _id userId } }
        fragment P on Product { _id name price quantity }";
    let product = world.product(10, 5)?;
    let run = |operation: &str, variables: Value| {
        let body = json!({ "query": document, "operationName": operation, "variables": variables });
        Answer::new(world.shop.send_as(ada.caller(), Call::post(&body))?)
    };
    run("Mine", json!({}))?.list("/products")?;
    let one = run("One", json!({ "id": product }))?;
    shape(&one, "/product", &PRODUCT)?;
    let bought = run("Buy", json!({ "products": [{ "_id": product, "quantity": 1 }] }))?;
    bought.expect(
        bought.text("/placeOrder/userId")? == ada.id,
        "the order should be the caller's",
    )
}

fn queries_by_get(world: &World) -> Result<()> {
    let id = world.product(10, 5)?;
    let variables = json!({ "id": id }).to_string();
    let call = Call::get(&[
        (
            "query",
            "query ($id: ID!) { product(id: $id) { _id name price quantity } }",
        ),
        ("variables", &variables),
    ]);
    let answer = Answer::new(world.shop.send_as(As::Anonymous, call)?)?;
    answer.reply.expect_status(200)?;
    shape(&answer, "/product", &PRODUCT)?;
    answer.expect(
        answer.text("/product/_id")? == id,
        "the product should be the one asked for",
    )
}

fn refusals_have_codes_and_null(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let product = world.product(10, 5)?;
    let input = json!({ "input": { "name": unique("compat"), "price": 10, "quantity": 3 } });
    let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
    for (who, query, variables, field, code) in [
        (
            As::Anonymous,
            CREATE_PRODUCT,
            &input,
            "/createProduct",
            "UNAUTHENTICATED",
        ),
        (
            ada.caller(),
            CREATE_PRODUCT,
            &input,
            "/createProduct",
            "FORBIDDEN",
        ),
        (
            As::WrongKey,
            CREATE_PRODUCT,
            &input,
            "/createProduct",
            "UNAUTHENTICATED",
        ),
        (
            As::Anonymous,
            PLACE_ORDER,
            &lines,
            "/placeOrder",
            "UNAUTHENTICATED",
        ),
        (
            As::Anonymous,
            "{ users { _id } }",
            &json!({}),
            "/users",
            "UNAUTHENTICATED",
        ),
        (
            As::Anonymous,
            "{ orders { _id } }",
            &json!({}),
            "/orders",
            "UNAUTHENTICATED",
        ),
    ] {
        let answer = world.shop.graphql(who, query, variables.clone())?;
        answer.refused(code)?;
        answer.expect(
            answer.partial(field)?.is_null(),
            format!("{field} should be null"),
        )?;
        answer.reply.expect_status(200)?;
    }
    let mixed = world
        .shop
        .query(As::Anonymous, "{ products { _id } orders { _id } }")?;
    mixed.refused("UNAUTHENTICATED")?;
    mixed.expect(
        mixed.partial("/products")?.is_array(),
        "what is public should be there beside what is refused",
    )?;
    let path = mixed.errors().first().and_then(|error| error.get("path"));
    mixed.expect(
        path == Some(&json!(["orders"])),
        "the error should name its field",
    )
}
