//! REST: messages of staff.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::sync::{Arc, Mutex};

use mercato_ports::http_client::Response;
use serde_json::json;
use shop::{KEY, Shop};

const EMAIL: &str = "/api/notification/email";
const SMS: &str = "/api/notification/sms";

#[test]
fn returns_the_outcome_of_an_email() {
    let shop = Shop::new();
    let body = json!({ "to": "ada@rejected.example", "subject": "News", "text": "There is news." });
    let (status, _, sent) = shop.rest(KEY, "POST", EMAIL, &body);
    assert_eq!((status, &sent["status"]), (200, &json!("failed")));
    assert!(sent["reason"].is_string(), "{sent}");
}

#[test]
fn sends_an_sms_with_twilio() {
    let text = json!({ "to": "+4915112345678", "text": "News" });
    let without = Shop::new();
    let (status, _, problem) = without.rest(KEY, "POST", SMS, &text);
    assert_eq!((status, &problem["code"]), (503, &json!("UNAVAILABLE")));

    let shop = Shop::with(&[
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_AUTH_TOKEN", "token"),
        ("TWILIO_FROM", "Shop"),
    ]);
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    shop.ports().serve(move |request| {
        let form = String::from_utf8(request.body.clone()).unwrap();
        log.lock().unwrap().push(form);
        Ok(Response {
            status: 201,
            headers: Vec::new(),
            body: Vec::new(),
        })
    });
    let keyed = [KEY, ("idempotency-key", "news")];
    for _ in 0..2 {
        let (status, _, sent) = shop.rest_with(&keyed, "POST", SMS, &text);
        assert_eq!(
            (status, &sent["status"], &sent["medium"], &sent["recipient"]),
            (200, &json!("sent"), &json!("sms"), &json!("…678"))
        );
    }
    assert_eq!(
        *received.lock().unwrap(),
        ["To=%2B4915112345678&From=Shop&Body=News"]
    );
}
