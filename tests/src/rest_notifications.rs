//! REST: messages from operators to customers. The shop under test need not be able to send SMS.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{check_time, unique};
use crate::http::{Request, Response};
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

const EMAIL: &str = "/api/notification/email";
const SMS: &str = "/api/notification/sms";

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "rest_notifications",
        portable = [an_email_is_sent_once_for_each_key],
        component = [invalid_messages_are_problems]
    )
}

fn message() -> Value {
    json!({ "to": "ada@example.com", "subject": "News", "text": "There is news.", "html": "<p>There is news.</p>" })
}

fn an_email_is_sent_once_for_each_key(shop: &Shop) -> Result<()> {
    let key = unique("news");
    let send = |body: Value| -> Result<Response> {
        let request = Request::json("POST", EMAIL, &body).header("idempotency-key", &key);
        shop.send_as(As::Key, request)
    };
    let sent = send(message())?;
    sent.expect_status(200)?;
    for (name, expected) in [
        ("/kind", json!("message")),
        ("/medium", json!("email")),
        ("/status", json!("sent")),
        ("/recipient", json!("a…@example.com")),
        ("/attempts", json!(1)),
        ("/reason", Value::Null),
    ] {
        sent.has(name, expected)?;
    }
    check_time(&sent.text("/createdAt")?)?;
    let again = send(message())?;
    again.expect_status(200)?;
    again.expect(again.body() == sent.body(), "expected the first response")?;
    again.has_header("idempotency-replayed", "true")?;
    let mut other = message();
    set(&mut other, "subject", json!("Other news"));
    send(other)?.problem(422, "IDEMPOTENCY_KEY_REUSED")
}

fn invalid_messages_are_problems(shop: &Shop) -> Result<()> {
    let (to, phone) = ("ada@example.com", "+4915112345678");
    for (path, field, body) in [
        (
            EMAIL,
            "to",
            json!({ "to": "ada", "subject": "News", "text": "News" }),
        ),
        (
            EMAIL,
            "to",
            json!({ "to": "ada@example.com\r\nBcc: eve@example.com", "subject": "News", "text": "News" }),
        ),
        (
            EMAIL,
            "subject",
            json!({ "to": to, "subject": " ", "text": "News" }),
        ),
        (
            EMAIL,
            "bcc",
            json!({ "to": to, "subject": "a", "text": "a", "bcc": "eve@example.com" }),
        ),
        (SMS, "to", json!({ "to": "0151 123", "text": "News" })),
        (SMS, "text", json!({ "to": phone, "text": "x".repeat(1_601) })),
    ] {
        let refused = shop.rest(As::Key, "POST", path, body)?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", field)?;
    }
    Ok(())
}
