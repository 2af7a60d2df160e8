//! The way to Stripe over the real client of HTTP, against a `localstripe` that runs at `LOCALSTRIPE`:
//! `pip install localstripe && localstripe --port 8420`, then `LOCALSTRIPE=127.0.0.1:8420 cargo test -p mercato-payments -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_common::orders::Status;
use mercato_common::payments::{PaymentStatus, RefundStatus};
use mercato_common::ports::HttpClient as _;
use mercato_common::types::Error;
use mercato_http::Client;
use mercato_ports::http_client::{Header, HttpClient, HttpFailure, Method, Request, Response};
use serde_json::Value;
use shop::{Shop, shop};
use tokio::runtime::Runtime;

fn send(server: &str, request: &Request) -> Result<Response, HttpFailure> {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(Client::new(server).unwrap().send(request.clone()))
}

/// A shop whose Stripe is the server.
fn over(server: &'static str) -> Shop {
    let base = format!("http://{server}");
    let shop = shop(&[
        ("PAYMENT_GATEWAY", "stripe"),
        ("STRIPE_SECRET_KEY", "sk_test_12345"),
        ("STRIPE_API_BASE", &base),
    ]);
    shop.ports.serve(move |request| send(server, request));
    shop
}

/// A card as a customer's browser would register it.
fn card(shop: &Shop, server: &str, number: &str) -> String {
    let request = Request {
        method: Method::Post,
        url: format!("http://{server}/v1/payment_methods"),
        headers: vec![
            Header {
                name: "authorization".into(),
                value: b"Bearer sk_test_12345".to_vec(),
            },
            Header {
                name: "content-type".into(),
                value: b"application/x-www-form-urlencoded".to_vec(),
            },
        ],
        body: format!("type=card&card[number]={number}&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123")
            .into_bytes(),
        timeout_ms: 5_000,
    };
    let response = shop.ports.request(&request).unwrap();
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    body["id"].as_str().expect("a payment method").to_owned()
}

#[test]
#[ignore = "needs a localstripe"]
fn localstripe_takes_declines_and_gives_back() {
    let server: &'static str = std::env::var("LOCALSTRIPE")
        .expect("LOCALSTRIPE=host:port")
        .leak();
    let shop = over(server);
    let id = shop.order(599);
    let declined = shop.pay(&id, &card(&shop, server, "4000000000000341"));
    assert!(matches!(declined, Err(Error::PaymentDeclined(_))), "{declined:?}");
    let paid = shop.pay(&id, &card(&shop, server, "4242424242424242")).unwrap();
    assert_eq!(
        (paid.status, paid.attempt, paid.amount),
        (PaymentStatus::Succeeded, 2, 599)
    );
    assert_eq!(shop.read(&id).status, Status::Paid);
    let refund = shop.refund(&id, Some(99), None).unwrap().refunds.remove(0);
    assert_eq!(refund.status, RefundStatus::Succeeded);
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 599);
    assert_eq!(shop.read(&id).status, Status::Refunded);
}
