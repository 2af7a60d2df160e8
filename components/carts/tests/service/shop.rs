//! What the tests share.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use mercato_carts::{CartsService, ProductSource};
use mercato_catalog::CatalogService;
use mercato_orders::OrdersService;
use mercato_shop::carts::{Cart, ChangeKind, Owner, Terms};
use mercato_shop::catalog::{Attribute, NewProduct, Offer, ProductDetails, ProductPatch, Stock};
use mercato_shop::orders::{NewOrder, Order, OrderFilter, OrderQuery};
use mercato_shop::services::{Carts, Catalog, Orders, Placement};
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::{Caller, Error, Page};

type RealCatalog = CatalogService<TestPorts>;
type Hook = Box<dyn FnOnce() + Send>;

/// A catalog from which products can vanish.
#[derive(Clone)]
pub struct TestCatalog {
    catalog: RealCatalog,
    vanished: Arc<Mutex<HashSet<String>>>,
}

impl ProductSource for TestCatalog {
    fn get_offers(&self, ids: &[String]) -> Result<Vec<Option<Offer>>, Error> {
        let vanished = self.vanished.lock().unwrap();
        let mut products = Catalog::get_offers(&self.catalog, ids)?;
        for (product, id) in products.iter_mut().zip(ids) {
            if vanished.contains(id) {
                *product = None;
            }
        }
        Ok(products)
    }
}

/// A placement of orders whose requests and responses can be lost.
#[derive(Clone)]
pub struct TestPlacement {
    pub orders: OrdersService<TestPorts, RealCatalog>,
    /// Loses the next request.
    pub loses_request: Arc<Mutex<bool>>,
    /// Loses the next response.
    pub loses_response: Arc<Mutex<bool>>,
    during: Arc<Mutex<Option<Hook>>>,
    pub ids: Arc<Mutex<Vec<String>>>,
}

impl TestPlacement {
    fn request(&self) -> Result<(), Error> {
        if take(&self.loses_request) {
            return Err(Error::Unavailable("the request is lost".into()));
        }
        Ok(())
    }
}

fn take(flag: &Mutex<bool>) -> bool {
    std::mem::take(&mut *flag.lock().unwrap())
}

impl Placement for TestPlacement {
    fn place(
        &self,
        caller: &Caller,
        order_id: &str,
        user_id: &str,
        input: &NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error> {
        self.ids.lock().unwrap().push(order_id.to_owned());
        self.request()?;
        let placed = Placement::place(&self.orders, caller, order_id, user_id, input, expected_subtotal);
        let hook = self.during.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        if take(&self.loses_response) {
            return Err(Error::Unavailable("the response is lost".into()));
        }
        placed
    }

    fn withdraw(&self, caller: &Caller, order_id: &str, user_id: &str) -> Result<Option<Order>, Error> {
        self.request()?;
        self.orders.withdraw(caller, order_id, user_id)
    }
}

#[derive(Clone)]
pub struct Shop {
    pub ports: TestPorts,
    pub catalog: RealCatalog,
    pub test_catalog: TestCatalog,
    pub placement: TestPlacement,
    pub carts: CartsService<TestPorts, TestCatalog, TestPlacement>,
}

pub fn shop(config: &[(&'static str, &str)]) -> Shop {
    let manifests = [
        ("carts", include_str!("../../service.toml")),
        ("orders", include_str!("../../../orders/service.toml")),
        ("catalog", include_str!("../../../catalog/service.toml")),
    ];
    let ports = TestPorts::new(&manifests, config);
    let catalog = CatalogService::new(ports.clone());
    let test_catalog = TestCatalog {
        catalog: catalog.clone(),
        vanished: Arc::default(),
    };
    let placement = TestPlacement {
        orders: OrdersService::new(ports.clone(), catalog.clone()),
        loses_request: Arc::default(),
        loses_response: Arc::default(),
        during: Arc::default(),
        ids: Arc::default(),
    };
    Shop {
        carts: CartsService::new(ports.clone(), test_catalog.clone(), placement.clone()),
        ports,
        catalog,
        test_catalog,
        placement,
    }
}

impl Shop {
    pub fn product(&self, price: i64, quantity: i64) -> String {
        self.catalog.create(&admin(), &input(price, quantity)).unwrap().id
    }

    pub fn price(&self, id: &str, price: i64) {
        let version = Catalog::get_many(&self.catalog, &[id.to_owned()]).unwrap()[0]
            .as_ref()
            .unwrap()
            .version;
        let patch = ProductPatch {
            price: Some(price),
            ..ProductPatch::default()
        };
        self.catalog.update(&admin(), id, version, &patch).unwrap();
    }

    /// Adds a variant to a product, and returns its id.
    pub fn variant(&self, parent: &str) -> String {
        let size = Attribute {
            name: "size".into(),
            value: "M".into(),
        };
        let variant = self
            .catalog
            .create_variant(&admin(), parent, &[size], &input(250, 9));
        variant.unwrap().id
    }

    pub fn vanish(&self, id: &str) {
        self.test_catalog.vanished.lock().unwrap().insert(id.to_owned());
    }

    /// The units on hand, reserved and sold.
    pub fn stock(&self, id: &str) -> (i64, i64, i64) {
        let Stock {
            received,
            on_hand,
            reserved,
            sold,
            ..
        } = self.catalog.get_stock_many(&admin(), &[id.to_owned()]).unwrap()[0].unwrap();
        assert_eq!(received, on_hand + reserved + sold);
        (on_hand, reserved, sold)
    }

    /// Sells units to another customer.
    pub fn sell(&self, id: &str, quantity: u32) {
        let order = NewOrder {
            lines: vec![mercato_shop::types::Line {
                product_id: id.into(),
                quantity,
            }],
            discount_code: None,
            region: None,
        };
        Orders::place(&self.placement.orders, &admin(), &order).unwrap();
    }

    /// Cancels an order by staff.
    pub fn cancel(&self, order: &Order) {
        self.placement.orders.cancel(&admin(), &order.id, None).unwrap();
    }

    pub fn add(&self, caller: &Caller, owner: &Owner, id: &str, quantity: u32) -> Cart {
        self.carts.add(caller, owner, id, quantity).unwrap()
    }

    pub fn view(&self, caller: &Caller, owner: &Owner) -> Cart {
        self.carts.view(caller, owner).unwrap()
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
            page: Page::first(100, None),
        };
        let list = Orders::list(&self.placement.orders, caller, &query).unwrap();
        list.edges.into_iter().map(|edge| edge.order.id).collect()
    }

    /// Runs a hook after the next order is placed, before the carts service receives it.
    pub fn during_next_placement(&self, hook: impl FnOnce() + Send + 'static) {
        *self.placement.during.lock().unwrap() = Some(Box::new(hook));
    }
}

/// A product with this price and stock.
pub fn input(price: i64, quantity: i64) -> NewProduct {
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

pub const MINE: Owner = Owner::Caller;

pub const TERMS: Terms = Terms {
    discount_code: None,
    region: None,
    expected_total: None,
};

/// The owner of a guest's cart.
pub fn guest(cart: &Cart) -> Owner {
    Owner::Cart(cart.id.clone().unwrap())
}

/// The product ids and quantities.
pub fn lines(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines
        .iter()
        .map(|line| (line.product_id.as_str(), line.quantity))
        .collect()
}

/// The changes as tuples.
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
