//! Orders whose id another service has chosen: however often one is placed, it is placed once, or never.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::thread;

use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::id;
use mercato_shop::orders::{Actor, NewOrder, Order};
use mercato_shop::services::{Catalog, Inventory, Placement};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};
use shop::{ANY, DUE, Shop, code, line, of, shop};

fn place(shop: &Shop, order_id: &str, input: &NewOrder) -> Result<Order, Error> {
    shop.orders.place(&customer("u1"), order_id, "u1", input, None)
}

#[test]
fn an_id_is_one_order_however_often_it_is_placed() {
    let shop = shop(&[]);
    let product = shop.product(250, 5);
    let (id, input) = (id::new(), of(&[line(&product, 2)]));
    let placed = place(&shop, &id, &input).unwrap();
    assert_eq!((placed.id.as_str(), placed.amounts.total), (id.as_str(), 500));
    assert_eq!(place(&shop, &id, &input).unwrap(), placed);
    assert_eq!(shop.stock(&product), (3, 2, 0));
    shop.deliver();
    assert_eq!(place(&shop, &id, &input).unwrap(), placed);
    assert_eq!(shop.stock(&product), (3, 0, 2));
}

#[test]
fn what_was_reserved_before_a_crash_is_what_the_order_takes() {
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let id = id::new();
    shop.catalog.reserve(&id, &[line(&product, 2)], 0).unwrap();
    place(&shop, &id, &of(&[line(&product, 2)])).unwrap();
    assert_eq!(shop.stock(&product), (3, 2, 0));
    shop.orders.handle(&shop.event(DUE)).unwrap();
    assert_eq!(shop.stock(&product), (3, 2, 0), "the order keeps it");
}

#[test]
fn a_refusal_is_final() {
    let shop = shop(&[]);
    let product = shop.product(1, 1);
    let (id, input) = (id::new(), of(&[line(&product, 2)]));
    assert!(matches!(place(&shop, &id, &input), Err(Error::OutOfStock(lines)) if lines[0].available == 1));
    shop.catalog.receive(&admin(), &product, 5).unwrap();
    assert!(matches!(place(&shop, &id, &input), Err(Error::Conflict(_))));
    let nowhere = NewOrder {
        region: Some("Bavaria".into()),
        ..input.clone()
    };
    let other = id::new();
    assert!(matches!(place(&shop, &other, &nowhere), Err(Error::Invalid(_))));
    assert!(matches!(place(&shop, &other, &input), Err(Error::Conflict(_))));
    assert_eq!(shop.stock(&product), (6, 0, 0));
    assert_eq!(shop.list(&admin(), ANY).unwrap().len(), 0);
}

/// What is refused while another one is about to insert the order ends both.
#[test]
fn of_a_refusal_and_a_placement_at_once_one_stands() {
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let (id, input) = (id::new(), of(&[line(&product, 2)]));
    // The first commit reserves; before the second, which inserts the order, somebody else expects another price.
    let (ports, orders, other, wanted) = (shop.ports.clone(), shop.orders.clone(), id.clone(), input.clone());
    shop.ports.after_next_commit(move || {
        ports.before_next_commit(move || {
            let refused = orders.place(&customer("u1"), &other, "u1", &wanted, Some(1));
            assert!(matches!(refused, Err(Error::Conflict(_))));
        });
    });
    assert!(matches!(place(&shop, &id, &input), Err(Error::Conflict(_))));
    assert_eq!(shop.stock(&product), (5, 0, 0));
    // And the other way round: what was placed meanwhile is the answer.
    let (orders, id) = (shop.orders.clone(), id::new());
    let (other, wanted) = (id.clone(), input.clone());
    shop.ports.before_next_commit(move || {
        orders
            .place(&customer("u1"), &other, "u1", &wanted, None)
            .unwrap();
    });
    let answer = shop
        .orders
        .place(&customer("u1"), &id, "u1", &input, Some(1))
        .unwrap();
    assert_eq!(answer.id, id);
    assert_eq!(shop.stock(&product), (3, 2, 0));
}

#[test]
fn a_placement_that_is_taken_back_comes_to_nothing_unless_it_was_made() {
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let input = of(&[line(&product, 2)]);
    let withdraw = |caller: &Caller, id: &str| shop.orders.withdraw(caller, id, "u1");
    let (lost, made) = (id::new(), id::new());
    shop.catalog.reserve(&lost, &input.lines, 0).unwrap();
    assert!(matches!(
        withdraw(&customer("u2"), &lost),
        Err(Error::Forbidden(_))
    ));
    for _ in 0..2 {
        assert_eq!(withdraw(&customer("u1"), &lost).unwrap(), None);
    }
    assert!(matches!(place(&shop, &lost, &input), Err(Error::Conflict(_))));
    assert_eq!(shop.stock(&product), (5, 0, 0));
    let order = place(&shop, &made, &input).unwrap();
    for _ in 0..2 {
        assert_eq!(withdraw(&admin(), &made).unwrap().as_ref(), Some(&order));
    }
    assert_eq!(shop.stock(&product), (3, 2, 0));
}

#[test]
fn an_order_that_would_come_to_something_else_is_not_placed() {
    let shop = shop(&[("TAX_RATES", "*=10")]);
    let product = shop.product(250, 5);
    let place = |expected| {
        let input = of(&[line(&product, 2)]);
        shop.orders
            .place(&customer("u1"), &id::new(), "u1", &input, Some(expected))
    };
    assert!(
        matches!(place(550), Err(Error::Conflict(message)) if message.contains("500 minor units of USD"))
    );
    assert_eq!(shop.stock(&product), (5, 0, 0));
    assert_eq!(place(500).unwrap().amounts.total, 550);
}

#[test]
fn many_at_once_are_one_order_and_one_use_of_its_code() {
    let shop = shop(&[]);
    let product = shop.product(10, 50);
    shop.discount(NewDiscount {
        limit: Some(1),
        ..code("once", Reduction::Percent(50))
    });
    let id = id::new();
    let input = NewOrder {
        discount_code: Some("once".into()),
        ..of(&[line(&product, 1)])
    };
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (shop, id, input) = (shop.clone(), id.clone(), input.clone());
            thread::spawn(move || place(&shop, &id, &input))
        })
        .collect();
    // Two may begin before either has placed it; then the later one finds the code used, and the order placed.
    let orders: Vec<_> = workers
        .into_iter()
        .map(|worker| worker.join().unwrap().unwrap())
        .collect();
    assert!(orders.iter().all(|order| *order == orders[0]));
    assert_eq!(shop.stock(&product), (49, 1, 0));
}

#[test]
fn a_customer_orders_for_nobody_else_and_an_admin_for_everybody() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let input = of(&[line(&product, 1)]);
    let place = |caller: &Caller, id: &str| shop.orders.place(caller, id, "u1", &input, None);
    let id = id::new();
    assert!(matches!(
        place(&Caller::Anonymous, &id),
        Err(Error::Unauthenticated(_))
    ));
    assert!(matches!(place(&customer("u2"), &id), Err(Error::Forbidden(_))));
    let placed = place(&admin(), &id).unwrap();
    assert_eq!(placed.user_id, "u1");
    assert_eq!(placed.timeline[0].actor, Actor::Admin("admin".into()));
    let own = shop.orders.place(&admin(), &id, "admin", &input, None);
    assert!(matches!(own, Err(Error::Conflict(_))), "an id has one customer");
}
