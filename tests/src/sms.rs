//! SMS by Twilio's API. The test plays Twilio's server and stores its requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::configured::{Configured, Host, configured_trials};
use crate::listener::{Listener, Received};
use crate::process::Home;
use crate::shop::{As, Shop, User};
use crate::wait::{LATER, QUIET, eventually};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token-of-twilio";
const FROM: &str = "+15005550006";
const PHONE: &str = "+4915112345678";

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "sms",
        portable = [a_shipped_order_sends_one_sms_and_a_failure_is_shown],
        component = [a_message_is_retried_after_a_failure_of_twilio]
    )
}

/// The next responses of Twilio. It accepts an SMS if there is none.
type Responses = Arc<Mutex<Vec<(u16, Value)>>>;

fn twilio(responses: &Responses) -> Result<Listener> {
    let responses = Arc::clone(responses);
    Listener::start(move |_, _| {
        let mut responses = responses.lock().unwrap_or_else(PoisonError::into_inner);
        responses.pop().unwrap_or((201, json!({ "status": "queued" })))
    })
}

/// Sets the next response of Twilio.
fn respond(responses: &Responses, status: u16, body: Value) {
    responses
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((status, body));
}

/// Returns the text of an SMS. Fails unless the request follows Twilio's reference, with the configured
/// account.
fn text_of(request: &Received) -> Result<String> {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    ensure!(
        request.line == format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json")
            && request.header("content-type")? == "application/x-www-form-urlencoded"
            && request.header("authorization")? == credentials,
        "the request should follow Twilio's reference: {request:?}"
    );
    let mut form: BTreeMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
    let body = form.remove("Body").context("an SMS has a text")?;
    let rest = BTreeMap::from(
        [("From", FROM), ("To", PHONE)].map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    ensure!(form == rest, "the SMS should go from {FROM} to {PHONE}: {form:?}");
    Ok(body)
}

/// Registers a user, and verifies the phone by the code that Twilio gets.
fn customer(shop: &Shop, twilio: &Listener) -> Result<User> {
    let user = shop.register("caller")?;
    let input = json!({ "phone": PHONE, "locale": "de-DE" });
    shop.update_profile(&user, 1, input)?.data("/updateUser")?;
    shop.request_verification(&user, "PHONE")?
        .data("/requestVerification")?;
    let requests = twilio.receives(1, LATER)?;
    let text = text_of(requests.first().context("Twilio has got a code")?)?;
    ensure!(
        text.starts_with("Ihr Code ist "),
        "the text should be in German: {text}"
    );
    let code: String = text.chars().filter(char::is_ascii_digit).collect();
    shop.verify(&user, "PHONE", &code)?
        .has("/verify/phoneVerified", true)?;
    let query = "mutation { updateNotificationPreferences(preferences: [
        { kind: ORDER_SHIPPED, medium: SMS, enabled: true }]) { kind } }";
    shop.query(user.caller(), query)?
        .data("/updateNotificationPreferences")?;
    Ok(user)
}

/// Places an order and ships it.
fn shipped(shop: &Shop, user: &User) -> Result<String> {
    let id = shop.order(user.caller(), &[(&shop.product(100, 1)?, 1)])?;
    for status in ["PAID", "PROCESSING", "SHIPPED"] {
        shop.move_order(&id, status)?;
    }
    Ok(id)
}

/// Waits until the only notification of an order has this status, and returns it.
fn notification(shop: &Shop, user: &User, order: &str, status: &str) -> Result<Value> {
    let query = "{ notifications(first: 100) { edges { node {
        _id kind medium orderId status recipient reason attempts } } } }";
    let expectation = format!("order {order} should have one notification {status}");
    let mut found = eventually(LATER, expectation, || {
        let answer = shop.query(user.caller(), query)?;
        let mut list = answer.column("/notifications/edges", "/node")?;
        list.retain(|one| one.get("orderId") == Some(&json!(order)));
        let statuses: Vec<_> = list.iter().map(|one| one.get("status")).collect();
        Ok((statuses == [Some(&json!(status))], list))
    })?;
    found.pop().context("there is one notification")
}

/// Fails unless a notification of a shipped order has this reason and number of attempts.
fn check_notification(found: &Value, reason: Value, attempts: u64) -> Result<()> {
    for (field, expected) in [
        ("kind", json!("ORDER_SHIPPED")),
        ("medium", json!("SMS")),
        ("recipient", json!("…678")),
        ("reason", reason),
        ("attempts", json!(attempts)),
    ] {
        ensure!(
            found.get(field) == Some(&expected),
            "{field} should be {expected}: {found}"
        );
    }
    Ok(())
}

/// Starts a shop that sends SMS by this Twilio.
fn start(home: &Home, host: &Host, twilio: &Listener) -> Result<(Configured, Shop)> {
    let settings = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_FROM", FROM),
        ("TWILIO_API_BASE", &*format!("http://{}", twilio.address)),
        ("HTTP_CLIENT_HOSTS", &*twilio.address),
    ];
    let running = host.start(home, &settings)?;
    let shop = running.shop();
    Ok((running, shop))
}

fn a_message_is_retried_after_a_failure_of_twilio(host: &Host) -> Result<()> {
    let responses = Responses::default();
    let (home, twilio) = (Home::new()?, twilio(&responses)?);
    let (running, shop) = start(&home, host, &twilio)?;
    respond(&responses, 500, json!({}));
    let query = "mutation ($input: SendSmsInput!) { sendSms(input: $input) { status } }";
    let input = json!({ "to": PHONE, "text": "There is news." });
    shop.graphql(As::Key, query, json!({ "input": input }))?
        .has("/sendSms/status", "WAITING")?;
    for request in twilio.receives(2, LATER)? {
        ensure!(text_of(&request)? == "There is news.", "{request:?}");
    }
    std::thread::sleep(QUIET);
    ensure!(
        twilio.received().len() == 2,
        "an accepted message should not be sent again"
    );
    running.stop()
}

fn a_shipped_order_sends_one_sms_and_a_failure_is_shown(host: &Host) -> Result<()> {
    let responses = Responses::default();
    let (home, twilio) = (Home::new()?, twilio(&responses)?);
    let (running, shop) = start(&home, host, &twilio)?;
    let user = customer(&shop, &twilio)?;

    // Twilio fails once, and accepts the second attempt.
    respond(&responses, 500, json!({}));
    let order = shipped(&shop, &user)?;
    check_notification(&notification(&shop, &user, &order, "SENT")?, Value::Null, 2)?;
    let requests = twilio.received();
    for request in requests.get(1..).context("the first request is the code")? {
        ensure!(
            text_of(request)? == format!("Ihre Bestellung {order} ist unterwegs zu Ihnen."),
            "the SMS should be about the order: {request:?}"
        );
    }
    std::thread::sleep(QUIET);
    ensure!(
        twilio.received().len() == 3,
        "an accepted SMS should not be sent again: {:?}",
        twilio.received()
    );

    // Twilio refuses the number, so that the SMS waits for an operator.
    let refusal = json!({ "code": 21211, "message": format!("{PHONE} is not valid") });
    respond(&responses, 400, refusal);
    let order = shipped(&shop, &user)?;
    let failed = notification(&shop, &user, &order, "FAILED")?;
    let reason = json!("Twilio answered 400, with its error code 21211.");
    check_notification(&failed, reason, 1)?;
    std::thread::sleep(QUIET);
    ensure!(
        twilio.received().len() == 4,
        "a refused SMS should not be sent again"
    );
    let query = "mutation ($id: ID!) { retryNotification(id: $id) { status } }";
    shop.graphql(As::Key, query, json!({ "id": failed.get("_id") }))?
        .has("/retryNotification/status", "SENT")?;
    ensure!(
        twilio.received().len() == 5,
        "the operator should send the SMS once"
    );
    running.stop()
}
