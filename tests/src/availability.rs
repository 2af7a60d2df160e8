//! Overload and attacks of anonymous clients: honest requests are answered, refusals are early and clear, and
//! the books balance afterwards.

use std::collections::HashSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials};
use crate::fixtures::{Stock, order_lines, unique};
use crate::http::{JSON, Request, Response};
use crate::parallel::at_once;
use crate::process::{Home, Running};
use crate::shop::{As, Shop, User};
use crate::wait::{LATER, eventually};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "availability",
        [
            orders_beyond_the_capacity_are_refused_and_the_books_balance,
            a_customer_shops_while_anonymous_clients_attack
        ]
    )
}

/// Starts a shop with room for two requests, and two more that wait.
fn small_shop(binary: &Binary, home: &Home) -> Result<Running> {
    let mut command = binary.up(home);
    Running::start(
        home,
        command.env("MERCATO_INSTANCES", "2").env("MERCATO_QUEUE", "2"),
    )
}

fn orders_beyond_the_capacity_are_refused_and_the_books_balance(binary: &Binary) -> Result<()> {
    const CLIENTS: usize = 40;
    const ATTEMPTS: usize = 8;
    let home = Home::new()?;
    let running = small_shop(binary, &home)?;
    let shop = running.shop();
    let user = shop.register("overload")?;
    let product = shop.product(10, 100_000)?;
    let outcomes = at_once(CLIENTS, |client| {
        let attempts = (0..ATTEMPTS).map(|_| attempt(&shop, &user, &product, client % 2 == 0));
        attempts.collect::<Result<Vec<_>>>()
    })?;
    let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    let confirmed: HashSet<_> = outcomes.iter().flatten().cloned().collect();
    ensure!(!confirmed.is_empty(), "some orders should be placed");
    ensure!(
        confirmed.len() < outcomes.len(),
        "some of {} orders should be refused",
        outcomes.len()
    );

    // The shop serves as before.
    let last = shop.order(user.caller(), &[(&product, 1)])?;
    let expected: HashSet<_> = confirmed.into_iter().chain([last]).collect();
    let sold = i64::try_from(expected.len())?;
    let settled = Stock::settled(100_000, sold);
    eventually(LATER, "the events of all orders should be delivered", || {
        let stock = shop.stock(&product)?;
        Ok((stock == settled, stock))
    })?;
    let query = "query ($after: String) { orderConnection(first: 100, after: $after) {
        edges { node { _id } } pageInfo { hasNextPage endCursor } } }";
    let stored = shop.all_nodes(user.caller(), query, "/orderConnection", json!({}))?;
    let stored: HashSet<_> = stored
        .iter()
        .filter_map(|order| order.get("_id")?.as_str().map(str::to_owned))
        .collect();
    ensure!(
        stored == expected,
        "{sold} orders were confirmed, and {} are stored",
        stored.len()
    );
    let rejected = r#"mercato_event_deliveries_total{subscriber="orders",outcome="rejected"}"#;
    ensure!(shop.metric(rejected)? == 0, "no event should be rejected");
    running.stop()
}

/// Tries to order one unit. Returns the order, or none if the shop is busy.
fn attempt(shop: &Shop, user: &User, product: &str, graphql: bool) -> Result<Option<String>> {
    let lines = order_lines(&[(product, 1)]);
    let (request, id) = if graphql {
        let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) { _id } }";
        let body = json!({ "query": query, "variables": { "products": lines } });
        (
            Request::post(&body).header("accept", JSON),
            "/data/placeOrder/_id",
        )
    } else {
        let body = json!({ "products": lines });
        (Request::json("POST", "/api/orders", &body), "/_id")
    };
    let response = shop.send_as(user.caller(), request)?;
    if response.status == 503 {
        is_refused_well(&response, &["BUSY"])?;
        return Ok(None);
    }
    response.text(id).map(Some)
}

/// Fails unless a refusal has one of these codes. One that is worth repeating says when.
fn is_refused_well(response: &Response, codes: &[&str]) -> Result<()> {
    let body = response.json()?;
    let at = |error: &Value| error.pointer("/extensions/code").or(error.get("code")).cloned();
    let errors = match body.get("errors").and_then(Value::as_array) {
        Some(errors) if body.get("code").is_none() => errors.clone(),
        _ => vec![body.clone()],
    };
    for error in &errors {
        let code = at(error).unwrap_or_default();
        response.expect(
            codes.iter().any(|expected| code == *expected),
            format!("a refusal should have one of the codes {codes:?}"),
        )?;
        if code == "BUSY" || code == "RATE_LIMITED" {
            let header = response.header("retry-after").map(str::to_owned);
            let member = error.pointer("/extensions/retryAfter").map(Value::to_string);
            let seconds: Option<u32> = header.or(member).and_then(|seconds| seconds.parse().ok());
            response.expect(
                seconds.is_some_and(|seconds| seconds > 0),
                "a refusal should say when to try again",
            )?;
        }
    }
    response.expect(!errors.is_empty(), "a refusal should have an error")
}

/// The codes that attackers may get. A fault of the shop, such as INTERNAL or TIMEOUT, is none of them.
const REFUSALS: [&str; 10] = [
    "BUSY",
    "RATE_LIMITED",
    "UNAUTHENTICATED",
    "CONFLICT",
    "BAD_USER_INPUT",
    "QUERY_TOO_COMPLEX",
    "QUERY_TOO_DEEP",
    "REQUEST_TOO_COMPLEX",
    "TOO_MANY_ALIASES",
    "TOO_MANY_MUTATIONS",
];

/// The longest time of the attacks.
const ATTACK: Duration = Duration::from_secs(60);

fn a_customer_shops_while_anonymous_clients_attack(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = Running::start(&home, binary.up(&home).env("PERSISTED_QUERIES", "automatic"))?;
    let shop = running.shop();
    let user = shop.register("customer")?;
    let product = shop.product(10, 1_000)?;
    let (ended, started) = (AtomicBool::new(false), Instant::now());
    let is_running = &|| !ended.load(Ordering::SeqCst) && started.elapsed() < ATTACK;
    let (url, port, floods) = (running.url.as_str(), running.port()?, documents());
    let bought = std::thread::scope(|scope| {
        let attackers: Vec<_> = floods
            .iter()
            .flat_map(|body| [body; 4])
            .map(|body| scope.spawn(move || flood(&Shop::new(url, ""), body, is_running)))
            .collect();
        let holder = scope.spawn(move || hold(port, is_running));
        let bought = (0..10)
            .map(|_| buy(&shop, &user, &product))
            .collect::<Result<Vec<_>>>();
        ended.store(true, Ordering::SeqCst);
        for attacker in attackers {
            let answers = attacker.join().map_err(|_| anyhow!("an attacker panicked"))??;
            ensure!(answers > 0, "each attacker should get an answer");
        }
        holder.join().map_err(|_| anyhow!("an attacker panicked"))??;
        bought
    })?;
    let sold = i64::try_from(bought.len())?;
    eventually(LATER, "the events of all orders should be delivered", || {
        let stock = shop.stock(&product)?;
        Ok((stock == Stock::settled(1_000, sold), stock))
    })?;
    let new = shop.product(10, 1)?;
    shop.read_product(As::Anonymous, &new)?
        .has("/product/quantity", 1)?;
    running.stop()
}

/// Lists products, fills the cart, and checks out. Each request must be answered well. Returns the order.
fn buy(shop: &Shop, user: &User, product: &str) -> Result<String> {
    let list = "{ productConnection(first: 20) { edges { node { _id name price quantity } } } }";
    shop.query(As::Anonymous, list)?
        .list("/productConnection/edges")?;
    shop.add_to_cart(user.caller(), product, 1)?
        .int("/addToCart/total")?;
    let checkout = "mutation { checkoutCart { _id total } }";
    let order = shop.query(user.caller(), checkout)?;
    Ok(order.text("/checkoutCart/_id")?.to_owned())
}

/// Returns the bodies of requests that need much of a shop.
fn documents() -> Vec<Value> {
    let level = |level: usize| {
        let next = level + 1;
        format!(
            " fragment F{level} on __Type {{ name fields {{ name type {{ ofType {{ ...F{next} }} }} }}
                interfaces {{ possibleTypes {{ ...F{next} }} }} }}"
        )
    };
    let fragments: String = (1..6).map(level).collect();
    let introspection =
        format!("{{ __schema {{ types {{ ...F1 }} }} }} {fragments} fragment F6 on __Type {{ name }}");
    let aliases = |count: usize, field: &dyn Fn(usize) -> String| {
        let fields: String = (0..count)
            .map(|alias| format!("a{alias}: {} ", field(alias)))
            .collect();
        fields
    };
    let facets = aliases(45, &|alias| {
        format!("productFacets(filter: {{ minPrice: {alias} }}) {{ total prices {{ count }} }}")
    });
    let users = aliases(50, &|_| {
        let name = unique("flood");
        format!(
            "registerUser(input: {{ username: \"{name}\", password: \"tangerine harbour 57\" }}) {{ access_token }}"
        )
    });
    // These are within all limits.
    let few_facets = aliases(10, &|alias| {
        format!("productFacets(filter: {{ maxPrice: {alias} }}) {{ total inStock }}")
    });
    let large_pages = aliases(20, &|alias| {
        format!(
            "productConnection(first: 100, filter: {{ minPrice: {alias} }}) {{ nodes {{ name description price }} }}"
        )
    });
    let login = "login(input: {username: \"nobody\", password: \"a wrong password\"}) { access_token }";
    let item = |text: String| json!({ "query": text });
    let batch = |text: String| Value::from_iter(std::iter::repeat_n(item(text), 10));
    vec![
        item(introspection),
        item(format!("{{ {few_facets} }}")),
        item(format!("{{ {large_pages} }}")),
        item(format!("mutation {{ {login} }}")),
        batch(format!("{{ {facets} }}")),
        batch(format!("mutation {{ {users} }}")),
    ]
}

/// Repeats a request. Each answer must be good, or a clear refusal. Returns the number of answers.
fn flood(shop: &Shop, body: &Value, is_running: impl Fn() -> bool) -> Result<usize> {
    let mut answers = 0;
    while is_running() || answers == 0 {
        let response = shop.send(Request::post(body).header("accept", JSON))?;
        let items = match response.json()? {
            Value::Array(items) => items,
            item => vec![item],
        };
        for item in items.iter().filter(|item| item.get("errors").is_some()) {
            let errors = item.get("errors").and_then(Value::as_array);
            let codes = errors
                .into_iter()
                .flatten()
                .map(|error| error.pointer("/extensions/code"));
            for code in codes {
                let code = code.and_then(Value::as_str).unwrap_or_default();
                response.expect(
                    REFUSALS.contains(&code),
                    format!("an attacker should be refused with one of {REFUSALS:?}"),
                )?;
            }
        }
        if response.status == 503 || response.status == 429 {
            is_refused_well(&response, &["BUSY", "RATE_LIMITED"])?;
        }
        response.expect(response.status != 500, "an attack should cause no fault")?;
        answers += 1;
    }
    Ok(answers)
}

/// Holds connections that send nothing, half a preface of HTTP/2, or half a body, and that read nothing.
fn hold(port: u16, is_running: impl Fn() -> bool) -> Result<()> {
    let head = "POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n";
    let half_body = format!("{head}content-length: 1000\r\n\r\n{{");
    let body = r#"{"query":"{ __schema { types { name description fields { name description } } } }"}"#;
    let whole = format!("{head}content-length: {}\r\n\r\n{body}", body.len()).repeat(20);
    let mut held = Vec::new();
    for number in 0..120 {
        let mut stream =
            TcpStream::connect(("127.0.0.1", port)).context("the shop should accept connections")?;
        stream.set_write_timeout(Some(Duration::from_millis(100)))?;
        let text = ["", "PRI * HTTP/2.0\r\n", &half_body, &whole];
        // The shop may have refused the connection, or may not read all of the requests.
        let _ = stream.write(text.get(number % 4).unwrap_or(&"").as_bytes());
        held.push(stream);
    }
    while is_running() {
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(held);
    Ok(())
}
