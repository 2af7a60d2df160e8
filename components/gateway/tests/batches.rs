//! However many fields ask for the same kind of thing, a service is called once for all of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::sync::{Arc, Mutex};

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use mercato_accounts::AccountsService;
use mercato_catalog::CatalogService;
use mercato_common::ports::Ports;
use mercato_common::testing::TestPorts;
use mercato_gateway::{Gateway, Services, Settings};
use mercato_orders::OrdersService;
use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use serde_json::{Value, json};

const SECRET: &str = "a secret of more than 16 bytes";

/// The calls that a service makes to its store, which are those that others make to the service.
#[derive(Clone)]
struct Counted {
    ports: TestPorts,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Counted {
    fn note(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
    }
}

impl Ports for Counted {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        self.note(&format!("get {} of {collection}", ids.len()));
        self.ports.get_many(collection, ids)
    }

    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
        self.note(&format!("find in {}", query.collection));
        self.ports.find(query)
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        self.note("commit");
        self.ports.commit(writes, events)
    }

    fn config(&self, name: &str) -> Option<String> {
        self.ports.config(name)
    }
}

struct Shop {
    gateway: Gateway,
    ports: Counted,
}

impl Shop {
    fn new() -> Self {
        let manifests = [
            ("accounts", include_str!("../../accounts/service.toml")),
            ("catalog", include_str!("../../catalog/service.toml")),
            ("orders", include_str!("../../orders/service.toml")),
        ];
        let ports = Counted {
            ports: TestPorts::new(&manifests, &[("API_SECRET", SECRET)]),
            calls: Arc::default(),
        };
        let catalog = CatalogService::new(ports.clone());
        let services = Services {
            accounts: Box::new(AccountsService::new(ports.clone())),
            orders: Box::new(OrdersService::new(ports.clone(), catalog.clone())),
            catalog: Box::new(catalog),
        };
        let settings = Settings {
            secret: SECRET.into(),
            introspection: true,
        };
        Self {
            gateway: Gateway::new(&settings, services),
            ports,
        }
    }

    fn ask(&self, header: (&str, &str), query: &str) -> Value {
        let request = Request::post("/graphql")
            .header(CONTENT_TYPE, "application/json")
            .header(header.0, header.1);
        let body = serde_json::to_vec(&json!({ "query": query })).unwrap();
        let reply = self.gateway.handle(&request.body(body).unwrap());
        let answer: Value = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].clone()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.ports.calls.lock().unwrap())
    }
}

const KEY: (&str, &str) = ("x-api-key", SECRET);

#[test]
fn many_fields_make_one_call() {
    let shop = Shop::new();
    let product = |name: &str| {
        let created = shop.ask(
            KEY,
            &format!(
                "mutation {{ createProduct(input: {{name: \"{name}\", price: 5, quantity: 9}}) {{ _id }} }}"
            ),
        );
        created["createProduct"]["_id"].as_str().unwrap().to_owned()
    };
    let (a, b) = (product("a"), product("b"));
    let registered = shop.ask(
        KEY,
        "mutation { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token } }",
    );
    let token = format!(
        "Bearer {}",
        registered["registerUser"]["access_token"].as_str().unwrap()
    );
    let user = (AUTHORIZATION.as_str(), token.as_str());
    for _ in 0..3 {
        shop.ask(user, &format!("mutation {{ placeOrder(products: [{{_id: \"{a}\", quantity: 1}}, {{_id: \"{b}\", quantity: 2}}]) {{ _id }} }}"));
    }

    shop.calls();
    let orders = shop.ask(
        user,
        "{ orders { total user { username } products { quantity product { name quantity } } } }",
    );
    assert_eq!(orders["orders"].as_array().unwrap().len(), 3);
    assert_eq!(
        orders["orders"][2]["products"][1],
        json!({ "quantity": 2, "product": { "name": "b", "quantity": 3 } })
    );
    let mut calls = shop.calls();
    calls.sort();
    assert_eq!(
        calls,
        [
            "find in orders.orders",
            "get 1 of accounts.users",
            "get 2 of catalog.products"
        ]
    );

    let aliases = shop.ask(KEY, &format!("{{ x: product(id: \"{a}\") {{ name stock {{ sold reserved }} }} y: product(id: \"{b}\") {{ name stock {{ reserved }} }} }}"));
    assert_eq!(aliases["y"], json!({ "name": "b", "stock": { "reserved": 6 } }));
    assert_eq!(
        shop.calls(),
        ["get 2 of catalog.products"; 2],
        "once for the products, once for their stock"
    );
}

#[test]
fn a_mutation_never_shows_what_was_loaded_before_it() {
    let shop = Shop::new();
    let created = shop.ask(
        KEY,
        "mutation { createProduct(input: {name: \"a\", price: 5, quantity: 9}) { _id } }",
    );
    let id = created["createProduct"]["_id"].as_str().unwrap();
    let stock = |alias: &str, quantity: i32| {
        format!("{alias}: receiveStock(id: \"{id}\", quantity: {quantity}) {{ stock {{ onHand }} }}")
    };
    let answer = shop.ask(
        KEY,
        &format!("mutation {{ {} {} }}", stock("first", 1), stock("second", 2)),
    );
    assert_eq!(
        (
            &answer["first"]["stock"]["onHand"],
            &answer["second"]["stock"]["onHand"]
        ),
        (&json!(10), &json!(12))
    );
}
