//! SMS, in a shop that sends them by Twilio's API: its server, played by the test, keeps what it is asked to send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::As;
use crate::configured::{Configured, Host, configured_trials};
use crate::listener::{Listener, Received};
use crate::own::Home;
use crate::world::{User, World, place_order};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token-of-twilio";
const FROM: &str = "+15005550006";
const PHONE: &str = "+4915112345678";
/// How long an SMS may take, also a second attempt.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing may come, to be sure that nothing does.
const NEVER: Duration = Duration::from_secs(3);

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "sms",
        [
            an_order_that_is_shipped_is_told_once_and_what_fails_is_shown,
            what_a_keeper_writes_waits_for_twilio,
        ]
    )
}

/// What Twilio answers next; where nothing is said, it takes the SMS.
type Answers = Arc<Mutex<Vec<(u16, Value)>>>;

fn twilio(answers: &Answers) -> Result<Listener> {
    let answers = Arc::clone(answers);
    Listener::start(move |_, _| {
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.pop().unwrap_or((201, json!({ "status": "queued" })))
    })
}

fn next(answers: &Answers, status: u16, body: Value) {
    answers
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((status, body));
}

/// What an SMS says, which must be asked for as Twilio's reference has it, by the account that is configured.
fn said(request: &Received) -> Result<String> {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    ensure!(
        request.line == format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json")
            && request.header("content-type")? == "application/x-www-form-urlencoded"
            && request.header("authorization")? == credentials,
        "it should be as Twilio wants it: {request:?}"
    );
    let mut form: BTreeMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
    let body = form.remove("Body").context("an SMS has a text")?;
    let rest = BTreeMap::from(
        [("From", FROM), ("To", PHONE)].map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    ensure!(form == rest, "it should go from {FROM} to {PHONE}: {form:?}");
    Ok(body)
}

/// A user whose phone is verified, by the code that came to it.
fn customer(world: &World, twilio: &Listener) -> Result<User> {
    let user = world.register("caller")?;
    let query = "mutation ($id: ID!, $input: UpdateUserInput!) {
        updateUser(id: $id, version: 1, input: $input) { phoneVerified } }";
    let input = json!({ "phone": PHONE, "locale": "de-DE" });
    let told = json!({ "id": user.id, "input": input });
    world
        .shop
        .graphql(user.caller(), query, told)?
        .data("/updateUser")?;
    let query = "mutation { requestVerification(channel: PHONE) { expiresAt } }";
    world
        .shop
        .query(user.caller(), query)?
        .data("/requestVerification")?;
    let requests = twilio.receives(1, PATIENCE)?;
    let text = said(requests.first().context("a code")?)?;
    ensure!(
        text.starts_with("Ihr Code ist "),
        "it should be in German: {text}"
    );
    let code: String = text.chars().filter(char::is_ascii_digit).collect();
    let query = "mutation ($code: String!) { verify(channel: PHONE, code: $code) { phoneVerified } }";
    let verified = world
        .shop
        .graphql(user.caller(), query, json!({ "code": code }))?;
    verified.expect(
        *verified.data("/verify/phoneVerified")? == json!(true),
        "the code should fit",
    )?;
    let query = "mutation { updateNotificationPreferences(preferences: [
        { kind: ORDER_SHIPPED, medium: SMS, enabled: true }]) { kind } }";
    world
        .shop
        .query(user.caller(), query)?
        .data("/updateNotificationPreferences")?;
    Ok(user)
}

/// An order of the user's that is on its way.
fn shipped(world: &World, user: &User) -> Result<String> {
    let placed = place_order(&world.shop, user.caller(), &[(&world.product(100, 1)?, 1)])?;
    let id = placed.text("/placeOrder/_id")?;
    for status in ["PAID", "PROCESSING", "SHIPPED"] {
        let query = "mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { status } }";
        let moved = world
            .shop
            .graphql(As::Key, query, json!({ "id": id, "status": status }))?;
        moved.text("/updateOrderStatus/status")?;
    }
    Ok(id.to_owned())
}

/// What the shop tells the user of the SMS of an order, once it has this status.
fn notification(world: &World, user: &User, order: &str, status: &str) -> Result<Value> {
    let query = "{ notifications(first: 100) { edges { node { _id kind medium orderId status recipient reason attempts } } } }";
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = world.shop.query(user.caller(), query)?;
        let list = answer.column("/notifications/edges", "/node")?;
        let of_order: Vec<_> = list
            .into_iter()
            .filter(|one| one.get("orderId") == Some(&json!(order)))
            .collect();
        if let [one] = of_order.as_slice()
            && one.get("status") == Some(&json!(status))
        {
            return Ok(one.clone());
        }
        answer.expect(
            Instant::now() < deadline,
            format!("there should be one of {order}, which is {status}"),
        )?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn told(one: &Value) -> [Option<Value>; 5] {
    ["kind", "medium", "recipient", "reason", "attempts"].map(|field| one.get(field).cloned())
}

/// A shop that sends by this Twilio.
fn start(home: &Home, host: &Host, twilio: &Listener) -> Result<(Configured, World)> {
    let settings = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_FROM", FROM),
        ("TWILIO_API_BASE", &*format!("http://{}", twilio.address)),
        ("HTTP_CLIENT_HOSTS", &*twilio.address),
    ];
    let running = host.start(home, &settings)?;
    let world = World::new(running.shop());
    Ok((running, world))
}

fn what_a_keeper_writes_waits_for_twilio(host: &Host) -> Result<()> {
    let answers = Answers::default();
    let (home, twilio) = (Home::new()?, twilio(&answers)?);
    let (running, world) = start(&home, host, &twilio)?;
    next(&answers, 500, json!({}));
    let query = "mutation ($input: SendSmsInput!) { sendSms(input: $input) { status } }";
    let input = json!({ "to": PHONE, "text": "There is news." });
    let written = world.shop.graphql(As::Key, query, json!({ "input": input }))?;
    written.expect(
        written.text("/sendSms/status")? == "WAITING",
        "it should be tried again",
    )?;
    for request in twilio.receives(2, PATIENCE)? {
        ensure!(said(&request)? == "There is news.", "{request:?}");
    }
    std::thread::sleep(NEVER);
    ensure!(twilio.received().len() == 2, "it should be sent once");
    running.stop()
}

fn an_order_that_is_shipped_is_told_once_and_what_fails_is_shown(host: &Host) -> Result<()> {
    let answers = Answers::default();
    let (home, twilio) = (Home::new()?, twilio(&answers)?);
    let (running, world) = start(&home, host, &twilio)?;
    let user = customer(&world, &twilio)?;

    // Twilio has a bad moment: the second attempt is taken.
    next(&answers, 500, json!({}));
    let order = shipped(&world, &user)?;
    let sent = notification(&world, &user, &order, "SENT")?;
    let expected = [
        json!("ORDER_SHIPPED"),
        json!("SMS"),
        json!("…678"),
        Value::Null,
        json!(2),
    ];
    ensure!(told(&sent) == expected.map(Some), "{sent}");
    let requests = twilio.received();
    for request in requests.get(1..).context("a code came before")? {
        ensure!(
            said(request)? == format!("Ihre Bestellung {order} ist unterwegs zu Ihnen."),
            "it should tell of the order: {request:?}"
        );
    }
    std::thread::sleep(NEVER);
    ensure!(
        twilio.received().len() == 3,
        "it should be sent until it is taken, and no more: {:?}",
        twilio.received()
    );

    // A number that Twilio does not take is not tried again, until somebody says so.
    next(
        &answers,
        400,
        json!({ "code": 21211, "message": format!("{PHONE} is not valid") }),
    );
    let order = shipped(&world, &user)?;
    let failed = notification(&world, &user, &order, "FAILED")?;
    let reason = json!("Twilio answered 400, with its error code 21211.");
    let expected = [
        json!("ORDER_SHIPPED"),
        json!("SMS"),
        json!("…678"),
        reason,
        json!(1),
    ];
    ensure!(told(&failed) == expected.map(Some), "{failed}");
    std::thread::sleep(NEVER);
    ensure!(twilio.received().len() == 4, "it should be tried once");
    let query = "mutation ($id: ID!) { retryNotification(id: $id) { status } }";
    let again = world
        .shop
        .graphql(As::Key, query, json!({ "id": failed.get("_id") }))?;
    again.expect(
        again.text("/retryNotification/status")? == "SENT",
        "it should be sent now",
    )?;
    ensure!(twilio.received().len() == 5, "by one more request");
    running.stop()
}
