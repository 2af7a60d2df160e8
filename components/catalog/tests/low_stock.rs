//! That a product runs low is told once, each time that it does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::thread;

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{NewProduct, ProductDetails, ProductPatch};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::{Error, Line};
use serde_json::Value;

type Service = CatalogService<TestPorts>;

fn catalog(low_stock: &str) -> (TestPorts, Service) {
    let ports = TestPorts::new(
        &[("catalog", include_str!("../service.toml"))],
        &[("LOW_STOCK", low_stock)],
    );
    (ports.clone(), CatalogService::new(ports))
}

fn product(catalog: &Service, quantity: i64, low_stock_at: Option<i64>) -> String {
    let input = NewProduct {
        name: "Sock".into(),
        description: None,
        manufacturer: None,
        external_id: None,
        price: 100,
        currency: None,
        quantity,
        details: ProductDetails {
            low_stock_at,
            ..ProductDetails::default()
        },
    };
    catalog.create(&admin(), input).unwrap().id
}

fn line(id: &str, quantity: u32) -> Line {
    Line {
        product_id: id.into(),
        quantity,
    }
}

/// What was told of products that run low since the last look: what is on hand, and the threshold.
fn told(ports: &TestPorts) -> Vec<(i64, i64)> {
    let events = ports.take_events().into_iter();
    events
        .filter(|event| event.kind == "mercato.catalog.low-stock")
        .map(|event| {
            let data: Value = serde_json::from_str(&event.data).unwrap();
            assert_eq!(
                event.subject,
                format!("product/{}", data["productId"].as_str().unwrap())
            );
            (
                data["onHand"].as_i64().unwrap(),
                data["threshold"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn it_is_told_by_the_sale_that_crosses_the_threshold_and_by_no_other() {
    let (ports, catalog) = catalog("5");
    let id = product(&catalog, 10, None);
    for (number, expected) in [vec![], vec![(4, 5)], vec![]].into_iter().enumerate() {
        catalog
            .reserve(&format!("o{number}"), &[line(&id, 3)], 0)
            .unwrap();
        catalog
            .reserve(&format!("o{number}"), &[line(&id, 3)], 0)
            .unwrap();
        catalog.settle(&format!("o{number}")).unwrap();
        assert_eq!(told(&ports), expected, "{number}");
    }
}

#[test]
fn it_is_told_again_once_the_product_was_above_its_threshold() {
    let (ports, catalog) = catalog("");
    let id = product(&catalog, 6, Some(5));
    catalog.reserve("a", &[line(&id, 2)], 0).unwrap();
    assert_eq!(told(&ports), [(4, 5)]);
    catalog.receive(&admin(), &id, 1).unwrap();
    catalog.adjust_stock(&admin(), &id, -1, "lost").unwrap();
    assert_eq!(told(&ports), [], "it has not been above");
    catalog.receive(&admin(), &id, 10).unwrap();
    catalog.adjust_stock(&admin(), &id, -9, "lost").unwrap();
    assert_eq!(told(&ports), [(5, 5)]);
    catalog.set_stock(&admin(), &id, 7, None).unwrap();
    catalog.set_stock(&admin(), &id, 0, None).unwrap();
    assert_eq!(told(&ports), [(0, 5)]);
    // What an order gives back is noticed by the next movement.
    catalog.receive(&admin(), &id, 5).unwrap();
    catalog.release("a").unwrap();
    catalog.reserve("b", &[line(&id, 3)], 0).unwrap();
    assert_eq!(told(&ports), [(4, 5)]);
    catalog.release("b").unwrap();
    catalog.reserve("c", &[line(&id, 1)], 0).unwrap();
    assert_eq!(told(&ports), [], "six are enough");
    catalog.reserve("d", &[line(&id, 1)], 0).unwrap();
    assert_eq!(told(&ports), [(5, 5)]);
}

#[test]
fn of_many_who_cross_the_threshold_at_once_one_tells() {
    let (ports, catalog) = catalog("5");
    for _ in 0..5 {
        let (id, other) = (product(&catalog, 8, None), product(&catalog, 100, None));
        thread::scope(|scope| {
            for number in 0..4 {
                let (catalog, lines) = (catalog.clone(), [line(&id, 2), line(&other, 1)]);
                let order = format!("{id}-{number}");
                scope.spawn(move || catalog.reserve(&order, &lines, 0).unwrap());
            }
        });
        // Where each looked before the others were counted, the next movement tells.
        catalog.receive(&admin(), &other, 1).unwrap();
        catalog.receive(&admin(), &id, 1).unwrap();
        catalog.adjust_stock(&admin(), &id, -1, "lost").unwrap();
        assert_eq!(told(&ports).len(), 1);
    }
}

#[test]
fn a_lost_race_to_tell_is_no_lost_sale_and_a_shortage_is_still_told_as_one() {
    let (ports, catalog) = catalog("5");
    let id = product(&catalog, 8, None);
    let (faster, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(faster.reserve("a", &[line(&sold, 4)], 0).unwrap()));
    catalog.reserve("b", &[line(&id, 4)], 0).unwrap();
    assert_eq!(told(&ports), [(4, 5)]);
    let id = product(&catalog, 8, None);
    let (faster, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(faster.reserve("c", &[line(&sold, 4)], 0).unwrap()));
    let refused = catalog.reserve("d", &[line(&id, 5)], 0);
    assert!(matches!(refused, Err(Error::OutOfStock(lines)) if lines[0].available == 4));
}

#[test]
fn a_threshold_is_the_products_own_or_the_shops_or_none() {
    let (ports, shop) = catalog("5");
    let patch = |low_stock_at| ProductPatch {
        name: None,
        description: None,
        manufacturer: None,
        price: None,
        currency: None,
        details: ProductDetails {
            low_stock_at: Some(low_stock_at),
            ..ProductDetails::default()
        },
    };
    let id = product(&shop, 8, Some(0));
    shop.reserve("a", &[line(&id, 4)], 0).unwrap();
    assert_eq!(told(&ports), []);
    assert_eq!(shop.update(&admin(), &id, 1, patch(-1)).unwrap().version, 2);
    shop.reserve("b", &[line(&id, 1)], 0).unwrap();
    assert_eq!(told(&ports), [(3, 5)]);
    let too_many = shop.update(&admin(), &id, 2, patch(1 << 31));
    assert!(matches!(too_many, Err(Error::Invalid(violation)) if violation.field == "lowStockAt"));
    assert_eq!(shop.update(&admin(), &id, 2, patch(7)).unwrap().version, 3);
    let stock = shop.stock_many(&admin(), std::slice::from_ref(&id)).unwrap();
    assert_eq!(stock[0].unwrap().low_stock_at, Some(7));

    let (ports, quiet) = catalog("");
    let id = product(&quiet, 2, None);
    quiet.reserve("a", &[line(&id, 2)], 0).unwrap();
    assert_eq!(told(&ports), []);
}
