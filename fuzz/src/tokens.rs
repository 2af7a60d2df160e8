//! Credentials: API keys, access tokens, refresh tokens, and tokens that the shop's secret signs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::shop::{KEY, Shop};
use crate::{reply, request, shop};

/// The longest input, in bytes. A server accepts no longer headers.
const MAX: usize = 8_192;

/// Sends a text as each kind of credential. Then signs its first line as the header and the rest as the claims.
pub fn run(data: &[u8]) {
    if data.len() > MAX {
        return;
    }
    shop::with(|shop| {
        let text = shop.expand(data);
        let is_issued = contains(&text, KEY) || contains(&text, shop.value("<TOKEN>"));
        let bearer = [b"Bearer ", &text[..]].concat();
        for (name, value) in [
            ("x-api-key", &text),
            (AUTHORIZATION.as_str(), &text),
            (AUTHORIZATION.as_str(), &bearer),
        ] {
            let accepted = is_accepted(shop, name, value);
            assert!(
                !accepted || is_issued,
                "accepted as {name}: {}",
                String::from_utf8_lossy(value)
            );
        }
        refresh(shop, &text);
        signed(shop, &text);
    });
}

/// Returns whether a header authenticates the caller.
fn is_accepted(shop: &Shop, name: &str, value: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return false;
    };
    let request = Request::get("/api/orders").header(name, value);
    let answer = shop.send(&request.body(Vec::new()).expect("a request"));
    reply::check(&answer);
    answer.status() != StatusCode::UNAUTHORIZED
}

/// Sends a text as a refresh token, as a token of a password reset, and to log out.
fn refresh(shop: &Shop, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let issued = shop.value("<REFRESH>");
    for (path, body) in [
        ("/api/users/refresh", json!({ "refresh_token": text })),
        (
            "/api/users/password-reset/confirm",
            json!({ "token": text, "password": "correct horse battery" }),
        ),
        ("/api/users/logout", json!({ "refresh_token": text })),
    ] {
        // This would end the session of the shop's token.
        if text.contains(issued) {
            continue;
        }
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        let answer = shop.send(&request.body(body.to_string().into_bytes()).expect("a request"));
        let json = reply::check(&answer);
        assert!(json.get("access_token").is_none(), "{path} accepts {text}");
    }
}

/// Signs a header and claims with the secret of the shop.
fn signed(shop: &Shop, text: &[u8]) {
    let (header, claims) = request::split(text, b"\n");
    let encoded = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("a key");
    mac.update(encoded.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    let accepted = is_accepted(
        shop,
        AUTHORIZATION.as_str(),
        format!("Bearer {encoded}.{signature}").as_bytes(),
    );
    if accepted {
        let header: Value = serde_json::from_slice(header).expect("a header of JSON");
        let claims: Value = serde_json::from_slice(claims).expect("claims of JSON");
        assert_eq!(header["alg"], "HS256", "{claims}");
        let user = claims["userId"].as_str();
        assert!(user.is_some_and(|user| !user.is_empty()), "{claims}");
        let has_expired = claims["exp"].as_f64().is_some_and(|exp| exp < 1_700_000_000.0);
        assert!(!has_expired, "{claims}");
    }
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}
