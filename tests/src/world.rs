//! What tests share: the shop under test, a few users, and names that nobody used before.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Shop};
use crate::tokens;

/// A well-formed id (RFC 9562, version 7) that no shop ever gives, since its time is 1970.
pub const UNKNOWN_ID: &str = "00000000-0001-7000-8000-000000000001";

/// A registered user.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub name: String,
    pub password: String,
    pub token: String,
}

impl User {
    /// The user as whom requests come.
    pub fn caller(&self) -> As<'_> {
        As::Token(&self.token)
    }
}

/// Where all pieces of a product are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub sold: i64,
}

impl Stock {
    /// Fails where a piece was lost, invented, or sold twice.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.received == self.on_hand + self.reserved + self.sold
                && [self.received, self.on_hand, self.reserved, self.sold]
                    .iter()
                    .all(|&count| count >= 0),
            "received must be on hand + reserved + sold, none negative: {self:?}"
        );
        Ok(())
    }
}

/// The shop under test, and users that tests may share since they change nothing of them.
pub struct World {
    pub shop: Shop,
    ada: OnceLock<Result<User, String>>,
    bob: OnceLock<Result<User, String>>,
    root: OnceLock<Result<User, String>>,
}

impl World {
    /// A world whose users are registered when they are first asked for.
    pub fn new(shop: Shop) -> Self {
        Self {
            shop,
            ada: OnceLock::new(),
            bob: OnceLock::new(),
            root: OnceLock::new(),
        }
    }

    /// A customer.
    pub fn ada(&self) -> Result<&User> {
        self.shared(&self.ada, "ada")
    }

    /// Another customer.
    pub fn bob(&self) -> Result<&User> {
        self.shared(&self.bob, "bob")
    }

    /// An administrator: a registered user whose token says so.
    pub fn root(&self) -> Result<&User> {
        let registered = self.root.get_or_init(|| {
            let user = self.register("root").map_err(|error| format!("{error:#}"))?;
            let token = tokens::minted(self.shop.secret(), &user.id, "ADMIN").map_err(|e| e.to_string())?;
            Ok(User { token, ..user })
        });
        registered
            .as_ref()
            .map_err(|error| anyhow!("no administrator: {error}"))
    }

    fn shared<'a>(&self, place: &'a OnceLock<Result<User, String>>, name: &str) -> Result<&'a User> {
        place
            .get_or_init(|| self.register(name).map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("no user {name}: {error}"))
    }

    /// Registers a new user whose name begins so.
    pub fn register(&self, prefix: &str) -> Result<User> {
        let name = unique(prefix);
        let password = format!("correct horse {name}");
        let answer = register(&self.shop, As::Anonymous, &name, &password)?;
        Ok(User {
            id: answer.text("/registerUser/user/_id")?.to_owned(),
            token: answer.text("/registerUser/access_token")?.to_owned(),
            name,
            password,
        })
    }

    /// Creates a product with a unique name and tells its id.
    pub fn product(&self, price: i64, quantity: i64) -> Result<String> {
        self.product_of(json!({ "name": unique("product"), "price": price, "quantity": quantity }))
    }

    /// Creates a product and tells its id.
    pub fn product_of(&self, input: Value) -> Result<String> {
        let answer = create_product(&self.shop, As::Key, input)?;
        Ok(answer.text("/createProduct/_id")?.to_owned())
    }

    /// Creates a discount code with a unique name and tells it.
    pub fn discount(&self, mut input: Value) -> Result<String> {
        if let Some(input) = input.as_object_mut() {
            input.insert("code".into(), json!(unique("code")));
        }
        let query = "mutation ($input: CreateDiscountInput!) { createDiscount(input: $input) { code } }";
        let answer = self.shop.graphql(As::Key, query, json!({ "input": input }))?;
        Ok(answer.text("/createDiscount/code")?.to_owned())
    }

    /// A new category's id.
    pub fn category(&self) -> Result<String> {
        let answer = self.shop.graphql(
            As::Key,
            "mutation ($name: String!) { createCategory(input: { name: $name }) { _id } }",
            json!({ "name": unique("category") }),
        )?;
        Ok(answer.text("/createCategory/_id")?.to_owned())
    }

    /// A product's stock, which must add up.
    pub fn stock(&self, id: &str) -> Result<Stock> {
        stock(&self.shop, id)
    }

    /// Waits until a product's stock is what it should become; it must add up all the while.
    pub fn stock_becomes(&self, id: &str, expected: Stock) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.stock(id)?;
            if found == expected {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the stock should become {expected:?} and stays {found:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A product's stock in some shop; it must add up.
pub fn stock(shop: &Shop, id: &str) -> Result<Stock> {
    let query = "query ($id: ID!) { product(id: $id) { stock { received onHand reserved sold } } }";
    let answer = shop.graphql(As::Key, query, json!({ "id": id }))?;
    let stock = Stock {
        received: answer.int("/product/stock/received")?,
        on_hand: answer.int("/product/stock/onHand")?,
        reserved: answer.int("/product/stock/reserved")?,
        sold: answer.int("/product/stock/sold")?,
    };
    stock.check().map_err(|error| answer.reply.failure(error))?;
    Ok(stock)
}

/// Registers a user.
pub fn register(shop: &Shop, who: As<'_>, username: &str, password: &str) -> Result<Answer> {
    let query = "mutation ($input: RegisterUserInput) {
        registerUser(input: $input) { access_token user { _id username role createdAt } } }";
    shop.graphql(
        who,
        query,
        json!({ "input": { "username": username, "password": password } }),
    )
}

/// Signs a user in.
pub fn login(shop: &Shop, username: &str, password: &str) -> Result<Answer> {
    let query =
        "mutation ($input: LoginInput!) { login(input: $input) { access_token user { _id username } } }";
    shop.graphql(
        As::Anonymous,
        query,
        json!({ "input": { "username": username, "password": password } }),
    )
}

/// Creates a product.
pub fn create_product(shop: &Shop, who: As<'_>, input: Value) -> Result<Answer> {
    let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) {
        _id name price quantity description manufacturer externalId currency version createdAt updatedAt } }";
    shop.graphql(who, query, json!({ "input": input }))
}

/// Places an order for so many of each product.
pub fn place_order(shop: &Shop, who: As<'_>, lines: &[(&str, i64)]) -> Result<Answer> {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, quantity)| json!({ "_id": id, "quantity": quantity }))
        .collect();
    place_order_of(shop, who, json!(lines))
}

/// Places an order with lines of whatever form.
pub fn place_order_of(shop: &Shop, who: As<'_>, lines: Value) -> Result<Answer> {
    let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) {
        _id userId status total currency createdAt products { _id quantity name unitPrice } } }";
    shop.graphql(who, query, json!({ "products": lines }))
}

/// A name that begins so and was never used: within a run by its number, between runs by the time.
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

/// A text within a value, by JSON pointer.
pub fn text_at<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("there should be a text at {pointer} of {value}"))
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
        "\"{time}\" should be a time of RFC 3339 in UTC"
    );
    Ok(())
}
