//! Sign-in by name and by address, new passwords, and the verification of access tokens.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, SECRET, Shop};

fn post(shop: &Shop, path: &str, body: &Value) -> (u16, Value) {
    let (status, _, answer) = shop.rest(NOBODY, "POST", path, body);
    (status, answer)
}

/// Returns a token of another system that has the shop's secret.
fn foreign_token(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

#[test]
fn registers_and_signs_in_by_name_or_by_address() {
    let shop = Shop::new();
    let password = "a long password";
    let by_email = json!({ "email": "Ada@example.com", "name": "Ada", "password": password });
    let (status, registered) = post(&shop, "/api/users/register", &by_email);
    assert_eq!((status, &registered["user"]["name"]), (201, &json!("Ada")));
    assert_eq!(registered["user"]["id"], registered["user"]["_id"]);
    let name = &registered["user"]["username"];
    for login in [
        json!({ "email": "ada@EXAMPLE.com", "password": password }),
        json!({ "username": name, "password": password }),
    ] {
        let (status, signed_in) = post(&shop, "/api/users/login", &login);
        assert_eq!(
            (status, &signed_in["user"]["_id"]),
            (200, &registered["user"]["_id"]),
            "{login}"
        );
    }
    let query = json!({ "query": format!(
        "mutation {{ login(input: {{ email: \"ada@example.com\", password: \"{password}\" }}) {{ user {{ id username }} }} }}"
    ) });
    let signed_in = shop.answer(NOBODY, &query);
    assert_eq!(&signed_in["data"]["login"]["user"]["username"], name);
    for (path, body, field) in [
        ("login", json!({ "password": password }), "username"),
        (
            "login",
            json!({ "username": "ada", "email": "ada@example.com", "password": password }),
            "username",
        ),
        ("register", json!({ "password": password }), "username"),
        (
            "register",
            json!({ "email": "ada", "password": password }),
            "email",
        ),
        (
            "register",
            json!({ "username": "bo\u{200B}ss", "password": password }),
            "username",
        ),
    ] {
        let (status, problem) = post(&shop, &format!("/api/users/{path}"), &body);
        assert_eq!(
            (status, &problem["errors"][0]["field"]),
            (400, &json!(field)),
            "{body}"
        );
    }
    let found = shop.ask(KEY, &format!("{{ findUser(username: {name}) {{ id }} }}"));
    assert_eq!(found["findUser"]["id"], registered["user"]["id"]);
    let found = shop.ask(KEY, "{ findUser(email: \"ada@example.com\") { id } }");
    assert_eq!(found["findUser"], Value::Null, "the address is not verified");
}

#[test]
fn tells_whose_a_token_is_and_until_when() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let path = "/api/users/verify";
    let token = ada.bearer.trim_start_matches("Bearer ");
    let (status, _, by_header) = shop.rest(ada.header(), "POST", path, &Value::Null);
    assert_eq!((status, &by_header["valid"]), (200, &json!(true)));
    assert_eq!(
        (&by_header["userId"], &by_header["role"]),
        (&json!(ada.id), &json!("CUSTOMER"))
    );
    assert_eq!(by_header["user"]["username"], "ada");
    assert!(
        by_header["expiresAt"].as_str().unwrap().ends_with('Z'),
        "{by_header}"
    );
    assert_eq!(post(&shop, path, &json!({ "token": token })), (200, by_header));

    let endless = foreign_token(&json!({ "userId": "of-another-shop", "role": "ADMIN" }));
    let (status, answer) = post(&shop, path, &json!({ "token": endless }));
    let expected = json!({
        "valid": true, "userId": "of-another-shop", "role": "ADMIN", "expiresAt": null, "user": null,
    });
    assert_eq!((status, answer), (200, expected));

    let expired = foreign_token(&json!({ "userId": ada.id, "exp": 1 }));
    for (body, word) in [
        (Value::Null, "Authorization: Bearer"),
        (json!({}), "Authorization: Bearer"),
        (json!({ "token": "nonsense" }), "malformed"),
        (json!({ "token": expired }), "expired"),
        (json!({ "token": SECRET }), "x-api-key"),
    ] {
        let (status, problem) = post(&shop, path, &body);
        assert_eq!(
            (status, &problem["code"]),
            (401, &json!("UNAUTHENTICATED")),
            "{body}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
    let (status, ..) = shop.rest(KEY, "POST", path, &Value::Null);
    assert_eq!(status, 401, "the API key is no token");
    let (status, _, problem) = shop.rest(ada.header(), "POST", path, &json!({ "code": "123456" }));
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("channel")));

    assert_eq!(
        shop.rest(ada.header(), "POST", "/api/users/logout", &Value::Null)
            .0,
        204
    );
    assert_eq!(post(&shop, path, &json!({ "token": token })).0, 401);
}

#[test]
fn sets_a_new_password_by_the_token_of_a_mail() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let email = json!({ "email": "ada@example.com" });
    assert_eq!(shop.rest(ada.header(), "PUT", "/api/users/me", &email).0, 200);
    let channel = json!({ "channel": "email" });
    assert_eq!(
        shop.rest(ada.header(), "POST", "/api/users/verify", &channel).0,
        202
    );
    let mail = shop.ports().take_mails().remove(0);
    let code: String = mail.text.chars().filter(char::is_ascii_digit).take(6).collect();
    let (status, _, verified) = shop.rest(
        ada.header(),
        "POST",
        "/api/users/verify",
        &json!({ "channel": "email", "code": code }),
    );
    assert_eq!((status, &verified["emailVerified"]), (200, &json!(true)));

    let _ = shop.ports().take_events();
    for address in ["nobody@example.com", "Ada@example.com"] {
        let requested = post(&shop, "/api/users/password-reset", &json!({ "email": address }));
        assert_eq!(requested, (202, json!({ "validForSeconds": 1_800 })));
    }
    let events = shop.ports().take_events();
    let requested: Vec<_> = events
        .iter()
        .filter(|event| event.kind.contains("password-reset"))
        .collect();
    assert_eq!(requested.len(), 1);
    shop.deliver_to_accounts(requested[0]);
    let mail = shop.ports().take_mails().remove(0);
    let token = mail
        .text
        .split_whitespace()
        .find(|word| word.len() == 43)
        .unwrap();
    let confirm = |password: &str| {
        let body = json!({ "token": token, "password": password });
        post(&shop, "/api/users/password-reset/confirm", &body)
    };
    assert_eq!(confirm("short").1["errors"][0]["field"], "password");
    let (status, user) = confirm("battery staple");
    assert_eq!((status, &user["username"]), (200, &json!("ada")));
    let (status, problem) = confirm("battery staple");
    assert_eq!(
        (status, &problem["code"], &problem["errors"][0]["field"]),
        (400, &json!("BAD_USER_INPUT"), &json!("token"))
    );
    assert_eq!(
        shop.rest(ada.header(), "GET", "/api/users/me", &Value::Null).0,
        401
    );
    let login = json!({ "email": "ada@example.com", "password": "battery staple" });
    assert_eq!(post(&shop, "/api/users/login", &login).0, 200);
    let query = "mutation { requestPasswordReset(email: \"nobody@example.com\") { validForSeconds } }";
    let requested = shop.ask(NOBODY, query);
    assert_eq!(requested["requestPasswordReset"]["validForSeconds"], 1_800);
    let query =
        json!({ "query": "mutation { resetPassword(token: \"x\", password: \"battery staple\") { id } }" });
    let refused = shop.answer(NOBODY, &query);
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[test]
fn a_missing_or_wrong_key_is_401_and_a_customer_is_403() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let product = json!({ "name": "Sock", "price": 5, "quantity": 1 });
    for (header, status, word) in [
        (NOBODY, 401, "x-api-key"),
        (("x-api-key", "wrong"), 401, "x-api-key"),
        (("x-api-key", ""), 401, "x-api-key"),
        (("authorization", "Bearer nonsense"), 401, "access token"),
        (ada.header(), 403, "x-api-key"),
    ] {
        let (found, _, problem) = shop.rest(header, "POST", "/api/products", &product);
        assert_eq!(found, status, "{header:?}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
        let query = "mutation { createProduct(input: { name: \"Sock\", price: 5, quantity: 1 }) { _id } }";
        let answer = shop.answer(header, &json!({ "query": query }));
        let code = if status == 401 {
            "UNAUTHENTICATED"
        } else {
            "FORBIDDEN"
        };
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{header:?}");
    }
}
