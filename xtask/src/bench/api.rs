//! The shop's API as the measurements use it.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A client with the shop's API key.
pub struct Api {
    url: String,
    secret: String,
}

impl Api {
    /// A client of the shop at this base URL.
    pub fn new(base: &str, secret: &str) -> Self {
        Self {
            url: format!("{base}/graphql"),
            secret: secret.to_owned(),
        }
    }

    /// Where GraphQL is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The text of the answer to a request's body.
    ///
    /// # Errors
    /// There is no answer, or its status is no success.
    pub fn text(&self, body: &str) -> Result<String> {
        let request = ureq::post(&self.url)
            .header("content-type", "application/json")
            .header("x-api-key", &self.secret);
        Ok(request.send(body)?.body_mut().read_to_string()?)
    }

    /// The answer's `data`.
    ///
    /// # Errors
    /// There is no answer, or it tells of errors.
    pub fn ask(&self, query: &str, variables: &Value) -> Result<Value> {
        let answer: Value = serde_json::from_str(&self.text(&body(query, variables))?)?;
        match (answer.get("errors"), answer.get("data")) {
            (None, Some(data)) => Ok(data.clone()),
            (errors, _) => bail!("the shop refused `{query}`: {}", errors.unwrap_or(&answer)),
        }
    }

    /// Creates a product and returns its id.
    ///
    /// # Errors
    /// The shop refuses it.
    pub fn create_product(&self, name: &str, price: u32, quantity: u32) -> Result<String> {
        let input = json!({ "name": name, "price": price, "quantity": quantity });
        let data = self.ask(
            "mutation($input: CreateProductInput!) { createProduct(input: $input) { _id } }",
            &json!({ "input": input }),
        )?;
        text_at(&data, "/createProduct/_id")
    }

    /// Registers a user and returns their access token.
    ///
    /// # Errors
    /// The shop refuses it.
    pub fn register(&self, username: &str, password: &str) -> Result<String> {
        let input = json!({ "username": username, "password": password });
        let data = self.ask(
            "mutation($input: RegisterUserInput!) { registerUser(input: $input) { access_token } }",
            &json!({ "input": input }),
        )?;
        text_at(&data, "/registerUser/access_token")
    }

    /// How many of a product can be bought.
    ///
    /// # Errors
    /// The shop does not know the product.
    pub fn quantity(&self, id: &str) -> Result<i64> {
        self.count(id, "/product/quantity")
    }

    /// How many of a product are held for orders whose events have not arrived.
    ///
    /// # Errors
    /// The shop does not know the product.
    pub fn reserved(&self, id: &str) -> Result<i64> {
        self.count(id, "/product/stock/reserved")
    }

    fn count(&self, id: &str, pointer: &str) -> Result<i64> {
        let data = self.ask(
            "query($id: ID!) { product(id: $id) { quantity stock { reserved } } }",
            &json!({ "id": id }),
        )?;
        let count = data.pointer(pointer).and_then(Value::as_i64);
        count.with_context(|| format!("the product has no {pointer}"))
    }
}

/// The body of a GraphQL request.
pub fn body(query: &str, variables: &Value) -> String {
    json!({ "query": query, "variables": variables }).to_string()
}

fn text_at(data: &Value, pointer: &str) -> Result<String> {
    let text = data.pointer(pointer).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("the answer has no {pointer}: {data}"))?
        .to_owned())
}
