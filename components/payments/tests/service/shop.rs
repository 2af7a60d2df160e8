//! The payments service over a real catalog and real orders.

use hmac::{Hmac, Mac};
use mercato_catalog::CatalogService;
use mercato_orders::OrdersService;
use mercato_payments::PaymentsService;
use mercato_ports::documents::{Replacement, Write};
use mercato_ports::events::Event;
use mercato_shop::catalog::NewProduct;
use mercato_shop::id;
use mercato_shop::orders::{NewOrder, Order};
use mercato_shop::payments::{Payment, PaymentInput, RefundInput};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Catalog, Orders, Payments};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Error, Line};
use sha2::Sha256;

pub const SECRET: &str = "whsec_test";
pub const SUCCEEDED: &str = "mercato.payments.payment-succeeded";
pub const REFUND_REQUESTED: &str = "mercato.payments.refund-requested";
pub const REFUND_FAILED: &str = "mercato.payments.refund-failed";
pub const REFUNDED: &str = "mercato.payments.payment-refunded";
pub const DUE: &str = "mercato.payments.payment-due";

/// Payments with the test gateway.
pub const TEST_GATEWAY: &[(&str, &str)] = &[
    ("PAYMENT_GATEWAY", "test"),
    ("MERCATO_ENVIRONMENT", "development"),
    ("STRIPE_WEBHOOK_SECRET", SECRET),
];

/// Payments with Stripe. Each test provides the server.
pub const STRIPE: &[(&str, &str)] = &[
    ("PAYMENT_GATEWAY", "stripe"),
    ("STRIPE_SECRET_KEY", "sk_test_1"),
    ("STRIPE_WEBHOOK_SECRET", SECRET),
];

pub type TestOrders = OrdersService<TestPorts, CatalogService<TestPorts>>;

#[derive(Clone)]
pub struct Shop {
    pub ports: TestPorts,
    pub catalog: CatalogService<TestPorts>,
    pub orders: TestOrders,
    pub payments: PaymentsService<TestPorts, TestOrders>,
}

pub fn shop(config: &[(&'static str, &str)]) -> Shop {
    let manifests = [
        ("payments", include_str!("../../service.toml")),
        ("orders", include_str!("../../../orders/service.toml")),
        ("catalog", include_str!("../../../catalog/service.toml")),
    ];
    let ports = TestPorts::new(&manifests, config);
    let catalog = CatalogService::new(ports.clone());
    let orders = OrdersService::new(ports.clone(), catalog.clone());
    Shop {
        payments: PaymentsService::new(ports.clone(), orders.clone()),
        orders,
        catalog,
        ports,
    }
}

impl Shop {
    /// Places an order of the user `u1` with this total.
    pub fn order(&self, total: i64) -> String {
        self.order_in("USD", total)
    }

    /// Places an order of the user `u1` with this total in another currency.
    pub fn order_in(&self, currency: &str, total: i64) -> String {
        let input = NewProduct {
            name: "Sock".into(),
            description: None,
            manufacturer: None,
            external_id: None,
            price: total,
            currency: Some(currency.into()),
            quantity: 1,
            details: mercato_shop::catalog::ProductDetails::default(),
        };
        let product_id = self.catalog.create(&admin(), &input).unwrap().id;
        let lines = vec![Line {
            product_id,
            quantity: 1,
        }];
        let order = NewOrder {
            lines,
            discount_code: None,
            region: None,
        };
        let id = self.orders.place(&customer("u1"), &order).unwrap().id;
        drop(self.ports.take_events());
        id
    }

    pub fn pay(&self, order_id: &str, method: &str) -> Result<Payment, Error> {
        self.pay_by(&customer("u1"), order_id, method, None)
    }

    pub fn pay_by(
        &self,
        caller: &Caller,
        order_id: &str,
        method: &str,
        key: Option<&str>,
    ) -> Result<Payment, Error> {
        let input = PaymentInput {
            order_id: order_id.into(),
            payment_method: method.into(),
            idempotency_key: key.map(Into::into),
        };
        self.payments.pay(caller, &input)
    }

    pub fn refund(&self, payment_id: &str, amount: Option<i64>, key: Option<&str>) -> Result<Payment, Error> {
        let input = RefundInput {
            payment_id: payment_id.into(),
            amount,
            reason: Some("Too large".into()),
            idempotency_key: key.map(Into::into),
        };
        self.payments.refund(&Caller::ApiKey, &input)
    }

    pub fn payment(&self, id: &str) -> Payment {
        Payments::get_many(&self.payments, &admin(), &[id.to_owned()])
            .unwrap()
            .remove(0)
            .unwrap()
            .unwrap()
    }

    pub fn read(&self, id: &str) -> Order {
        Orders::get_many(&self.orders, &admin(), &[id.to_owned()])
            .unwrap()
            .remove(0)
            .unwrap()
    }

    /// Delivers all events except timers, and the events that follow from them, twice each, as a broker may.
    pub fn deliver(&self) {
        loop {
            let events = self.ports.take_events();
            let handled: Vec<_> = events
                .iter()
                .filter(|event| event.due.is_none() && is_handled(&event.kind))
                .collect();
            if handled.is_empty() {
                return;
            }
            for event in handled {
                self.payments.handle(event).unwrap();
                self.payments.handle(event).unwrap();
            }
        }
    }

    /// Moves the last attempt of a payment and its refunds to yesterday.
    pub fn age(&self, id: &str) {
        let yesterday = id::now() - 24 * 3_600_000;
        self.change("payments.payments", id, |body| {
            body["attemptedAt"] = yesterday.into();
            let refunds = body.get_mut("refunds").and_then(|list| list.as_array_mut());
            for refund in refunds.into_iter().flatten() {
                refund["createdAt"] = yesterday.into();
            }
        });
    }

    /// Changes a time of a document directly in the store.
    pub fn set(&self, collection: &str, id: &str, field: &str, time: u64) {
        self.change(collection, id, |body| body[field] = time.into());
    }

    /// Changes a document directly in the store.
    pub fn change(&self, collection: &str, id: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let found = self.ports.get_many(collection, &[id.to_owned()]).unwrap();
        let document = found[0].clone().unwrap();
        let mut body: serde_json::Value = serde_json::from_str(&document.body).unwrap();
        change(&mut body);
        let write = Write::Replace(Replacement {
            collection: collection.into(),
            id: id.into(),
            expected: document.version,
            body: body.to_string(),
        });
        self.ports.commit(&[write], &[]).unwrap();
    }

    /// Returns the events of a kind since the last call.
    pub fn events(&self, kind: &str) -> Vec<Event> {
        let mut events = self.ports.take_events();
        events.retain(|event| event.kind == kind);
        events
    }

    /// Delivers a signed webhook event of Stripe's.
    pub fn webhook(&self, event_id: &str, kind: &str, object: &serde_json::Value) -> Result<(), Error> {
        self.webhook_at(id::now() / 1_000, event_id, kind, object)
    }

    /// Delivers a signed webhook event of Stripe's that happened at a time, in seconds.
    pub fn webhook_at(
        &self,
        created: u64,
        event_id: &str,
        kind: &str,
        object: &serde_json::Value,
    ) -> Result<(), Error> {
        let event = serde_json::json!({
            "id": event_id, "type": kind, "created": created, "data": { "object": object },
        });
        let body = event.to_string();
        let signature = sign(SECRET, id::now() / 1_000, &body);
        self.payments.handle_webhook(body.as_bytes(), &signature)
    }
}

fn is_handled(kind: &str) -> bool {
    include_str!("../../service.toml").contains(&format!("\"{kind}\""))
}

/// Returns the header `Stripe-Signature` of a body.
pub fn sign(secret: &str, seconds: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={:x}", mac.finalize().into_bytes())
}
