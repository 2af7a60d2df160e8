//! The orders service over a real catalog.

use std::slice;

use mercato_catalog::CatalogService;
use mercato_orders::OrdersService;
use mercato_ports::documents::{Replacement, Write};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::catalog::{NewProduct, ProductDetails, Stock};
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::orders::{NewOrder, Order, OrderFilter, OrderQuery};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Catalog, Discounts, Orders};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Error, Line, Page};

pub const PLACED: &str = "mercato.orders.order-placed";
pub const DUE: &str = "mercato.catalog.reservation-due";

#[derive(Clone)]
pub struct Shop {
    pub ports: TestPorts,
    pub catalog: CatalogService<TestPorts>,
    pub orders: OrdersService<TestPorts, CatalogService<TestPorts>>,
}

pub fn shop(config: &[(&'static str, &str)]) -> Shop {
    let manifests = [
        ("orders", include_str!("../../service.toml")),
        ("catalog", include_str!("../../../catalog/service.toml")),
    ];
    let ports = TestPorts::new(&manifests, config);
    let catalog = CatalogService::new(ports.clone());
    Shop {
        orders: OrdersService::new(ports.clone(), catalog.clone()),
        catalog,
        ports,
    }
}

impl Shop {
    pub fn product(&self, price: i64, quantity: i64) -> String {
        self.create(price, None, quantity)
    }

    /// Creates a product with 9 units and a price in another currency.
    pub fn product_in(&self, currency: &str, price: i64) -> String {
        self.create(price, Some(currency.into()), 9)
    }

    fn create(&self, price: i64, currency: Option<String>, quantity: i64) -> String {
        let input = NewProduct {
            name: "Sock".into(),
            description: None,
            manufacturer: None,
            external_id: None,
            price,
            currency,
            quantity,
            details: ProductDetails::default(),
        };
        let id = self.catalog.create(&admin(), &input).unwrap().id;
        drop(self.ports.take_events());
        id
    }

    /// Returns how many units are on hand, reserved and sold. All units must add up.
    pub fn stock(&self, id: &str) -> (i64, i64, i64) {
        let Stock {
            received,
            on_hand,
            reserved,
            sold,
            written_off,
            ..
        } = self.catalog.get_stock_many(&admin(), &[id.to_owned()]).unwrap()[0].unwrap();
        assert_eq!(received, on_hand + reserved + sold + written_off);
        (on_hand, reserved, sold)
    }

    /// Places an order of the user `u1` for one product.
    pub fn order(&self, product: &str, quantity: u32) -> Order {
        self.orders
            .place(&customer("u1"), &of(&[line(product, quantity)]))
            .unwrap()
    }

    pub fn read(&self, id: &str) -> Order {
        Orders::get_many(&self.orders, &admin(), &[id.to_owned()])
            .unwrap()
            .remove(0)
            .unwrap()
    }

    /// Lists the orders of a filter that a caller sees.
    pub fn list(&self, caller: &Caller, filter: OrderFilter) -> Result<Vec<String>, Error> {
        let query = OrderQuery {
            filter,
            oldest_first: false,
            page: page(100, None),
        };
        let list = Orders::list(&self.orders, caller, &query)?;
        Ok(list.edges.into_iter().map(|edge| edge.order.id).collect())
    }

    pub fn discount(&self, input: NewDiscount) {
        self.orders.create(&admin(), &input).unwrap();
    }

    /// Returns how often a discount was used.
    pub fn used(&self, code: &str) -> u64 {
        let codes = [code.to_owned()];
        let mut found = Discounts::get_many(&self.orders, &admin(), &codes).unwrap();
        found.remove(0).unwrap().used
    }

    /// Changes a time of a document directly in the store.
    pub fn set(&self, collection: &str, id: &str, field: &str, time: u64) {
        let found = self.ports.get_many(collection, &[id.to_owned()]).unwrap();
        let document = found[0].clone().unwrap();
        let mut body: serde_json::Value = serde_json::from_str(&document.body).unwrap();
        body[field] = time.into();
        let write = Write::Replace(Replacement {
            collection: collection.into(),
            id: id.into(),
            expected: document.version,
            body: body.to_string(),
        });
        self.ports.commit(&[write], &[]).unwrap();
    }

    pub fn event(&self, kind: &str) -> Event {
        self.ports
            .take_events()
            .into_iter()
            .find(|event| event.kind == kind)
            .unwrap()
    }

    pub fn handle(&self, event: &Event) -> Result<(), HandlerFailure> {
        self.orders.handle(slice::from_ref(event)).remove(0)
    }

    /// Delivers all events of orders except timers, twice each, as a broker may.
    pub fn deliver(&self) {
        for event in self.ports.take_events() {
            if event.kind.starts_with("mercato.orders.") && event.due.is_none() && is_handled(&event.kind) {
                self.handle(&event).unwrap();
                self.handle(&event).unwrap();
            }
        }
    }
}

/// Whether the service's manifest subscribes to events of this kind.
fn is_handled(kind: &str) -> bool {
    include_str!("../../service.toml").contains(&format!("\"{kind}\""))
}

pub fn line(id: &str, quantity: u32) -> Line {
    Line {
        product_id: id.into(),
        quantity,
    }
}

/// Returns the input of an order without discount and region.
pub fn of(lines: &[Line]) -> NewOrder {
    NewOrder {
        lines: lines.to_vec(),
        discount_code: None,
        region: None,
    }
}

/// Returns the input of a discount without limits.
pub fn code(code: &str, reduction: Reduction) -> NewDiscount {
    NewDiscount {
        code: code.into(),
        reduction,
        currency: None,
        minimum: None,
        limit: None,
        limit_per_customer: None,
        starts_at: None,
        ends_at: None,
    }
}

pub const ANY: OrderFilter = OrderFilter {
    status: None,
    created_from: None,
    created_before: None,
    user_id: None,
};

pub fn page(first: u32, after: Option<String>) -> Page {
    Page::first(first, after)
}
