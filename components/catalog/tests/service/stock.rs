//! Stock: `received = on hand + reserved + sold + written off` holds whatever happens.

use std::thread;

use mercato_shop::cache::{Cache, Generation};
use mercato_shop::catalog::NewProduct;
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{admin, invalid_field};
use mercato_shop::types::Error;

use crate::support::{
    Service, catalog, first, get_stock, line, new_product, price, product_with_stock, settle,
};

fn product(catalog: &Service, price: i64, quantity: i64, currency: &str) -> String {
    let input = NewProduct {
        price,
        currency: Some(currency.into()),
        quantity,
        ..new_product("Sock")
    };
    catalog.create(&admin(), &input).unwrap().id
}

/// The units on hand, reserved and sold.
fn counts(catalog: &Service, id: &str) -> (i64, i64, i64) {
    let stock = get_stock(catalog, id);
    assert_eq!(
        stock.received,
        stock.on_hand + stock.reserved + stock.sold + stock.written_off
    );
    (stock.on_hand, stock.reserved, stock.sold)
}

#[test]
fn orders_end_the_generations_of_the_units_on_hand_and_leave_that_of_the_catalog() {
    let (ports, catalog) = catalog();
    let [sold, other] = [5, 5].map(|quantity| product(&catalog, 250, quantity, "USD"));
    let of_sold = || [Generation::UNITS, Generation::units_of(&sold)];
    let of_rest = || [Generation::CATALOG, Generation::units_of(&other)];
    let start = || of_sold().map(|generation| generation.advance(&ports).unwrap());
    let read = |generation: Generation| ports.get_many(&[generation.key().to_owned()]).pop().flatten();
    let ended = || of_sold().map(|generation| read(generation).is_none());
    start();
    Generation::units_of(&other).advance(&ports);
    let rest = of_rest().map(read);

    catalog.reserve("order", &[line(&sold, 2)], 77).unwrap();
    assert_eq!(ended(), [true; 2]);
    start();
    // The sale of reserved units leaves the units on hand as they are.
    settle(&catalog, "order").unwrap();
    assert_eq!(ended(), [false; 2]);
    catalog.restock("order").unwrap();
    assert_eq!(ended(), [true; 2]);
    assert_eq!(of_rest().map(read), rest);
}

#[test]
fn a_reservation_is_settled_or_released_once() {
    let (ports, catalog) = catalog();
    let (a, b) = (product(&catalog, 250, 5, "USD"), product(&catalog, 100, 3, "USD"));
    let both = || (counts(&catalog, &a), counts(&catalog, &b));
    let lines = [line(&a, 2), line(&b, 3)];
    drop(ports.take_events());

    let priced = catalog.reserve("order-1", &lines, 77).unwrap();
    assert_eq!((priced[0].unit_price.amount, priced[1].quantity), (250, 3));
    assert_eq!(both(), ((3, 2, 0), (0, 3, 0)));
    let events = ports.take_events();
    assert_eq!(
        (events[0].kind.as_str(), events[0].due),
        ("mercato.catalog.reservation-due", Some(77))
    );

    assert_eq!(
        catalog.reserve("order-1", &lines, 78).unwrap(),
        priced,
        "a reservation can be repeated"
    );
    assert_eq!(counts(&catalog, &a), (3, 2, 0));
    let other_lines = catalog.reserve("order-1", &lines[..1], 79);
    assert!(matches!(other_lines, Err(Error::Conflict(_))));

    settle(&catalog, "order-1").unwrap();
    settle(&catalog, "order-1").unwrap();
    assert_eq!(both(), ((3, 0, 2), (0, 0, 3)));
    assert!(matches!(catalog.release("order-1"), Err(Error::Conflict(_))));

    let lines = [line(&a, 3)];
    catalog.reserve("order-2", &lines, 80).unwrap();
    catalog.release("order-2").unwrap();
    catalog.release("order-2").unwrap();
    assert_eq!(counts(&catalog, &a), (3, 0, 2));
    assert!(matches!(settle(&catalog, "order-2"), Err(Error::Conflict(_))));
    let released = catalog.reserve("order-2", &lines, 81);
    assert!(matches!(released, Err(Error::Conflict(_))));
    assert!(matches!(settle(&catalog, "order-3"), Err(Error::NotFound(_))));
}

#[test]
fn reserved_and_sold_units_are_restocked_once() {
    let (_, catalog) = catalog();
    let (a, b) = (product(&catalog, 250, 5, "USD"), product(&catalog, 100, 3, "USD"));
    let lines = [line(&a, 2), line(&b, 3)];
    for (order, settled) in [("sold", true), ("held", false)] {
        catalog.reserve(order, &lines, 0).unwrap();
        if settled {
            settle(&catalog, order).unwrap();
        }
        catalog.restock(order).unwrap();
        catalog.restock(order).unwrap();
        assert_eq!(
            (counts(&catalog, &a), counts(&catalog, &b)),
            ((5, 0, 0), (3, 0, 0))
        );
        catalog.release(order).unwrap();
        assert!(matches!(settle(&catalog, order), Err(Error::Conflict(_))));
        assert_eq!(counts(&catalog, &a), (5, 0, 0));
    }
    assert!(matches!(catalog.restock("nothing"), Err(Error::NotFound(_))));
}

#[test]
fn concurrent_restocks_and_settlements_count_each_unit_once() {
    let (_, catalog) = catalog();
    let id = product_with_stock(&catalog, 10);
    for number in 0..10 {
        let order = format!("order-{number}");
        catalog.reserve(&order, &[line(&id, 1)], 0).unwrap();
        thread::scope(|scope| {
            for attempt in 0..8 {
                let (catalog, order) = (catalog.clone(), order.clone());
                scope.spawn(move || match attempt % 2 {
                    0 => settle(&catalog, &order),
                    _ => catalog.restock(&order),
                });
            }
        });
        // A lost race is a conflict, and the caller repeats the request.
        catalog.restock(&order).unwrap();
        assert_eq!(counts(&catalog, &id), (10, 0, 0));
    }
}

#[test]
fn a_reservation_ends_once_in_a_race_while_other_orders_hold_units() {
    type End = fn(&Service, &str) -> Result<(), Error>;
    let settle: End = settle;
    let release: End = |catalog, order| catalog.release(order);
    let restock: End = |catalog, order| catalog.restock(order);
    let (sold, returned) = ((4, 3, 5), (6, 3, 3));
    // A settlement is repeated by itself. All others are a conflict at once, and the caller repeats the request.
    let (repeated, ended, lost) = (Ok(()), Err("settled or released before"), Err("at the same time"));
    for (number, (is_settled, faster, slower, expected_result, expected)) in [
        (false, settle, settle, repeated, sold),
        (false, settle, release, lost, sold),
        (false, settle, restock, lost, returned),
        (false, release, release, lost, returned),
        (false, release, settle, ended, returned),
        (false, restock, restock, lost, returned),
        (false, restock, settle, ended, returned),
        (true, restock, restock, lost, returned),
    ]
    .into_iter()
    .enumerate()
    {
        let (ports, catalog) = catalog();
        let id = product_with_stock(&catalog, 12);
        for (order, quantity) in [("race", 2), ("held", 3), ("sold", 3)] {
            catalog.reserve(order, &[line(&id, quantity)], 0).unwrap();
        }
        settle(&catalog, "sold").unwrap();
        if is_settled {
            settle(&catalog, "race").unwrap();
        }
        let other = catalog.clone();
        ports.before_next_commit(move || faster(&other, "race").unwrap());
        let result = slower(&catalog, "race");
        let is_expected = match (&result, expected_result) {
            (Err(Error::Conflict(text)), Err(part)) => text.contains(part),
            (result, expected) => result.is_ok() && expected.is_ok(),
        };
        assert!(is_expected, "race {number}: {result:?}");
        for _ in 0..2 {
            let _ = slower(&catalog, "race");
        }
        assert_eq!(counts(&catalog, &id), expected, "race {number}");
        let movements = catalog.stock_movements(&admin(), &id, &first(20)).unwrap();
        let on_hand: i64 = movements.edges.iter().map(|edge| edge.movement.on_hand).sum();
        assert_eq!(on_hand, expected.0, "race {number}");
    }
}

#[test]
fn settles_many_orders_in_one_commit() {
    let (ports, catalog) = catalog();
    let id = product_with_stock(&catalog, 12);
    for (order, quantity) in [("a", 2), ("b", 3), ("released", 1), ("settled", 1)] {
        catalog.reserve(order, &[line(&id, quantity)], 0).unwrap();
    }
    settle(&catalog, "settled").unwrap();
    catalog.release("released").unwrap();
    let orders = ["a", "unknown", "released", "b", "settled", "a"].map(str::to_owned);
    ports.stop_after(1);
    let results = catalog.settle_many(&orders).unwrap();
    ports.restart();
    let [a, unknown, released, b, settled, again] = &results[..] else {
        panic!("{results:?}")
    };
    for result in [a, b, settled, again] {
        assert_eq!(result, &Ok(()));
    }
    assert!(matches!(unknown, Err(Error::NotFound(_))) && matches!(released, Err(Error::Conflict(_))));
    assert_eq!(counts(&catalog, &id), (6, 0, 6));
}

#[test]
fn settles_other_orders_although_a_product_of_one_is_archived() {
    let (_, catalog) = catalog();
    let [kept, archived] = [5, 5].map(|quantity| product_with_stock(&catalog, quantity));
    catalog.reserve("a", &[line(&kept, 1)], 0).unwrap();
    catalog.reserve("b", &[line(&archived, 1)], 0).unwrap();
    catalog.archive(&admin(), &archived, 1).unwrap();
    let results = catalog.settle_many(&["a".into(), "b".into()]).unwrap();
    assert_eq!(results, [Ok(()), Ok(())]);
    assert_eq!(counts(&catalog, &kept), (4, 0, 1));
    assert_eq!(counts(&catalog, &archived), (4, 0, 1));
}

#[test]
fn reserves_all_lines_or_none_and_returns_every_shortage() {
    let (_, catalog) = catalog();
    let [a, b, c] = [5, 1, 0].map(|quantity| product_with_stock(&catalog, quantity));
    let refused = catalog.reserve("order-1", &[line(&a, 5), line(&b, 2), line(&c, 1)], 0);
    let Err(Error::OutOfStock(lines)) = refused else {
        panic!("{refused:?}")
    };
    let shortages: Vec<_> = lines
        .iter()
        .map(|line| (&line.product_id, line.requested, line.available))
        .collect();
    assert_eq!(shortages, [(&b, 2, 1), (&c, 1, 0)]);
    assert_eq!(counts(&catalog, &a), (5, 0, 0));
    assert!(
        matches!(settle(&catalog, "order-1"), Err(Error::NotFound(_))),
        "no reservation is left"
    );
}

#[test]
fn rejects_orders_in_two_currencies_or_with_too_large_a_total() {
    let (_, catalog) = catalog();
    let (usd, eur) = (product(&catalog, 1, 5, "USD"), product(&catalog, 1, 5, "EUR"));
    let expensive = product(&catalog, MAX_AMOUNT, 5, "USD");
    for lines in [
        [line(&usd, 1), line(&eur, 1)],
        [line(&expensive, 1), line(&usd, 1)],
    ] {
        assert_eq!(invalid_field(catalog.reserve("o", &lines, 0)), "products");
    }
    assert!(catalog.reserve("o", &[line(&expensive, 1)], 0).is_ok());
}

#[test]
fn concurrent_reservations_never_oversell() {
    let (_, catalog) = catalog();
    let id = product_with_stock(&catalog, 10);
    let reserved = thread::scope(|scope| {
        let attempts: Vec<_> = (0..40)
            .map(|number| {
                let (catalog, id) = (catalog.clone(), id.clone());
                scope.spawn(move || {
                    catalog
                        .reserve(&format!("order-{number}"), &[line(&id, 1)], 0)
                        .is_ok()
                })
            })
            .collect();
        let results = attempts.into_iter().map(|attempt| attempt.join().unwrap());
        results.filter(|is_reserved| *is_reserved).count()
    });
    assert_eq!((reserved, counts(&catalog, &id)), (10, (0, 10, 0)));
}

#[test]
fn an_edit_survives_a_concurrent_sale_and_needs_the_current_version() {
    let (ports, catalog) = catalog();
    let id = product_with_stock(&catalog, 5);
    let (seller, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(seller.reserve("order-1", &[line(&sold, 2)], 0).unwrap()));
    let edited = catalog.update(&admin(), &id, 1, &price(120)).unwrap();
    assert_eq!(
        (edited.price.amount, edited.version, edited.quantity),
        (120, 2, 3)
    );
    assert_eq!(counts(&catalog, &id), (3, 2, 0));

    let stale = catalog.update(&admin(), &id, 1, &price(90));
    assert!(matches!(stale, Err(Error::StaleVersion(2))));
    let unchanged = catalog.update(&admin(), &id, 2, &price(120)).unwrap();
    assert_eq!(unchanged.version, 2, "an edit without a change keeps the version");
}

#[test]
fn received_units_come_on_hand() {
    let (_, catalog) = catalog();
    let id = product_with_stock(&catalog, 1);
    assert_eq!(catalog.receive_stock(&admin(), &id, 4).unwrap().quantity, 5);
    for wrong in [0, -1, i64::from(i32::MAX)] {
        let refused = catalog.receive_stock(&admin(), &id, wrong);
        assert_eq!(invalid_field(refused), "quantity");
    }
    assert_eq!(counts(&catalog, &id), (5, 0, 0));
}
