//! Stripe's webhooks: the header `Stripe-Signature` in the first line, and then the body.

use hmac::{Hmac, Mac};
use http::Request;
use http::header::HeaderValue;
use mercato_shop::id;
use sha2::Sha256;

use crate::shop::{Shop, WEBHOOK_SECRET};
use crate::{reply, request, shop};

/// Sends a body with this signature, and with the right one.
pub fn run(data: &[u8]) {
    shop::with(|shop| {
        let (signature, body) = request::split(data, b"\n");
        let body = shop.expand(body);
        if let Ok(signature) = HeaderValue::from_bytes(signature.trim_ascii()) {
            let is_accepted = send(shop, signature, &body);
            assert!(!is_accepted, "a body is accepted without the secret");
        }
        let signature = HeaderValue::try_from(sign(&body)).expect("a header");
        send(shop, signature, &body);
    });
}

fn sign(body: &[u8]) -> String {
    let seconds = id::now() / 1_000;
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("a key");
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    format!("t={seconds},v1={:x}", mac.finalize().into_bytes())
}

/// Returns whether the shop accepts the body.
fn send(shop: &Shop, signature: HeaderValue, body: &[u8]) -> bool {
    let request = Request::post("/webhooks/stripe").header("stripe-signature", signature);
    let answer = shop.send(&request.body(body.to_vec()).expect("a request"));
    reply::check(&answer);
    answer.status().is_success()
}
