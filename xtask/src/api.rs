//! The part of the shop's API that tests and measurements use.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// A client with the shop's API key.
pub struct Api {
    url: String,
    secret: String,
}

/// The units of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    /// The units that can be bought.
    pub on_hand: i64,
    /// The units of orders whose events have not arrived.
    pub reserved: i64,
    /// The units that were sold.
    pub sold: i64,
}

impl Api {
    /// Creates a client of the shop at a base URL.
    pub fn new(base: &str, secret: &str) -> Self {
        Self {
            url: format!("{base}/graphql"),
            secret: secret.to_owned(),
        }
    }

    /// Returns the URL of GraphQL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request body with the API key, and returns the text of the answer.
    ///
    /// # Errors
    /// The shop does not answer, or the status is not a success.
    pub fn text(&self, body: &str) -> Result<String> {
        self.send(("x-api-key", &self.secret), body)
    }

    /// Creates a product and returns its id.
    ///
    /// # Errors
    /// The shop rejects the request.
    pub fn create_product(&self, name: &str, price: u32, quantity: u32) -> Result<String> {
        let input = json!({ "name": name, "price": price, "quantity": quantity });
        let data = self.execute(
            "mutation($input: CreateProductInput!) { createProduct(input: $input) { _id } }",
            &json!({ "input": input }),
        )?;
        text_at(&data, "/createProduct/_id")
    }

    /// Registers a user and returns their access token.
    ///
    /// # Errors
    /// The shop rejects the request.
    pub fn register(&self, username: &str, password: &str) -> Result<String> {
        let input = json!({ "username": username, "password": password });
        let data = self.execute(
            "mutation($input: RegisterUserInput!) { registerUser(input: $input) { access_token } }",
            &json!({ "input": input }),
        )?;
        text_at(&data, "/registerUser/access_token")
    }

    /// Signs a user in and returns their access token.
    ///
    /// # Errors
    /// The shop rejects the request.
    pub fn sign_in(&self, username: &str, password: &str) -> Result<String> {
        let input = json!({ "username": username, "password": password });
        let data = self.execute(
            "mutation($input: LoginInput!) { login(input: $input) { access_token } }",
            &json!({ "input": input }),
        )?;
        text_at(&data, "/login/access_token")
    }

    /// Orders one unit of a product, as the user with this access token.
    ///
    /// # Errors
    /// The shop rejects the request.
    pub fn place_order(&self, token: &str, product: &str) -> Result<()> {
        self.send_as(token, &order_body(product)).map(drop)
    }

    /// Returns the units of a product.
    ///
    /// # Errors
    /// The product does not exist.
    pub fn stock(&self, product: &str) -> Result<Stock> {
        let data = self.execute(
            "query($id: ID!) { product(id: $id) { stock { onHand reserved sold } } }",
            &json!({ "id": product }),
        )?;
        let stock = data
            .pointer("/product/stock")
            .context("the product has no stock")?;
        Ok(Stock::deserialize(stock)?)
    }

    /// Sends a GraphQL request with the API key, and returns its data.
    ///
    /// # Errors
    /// The shop rejects the request.
    pub fn execute(&self, query: &str, variables: &Value) -> Result<Value> {
        data(&self.text(&body(query, variables))?)
    }

    /// Sends a GraphQL request as the user with this access token, and returns its data.
    ///
    /// # Errors
    /// The shop rejects the request.
    pub fn execute_as(&self, token: &str, query: &str, variables: &Value) -> Result<Value> {
        self.send_as(token, &body(query, variables))
    }

    fn send_as(&self, token: &str, body: &str) -> Result<Value> {
        data(&self.send(("authorization", &format!("Bearer {token}")), body)?)
    }

    fn send(&self, header: (&str, &str), body: &str) -> Result<String> {
        let request = ureq::post(&self.url)
            .header("content-type", "application/json")
            .header(header.0, header.1);
        Ok(request.send(body)?.body_mut().read_to_string()?)
    }
}

/// Writes the body of a GraphQL request.
pub fn body(query: &str, variables: &Value) -> String {
    json!({ "query": query, "variables": variables }).to_string()
}

/// Writes the body of a request that orders one unit of a product.
pub fn order_body(product: &str) -> String {
    body(
        "mutation($id: String!) { placeOrder(products: [{_id: $id, quantity: 1}]) { _id } }",
        &json!({ "id": product }),
    )
}

/// Returns the `data` of an answer.
fn data(answer: &str) -> Result<Value> {
    let answer: Value = serde_json::from_str(answer)?;
    match (answer.get("errors"), answer.get("data")) {
        (None, Some(data)) => Ok(data.clone()),
        (errors, _) => bail!("the shop rejected the request: {}", errors.unwrap_or(&answer)),
    }
}

fn text_at(data: &Value, pointer: &str) -> Result<String> {
    let text = data.pointer(pointer).and_then(Value::as_str);
    let text = text.with_context(|| format!("the answer has no {pointer}: {data}"))?;
    Ok(text.to_owned())
}
