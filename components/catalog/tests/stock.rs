//! The stock of the catalog: received = on hand + reserved + sold, whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::thread;

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{NewProduct, ProductDetails, ProductPatch, Stock};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::{Error, Line};

type Service = CatalogService<TestPorts>;

fn catalog() -> (TestPorts, Service) {
    let ports = TestPorts::new(&[("catalog", include_str!("../service.toml"))], &[]);
    (ports.clone(), CatalogService::new(ports))
}

fn product(catalog: &Service, price: i64, quantity: i64, currency: &str) -> String {
    let input = NewProduct {
        name: "Sock".into(),
        description: None,
        manufacturer: None,
        external_id: None,
        price,
        currency: Some(currency.into()),
        quantity,
        details: ProductDetails::default(),
    };
    catalog.create(&admin(), input).unwrap().id
}

fn stock(catalog: &Service, id: &str) -> (i64, i64, i64) {
    let Stock {
        received,
        on_hand,
        reserved,
        sold,
        written_off,
        ..
    } = catalog.stock_many(&admin(), &[id.to_owned()]).unwrap()[0].unwrap();
    assert_eq!(received, on_hand + reserved + sold + written_off);
    (on_hand, reserved, sold)
}

fn line(id: &str, quantity: u32) -> Line {
    Line {
        product_id: id.into(),
        quantity,
    }
}

#[test]
fn what_is_reserved_is_settled_or_released_once() {
    let (ports, catalog) = catalog();
    let (a, b) = (product(&catalog, 250, 5, "USD"), product(&catalog, 100, 3, "USD"));
    let lines = [line(&a, 2), line(&b, 3)];
    drop(ports.take_events());

    let priced = catalog.reserve("order-1", &lines, 77).unwrap();
    assert_eq!((priced[0].unit_price.amount, priced[1].quantity), (250, 3));
    assert_eq!((stock(&catalog, &a), stock(&catalog, &b)), ((3, 2, 0), (0, 3, 0)));
    let events = ports.take_events();
    assert_eq!(
        (events[0].kind.as_str(), events[0].due),
        ("mercato.catalog.reservation-due", Some(77))
    );

    assert_eq!(
        catalog.reserve("order-1", &lines, 78).unwrap(),
        priced,
        "a reservation may be repeated"
    );
    assert_eq!(stock(&catalog, &a), (3, 2, 0));
    assert!(matches!(
        catalog.reserve("order-1", &lines[..1], 79),
        Err(Error::Conflict(_))
    ));

    catalog.settle("order-1").unwrap();
    catalog.settle("order-1").unwrap();
    assert_eq!((stock(&catalog, &a), stock(&catalog, &b)), ((3, 0, 2), (0, 0, 3)));
    assert!(matches!(catalog.release("order-1"), Err(Error::Conflict(_))));

    catalog.reserve("order-2", &[line(&a, 3)], 80).unwrap();
    catalog.release("order-2").unwrap();
    catalog.release("order-2").unwrap();
    assert_eq!(stock(&catalog, &a), (3, 0, 2));
    assert!(matches!(catalog.settle("order-2"), Err(Error::Conflict(_))));
    assert!(matches!(
        catalog.reserve("order-2", &[line(&a, 3)], 81),
        Err(Error::Conflict(_))
    ));
    assert!(matches!(catalog.settle("order-3"), Err(Error::NotFound(_))));
}

#[test]
fn what_was_reserved_or_sold_comes_back_on_hand_once() {
    let (_, catalog) = catalog();
    let (a, b) = (product(&catalog, 250, 5, "USD"), product(&catalog, 100, 3, "USD"));
    let lines = [line(&a, 2), line(&b, 3)];
    for (order, settled) in [("sold", true), ("held", false)] {
        catalog.reserve(order, &lines, 0).unwrap();
        if settled {
            catalog.settle(order).unwrap();
        }
        catalog.restock(order).unwrap();
        catalog.restock(order).unwrap();
        assert_eq!((stock(&catalog, &a), stock(&catalog, &b)), ((5, 0, 0), (3, 0, 0)));
        catalog.release(order).unwrap();
        assert!(matches!(catalog.settle(order), Err(Error::Conflict(_))));
        assert_eq!(stock(&catalog, &a), (5, 0, 0));
    }
    assert!(matches!(catalog.restock("nothing"), Err(Error::NotFound(_))));
}

#[test]
fn of_many_who_restock_and_settle_at_once_each_piece_ends_in_one_place() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 1, 10, "USD");
    for number in 0..10 {
        let order = format!("order-{number}");
        catalog.reserve(&order, &[line(&id, 1)], 0).unwrap();
        thread::scope(|scope| {
            for attempt in 0..8 {
                let (catalog, order) = (catalog.clone(), order.clone());
                scope.spawn(move || match attempt % 2 {
                    0 => catalog.settle(&order),
                    _ => catalog.restock(&order),
                });
            }
        });
        // A lost race is told as a conflict, and repeated.
        catalog.restock(&order).unwrap();
        assert_eq!(stock(&catalog, &id), (10, 0, 0));
    }
}

#[test]
fn all_lines_are_reserved_or_none_and_every_shortage_is_told() {
    let (_, catalog) = catalog();
    let (a, b, c) = (
        product(&catalog, 1, 5, "USD"),
        product(&catalog, 1, 1, "USD"),
        product(&catalog, 1, 0, "USD"),
    );
    let Err(Error::OutOfStock(lines)) =
        catalog.reserve("order-1", &[line(&a, 5), line(&b, 2), line(&c, 1)], 0)
    else {
        panic!("it was reserved")
    };
    let told: Vec<_> = lines
        .iter()
        .map(|line| (&line.product_id, line.requested, line.available))
        .collect();
    assert_eq!(told, [(&b, 2, 1), (&c, 1, 0)]);
    assert_eq!(stock(&catalog, &a), (5, 0, 0));
    assert!(
        matches!(catalog.settle("order-1"), Err(Error::NotFound(_))),
        "no reservation was left behind"
    );
}

#[test]
fn an_order_in_two_currencies_or_beyond_all_sums_is_refused() {
    let (_, catalog) = catalog();
    let (usd, eur) = (product(&catalog, 1, 5, "USD"), product(&catalog, 1, 5, "EUR"));
    let dear = product(&catalog, i64::from(i32::MAX), 5, "USD");
    for lines in [[line(&usd, 1), line(&eur, 1)], [line(&dear, 1), line(&usd, 1)]] {
        assert!(
            matches!(catalog.reserve("o", &lines, 0), Err(Error::Invalid(violation)) if violation.field == "products")
        );
    }
    assert!(catalog.reserve("o", &[line(&dear, 1)], 0).is_ok());
}

#[test]
fn of_many_who_reserve_the_last_pieces_as_many_succeed_as_there_are_pieces() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 1, 10, "USD");
    let reserved = thread::scope(|scope| {
        let tries: Vec<_> = (0..40)
            .map(|number| {
                let (catalog, id) = (catalog.clone(), id.clone());
                scope.spawn(move || {
                    catalog
                        .reserve(&format!("order-{number}"), &[line(&id, 1)], 0)
                        .is_ok()
                })
            })
            .collect();
        tries
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .filter(|reserved| *reserved)
            .count()
    });
    assert_eq!((reserved, stock(&catalog, &id)), (10, (0, 10, 0)));
}

#[test]
fn an_edit_survives_a_sale_in_its_midst_and_an_edit_of_an_old_version_does_not_pass() {
    let (ports, catalog) = catalog();
    let id = product(&catalog, 100, 5, "USD");
    let (seller, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(seller.reserve("order-1", &[line(&sold, 2)], 0).unwrap()));
    let dearer = ProductPatch {
        name: None,
        description: None,
        manufacturer: None,
        price: Some(120),
        currency: None,
        details: ProductDetails::default(),
    };
    let edited = catalog.update(&admin(), &id, 1, dearer.clone()).unwrap();
    assert_eq!(
        (edited.price.amount, edited.version, edited.quantity),
        (120, 2, 3)
    );
    assert_eq!(stock(&catalog, &id), (3, 2, 0));

    let stale = catalog.update(
        &admin(),
        &id,
        1,
        ProductPatch {
            price: Some(90),
            ..dearer.clone()
        },
    );
    assert!(matches!(stale, Err(Error::StaleVersion(2))));
    assert_eq!(
        catalog.update(&admin(), &id, 2, dearer).unwrap().version,
        2,
        "an edit that changes nothing is no edit"
    );
}

#[test]
fn received_pieces_come_on_hand() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 1, 1, "USD");
    assert_eq!(catalog.receive(&admin(), &id, 4).unwrap().quantity, 5);
    for wrong in [0, -1, i64::from(i32::MAX)] {
        assert!(
            matches!(catalog.receive(&admin(), &id, wrong), Err(Error::Invalid(violation)) if violation.field == "quantity")
        );
    }
    assert_eq!(stock(&catalog, &id), (5, 0, 0));
}
