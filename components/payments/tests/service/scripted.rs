//! A fake Stripe whose answers a test scripts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use mercato_ports::http_client::{HttpFailure, Method, Request, Response};
use serde_json::{Value, json};

use crate::shop::{STRIPE, Shop, shop};

/// A request: method, path, idempotency key and form.
pub type Sent = (Method, String, Option<String>, String);
/// An answer of Stripe's: status and body.
pub type Answer = Result<(u16, Value), HttpFailure>;

/// Creates a shop whose Stripe gives these answers in turn, and returns it with the log of requests.
pub fn stripe(answers: Vec<Answer>) -> (Shop, Arc<Mutex<Vec<Sent>>>) {
    let shop = shop(STRIPE);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let (log, mut answers) = (Arc::clone(&sent), VecDeque::from(answers));
    shop.ports.serve(move |request| {
        log.lock().unwrap().push(seen(request));
        let (status, body) = answers.pop_front().unwrap()?;
        Ok(Response {
            status,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        })
    });
    (shop, sent)
}

/// Returns a request in the form of the log.
pub fn seen(request: &Request) -> Sent {
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name == name);
        found.map(|header| String::from_utf8(header.value.clone()).unwrap())
    };
    assert_eq!(header("authorization").unwrap(), "Bearer sk_test_1");
    (
        request.method,
        request
            .url
            .strip_prefix("https://api.stripe.com")
            .unwrap()
            .to_owned(),
        header("idempotency-key"),
        String::from_utf8(request.body.clone()).unwrap(),
    )
}

/// Answers with an intent of this status.
pub fn intent(status: &str) -> Answer {
    Ok((
        200,
        json!({ "id": "pi_1", "status": status, "client_secret": "pi_1_secret" }),
    ))
}

/// Gives no answer. The request may have been executed.
pub fn lost() -> Answer {
    Err(HttpFailure::Unknown("timeout".into()))
}

/// Fails before the request is sent.
pub fn unreached() -> Answer {
    Err(HttpFailure::NotSent("refused".into()))
}

/// Answers that the card was declined.
pub fn declined() -> Answer {
    let error = json!({ "type": "card_error", "code": "card_declined", "message": "Your card was declined.",
        "payment_intent": { "id": "pi_1", "status": "requires_payment_method" } });
    Ok((402, json!({ "error": error })))
}
