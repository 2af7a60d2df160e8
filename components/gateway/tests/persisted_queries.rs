//! Persisted queries: automatic ones, and shops that execute no others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shop::{NOBODY, Shop};

fn digest(query: &str) -> String {
    format!("{:x}", Sha256::digest(query))
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

fn named(query: Option<&str>, digest: &str) -> Value {
    let mut body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": digest } } });
    if let Some(query) = query {
        body["query"] = json!(query);
    }
    body
}

#[test]
fn executes_a_known_document_by_its_digest() {
    let shop = Shop::with(&[("PERSISTED_QUERIES", "automatic")]);
    let query = "{ __typename }";
    let ask = |body: &Value| shop.answer(NOBODY, body);
    let unknown = ask(&named(None, &digest(query)));
    assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(
        code(&ask(&named(Some("{ products { _id } }"), &digest(query)))),
        "BAD_REQUEST"
    );
    assert_eq!(
        code(&ask(&named(None, &digest(query)))),
        "PERSISTED_QUERY_NOT_FOUND",
        "a lie is not kept"
    );
    assert_eq!(
        ask(&named(Some(query), &digest(query)))["data"]["__typename"],
        "Query"
    );
    assert_eq!(ask(&named(None, &digest(query)))["data"]["__typename"], "Query");
    let off = Shop::new().answer(NOBODY, &named(None, &digest(query)));
    assert_eq!(code(&off), "PERSISTED_QUERY_NOT_SUPPORTED");
}

#[test]
fn keeps_few_documents_of_one_client_and_no_long_ones() {
    let shop = Shop::with(&[("PERSISTED_QUERIES", "automatic")]);
    let is_kept = |query: &str, address| {
        let header = ("x-forwarded-for", address);
        let sent = shop.answer(header, &named(Some(query), &digest(query)));
        assert_eq!(sent["data"]["__typename"], "Query");
        code(&shop.answer(header, &named(None, &digest(query)))) == &Value::Null
    };
    let document = |number: usize| format!("{{ __typename }} # {number}");
    let kept = (0..450)
        .filter(|number| is_kept(&document(*number), "192.0.2.1"))
        .count();
    assert!(
        [200, 400].contains(&kept),
        "an hour may end during the test: {kept}"
    );
    assert!(is_kept(&document(1_000), "192.0.2.2"), "another client");
    assert!(!is_kept(
        &format!("{{ __typename }} # {}", "x".repeat(33_000)),
        "192.0.2.3"
    ));
}

#[test]
fn executes_only_the_documents_of_the_manifest() {
    let query = "query Own { __typename }";
    let manifest = json!({ (digest(query)): query }).to_string();
    let shop = Shop::with(&[
        ("PERSISTED_QUERIES", "only"),
        ("PERSISTED_QUERIES_MANIFEST", &manifest),
    ]);
    let ask = |body: &Value| shop.answer(NOBODY, body);
    for body in [
        named(None, &digest(query)),
        json!({ "documentId": format!("sha256:{}", digest(query)) }),
        json!({ "query": query }),
    ] {
        assert_eq!(ask(&body)["data"]["__typename"], "Query", "{body}");
    }
    let other = "{ __typename }";
    for body in [
        json!({ "query": other }),
        named(Some(other), &digest(other)),
        named(Some(other), &digest(query)),
    ] {
        assert_eq!(code(&ask(&body)), "PERSISTED_QUERY_ONLY", "{body}");
        assert_eq!(code(&ask(&json!([body]))[0]), "PERSISTED_QUERY_ONLY", "{body}");
    }
    assert_eq!(
        code(&ask(&named(None, &digest(other)))),
        "PERSISTED_QUERY_NOT_FOUND"
    );
}
