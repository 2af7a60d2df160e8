//! The webhooks service, and a server that it sends to, for the tests here.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::{Arc, Mutex};

use hmac::{Hmac, Mac};
use mercato_ports::documents::{Replacement, Write};
use mercato_ports::events::Event;
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

/// A shop whose endpoints all answer 200.
pub fn shop() -> Shop {
    let manifest = [("webhooks", include_str!("../../service.toml"))];
    let ports = TestPorts::new(&manifest, &[("MERCATO_ENVIRONMENT", "development")]);
    let shop = Shop {
        service: WebhooksService::new(ports.clone()),
        ports,
        sent: Arc::default(),
    };
    shop.answer(|_| Ok(200));
    shop
}

impl Shop {
    /// Has requests answered so from now on, by their URLs.
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

    /// What was sent since the last look.
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

    /// The deliveries, newest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let filter = DeliveryFilter {
            webhook_id: None,
            status: None,
        };
        let page = Page {
            first: 100,
            after: None,
        };
        let found = self.service.deliveries(&Caller::ApiKey, &filter, &page).unwrap();
        found.edges.into_iter().map(|edge| edge.delivery).collect()
    }

    /// Has something happen in the shop, and tells of it twice, as a broker may.
    pub fn happens(&self, kind: &str) -> Event {
        let event = event(kind, "order/1".into(), &json!({ "orderId": "1" })).unwrap();
        self.service.handle(&event).unwrap();
        self.service.handle(&event).unwrap();
        event
    }

    /// The timers that were set since the last look.
    pub fn timers(&self) -> Vec<Event> {
        let mut events = self.ports.take_events();
        events.retain(|event| event.kind == DUE);
        events
    }

    /// Has all timers ring that were set since the last look, whenever they are due, twice each; how many there were.
    pub fn ring(&self) -> usize {
        let timers = self.timers();
        for timer in &timers {
            self.service.handle(timer).unwrap();
            self.service.handle(timer).unwrap();
        }
        timers.len()
    }

    /// Has the cache forget how an endpoint has been of late, as it does after a minute.
    pub fn forget(&self, id: &str) {
        let failures = format!("webhooks.{id}.failures");
        let failed = self.ports.increment(&failures, 0, 60_000).unwrap();
        self.ports.increment(&failures, -failed, 60_000);
        self.ports.keep(&format!("webhooks.{id}.open"), b"0", 60_000);
    }

    /// Has an endpoint been left alone for long enough.
    pub fn rested(&self, id: &str) {
        let past = self.ports.increment("tests.time", 1, 60_000).unwrap();
        let open = format!("webhooks.{id}.open");
        self.ports.keep(&open, past.to_string().as_bytes(), 60_000);
    }

    /// Changes what is stored of an endpoint or of a delivery.
    pub fn set(&self, collection: &str, id: &str, field: &str, value: Value) {
        let found = self.ports.get_many(collection, &[id.to_owned()]).unwrap();
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

/// The value of a header of a request.
pub fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let header = request.headers.iter().find(|header| header.name == name).unwrap();
    str::from_utf8(&header.value).unwrap()
}

/// The signatures of a request, after their time.
pub fn signatures(request: &Request) -> (String, Vec<String>) {
    let mut parts = header(request, "mercato-signature").split(',');
    let time = parts.next().unwrap().strip_prefix("t=").unwrap().to_owned();
    let signatures = parts.map(|part| part.strip_prefix("v1=").unwrap().to_owned());
    (time, signatures.collect())
}

/// The signature of a request as its receiver computes it.
pub fn expected(request: &Request, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signatures(request).0.as_bytes());
    mac.update(b".");
    mac.update(&request.body);
    format!("{:x}", mac.finalize().into_bytes())
}
