//! The checkout: one order of what was in the cart, whatever happens on the way.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::thread;

use mercato_shop::carts::Terms;
use mercato_shop::orders::Order;
use mercato_shop::services::{Carts, Catalog};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Error;
use shop::{MINE, Shop, TERMS, field, lines, shop};

fn checkout(shop: &Shop) -> Result<Order, Error> {
    shop.carts.checkout(&customer("u1"), None, &TERMS)
}

fn add(shop: &Shop, product: &str, quantity: u32) {
    shop.add(&customer("u1"), &MINE, product, quantity);
}

fn left(shop: &Shop) -> Vec<(String, u32)> {
    let cart = shop.view(&customer("u1"), &MINE);
    lines(&cart)
        .into_iter()
        .map(|(id, quantity)| (id.to_owned(), quantity))
        .collect()
}

/// How often a user has ordered.
fn orders(shop: &Shop) -> usize {
    shop.orders(&customer("u1")).len()
}

#[test]
fn a_cart_becomes_one_order_and_is_empty() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 9), shop.product(99, 9));
    assert_eq!(field(checkout(&shop)), "products");
    add(&shop, &a, 2);
    add(&shop, &b, 1);
    let order = checkout(&shop).unwrap();
    assert_eq!((order.amounts.total, order.user_id.as_str()), (599, "u1"));
    let ordered: Vec<_> = order
        .lines
        .iter()
        .map(|line| (line.product_id.as_str(), line.quantity))
        .collect();
    assert_eq!(ordered, [(a.as_str(), 2), (b.as_str(), 1)]);
    assert_eq!(left(&shop), []);
    assert_eq!(
        checkout(&shop).unwrap(),
        order,
        "at once again, it is the same order"
    );
    let other = Terms {
        expected_total: Some(12_345),
        ..TERMS
    };
    let refused = shop.carts.checkout(&customer("u1"), None, &other);
    assert_eq!(field(refused), "products", "nothing is in the cart");
    assert_eq!((orders(&shop), shop.stock(&a)), (1, (7, 2, 0)));

    add(&shop, &a, 1);
    shop.carts.clear(&customer("u1"), &MINE).unwrap();
    assert_eq!(field(checkout(&shop)), "products", "the cart was touched since");
    add(&shop, &a, 1);
    assert_ne!(checkout(&shop).unwrap().id, order.id);
    assert_eq!(orders(&shop), 2);
}

#[test]
fn an_order_that_is_cancelled_answers_no_checkout() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    let order = checkout(&shop).unwrap();
    shop.cancel(&order);
    assert_eq!(field(checkout(&shop)), "products");
}

#[test]
fn an_order_that_was_never_asked_for_is_asked_for_again_by_its_id() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    *shop.counter.lost_request.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    assert_eq!((orders(&shop), left(&shop).len()), (0, 1));
    checkout(&shop).unwrap();
    let ids = shop.counter.ids.lock().unwrap().clone();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!((orders(&shop), left(&shop).len()), (1, 0));
}

#[test]
fn an_order_that_nobody_heard_of_is_the_one_that_the_next_checkout_answers() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 9), shop.product(1, 9));
    add(&shop, &a, 2);
    *shop.counter.lost_answer.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    let placed = shop.orders(&customer("u1"));
    // What is added meanwhile stays for another order.
    add(&shop, &a, 1);
    add(&shop, &b, 1);
    assert_eq!(checkout(&shop).unwrap().id, placed[0]);
    assert_eq!((orders(&shop), left(&shop)), (1, vec![(a.clone(), 1), (b, 1)]));
    assert_eq!(shop.stock(&a), (7, 2, 0));
    assert_ne!(checkout(&shop).unwrap().id, placed[0]);
    assert_eq!((orders(&shop), left(&shop).len()), (2, 0));
}

#[test]
fn what_is_added_while_an_order_is_placed_stays() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 9), shop.product(1, 9));
    add(&shop, &a, 2);
    let (other, first, second) = (shop.clone(), a.clone(), b.clone());
    shop.during_next_placement(move || {
        add(&other, &first, 3);
        add(&other, &second, 1);
    });
    let order = checkout(&shop).unwrap();
    assert_eq!(order.lines[0].quantity, 2);
    assert_eq!(left(&shop), [(a, 3), (b, 1)]);
}

#[test]
fn what_is_out_of_stock_is_told_and_the_cart_stays() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 2), shop.product(1, 9));
    add(&shop, &a, 3);
    add(&shop, &b, 1);
    let refused = checkout(&shop);
    let Err(Error::OutOfStock(lines)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((lines.len(), lines[0].requested, lines[0].available), (1, 3, 2));
    assert_eq!((left(&shop).len(), shop.stock(&b)), (2, (9, 0, 0)));
    shop.carts.update(&customer("u1"), &MINE, &a, 2).unwrap();
    checkout(&shop).unwrap();
    assert_eq!(
        (orders(&shop), shop.stock(&a), shop.stock(&b)),
        (1, (0, 2, 0), (8, 1, 0))
    );
    let ids = shop.counter.ids.lock().unwrap().clone();
    assert_ne!(ids[0], ids[1], "a refused id is not used again");
}

#[test]
fn what_was_taken_out_of_the_cart_since_an_interrupted_checkout_is_not_ordered() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    for changed in [1, 0] {
        add(&shop, &a, 3);
        *shop.counter.lost_request.lock().unwrap() = true;
        assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
        shop.carts.update(&customer("u1"), &MINE, &a, changed).unwrap();
        match checkout(&shop) {
            Ok(order) => assert_eq!((order.lines[0].quantity, changed), (1, 1)),
            refused => assert_eq!((field(refused).as_str(), changed), ("products", 0)),
        }
        assert_eq!(
            (orders(&shop), left(&shop).len(), shop.stock(&a)),
            (1, 0, (8, 1, 0))
        );
    }
}

#[test]
fn an_interrupted_checkout_that_can_not_be_finished_is_begun_anew() {
    let shop = shop(&[]);
    let a = shop.product(250, 3);
    add(&shop, &a, 3);
    *shop.counter.lost_request.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    shop.sell(&a, 1);
    assert!(matches!(checkout(&shop), Err(Error::OutOfStock(lines)) if lines[0].available == 2));
    assert_eq!((orders(&shop), left(&shop).len()), (0, 1));
    shop.catalog.receive(&admin(), &a, 1).unwrap();
    checkout(&shop).unwrap();
    assert_eq!((orders(&shop), left(&shop).len()), (1, 0));
}

#[test]
fn an_order_is_placed_at_the_total_that_was_seen_or_not_at_all() {
    let shop = shop(&[("TAX_RATES", "DE=19")]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    shop.price(&a, 300);
    let place = |expected| {
        let terms = Terms {
            region: Some("de".into()),
            expected_total: Some(expected),
            ..TERMS
        };
        shop.carts.checkout(&customer("u1"), None, &terms)
    };
    let refused = place(500);
    assert!(matches!(refused, Err(Error::Conflict(message)) if message.contains("600 minor units")));
    assert_eq!((left(&shop).len(), shop.stock(&a)), (1, (9, 0, 0)));
    assert_eq!(place(600).unwrap().amounts.total, 714);
}

#[test]
fn what_the_orders_refuse_is_passed_on() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    for (terms, wrong) in [
        (
            Terms {
                discount_code: Some("NONE".into()),
                ..TERMS
            },
            "discountCode",
        ),
        (
            Terms {
                region: Some("Bavaria".into()),
                ..TERMS
            },
            "region",
        ),
    ] {
        assert_eq!(field(shop.carts.checkout(&customer("u1"), None, &terms)), wrong);
    }
    assert_eq!((left(&shop).len(), shop.stock(&a)), (1, (9, 0, 0)));
    checkout(&shop).unwrap();
}

#[test]
fn of_checkouts_at_once_all_answer_one_order() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let shop = shop.clone();
            thread::spawn(move || checkout(&shop).unwrap().id)
        })
        .collect();
    let ids: Vec<_> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(
        (orders(&shop), left(&shop).len(), shop.stock(&a)),
        (1, 0, (7, 2, 0))
    );
}

#[test]
fn an_admin_checks_the_cart_of_a_customer_out_for_that_customer() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    let order = shop.carts.checkout(&admin(), Some("u1"), &TERMS).unwrap();
    assert_eq!((order.user_id.as_str(), left(&shop).len()), ("u1", 0));
}
