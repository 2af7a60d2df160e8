//! The carts service over a real catalog and real orders, for the tests here.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use mercato_carts::{CartsService, ProductSource};
use mercato_catalog::CatalogService;
use mercato_orders::OrdersService;
use mercato_shop::carts::{Cart, ChangeKind, Terms, Whose};
use mercato_shop::catalog::{Attribute, NewProduct, Product, ProductDetails, ProductPatch, Stock};
use mercato_shop::orders::{NewOrder, Order, OrderFilter, OrderQuery};
use mercato_shop::services::{Carts, Catalog, Orders, Placement};
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::{Caller, Error, Page};

type Catalogue = CatalogService<TestPorts>;
type Hook = Box<dyn FnOnce() + Send>;

/// A catalog from which products can be made to vanish.
#[derive(Clone)]
pub struct Shelves {
    catalog: Catalogue,
    gone: Arc<Mutex<HashSet<String>>>,
}

impl ProductSource for Shelves {
    fn products(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        let gone = self.gone.lock().unwrap();
        let mut products = self.catalog.get_many(ids)?;
        for (product, id) in products.iter_mut().zip(ids) {
            if gone.contains(id) {
                *product = None;
            }
        }
        Ok(products)
    }
}

/// Orders that are out of reach when a test wants it.
#[derive(Clone)]
pub struct Counter {
    orders: OrdersService<TestPorts, Catalogue>,
    /// The next request does not come to the orders.
    pub lost_request: Arc<Mutex<bool>>,
    /// The next answer does not come back.
    pub lost_answer: Arc<Mutex<bool>>,
    during: Arc<Mutex<Option<Hook>>>,
    pub ids: Arc<Mutex<Vec<String>>>,
}

impl Placement for Counter {
    fn place(
        &self,
        caller: &Caller,
        order_id: &str,
        user_id: &str,
        input: &NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error> {
        self.ids.lock().unwrap().push(order_id.to_owned());
        let take = |flag: &Mutex<bool>| std::mem::take(&mut *flag.lock().unwrap());
        if take(&self.lost_request) {
            return Err(Error::Unavailable("gone before".into()));
        }
        let placed = Placement::place(&self.orders, caller, order_id, user_id, input, expected_subtotal);
        let hook = self.during.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        if take(&self.lost_answer) {
            return Err(Error::Unavailable("gone after".into()));
        }
        placed
    }

    fn withdraw(&self, caller: &Caller, order_id: &str, user_id: &str) -> Result<Option<Order>, Error> {
        self.orders.withdraw(caller, order_id, user_id)
    }
}

#[derive(Clone)]
pub struct Shop {
    pub ports: TestPorts,
    pub catalog: Catalogue,
    pub shelves: Shelves,
    pub counter: Counter,
    pub carts: CartsService<TestPorts, Shelves, Counter>,
}

pub fn shop(config: &[(&'static str, &str)]) -> Shop {
    let manifests = [
        ("carts", include_str!("../../service.toml")),
        ("orders", include_str!("../../../orders/service.toml")),
        ("catalog", include_str!("../../../catalog/service.toml")),
    ];
    let ports = TestPorts::new(&manifests, config);
    let catalog = CatalogService::new(ports.clone());
    let shelves = Shelves {
        catalog: catalog.clone(),
        gone: Arc::default(),
    };
    let counter = Counter {
        orders: OrdersService::new(ports.clone(), catalog.clone()),
        lost_request: Arc::default(),
        lost_answer: Arc::default(),
        during: Arc::default(),
        ids: Arc::default(),
    };
    Shop {
        carts: CartsService::new(ports.clone(), shelves.clone(), counter.clone()),
        ports,
        catalog,
        shelves,
        counter,
    }
}

impl Shop {
    pub fn product(&self, price: i64, quantity: i64) -> String {
        self.catalog.create(&admin(), input(price, quantity)).unwrap().id
    }

    pub fn price(&self, id: &str, price: i64) {
        let version = self.catalog.get_many(&[id.to_owned()]).unwrap()[0]
            .as_ref()
            .unwrap()
            .version;
        let patch = ProductPatch {
            name: None,
            description: None,
            manufacturer: None,
            price: Some(price),
            currency: None,
            details: ProductDetails::default(),
        };
        self.catalog.update(&admin(), id, version, patch).unwrap();
    }

    /// Has a product come in variants, of which this is one.
    pub fn variant(&self, parent: &str) -> String {
        let size = Attribute {
            name: "size".into(),
            value: "M".into(),
        };
        let variant = self
            .catalog
            .create_variant(&admin(), parent, vec![size], input(250, 9));
        variant.unwrap().id
    }

    pub fn vanish(&self, id: &str) {
        self.shelves.gone.lock().unwrap().insert(id.to_owned());
    }

    /// Where all its pieces are: on hand, reserved, sold. They must add up.
    pub fn stock(&self, id: &str) -> (i64, i64, i64) {
        let Stock {
            received,
            on_hand,
            reserved,
            sold,
            ..
        } = self.catalog.stock_many(&admin(), &[id.to_owned()]).unwrap()[0].unwrap();
        assert_eq!(received, on_hand + reserved + sold);
        (on_hand, reserved, sold)
    }

    /// Somebody else buys so many.
    pub fn sell(&self, id: &str, quantity: u32) {
        let order = NewOrder {
            lines: vec![mercato_shop::types::Line {
                product_id: id.into(),
                quantity,
            }],
            discount_code: None,
            region: None,
        };
        Orders::place(&self.counter.orders, &admin(), &order).unwrap();
    }

    /// Those who keep the shop cancel an order.
    pub fn cancel(&self, order: &Order) {
        self.counter.orders.cancel(&admin(), &order.id, None).unwrap();
    }

    pub fn add(&self, caller: &Caller, whose: &Whose, id: &str, quantity: u32) -> Cart {
        self.carts.add(caller, whose, id, quantity).unwrap()
    }

    pub fn view(&self, caller: &Caller, whose: &Whose) -> Cart {
        self.carts.view(caller, whose).unwrap()
    }

    /// The ids of a user's orders.
    pub fn orders(&self, caller: &Caller) -> Vec<String> {
        let query = OrderQuery {
            filter: OrderFilter {
                status: None,
                created_from: None,
                created_before: None,
                user_id: None,
            },
            oldest_first: false,
            page: Page {
                first: 100,
                after: None,
            },
        };
        let list = Orders::list(&self.counter.orders, caller, &query).unwrap();
        list.edges.into_iter().map(|edge| edge.order.id).collect()
    }

    /// Has something happen while an order is being placed: after it was, before the cart hears of it.
    pub fn during_next_placement(&self, hook: impl FnOnce() + Send + 'static) {
        *self.counter.during.lock().unwrap() = Some(Box::new(hook));
    }
}

fn input(price: i64, quantity: i64) -> NewProduct {
    NewProduct {
        name: "Sock".into(),
        description: None,
        manufacturer: None,
        external_id: None,
        price,
        currency: None,
        quantity,
        details: ProductDetails::default(),
    }
}

pub const MINE: Whose = Whose::Callers;

pub const TERMS: Terms = Terms {
    discount_code: None,
    region: None,
    expected_total: None,
};

/// A guest's cart of which this is an answer.
pub fn guest(cart: &Cart) -> Whose {
    Whose::Guest(cart.id.clone().unwrap())
}

/// How many of what there are.
pub fn lines(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines
        .iter()
        .map(|line| (line.product_id.as_str(), line.quantity))
        .collect()
}

/// What has changed.
pub fn changes(cart: &Cart) -> Vec<(&str, ChangeKind, Option<i64>, Option<i64>)> {
    cart.changes
        .iter()
        .map(|change| {
            (
                change.product_id.as_str(),
                change.kind,
                change.before,
                change.after,
            )
        })
        .collect()
}

/// The field that a refused input was about.
pub fn field<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::Invalid(violation)) => violation.field,
        other => panic!("{other:?}"),
    }
}
