//! REST: what those who keep the shop write to people.
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
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const EMAIL: &str = "/api/notification/email";
const SMS: &str = "/api/notification/sms";

#[test]
fn an_email_is_sent_once_for_a_key_and_told_as_graphql_tells_it() {
    let shop = Shop::new();
    let body = json!({ "to": "ada@example.com", "subject": "News", "text": "There is news.", "html": "<p>There is news.</p>" });
    let keyed = [KEY, ("idempotency-key", "news")];
    let (status, headers, sent) = shop.rest_with(&keyed, "POST", EMAIL, &body);
    assert_eq!(status, 200, "{sent}");
    assert_eq!(headers["cache-control"], "no-store");
    for (name, value) in [
        ("kind", json!("message")),
        ("medium", json!("email")),
        ("status", json!("sent")),
        ("recipient", json!("a…@example.com")),
        ("userId", Value::Null),
        ("orderId", Value::Null),
        ("reason", Value::Null),
        ("attempts", json!(1)),
        ("version", json!(2)),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    let (again, headers, same) = shop.rest_with(&keyed, "POST", EMAIL, &body);
    assert_eq!((again, &same), (200, &sent));
    assert_eq!(headers["idempotency-replayed"], "true");
    let mut other = body.clone();
    other["subject"] = json!("Other news");
    let (status, _, problem) = shop.rest_with(&keyed, "POST", EMAIL, &other);
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("IDEMPOTENCY_KEY_REUSED"))
    );

    let mails = shop.ports().take_mails();
    let [mail] = mails.as_slice() else {
        panic!("one mail: {mails:?}")
    };
    assert_eq!(
        (
            mail.to.as_str(),
            mail.subject.as_str(),
            mail.text.as_str(),
            mail.html.as_deref()
        ),
        (
            "ada@example.com",
            "News",
            "There is news.",
            Some("<p>There is news.</p>")
        )
    );
    let listed = shop.ask(
        KEY,
        "{ notifications(first: 9) { edges { node { _id createdAt updatedAt } } } }",
    );
    let edges = listed["notifications"]["edges"].as_array().unwrap();
    let [one] = edges.as_slice() else {
        panic!("one notification: {listed}")
    };
    for name in ["_id", "createdAt", "updatedAt"] {
        assert_eq!(one["node"][name], sent[name], "{name}");
    }
}

#[test]
fn what_the_mail_server_says_is_in_the_status_of_the_body() {
    let shop = Shop::new();
    let body = json!({ "to": "ada@rejected.example", "subject": "News", "text": "There is news." });
    let (status, _, sent) = shop.rest(KEY, "POST", EMAIL, &body);
    assert_eq!((status, &sent["status"]), (200, &json!("failed")));
    assert!(sent["reason"].is_string(), "{sent}");
}

#[test]
fn an_sms_goes_to_twilio_where_the_shop_has_it() {
    let text = json!({ "to": "+4915112345678", "text": "News" });
    let without = Shop::new();
    let (status, _, problem) = without.rest(KEY, "POST", SMS, &text);
    assert_eq!((status, &problem["code"]), (503, &json!("UNAVAILABLE")));

    let shop = Shop::with(&[
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_AUTH_TOKEN", "token"),
        ("TWILIO_FROM", "Shop"),
    ]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    shop.ports().serve(move |request| {
        let form = String::from_utf8(request.body.clone()).unwrap();
        heard.lock().unwrap().push(form);
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
        *asked.lock().unwrap(),
        ["To=%2B4915112345678&From=Shop&Body=News"]
    );
}

#[test]
fn what_can_not_be_sent_is_a_problem_that_names_the_field() {
    let shop = Shop::new();
    let email = |field: &str, value: Value| {
        let mut body = json!({ "to": "ada@example.com", "subject": "News", "text": "News" });
        body[field] = value;
        (EMAIL, field.to_owned(), body)
    };
    let sms = |field: &str, value: Value| {
        let mut body = json!({ "to": "+4915112345678", "text": "News" });
        body[field] = value;
        (SMS, field.to_owned(), body)
    };
    for (path, field, body) in [
        email("to", json!("ada")),
        email("to", json!("ada@example.com\r\nBcc: eve@example.com")),
        email("to", json!("Ada <ada@example.com>")),
        email("to", json!(["ada@example.com"])),
        email("subject", json!("")),
        email("subject", json!("x".repeat(201))),
        email("text", json!("x".repeat(100_001))),
        email("html", json!(" ")),
        email("idempotencyKey", json!("k")),
        email("bcc", json!("eve@example.com")),
        sms("to", json!("0151 123")),
        sms("text", json!("x".repeat(1601))),
        sms("from", json!("Eve")),
    ] {
        let (status, headers, problem) = shop.rest(KEY, "POST", path, &body);
        assert_eq!(status, 400, "{path} {field}: {problem}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(problem["code"], "BAD_USER_INPUT");
        assert!(problem.to_string().contains(&field), "{field}: {problem}");
    }
    for (who, status) in [(NOBODY, 401), (shop.user("ada").header(), 403)] {
        assert_eq!(shop.rest(who, "POST", EMAIL, &json!({})).0, status);
    }
    assert_eq!(shop.ports().take_mails(), []);
}
