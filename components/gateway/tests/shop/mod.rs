//! The gateway and its services natively, for the tests here.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::{Arc, Mutex};

use http::header::CONTENT_TYPE;
use http::{HeaderName, Request};
use mercato_accounts::AccountsService;
use mercato_carts::CartsService;
use mercato_catalog::CatalogService;
use mercato_common::cache::Cache;
use mercato_common::ports::{HttpClient, Mail, Ports};
use mercato_common::testing::TestPorts;
use mercato_gateway::{Gateway, Services, Settings};
use mercato_orders::OrdersService;
use mercato_payments::PaymentsService;
use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request as OutRequest, Response as OutResponse};
use mercato_ports::mailer::{MailFailure, Message};
use serde_json::{Value, json};

const SECRET: &str = "a secret of more than 16 bytes";

/// The secret of webhooks.
pub const WEBHOOKS: &str = "whsec_test";

const CONFIG: [(&str, &str); 4] = [
    ("API_SECRET", SECRET),
    ("PAYMENT_GATEWAY", "test"),
    ("MERCATO_ENVIRONMENT", "development"),
    ("STRIPE_WEBHOOK_SECRET", WEBHOOKS),
];

/// The calls that a service makes to its store, which are those that others make to the service.
#[derive(Clone)]
struct Counted {
    ports: TestPorts,
    calls: Arc<Mutex<Vec<String>>>,
    after_find: Arc<Mutex<Option<Interference>>>,
}

type Interference = Box<dyn FnOnce() + Send>;

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
        let found = self.ports.find(query);
        let interfere = self.after_find.lock().unwrap().take();
        if let Some(interfere) = interfere {
            interfere();
        }
        found
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        self.note("commit");
        self.ports.commit(writes, events)
    }

    fn config(&self, name: &str) -> Option<String> {
        self.ports.config(name)
    }
}

impl Mail for Counted {
    fn send(&self, message: &Message) -> Result<(), MailFailure> {
        self.ports.send(message)
    }
}

impl HttpClient for Counted {
    fn request(&self, request: &OutRequest) -> Result<OutResponse, HttpFailure> {
        self.ports.request(request)
    }
}

impl Cache for Counted {
    fn cached(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        self.ports.cached(keys)
    }

    fn keep(&self, key: &str, value: &[u8], ttl: u64) {
        self.ports.keep(key, value, ttl);
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        self.ports.increment(key, by, ttl)
    }
}

/// The whole shop, natively, over a store of its own.
pub struct Shop {
    gateway: Gateway,
    ports: Counted,
}

impl Shop {
    pub fn new() -> Self {
        let manifests = [
            ("accounts", include_str!("../../../accounts/service.toml")),
            ("carts", include_str!("../../../carts/service.toml")),
            ("catalog", include_str!("../../../catalog/service.toml")),
            ("orders", include_str!("../../../orders/service.toml")),
            ("payments", include_str!("../../../payments/service.toml")),
        ];
        let ports = Counted {
            ports: TestPorts::new(&manifests, &CONFIG),
            calls: Arc::default(),
            after_find: Arc::default(),
        };
        let catalog = CatalogService::new(ports.clone());
        let orders = OrdersService::new(ports.clone(), catalog.clone());
        let services = Services {
            accounts: Box::new(AccountsService::new(ports.clone())),
            carts: Box::new(CartsService::new(ports.clone(), catalog.clone(), orders.clone())),
            payments: Box::new(PaymentsService::new(ports.clone(), orders.clone())),
            orders: Box::new(orders.clone()),
            discounts: Box::new(orders),
            catalog: Box::new(catalog),
            cache: Box::new(ports.clone()),
        };
        let settings = Settings {
            secret: SECRET.into(),
            introspection: true,
            address_header: Some(HeaderName::from_static("x-forwarded-for")),
        };
        Self {
            gateway: Gateway::new(&settings, services),
            ports,
        }
    }

    /// The data of an answer without errors.
    pub fn ask(&self, header: (&str, &str), query: &str) -> Value {
        let answer = self.answer(header, &json!({ "query": query }));
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].clone()
    }

    /// The answer to a request.
    pub fn answer(&self, header: (&str, &str), body: &Value) -> Value {
        let request = Request::post("/graphql")
            .header(CONTENT_TYPE, "application/json")
            .header(header.0, header.1)
            .body(serde_json::to_vec(body).unwrap());
        let reply = self.gateway.handle(&request.unwrap());
        serde_json::from_slice(reply.body()).unwrap()
    }

    /// The status and the body of the answer to any request.
    pub fn http(&self, request: http::request::Builder, body: &str) -> (u16, Value) {
        let reply = self.gateway.handle(&request.body(body.into()).unwrap());
        let body = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
        (reply.status().as_u16(), body)
    }

    /// A new product's id.
    pub fn product(&self, name: &str) -> String {
        let mutation = format!(
            "mutation {{ createProduct(input: {{name: \"{name}\", price: 5, quantity: 9}}) {{ _id }} }}"
        );
        let created = self.ask(KEY, &mutation);
        created["createProduct"]["_id"].as_str().unwrap().to_owned()
    }

    /// Has something happen as soon as a service has found documents.
    pub fn after_next_find(&self, interference: impl FnOnce() + Send + 'static) {
        *self.ports.after_find.lock().unwrap() = Some(Box::new(interference));
    }

    /// The calls of services to their stores since the last look.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.ports.calls.lock().unwrap())
    }
}

/// The header of those who keep the shop.
pub const KEY: (&str, &str) = ("x-api-key", SECRET);
