//! The cost of GraphQL requests: honest ones are far below the limits, and expensive ones are refused.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use http::Request;
use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

const TOOLS: [&str; 2] = [
    include_str!("../../../tests/queries/introspection.graphql"),
    include_str!("../../../tests/queries/introspection-all-options.graphql"),
];

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
}

fn message(answer: &Value) -> &str {
    answer["errors"][0]["message"].as_str().unwrap_or_default()
}

fn ask(shop: &Shop, query: &str) -> Value {
    shop.answer(NOBODY, &json!({ "query": query }))
}

/// Returns a walk from type to type, in fragments that multiply at each step.
fn walk(root: &str, steps: usize) -> String {
    let depth = root.matches('{').count();
    let mut text = format!("{root} {{ ...A0 }}{}", "}".repeat(depth));
    for step in 0..steps {
        let next = format!("...A{} ", step + 1).repeat(3);
        text.push_str(&format!(
            " fragment A{step} on __Type {{ fields {{ type {{ {next} ofType {{ {next} }} }} }} }}"
        ));
    }
    text + &format!(" fragment A{steps} on __Type {{ name }}")
}

#[test]
fn tools_may_read_the_whole_schema() {
    let shop = Shop::new();
    for query in TOOLS {
        let answer = ask(&shop, query);
        assert_eq!(answer["errors"], Value::Null);
        let types = answer["data"]["__schema"]["types"].as_array().unwrap().len();
        assert!(types > 100, "{types}");
        let twice = ask(
            &shop,
            &query.replacen("__schema {", "a: __schema { __typename } __schema {", 1),
        );
        assert_eq!(twice["errors"], Value::Null, "half of the budget is left");
    }
}

#[test]
fn a_walk_through_the_schema_is_refused() {
    let shop = Shop::new();
    let all = "{ __schema { types";
    assert_eq!(ask(&shop, &walk(all, 1))["errors"], Value::Null);
    for steps in [4, 5] {
        let query = walk(all, steps);
        let refused = ask(&shop, &query);
        assert_eq!(
            code(&refused),
            "QUERY_TOO_COMPLEX",
            "{steps} steps, {} bytes",
            query.len()
        );
        let key = shop.answer(KEY, &json!({ "query": query }));
        assert_eq!(code(&key), "QUERY_TOO_COMPLEX");
    }
    let named = walk("{ __type(name: \"Query\")", 5);
    assert_eq!(code(&ask(&shop, &named)), "QUERY_TOO_COMPLEX");
    let variable = walk("query ($type: String!) { __type(name: $type)", 5);
    let with = |ty: &str| shop.answer(NOBODY, &json!({ "query": variable, "variables": { "type": ty } }));
    assert_eq!(code(&with("Query")), "QUERY_TOO_COMPLEX");
    assert_eq!(with("Nonsense")["data"]["__type"], Value::Null);
    let aliases: String = (0..50)
        .map(|number| format!("a{number}: __schema {{ types {{ name fields {{ name description isDeprecated deprecationReason args {{ name description defaultValue type {{ name kind }} }} }} }} }} "))
        .collect();
    assert_eq!(
        code(&ask(&shop, &format!("{{ {aliases} }}"))),
        "QUERY_TOO_COMPLEX"
    );
}

#[test]
fn large_pages_of_clients_are_cheap_and_refusals_name_the_cost() {
    let shop = Shop::new();
    let page = "products: productConnection(first: 100) { totalCount pageInfo { endCursor hasNextPage } edges { cursor node {
        _id id name slug price compareAtPrice currency quantity description manufacturer sku weight version createdAt
        images { url alt } attributes { name value } options { name value } category { name slug ancestors { name slug } }
        variants { _id name price quantity options { name value } } } } }";
    let answer = ask(&shop, &format!("{{ {page} }}"));
    assert_eq!(answer["errors"], Value::Null);
    let pages = |count: usize| -> String {
        let page = |number| page.replace("products:", &format!("p{number}:"));
        (0..count).map(page).collect()
    };
    let four = ask(&shop, &format!("{{ {} }}", pages(4)));
    assert_eq!(code(&four), "QUERY_TOO_COMPLEX");
    assert!(
        message(&four).contains("the limit is 30000 for anonymous clients"),
        "{four}"
    );
    let ada = shop.user("ada");
    let query = json!({ "query": format!("{{ {} }}", pages(4)) });
    assert_eq!(shop.answer(ada.header(), &query)["errors"], Value::Null);
    let query = json!({ "query": format!("{{ {} }}", pages(8)) });
    assert_eq!(code(&shop.answer(ada.header(), &query)), "QUERY_TOO_COMPLEX");
    assert_eq!(shop.answer(KEY, &query)["errors"], Value::Null);
}

#[test]
fn the_operations_of_a_batch_share_one_budget() {
    let shop = Shop::new();
    let list = json!({ "query": "{ products { _id id name slug price quantity sku } }" });
    let batch = shop.answer(NOBODY, &json!(vec![list.clone(); 6]));
    let codes: Vec<_> = batch.as_array().unwrap().iter().map(code).collect();
    assert_eq!(codes[..4], [""; 4]);
    assert_eq!(codes[4..], ["QUERY_TOO_COMPLEX"; 2]);
    let keys = shop.answer(KEY, &json!(vec![list; 4]));
    assert!(
        keys.as_array()
            .unwrap()
            .iter()
            .all(|answer| code(answer).is_empty())
    );
}

#[test]
fn a_request_counts_at_most_ten_facets() {
    let shop = Shop::new();
    let facets = |count: usize| -> String {
        (0..count)
            .map(|number| format!("f{number}: productFacets(filter: {{minPrice: {number}}}) {{ total }} "))
            .collect()
    };
    assert_eq!(
        ask(&shop, &format!("{{ {} }}", facets(10)))["errors"],
        Value::Null
    );
    assert_eq!(
        code(&ask(&shop, &format!("{{ {} }}", facets(11)))),
        "QUERY_TOO_COMPLEX"
    );
    let batch = json!(vec![json!({ "query": format!("{{ {} }}", facets(5)) }); 3]);
    let answer = shop.answer(NOBODY, &batch);
    assert_eq!(
        [0, 1, 2].map(|index| code(&answer[index])),
        ["", "", "QUERY_TOO_COMPLEX"]
    );
}

#[test]
fn a_request_has_few_mutations() {
    let shop = Shop::new();
    let mutations = |count: usize| {
        let all: String = (0..count)
            .map(|number| {
                format!("m{number}: createProduct(input: {{name: \"a\", price: 1, quantity: 0}}) {{ _id }} ")
            })
            .collect();
        json!({ "query": format!("mutation {{ {all} }}") })
    };
    assert_eq!(shop.answer(KEY, &mutations(10))["errors"], Value::Null);
    let refused = shop.answer(KEY, &mutations(11));
    assert_eq!(code(&refused), "TOO_MANY_MUTATIONS");
    let fragment =
        "mutation { ...F ...F ...F ...F } fragment F on Mutation { logout ... { logout clearCart { _id } } }";
    assert_eq!(code(&ask(&shop, fragment)), "TOO_MANY_MUTATIONS");
    let batch = shop.answer(
        KEY,
        &json!([mutations(10), mutations(9), mutations(2), mutations(1)]),
    );
    let codes = [0, 1, 2, 3].map(|index| code(&batch[index]));
    assert_eq!(codes, ["", "", "TOO_MANY_MUTATIONS", ""]);
    let (_, _, products) = shop.rest(NOBODY, "GET", "/api/products?first=100", &Value::Null);
    assert_eq!(products["items"].as_array().unwrap().len(), 10 + 10 + 9 + 1);
}

#[test]
fn an_answer_has_a_largest_size() {
    let shop = Shop::new();
    let input = json!({ "name": "sock", "price": 1, "quantity": 1, "description": "x".repeat(65_536) });
    let create = "mutation ($input: CreateProductInput) { createProduct(input: $input) { _id } }";
    for _ in 0..5 {
        shop.answer(KEY, &json!({ "query": create, "variables": { "input": input } }));
    }
    let page = |aliases: usize| {
        let fields: String = (0..aliases)
            .map(|number| format!("d{number}: description "))
            .collect();
        json!({ "query": format!("{{ productConnection(first: 5) {{ nodes {{ {fields} }} }} }}") })
    };
    assert_eq!(shop.answer(NOBODY, &page(20))["errors"], Value::Null);
    let refused = shop.answer(NOBODY, &page(50));
    assert_eq!(code(&refused), "RESPONSE_TOO_LARGE");
    assert_eq!(refused["data"], Value::Null);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 1);
    let batch = shop.answer(NOBODY, &json!(vec![page(20); 3]));
    assert!(batch.to_string().contains("RESPONSE_TOO_LARGE"));
    assert!(batch.to_string().len() < 8 << 20);
}

#[test]
fn a_long_value_is_neither_copied_often_nor_echoed() {
    let shop = Shop::new();
    let long = "x".repeat(700_000);
    let uses: String = (0..50)
        .map(|number| format!("a{number}: product(id: $id) {{ name }} "))
        .collect();
    let refused = shop.answer(
        NOBODY,
        &json!({ "query": format!("query ($id: ID!) {{ {uses} }}"), "variables": { "id": long } }),
    );
    assert_eq!(code(&refused), "QUERY_TOO_COMPLEX");
    for body in [
        json!({ "query": "query ($n: Int) { productConnection(first: $n) { totalCount } }", "variables": { "n": long } }),
        json!({ "query": "query ($s: ProductSort) { productConnection(sort: $s) { totalCount } }", "variables": { "s": long } }),
        json!({ "query": format!("{{ productConnection(first: \"{long}\") {{ totalCount }} }}") }),
        json!({ "query": "query ($id: ID!) { product(id: $id) { name } }", "variables": { "id": long } }),
        json!({ "query": "query A { me { id } } query B { me { id } }", "operationName": long }),
        json!({ "query": format!("{{ {long} }}") }),
        json!({ "query": format!("{{ {long}: products {{ name }} }}") }),
    ] {
        let answer = shop.answer(NOBODY, &body);
        assert!(!code(&answer).is_empty());
        assert!(
            answer.to_string().len() < 4_000,
            "{} bytes",
            answer.to_string().len()
        );
    }
}

#[test]
fn json_of_too_many_values_is_refused() {
    let shop = Shop::new();
    let objects = "{\"\":0},".repeat(100_000);
    let variables = format!("{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": [{objects}0]}}}}");
    let post = |path: &str, body: &str| {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.header(KEY.0, KEY.1);
        shop.http(request, body)
    };
    let (status, refused) = post("/graphql", &variables);
    assert_eq!((status, code(&refused)), (413, "PAYLOAD_TOO_LARGE"));
    let (status, refused) = post("/api/products", &format!("[{objects}0]"));
    assert_eq!((status, &refused["code"]), (413, &json!("PAYLOAD_TOO_LARGE")));
    let numbers = format!(
        "{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": [{}0]}}}}",
        "0,".repeat(200_000)
    );
    assert_eq!(post("/graphql", &numbers).0, 200);
}
