//! The checkout places one order of a cart, even after lost requests and responses.

use std::thread;

use mercato_shop::carts::Terms;
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::orders::Order;
use mercato_shop::services::{Carts, Catalog, Discounts};
use mercato_shop::testing::{admin, customer, invalid_field};
use mercato_shop::types::Error;

use crate::shop::{MINE, Shop, TERMS, lines, shop};

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

/// The number of orders.
fn orders(shop: &Shop) -> usize {
    shop.orders(&customer("u1")).len()
}

#[test]
fn a_cart_becomes_one_order_and_is_empty() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 9), shop.product(99, 9));
    assert_eq!(invalid_field(checkout(&shop)), "products");
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
        "a repetition returns the same order"
    );
    let other = Terms {
        expected_total: Some(12_345),
        ..TERMS
    };
    let refused = shop.carts.checkout(&customer("u1"), None, &other);
    assert_eq!(invalid_field(refused), "products", "the cart is empty");
    assert_eq!((orders(&shop), shop.stock(&a)), (1, (7, 2, 0)));

    add(&shop, &a, 1);
    shop.carts.clear(&customer("u1"), &MINE).unwrap();
    assert_eq!(
        invalid_field(checkout(&shop)),
        "products",
        "the cart has changed since"
    );
    add(&shop, &a, 1);
    assert_ne!(checkout(&shop).unwrap().id, order.id);
    assert_eq!(orders(&shop), 2);
}

#[test]
fn a_repetition_does_not_return_a_cancelled_order() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    let order = checkout(&shop).unwrap();
    shop.cancel(&order);
    assert_eq!(invalid_field(checkout(&shop)), "products");
}

#[test]
fn places_an_order_again_by_its_id_after_a_lost_request() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    *shop.placement.loses_request.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    assert_eq!((orders(&shop), left(&shop).len()), (0, 1));
    checkout(&shop).unwrap();
    let ids = shop.placement.ids.lock().unwrap().clone();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!((orders(&shop), left(&shop).len()), (1, 0));
}

#[test]
fn returns_the_placed_order_after_a_lost_response() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 9), shop.product(1, 9));
    add(&shop, &a, 2);
    *shop.placement.loses_response.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    let placed = shop.orders(&customer("u1"));
    // Units that are added now stay in the cart.
    add(&shop, &a, 1);
    add(&shop, &b, 1);
    assert_eq!(checkout(&shop).unwrap().id, placed[0]);
    assert_eq!((orders(&shop), left(&shop)), (1, vec![(a.clone(), 1), (b, 1)]));
    assert_eq!(shop.stock(&a), (7, 2, 0));
    assert_ne!(checkout(&shop).unwrap().id, placed[0]);
    assert_eq!((orders(&shop), left(&shop).len()), (2, 0));
}

#[test]
fn places_one_order_however_often_the_answer_is_lost() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    for loses in [
        &shop.placement.loses_response,
        &shop.placement.loses_request,
        &shop.placement.loses_response,
        &shop.placement.loses_request,
    ] {
        *loses.lock().unwrap() = true;
        assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
        assert_eq!((orders(&shop), left(&shop).len()), (1, 1));
    }
    let order = checkout(&shop).unwrap();
    assert_eq!((orders(&shop), shop.stock(&a)), (1, (7, 2, 0)));
    let ids = shop.placement.ids.lock().unwrap().clone();
    assert!(ids.iter().all(|id| *id == order.id), "{ids:?}");
}

#[test]
fn places_no_other_order_before_the_earlier_one_is_withdrawn() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    *shop.placement.loses_response.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    let placed = shop.orders(&customer("u1"));
    add(&shop, &a, 1);
    for _ in 0..2 {
        *shop.placement.loses_request.lock().unwrap() = true;
        assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    }
    assert_eq!(checkout(&shop).unwrap().id, placed[0]);
    assert_eq!((orders(&shop), left(&shop)), (1, vec![(a, 1)]));
}

#[test]
fn withdraws_an_interrupted_checkout_with_other_terms() {
    let shop = shop(&[("TAX_RATES", "DE=19")]);
    let a = shop.product(250, 9);
    let discount = NewDiscount {
        code: "TEN".into(),
        reduction: Reduction::Amount(10),
        currency: None,
        minimum: None,
        limit: None,
        limit_per_customer: None,
        starts_at: None,
        ends_at: None,
    };
    shop.placement.orders.create(&admin(), &discount).unwrap();
    let discounted = Terms {
        discount_code: Some("TEN".into()),
        ..TERMS
    };
    let taxed = Terms {
        region: Some("DE".into()),
        ..TERMS
    };
    let expected = Terms {
        expected_total: Some(250),
        ..TERMS
    };
    for (number, (terms, total)) in [(discounted, 240), (taxed, 298), (expected, 250)]
        .into_iter()
        .enumerate()
    {
        add(&shop, &a, 1);
        *shop.placement.loses_request.lock().unwrap() = true;
        assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
        let order = shop.carts.checkout(&customer("u1"), None, &terms).unwrap();
        assert_eq!((order.amounts.total, orders(&shop)), (total, number + 1));
    }
    let ids = shop.placement.ids.lock().unwrap().clone();
    assert!(ids.chunks(2).all(|ids| ids[0] != ids[1]), "{ids:?}");
}

#[test]
fn a_slow_checkout_does_not_end_a_later_one() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    let (other, product) = (shop.clone(), a.clone());
    shop.during_next_placement(move || {
        // The order is placed, and another request completes its checkout and begins the next one.
        checkout(&other).unwrap();
        add(&other, &product, 3);
        *other.placement.loses_response.lock().unwrap() = true;
        assert!(matches!(checkout(&other), Err(Error::Unavailable(_))));
    });
    let first = checkout(&shop).unwrap();
    let second = checkout(&shop).unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!((first.lines[0].quantity, second.lines[0].quantity), (2, 3));
    assert_eq!(
        (orders(&shop), left(&shop).len(), shop.stock(&a)),
        (2, 0, (4, 5, 0))
    );
}

#[test]
fn keeps_units_that_are_added_while_an_order_is_placed() {
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
fn a_shortage_is_returned_and_the_cart_stays() {
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
    let ids = shop.placement.ids.lock().unwrap().clone();
    assert_ne!(ids[0], ids[1], "a refused order id is not used again");
}

#[test]
fn a_refused_order_is_not_placed_again() {
    let shop = shop(&[]);
    let a = shop.product(250, 2);
    add(&shop, &a, 3);
    assert!(matches!(checkout(&shop), Err(Error::OutOfStock(_))));
    shop.catalog.receive_stock(&admin(), &a, 1).unwrap();
    let order = checkout(&shop).unwrap();
    let ids = shop.placement.ids.lock().unwrap().clone();
    assert_eq!((ids.len(), &ids[1]), (2, &order.id), "{ids:?}");
}

#[test]
fn does_not_order_lines_that_were_removed_after_an_interrupted_checkout() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    for changed in [1, 0] {
        add(&shop, &a, 3);
        *shop.placement.loses_request.lock().unwrap() = true;
        assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
        shop.carts.update(&customer("u1"), &MINE, &a, changed).unwrap();
        match checkout(&shop) {
            Ok(order) => assert_eq!((order.lines[0].quantity, changed), (1, 1)),
            refused => assert_eq!((invalid_field(refused).as_str(), changed), ("products", 0)),
        }
        assert_eq!(
            (orders(&shop), left(&shop).len(), shop.stock(&a)),
            (1, 0, (8, 1, 0))
        );
    }
}

#[test]
fn begins_a_new_checkout_if_an_interrupted_one_cannot_be_finished() {
    let shop = shop(&[]);
    let a = shop.product(250, 3);
    add(&shop, &a, 3);
    *shop.placement.loses_request.lock().unwrap() = true;
    assert!(matches!(checkout(&shop), Err(Error::Unavailable(_))));
    shop.sell(&a, 1);
    assert!(matches!(checkout(&shop), Err(Error::OutOfStock(lines)) if lines[0].available == 2));
    assert_eq!((orders(&shop), left(&shop).len()), (0, 1));
    shop.catalog.receive_stock(&admin(), &a, 1).unwrap();
    checkout(&shop).unwrap();
    assert_eq!((orders(&shop), left(&shop).len()), (1, 0));
}

#[test]
fn places_an_order_only_at_the_expected_total() {
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
    assert!(matches!(refused, Err(Error::Conflict(message)) if message.contains("cost 6.00 USD now")));
    assert_eq!((left(&shop).len(), shop.stock(&a)), (1, (9, 0, 0)));
    assert_eq!(place(600).unwrap().amounts.total, 714);
}

#[test]
fn returns_the_errors_of_the_orders_service() {
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
        assert_eq!(
            invalid_field(shop.carts.checkout(&customer("u1"), None, &terms)),
            wrong
        );
    }
    assert_eq!((left(&shop).len(), shop.stock(&a)), (1, (9, 0, 0)));
    checkout(&shop).unwrap();
}

#[test]
fn concurrent_checkouts_return_the_same_order() {
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
fn staff_check_out_the_cart_of_a_customer() {
    let shop = shop(&[]);
    let a = shop.product(250, 9);
    add(&shop, &a, 2);
    let order = shop.carts.checkout(&admin(), Some("u1"), &TERMS).unwrap();
    assert_eq!((order.user_id.as_str(), left(&shop).len()), ("u1", 0));
}
