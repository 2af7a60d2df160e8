//! The webhooks service, and a server with its endpoints.

use std::slice;
use std::sync::{Arc, Mutex};

use hmac::{Hmac, Mac};
use mercato_ports::documents::{Replacement, Write};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::http_client::{HttpFailure, Request, Response};
use mercato_shop::cache::Cache;
use mercato_shop::collection::event;
use mercato_shop::ports::Ports;
use mercato_shop::services::Webhooks;
use mercato_shop::testing::TestPorts;
use mercato_shop::types::{Caller, Page};
use mercato_shop::webhooks::{Delivery, DeliveryFilter, NewWebhook, SecretWebhook, Webhook, WebhookPatch};
use mercato_webhooks::WebhooksService;
use serde_json::{Value, json};
use sha2::Sha256;

pub const PAID: &str = "mercato.orders.order-paid";
pub const DUE: &str = "mercato.webhooks.delivery-due";

pub type Answer = Result<u16, HttpFailure>;

#[derive(Clone)]
pub struct Shop {
    pub ports: TestPorts,
    pub service: WebhooksService<TestPorts>,
    sent: Arc<Mutex<Vec<Request>>>,
}

/// Creates a shop whose endpoints all answer 200.
pub fn shop() -> Shop {
    let manifest = [("webhooks", include_str!("../../service.toml"))];
    let ports = TestPorts::new(
        &manifest,
        &[
            ("MERCATO_ENVIRONMENT", "development"),
            (
                "HTTP_CLIENT_HOSTS",
                "here.example,there.example,other.example,127.0.0.1:9000",
            ),
        ],
    );
    let shop = Shop {
        service: WebhooksService::new(ports.clone()),
        ports,
        sent: Arc::default(),
    };
    shop.answer(|_| Ok(200));
    shop
}

impl Shop {
    /// Sets the answers to all further requests, by URL.
    pub fn answer(&self, answer: impl Fn(&str) -> Answer + Send + 'static) {
        let sent = Arc::clone(&self.sent);
        self.ports.serve(move |request| {
            sent.lock().unwrap().push(request.clone());
            answer(&request.url).map(|status| Response {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            })
        });
    }

    /// Returns the requests since the last call.
    pub fn sent(&self) -> Vec<Request> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    pub fn webhook(&self, url: &str, events: &[&str]) -> SecretWebhook {
        let input = NewWebhook {
            url: url.into(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
        };
        self.service.create(&Caller::ApiKey, &input).unwrap()
    }

    pub fn enable(&self, id: &str, enabled: bool) -> Webhook {
        let patch = WebhookPatch {
            url: None,
            events: None,
            enabled: Some(enabled),
        };
        self.service.update(&Caller::ApiKey, id, &patch).unwrap()
    }

    pub fn read(&self, id: &str) -> Webhook {
        let mut all = self.service.list(&Caller::ApiKey).unwrap();
        all.retain(|webhook| webhook.id == id);
        all.remove(0)
    }

    /// Lists the deliveries, newest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let filter = DeliveryFilter {
            webhook_id: None,
            status: None,
        };
        let page = Page::first(100, None);
        let found = self.service.deliveries(&Caller::ApiKey, &filter, &page).unwrap();
        found.edges.into_iter().map(|edge| edge.delivery).collect()
    }

    pub fn handle(&self, event: &Event) -> Result<(), HandlerFailure> {
        self.service.handle(slice::from_ref(event)).remove(0)
    }

    /// Publishes an event, and delivers it twice, as a broker may.
    pub fn publish(&self, kind: &str) -> Event {
        let event = event(kind, "order/1".into(), &json!({ "orderId": "1" })).unwrap();
        self.handle(&event).unwrap();
        self.handle(&event).unwrap();
        event
    }

    /// Returns the timers since the last call.
    pub fn timers(&self) -> Vec<Event> {
        let mut events = self.ports.take_events();
        events.retain(|event| event.kind == DUE);
        events
    }

    /// Delivers the timers since the last call twice each, even if they are not due. Returns their number.
    pub fn run_timers(&self) -> usize {
        let timers = self.timers();
        for timer in &timers {
            self.handle(timer).unwrap();
            self.handle(timer).unwrap();
        }
        timers.len()
    }

    /// Resets the circuit breaker of an endpoint, as the cache does after a minute.
    pub fn reset_breaker(&self, id: &str) {
        let failures = format!("webhooks.{id}.failures");
        let failed = self.ports.increment(&failures, 0, 60_000).unwrap();
        self.ports.increment(&failures, -failed, 60_000);
        self.ports.set(&format!("webhooks.{id}.open"), b"0", 60_000);
    }

    /// Ends the pause of an endpoint's circuit breaker.
    pub fn end_pause(&self, id: &str) {
        let past = self.ports.increment("tests.time", 1, 60_000).unwrap();
        let open = format!("webhooks.{id}.open");
        self.ports.set(&open, past.to_string().as_bytes(), 60_000);
    }

    /// Changes a document directly in the store.
    pub fn set(&self, collection: &str, id: &str, field: &str, value: Value) {
        let found = Ports::get_many(&self.ports, collection, &[id.to_owned()]).unwrap();
        let document = found[0].clone().unwrap();
        let mut body: Value = serde_json::from_str(&document.body).unwrap();
        body[field] = value;
        let write = Write::Replace(Replacement {
            collection: collection.into(),
            id: id.into(),
            expected: document.version,
            body: body.to_string(),
        });
        self.ports.commit(&[write], &[]).unwrap();
    }
}

/// Returns the value of a header.
pub fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let header = request.headers.iter().find(|header| header.name == name).unwrap();
    str::from_utf8(&header.value).unwrap()
}

/// Returns the time of a request's signature, and the signatures.
pub fn signatures(request: &Request) -> (String, Vec<String>) {
    let mut parts = header(request, "mercato-signature").split(',');
    let time = parts.next().unwrap().strip_prefix("t=").unwrap().to_owned();
    let signatures = parts.map(|part| part.strip_prefix("v1=").unwrap().to_owned());
    (time, signatures.collect())
}

/// Computes the signature of a request as its receiver does.
pub fn expected(request: &Request, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signatures(request).0.as_bytes());
    mac.update(b".");
    mac.update(&request.body);
    format!("{:x}", mac.finalize().into_bytes())
}
