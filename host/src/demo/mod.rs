//! The demo shop of `mercato up --demo`: products with variants, categories, discounts, customers, and orders
//! in each status. The content is the same each time.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;
use uuid::Uuid;

use mercato_feeds::product::RowError;

use crate::import::Stock;
use crate::import::client::{Client, Error, Outcome};

const CREATE_DISCOUNT: &str =
    "mutation ($input: CreateDiscountInput!) { createDiscount(input: $input) { code } }";
const REGISTER: &str =
    "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { access_token } }";
const PRODUCTS_PAGE: &str = "query ($first: Int!, $after: String) {
    productConnection(first: $first, after: $after) {
        nodes { _id externalId } pageInfo { hasNextPage endCursor } } }";
const PLACE_ORDER: &str = "mutation ($products: [OrderProductInput], $discount: String) {
    placeOrder(products: $products, discountCode: $discount) { _id } }";
const UPDATE_STATUS: &str = "mutation ($order: ID!, $status: OrderStatus!) {
    updateOrderStatus(id: $order, status: $status) { status } }";

/// The rows of the import, one product or variant each.
const PRODUCTS: &str = include_str!("products.jsonl");

/// Customers, discounts and orders.
const SHOP: &str = include_str!("shop.json");

/// How many products are read at once.
const PAGE: u32 = 100;

#[derive(Deserialize)]
struct Shop {
    discounts: Vec<Value>,
    customers: Vec<String>,
    orders: Vec<Order>,
}

#[derive(Deserialize)]
struct Order {
    customer: String,
    /// Quantities by the external ids of products.
    lines: BTreeMap<String, u32>,
    #[serde(rename = "discountCode")]
    discount_code: Option<String>,
    /// The changes of the status after the placement.
    statuses: Vec<String>,
}

/// What [`fill`] did.
struct Filled {
    /// The number of rows in the catalog: products and variants.
    products: usize,
    /// The user names of new customers, and their password. None if the shop has the demo customers already.
    customers: Option<(Vec<String>, String)>,
    /// The number of new orders.
    orders: usize,
}

impl Display for Filled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "demo: {} products and variants", self.products)?;
        match &self.customers {
            Some((names, password)) => {
                let names = names.join(", ");
                write!(
                    formatter,
                    ", {} orders; sign in as {names} with the password {password}",
                    self.orders
                )
            }
            None => formatter.write_str("; the customers and orders are there already"),
        }
    }
}

/// Fills the shop at this address, and prints what it did. A failure is logged, and the shop continues.
pub fn run(address: SocketAddr, key: String) {
    let host = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}", SocketAddr::new(host, address.port()));
    match fill(&Client::new(&url, key)) {
        Ok(filled) => {
            // If nobody reads the output, nobody needs the password.
            let _ = writeln!(io::stdout(), "{filled}");
        }
        Err(error) => warn!("the demo data are incomplete: {error}"),
    }
}

/// Fills a shop with the demo data. Products and discounts that exist already are left unchanged. If the shop
/// has the demo customers, no orders are added.
///
/// # Errors
/// If the shop refuses a request, or cannot be reached.
fn fill(client: &Client) -> Result<Filled, Error> {
    let shop: Shop = serde_json::from_str(SHOP)
        .map_err(|error| Error::Permanent(format!("the demo data are malformed: {error}")))?;
    let rows: Vec<_> = PRODUCTS.lines().map(str::to_owned).collect();
    for outcome in client.import(&rows, Stock::Keep)? {
        if let Outcome::Refused(error) = outcome {
            return Err(refused("a product", &error));
        }
    }
    for discount in &shop.discounts {
        let created = client.graphql::<Value>(CREATE_DISCOUNT, &json!({ "input": discount }))?;
        if let Err(error) = created
            && error.code != "CONFLICT"
        {
            return Err(refused("a discount", &error));
        }
    }
    // A password that everybody knows would be dangerous in a shop that others can reach.
    let password = Uuid::new_v4().to_string();
    let mut customers = HashMap::new();
    for name in &shop.customers {
        let input = json!({ "username": name, "password": password });
        let registered = client.graphql::<Value>(REGISTER, &json!({ "input": input }))?;
        let registered = match registered {
            Ok(registered) => registered,
            Err(error) if error.code == "CONFLICT" => {
                return Ok(Filled {
                    products: rows.len(),
                    customers: None,
                    orders: 0,
                });
            }
            Err(error) => return Err(refused("a customer", &error)),
        };
        let token = text(&registered, "/registerUser/access_token")?;
        customers.insert(name, client.signed_in(&token));
    }
    let products = products(client)?;
    for order in &shop.orders {
        place(client, order, &customers, &products)?;
    }
    Ok(Filled {
        products: rows.len(),
        customers: Some((shop.customers.clone(), password)),
        orders: shop.orders.len(),
    })
}

/// Returns the ids of all products by their external ids.
fn products(client: &Client) -> Result<HashMap<String, String>, Error> {
    let mut ids = HashMap::new();
    let mut after = Value::Null;
    loop {
        let page = send(client, PRODUCTS_PAGE, &json!({ "first": PAGE, "after": after }))?;
        let nodes = page.pointer("/productConnection/nodes").and_then(Value::as_array);
        for node in nodes.into_iter().flatten() {
            if let Some(external_id) = node.get("externalId").and_then(Value::as_str) {
                ids.insert(external_id.to_owned(), text(node, "/_id")?);
            }
        }
        let page_info = page.pointer("/productConnection/pageInfo");
        let get = |name| page_info.and_then(|info| info.get(name));
        if get("hasNextPage") != Some(&Value::Bool(true)) {
            return Ok(ids);
        }
        after = get("endCursor").cloned().unwrap_or_default();
    }
}

/// Places an order for a customer, and moves it through its statuses.
fn place(
    client: &Client,
    order: &Order,
    customers: &HashMap<&String, Client>,
    products: &HashMap<String, String>,
) -> Result<(), Error> {
    let customer = customers
        .get(&order.customer)
        .ok_or_else(|| unknown(&order.customer))?;
    let mut lines = Vec::new();
    for (product, quantity) in &order.lines {
        let id = products.get(product).ok_or_else(|| unknown(product))?;
        lines.push(json!({ "_id": id, "quantity": quantity }));
    }
    let input = json!({ "products": lines, "discount": order.discount_code });
    let placed = text(&send(customer, PLACE_ORDER, &input)?, "/placeOrder/_id")?;
    for status in &order.statuses {
        send(
            client,
            UPDATE_STATUS,
            &json!({ "order": placed, "status": status }),
        )?;
    }
    Ok(())
}

/// Sends a request that the shop must not refuse.
fn send(client: &Client, query: &str, variables: &Value) -> Result<Value, Error> {
    client
        .graphql(query, variables)?
        .map_err(|error| refused("a request", &error))
}

fn text(value: &Value, pointer: &str) -> Result<String, Error> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    let missing = || Error::Permanent(format!("the shop's response has no {pointer}"));
    text.map(str::to_owned).ok_or_else(missing)
}

fn refused(what: &str, error: &RowError) -> Error {
    Error::Permanent(format!("the shop refused {what} of the demo: {}", error.message))
}

fn unknown(name: &str) -> Error {
    Error::Permanent(format!("the demo data name {name}, which the shop does not have"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_data_have_fifty_products_and_an_order_in_each_status() {
        let rows: Vec<Value> = PRODUCTS
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let is_variant = |row: &&Value| row.get("parentExternalId").is_some();
        assert_eq!(rows.iter().filter(|row| !is_variant(row)).count(), 50);
        let shop: Shop = serde_json::from_str(SHOP).unwrap();
        let last = |order: &Order| order.statuses.last().cloned();
        let statuses: HashSet<_> = shop.orders.iter().map(last).collect();
        assert_eq!(statuses.len(), 7, "{statuses:?}");
        for product in shop.orders.iter().flat_map(|order| order.lines.keys()) {
            assert!(rows.iter().any(|row| row["externalId"] == **product), "{product}");
        }
    }
}
