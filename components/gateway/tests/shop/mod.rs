//! A native gateway with its services, for tests.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use mercato_accounts::AccountsService;
use mercato_carts::CartsService;
use mercato_catalog::CatalogService;
use mercato_gateway::{Gateway, Services, Settings};
use mercato_notifications::NotificationsService;
use mercato_orders::OrdersService;
use mercato_payments::PaymentsService;
use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request as OutRequest, Response as OutResponse};
use mercato_ports::mailer::{MailFailure, Message};
use mercato_ports::passwords::PasswordFailure;
use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Mail, Passwords, Ports};
use mercato_shop::testing::TestPorts;
use mercato_webhooks::WebhooksService;
use serde_json::{Value, json};

pub const SECRET: &str = "a secret of more than 16 bytes";

/// The secret of Stripe's webhooks.
pub const WEBHOOKS: &str = "whsec_test";

const CONFIG: [(&str, &str); 6] = [
    ("HTTP_CLIENT_HOSTS", "a.example"),
    ("API_SECRET", SECRET),
    ("CLIENT_ADDRESS_HEADER", "x-forwarded-for"),
    ("PAYMENT_GATEWAY", "test"),
    ("MERCATO_ENVIRONMENT", "development"),
    ("STRIPE_WEBHOOK_SECRET", WEBHOOKS),
];

/// Ports that log the calls of the services to their stores.
#[derive(Clone)]
struct LoggedPorts {
    ports: TestPorts,
    calls: Arc<Mutex<Vec<String>>>,
    after_find: Arc<Mutex<Option<Interference>>>,
    /// The cache keys that were read.
    looked_up: Arc<Mutex<Vec<String>>>,
    no_cache: Arc<AtomicBool>,
    /// The collection that is unavailable.
    away: Arc<Mutex<Option<&'static str>>>,
}

type Interference = Box<dyn FnOnce() + Send>;

impl LoggedPorts {
    fn note(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
    }
}

impl Ports for LoggedPorts {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        self.note(&format!("get {} of {collection}", ids.len()));
        if *self.away.lock().unwrap() == Some(collection) {
            return Err(Failure::Unavailable("the store is unavailable".into()));
        }
        Ports::get_many(&self.ports, collection, ids)
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

    fn count(&self, query: &Query) -> Result<u64, Failure> {
        self.note(&format!("count in {}", query.collection));
        self.ports.count(query)
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        self.note("commit");
        self.ports.commit(writes, events)
    }

    fn config(&self, name: &str) -> Option<String> {
        self.ports.config(name)
    }
}

impl Mail for LoggedPorts {
    fn send(&self, message: &Message) -> Result<(), MailFailure> {
        Mail::send(&self.ports, message)
    }
}

impl Passwords for LoggedPorts {
    fn hash(&self, password: &str) -> Result<String, PasswordFailure> {
        Passwords::hash(&self.ports, password)
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordFailure> {
        Passwords::verify(&self.ports, password, hash)
    }
}

impl HttpClient for LoggedPorts {
    fn send(&self, request: &OutRequest) -> Result<OutResponse, HttpFailure> {
        HttpClient::send(&self.ports, request)
    }
}

impl Cache for LoggedPorts {
    fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        self.looked_up.lock().unwrap().extend_from_slice(keys);
        if self.no_cache.load(Ordering::Relaxed) {
            return vec![None; keys.len()];
        }
        Cache::get_many(&self.ports, keys)
    }

    fn set(&self, key: &str, value: &[u8], ttl: u64) {
        if !self.no_cache.load(Ordering::Relaxed) {
            self.ports.set(key, value, ttl);
        }
    }

    fn delete(&self, keys: &[String]) {
        self.ports.delete(keys);
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        if self.no_cache.load(Ordering::Relaxed) {
            return None;
        }
        self.ports.increment(key, by, ttl)
    }
}

/// A shop with its own store.
pub struct Shop {
    gateway: Gateway,
    ports: LoggedPorts,
}

impl Shop {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// Returns a shop with these additional settings.
    pub fn with(config: &[(&'static str, &str)]) -> Self {
        let manifests = [
            ("gateway", include_str!("../../service.toml")),
            ("accounts", include_str!("../../../accounts/service.toml")),
            ("carts", include_str!("../../../carts/service.toml")),
            ("catalog", include_str!("../../../catalog/service.toml")),
            (
                "notifications",
                include_str!("../../../notifications/service.toml"),
            ),
            ("orders", include_str!("../../../orders/service.toml")),
            ("payments", include_str!("../../../payments/service.toml")),
            ("webhooks", include_str!("../../../webhooks/service.toml")),
        ];
        let ports = LoggedPorts {
            ports: TestPorts::new(&manifests, &[&CONFIG, config].concat()),
            calls: Arc::default(),
            after_find: Arc::default(),
            looked_up: Arc::default(),
            no_cache: Arc::default(),
            away: Arc::default(),
        };
        let catalog = CatalogService::new(ports.clone());
        let orders = OrdersService::new(ports.clone(), catalog.clone());
        let accounts = AccountsService::new(ports.clone());
        let services = Services {
            notifications: Box::new(NotificationsService::new(
                ports.clone(),
                accounts.clone(),
                orders.clone(),
            )),
            accounts: Box::new(accounts),
            carts: Box::new(CartsService::new(ports.clone(), catalog.clone(), orders.clone())),
            payments: Box::new(PaymentsService::new(ports.clone(), orders.clone())),
            webhooks: Box::new(WebhooksService::new(ports.clone())),
            orders: Box::new(orders.clone()),
            placement: Box::new(orders.clone()),
            discounts: Box::new(orders),
            catalog: Box::new(catalog),
            cache: Box::new(ports.clone()),
            documents: Box::new(ports.clone()),
            http: Box::new(ports.clone()),
        };
        let settings = Settings::read(|name| ports.config(name)).unwrap();
        let shop = Self {
            gateway: Gateway::new(&settings, services),
            ports,
        };
        // The first list upgrades old products, which counts as a change of the catalog.
        shop.rest(NOBODY, "GET", "/api/products?sku=none", &Value::Null);
        shop.calls();
        shop.looked_up("");
        shop
    }

    /// Returns the data of a GraphQL answer without errors.
    pub fn ask(&self, header: (&str, &str), query: &str) -> Value {
        let answer = self.answer(header, &json!({ "query": query }));
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].clone()
    }

    /// Returns the answer to a GraphQL request.
    pub fn answer(&self, header: (&str, &str), body: &Value) -> Value {
        let request = Request::post("/graphql")
            .header(CONTENT_TYPE, "application/json")
            .header(header.0, header.1)
            .body(serde_json::to_vec(body).unwrap());
        let reply = self.gateway.handle(&request.unwrap());
        serde_json::from_slice(reply.body()).unwrap()
    }

    /// Returns the status and the JSON body of the response to a request.
    pub fn http(&self, request: http::request::Builder, body: &str) -> (u16, Value) {
        let reply = self.gateway.handle(&request.body(body.into()).unwrap());
        let body = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
        (reply.status().as_u16(), body)
    }

    /// Returns the response to a request.
    pub fn send(&self, request: http::request::Builder, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
        self.gateway.handle(&request.body(body.into()).unwrap())
    }

    /// Returns the response to a REST request: status, headers and body.
    pub fn rest(
        &self,
        caller: (&str, &str),
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, HeaderMap, Value) {
        self.rest_with(&[caller], method, path, body)
    }

    /// Sends a REST request with several headers.
    pub fn rest_with(
        &self,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            request = request.header(CONTENT_TYPE, "application/json");
            serde_json::to_vec(body).unwrap()
        };
        let (parts, bytes) = self.send(request, bytes).into_parts();
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (parts.status.as_u16(), parts.headers, value)
    }

    /// Registers a user.
    pub fn user(&self, name: &str) -> User {
        let input = json!({ "username": name, "password": "a long password" });
        let (status, _, signed_in) = self.rest(NOBODY, "POST", "/api/users/register", &input);
        assert_eq!(status, 201, "{signed_in}");
        let text = |pointer: &str| signed_in.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        User {
            id: text("/user/_id"),
            bearer: format!("Bearer {}", text("/access_token")),
            refresh: text("/refresh_token"),
        }
    }

    /// Returns the ports behind the services.
    pub fn ports(&self) -> &TestPorts {
        &self.ports.ports
    }

    /// Returns the OpenAPI document.
    pub fn openapi(&self) -> Value {
        Gateway::openapi()
    }

    /// Delivers an event to the accounts service.
    pub fn deliver_to_accounts(&self, event: &Event) {
        AccountsService::new(self.ports.clone()).handle(event).unwrap();
    }

    /// Creates a product, and returns its id.
    pub fn product(&self, name: &str) -> String {
        let mutation = format!(
            "mutation {{ createProduct(input: {{name: \"{name}\", price: 5, quantity: 9}}) {{ _id }} }}"
        );
        let created = self.ask(KEY, &mutation);
        created["createProduct"]["_id"].as_str().unwrap().to_owned()
    }

    /// Calls a function after the next search for documents.
    pub fn after_next_find(&self, interference: impl FnOnce() + Send + 'static) {
        *self.ports.after_find.lock().unwrap() = Some(Box::new(interference));
    }

    /// Returns the number of cache reads with this prefix since the last call.
    pub fn looked_up(&self, prefix: &str) -> usize {
        let keys = std::mem::take(&mut *self.ports.looked_up.lock().unwrap());
        keys.iter().filter(|key| key.starts_with(prefix)).count()
    }

    /// Makes the cache unavailable.
    pub fn lose_the_cache(&self) {
        self.ports.no_cache.store(true, Ordering::Relaxed);
    }

    /// Makes reads from this collection fail, or from none.
    pub fn away(&self, collection: Option<&'static str>) {
        *self.ports.away.lock().unwrap() = collection;
    }

    /// Returns the calls to the stores since the last call.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.ports.calls.lock().unwrap())
    }
}

/// A signed-in user.
pub struct User {
    pub id: String,
    pub bearer: String,
    pub refresh: String,
}

impl User {
    /// Returns the header with the access token.
    pub fn header(&self) -> (&str, &str) {
        ("authorization", &self.bearer)
    }
}

/// A header without a credential.
pub const NOBODY: (&str, &str) = ("accept", "*/*");

/// The header with the API key.
pub const KEY: (&str, &str) = ("x-api-key", SECRET);
