//! Reports low stock once each time that a product falls to its threshold.

use std::thread;

use mercato_shop::catalog::{NewProduct, ProductDetails};
use mercato_shop::ports::Ports as _;
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin, invalid_field};
use mercato_shop::types::Error;
use serde_json::Value;

use crate::support::{
    Service, catalog_with, get_stock, line, new_product, patch, product_with_stock, settle,
};

fn catalog(low_stock: &str) -> (TestPorts, Service) {
    catalog_with(&[("LOW_STOCK", low_stock)])
}

fn threshold(units: i64) -> ProductDetails {
    ProductDetails {
        low_stock_at: Some(units),
        ..ProductDetails::default()
    }
}

fn product_with_threshold(catalog: &Service, quantity: i64, low_stock_at: i64) -> String {
    let input = NewProduct {
        quantity,
        details: threshold(low_stock_at),
        ..new_product("Sock")
    };
    catalog.create(&admin(), &input).unwrap().id
}

/// The units on hand and the threshold of each event since the last call.
fn alerts(ports: &TestPorts) -> Vec<(i64, i64)> {
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
fn only_the_sale_that_crosses_the_threshold_reports_low_stock() {
    let (ports, catalog) = catalog("5");
    let id = product_with_stock(&catalog, 10);
    for (number, expected) in [vec![], vec![(4, 5)], vec![]].into_iter().enumerate() {
        let order = format!("o{number}");
        for _ in 0..2 {
            catalog.reserve(&order, &[line(&id, 3)], 0).unwrap();
        }
        settle(&catalog, &order).unwrap();
        assert_eq!(alerts(&ports), expected, "{number}");
    }
}

#[test]
fn reports_again_after_the_product_was_above_its_threshold() {
    let (ports, catalog) = catalog("");
    let id = product_with_threshold(&catalog, 6, 5);
    catalog.reserve("a", &[line(&id, 2)], 0).unwrap();
    assert_eq!(alerts(&ports), [(4, 5)]);
    catalog.receive_stock(&admin(), &id, 1).unwrap();
    catalog.adjust_stock(&admin(), &id, -1, "lost").unwrap();
    assert_eq!(alerts(&ports), [], "the product was not above");
    catalog.receive_stock(&admin(), &id, 10).unwrap();
    catalog.adjust_stock(&admin(), &id, -9, "lost").unwrap();
    assert_eq!(alerts(&ports), [(5, 5)]);
    catalog.set_stock(&admin(), &id, 7, None).unwrap();
    catalog.set_stock(&admin(), &id, 0, None).unwrap();
    assert_eq!(alerts(&ports), [(0, 5)]);
    // Released units take effect at the next movement.
    catalog.receive_stock(&admin(), &id, 5).unwrap();
    catalog.release("a").unwrap();
    catalog.reserve("b", &[line(&id, 3)], 0).unwrap();
    assert_eq!(alerts(&ports), [(4, 5)]);
    catalog.release("b").unwrap();
    catalog.reserve("c", &[line(&id, 1)], 0).unwrap();
    assert_eq!(alerts(&ports), [], "6 units are above");
    catalog.reserve("d", &[line(&id, 1)], 0).unwrap();
    assert_eq!(alerts(&ports), [(5, 5)]);
}

#[test]
fn a_product_that_begins_with_few_units_reports_its_first_sale() {
    let (ports, catalog) = catalog("5");
    let id = product_with_stock(&catalog, 2);
    catalog.receive_stock(&admin(), &id, 1).unwrap();
    assert_eq!(alerts(&ports), [], "units were added");
    for (order, expected) in [("a", vec![(2, 5)]), ("b", vec![])] {
        catalog.reserve(order, &[line(&id, 1)], 0).unwrap();
        assert_eq!(alerts(&ports), expected);
    }
}

#[test]
fn reports_again_if_the_threshold_rises_above_the_restocked_units() {
    let (ports, catalog) = catalog("");
    let id = product_with_threshold(&catalog, 6, 5);
    catalog.reserve("a", &[line(&id, 1)], 0).unwrap();
    assert_eq!(alerts(&ports), [(5, 5)]);
    catalog.receive_stock(&admin(), &id, 5).unwrap();
    catalog.update(&admin(), &id, 1, &patch(threshold(12))).unwrap();
    assert_eq!(alerts(&ports), []);
    catalog.reserve("b", &[line(&id, 1)], 0).unwrap();
    assert_eq!(alerts(&ports), [(9, 12)]);
}

#[test]
fn only_the_last_change_of_an_alert_stays_stored() {
    let (ports, catalog) = catalog("5");
    let id = product_with_stock(&catalog, 6);
    catalog.reserve("a", &[line(&id, 1)], 0).unwrap();
    catalog.receive_stock(&admin(), &id, 1).unwrap();
    catalog.reserve("b", &[line(&id, 1)], 0).unwrap();
    let markers = [1, 2, 3, 4].map(|number| format!("{id}/{number}"));
    let found = ports.get_many("catalog.low-stock-turns", &markers).unwrap();
    let stored: Vec<_> = found.iter().map(Option::is_some).collect();
    assert_eq!(stored, [false, false, true, false]);
}

#[test]
fn concurrent_sales_that_cross_the_threshold_report_once() {
    let (ports, catalog) = catalog("5");
    for _ in 0..5 {
        let [id, other] = [8, 100].map(|quantity| product_with_stock(&catalog, quantity));
        thread::scope(|scope| {
            for number in 0..4 {
                let (catalog, lines) = (catalog.clone(), [line(&id, 2), line(&other, 1)]);
                let order = format!("{id}-{number}");
                scope.spawn(move || catalog.reserve(&order, &lines, 0).unwrap());
            }
        });
        // If each sale read the product before the others were counted, the next movement reports.
        catalog.receive_stock(&admin(), &other, 1).unwrap();
        catalog.receive_stock(&admin(), &id, 1).unwrap();
        catalog.adjust_stock(&admin(), &id, -1, "lost").unwrap();
        assert_eq!(alerts(&ports).len(), 1);
    }
}

#[test]
fn a_conflict_over_the_alert_neither_fails_a_sale_nor_hides_a_shortage() {
    let (ports, catalog) = catalog("5");
    let reserve_first = |order: &'static str| {
        let id = product_with_stock(&catalog, 8);
        let (first, sold) = (catalog.clone(), id.clone());
        ports.before_next_commit(move || drop(first.reserve(order, &[line(&sold, 4)], 0).unwrap()));
        id
    };
    let id = reserve_first("a");
    catalog.reserve("b", &[line(&id, 4)], 0).unwrap();
    assert_eq!(alerts(&ports), [(4, 5)]);
    let id = reserve_first("c");
    let refused = catalog.reserve("d", &[line(&id, 5)], 0);
    assert!(matches!(refused, Err(Error::OutOfStock(lines)) if lines[0].available == 4));
}

#[test]
fn the_threshold_is_the_products_or_else_the_shops() {
    let (ports, shop) = catalog("5");
    let id = product_with_threshold(&shop, 8, 0);
    shop.reserve("a", &[line(&id, 4)], 0).unwrap();
    assert_eq!(alerts(&ports), []);
    let set = |version, units| shop.update(&admin(), &id, version, &patch(threshold(units)));
    assert_eq!(set(1, -1).unwrap().version, 2);
    shop.reserve("b", &[line(&id, 1)], 0).unwrap();
    assert_eq!(alerts(&ports), [(3, 5)]);
    assert_eq!(invalid_field(set(2, 1 << 31)), "lowStockAt");
    assert_eq!(set(2, 7).unwrap().version, 3);
    assert_eq!(get_stock(&shop, &id).low_stock_at, Some(7));

    let (ports, quiet) = catalog("");
    let id = product_with_stock(&quiet, 2);
    quiet.reserve("a", &[line(&id, 2)], 0).unwrap();
    assert_eq!(alerts(&ports), []);
}
