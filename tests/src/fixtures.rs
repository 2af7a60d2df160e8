//! Products, orders and other data that tests create in a shop, and what they check of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::values::set;
use crate::wait::{SOON, eventually};

/// A well-formed id (RFC 9562, version 7) that no shop creates, since its time is 1970.
pub const UNKNOWN_ID: &str = "00000000-0001-7000-8000-000000000001";

/// The units of a product, by where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub sold: i64,
}

impl Stock {
    /// Returns a stock without reservations: all received units are on hand or sold.
    pub fn settled(received: i64, sold: i64) -> Self {
        Self {
            received,
            on_hand: received - sold,
            reserved: 0,
            sold,
        }
    }

    /// Fails if a unit is lost, invented, or sold twice.
    fn check(&self) -> Result<()> {
        let counts = [self.received, self.on_hand, self.reserved, self.sold];
        ensure!(
            self.received == self.on_hand + self.reserved + self.sold
                && counts.iter().all(|&count| count >= 0),
            "received must be on hand + reserved + sold, and none may be negative: {self:?}"
        );
        Ok(())
    }
}

impl Shop {
    /// Creates a product with a unique name and returns its id.
    pub fn product(&self, price: i64, quantity: i64) -> Result<String> {
        self.product_from(json!({ "name": unique("product"), "price": price, "quantity": quantity }))
    }

    /// Creates a product and returns its id.
    pub fn product_from(&self, input: Value) -> Result<String> {
        let answer = self.create_product(As::Key, input)?;
        Ok(answer.text("/createProduct/_id")?.to_owned())
    }

    /// Creates a product.
    pub fn create_product(&self, caller: As<'_>, input: Value) -> Result<GraphqlResponse> {
        let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) {
            _id name price quantity description manufacturer externalId currency weight version createdAt updatedAt } }";
        self.graphql(caller, query, json!({ "input": input }))
    }

    /// Returns the product with this id.
    pub fn read_product(&self, caller: As<'_>, id: &str) -> Result<GraphqlResponse> {
        let query = "query ($id: ID!) { product(id: $id) {
            _id name price quantity description manufacturer externalId currency weight version archivedAt createdAt updatedAt } }";
        self.graphql(caller, query, json!({ "id": id }))
    }

    /// Edits a product.
    pub fn update_product(&self, id: &str, version: i64, input: Value) -> Result<GraphqlResponse> {
        let query = "mutation ($id: ID!, $version: Int!, $input: UpdateProductInput!) {
            updateProduct(id: $id, version: $version, input: $input) {
                _id name price quantity description manufacturer externalId currency weight version archivedAt createdAt updatedAt } }";
        let variables = json!({ "id": id, "version": version, "input": input });
        self.graphql(As::Key, query, variables)
    }

    /// Deletes a product.
    pub fn delete_product(&self, id: &str, version: i64) -> Result<GraphqlResponse> {
        let query = "mutation ($id: ID!, $version: Int!) {
            deleteProduct(id: $id, version: $version) { _id version archivedAt } }";
        self.graphql(As::Key, query, json!({ "id": id, "version": version }))
    }

    /// Receives units of a product.
    pub fn receive_stock(&self, id: &str, quantity: i64) -> Result<GraphqlResponse> {
        let query = "mutation ($id: ID!, $quantity: Int!) {
            receiveStock(id: $id, quantity: $quantity) { quantity version } }";
        self.graphql(As::Key, query, json!({ "id": id, "quantity": quantity }))
    }

    /// Returns the first 100 products that match a filter, in the order of their creation.
    pub fn find_products(&self, filter: Value) -> Result<Vec<Value>> {
        let query = "query ($filter: ProductFilter) { productConnection(first: 100, filter: $filter) {
            edges { node { _id name price quantity currency externalId version } } } }";
        let answer = self.graphql(As::Anonymous, query, json!({ "filter": filter }))?;
        answer.column("/productConnection/edges", "/node")
    }

    /// Imports rows.
    pub fn import_products(&self, rows: &[Value]) -> Result<GraphqlResponse> {
        let query = "mutation ($rows: [ImportProductInput!]!) {
            importProducts(products: $rows) { outcomes { outcome code field message } } }";
        self.graphql(As::Key, query, json!({ "rows": rows }))
    }

    /// Creates a category with a unique name and returns its id.
    pub fn category(&self) -> Result<String> {
        let query = "mutation ($name: String!) { createCategory(input: { name: $name }) { _id } }";
        let answer = self.graphql(As::Key, query, json!({ "name": unique("category") }))?;
        Ok(answer.text("/createCategory/_id")?.to_owned())
    }

    /// Creates a discount with a unique code and returns the code.
    pub fn discount(&self, mut input: Value) -> Result<String> {
        set(&mut input, "code", json!(unique("code")));
        let query = "mutation ($input: CreateDiscountInput!) { createDiscount(input: $input) { code } }";
        let answer = self.graphql(As::Key, query, json!({ "input": input }))?;
        Ok(answer.text("/createDiscount/code")?.to_owned())
    }

    /// Adds units of a product to the caller's cart.
    pub fn add_to_cart(&self, caller: As<'_>, product: &str, quantity: i64) -> Result<GraphqlResponse> {
        let query = "mutation ($product: ID!, $quantity: Int!) {
            addToCart(productId: $product, quantity: $quantity) { _id total } }";
        let variables = json!({ "product": product, "quantity": quantity });
        self.graphql(caller, query, variables)
    }

    /// Places an order for these quantities and returns its id.
    pub fn order(&self, caller: As<'_>, lines: &[(&str, i64)]) -> Result<String> {
        let answer = self.place_order(caller, lines)?;
        Ok(answer.text("/placeOrder/_id")?.to_owned())
    }

    /// Places an order for these quantities.
    pub fn place_order(&self, caller: As<'_>, lines: &[(&str, i64)]) -> Result<GraphqlResponse> {
        self.place_order_of(caller, order_lines(lines))
    }

    /// Places an order with lines that need not be valid.
    pub fn place_order_of(&self, caller: As<'_>, lines: Value) -> Result<GraphqlResponse> {
        let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) {
            _id userId status total currency createdAt products { _id quantity name unitPrice } } }";
        self.graphql(caller, query, json!({ "products": lines }))
    }

    /// Changes an order's status as an operator.
    pub fn set_order_status(&self, id: &str, status: &str) -> Result<GraphqlResponse> {
        let query = "mutation ($id: ID!, $status: OrderStatus!) {
            updateOrderStatus(id: $id, status: $status) { status version } }";
        self.graphql(As::Key, query, json!({ "id": id, "status": status }))
    }

    /// Changes an order's status as an operator. Fails if the change is refused.
    pub fn move_order(&self, id: &str, status: &str) -> Result<()> {
        self.set_order_status(id, status)?
            .has("/updateOrderStatus/status", status)
    }

    /// Cancels an order.
    pub fn cancel_order(&self, caller: As<'_>, id: &str, reason: Option<&str>) -> Result<GraphqlResponse> {
        let query =
            "mutation ($id: ID!, $reason: String) { cancelOrder(id: $id, reason: $reason) { status } }";
        self.graphql(caller, query, json!({ "id": id, "reason": reason }))
    }

    /// Pays an order.
    pub fn pay(&self, caller: As<'_>, order: &str, method: &str) -> Result<GraphqlResponse> {
        let query = "mutation ($order: ID!, $method: String!) {
            payOrder(orderId: $order, paymentMethod: $method) { _id status amount attempt clientSecret } }";
        self.graphql(caller, query, json!({ "order": order, "method": method }))
    }

    /// Refunds an order's payment, or this amount of it.
    pub fn refund(&self, order: &str, amount: Option<i64>) -> Result<GraphqlResponse> {
        let query = "mutation ($id: ID!, $amount: Int) {
            refundPayment(id: $id, amount: $amount) { refunded refunds { status } } }";
        self.graphql(As::Key, query, json!({ "id": order, "amount": amount }))
    }

    /// Returns a product's stock. Fails if it does not add up.
    pub fn stock(&self, id: &str) -> Result<Stock> {
        let query = "query ($id: ID!) { product(id: $id) { stock { received onHand reserved sold } } }";
        let answer = self.graphql(As::Key, query, json!({ "id": id }))?;
        let stock = Stock {
            received: answer.int("/product/stock/received")?,
            on_hand: answer.int("/product/stock/onHand")?,
            reserved: answer.int("/product/stock/reserved")?,
            sold: answer.int("/product/stock/sold")?,
        };
        stock.check().map_err(|error| answer.http.failure(error))?;
        Ok(stock)
    }

    /// Waits until a product has this stock. Fails if it does not add up in between.
    pub fn stock_becomes(&self, id: &str, expected: Stock) -> Result<()> {
        let expectation = format!("the stock should become {expected:?}");
        eventually(SOON, expectation, || {
            let found = self.stock(id)?;
            Ok((found == expected, found))
        })
        .map(drop)
    }
}

/// Returns the lines of an order as its input has them.
pub fn order_lines(lines: &[(&str, i64)]) -> Value {
    lines
        .iter()
        .map(|(id, quantity)| json!({ "_id": id, "quantity": quantity }))
        .collect()
}

/// Returns a name that begins with the prefix and that no test has used, in this run or an earlier one.
pub fn unique(prefix: &str) -> String {
    static RUN: OnceLock<u128> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let run = RUN.get_or_init(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |passed| passed.as_micros())
    });
    format!("{prefix}-{run:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Fails unless an id is a UUID of version 7 (RFC 9562), hyphenated, in lower case.
pub fn check_id(id: &str) -> Result<()> {
    let digits = |group: &str| {
        group
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    ensure!(
        lengths == [8, 4, 4, 4, 12] && id.split('-').all(digits) && id.get(14..15) == Some("7"),
        "\"{id}\" should be a UUID of version 7"
    );
    Ok(())
}

/// Fails unless a time is RFC 3339 in UTC.
pub fn check_time(time: &str) -> Result<()> {
    let bytes = time.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    ensure!(
        separators
            .iter()
            .all(|&(at, separator)| bytes.get(at) == Some(&separator))
            && (time.ends_with('Z') || time.ends_with("+00:00"))
            && time > "2024",
        "\"{time}\" should be an RFC 3339 time in UTC"
    );
    Ok(())
}
