//! What payments do to orders.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::orders::{Actor, Order, Status};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Error, Money};
use shop::{Shop, shop};

fn money(amount: i64, currency: &str) -> Money {
    Money {
        amount,
        currency: currency.into(),
    }
}

/// A shop with an order that comes to 500.
fn ordered() -> (Shop, Order) {
    let shop = shop(&[]);
    let product = shop.product(250, 5);
    let order = shop.order(&product, 2);
    (shop, order)
}

#[test]
fn a_pending_order_is_paid_once() {
    let (shop, order) = ordered();
    for amount in [money(499, "USD"), money(500, "EUR")] {
        assert!(matches!(
            shop.orders.paid(&order.id, &amount),
            Err(Error::InvalidTransition(_))
        ));
    }
    for _ in 0..2 {
        shop.orders.paid(&order.id, &money(500, "USD")).unwrap();
        let paid = shop.read(&order.id);
        assert_eq!((paid.status, paid.version), (Status::Paid, 2));
        assert_eq!(paid.timeline[1].actor, Actor::Shop);
    }
    assert!(matches!(
        shop.orders.paid("nothing", &money(500, "USD")),
        Err(Error::NotFound(_))
    ));
}

#[test]
fn two_who_tell_of_one_payment_at_once_are_both_right() {
    let (shop, order) = ordered();
    let (other, id) = (shop.orders.clone(), order.id.clone());
    shop.ports
        .before_next_commit(move || other.paid(&id, &money(500, "USD")).unwrap());
    shop.orders.paid(&order.id, &money(500, "USD")).unwrap();
    assert_eq!(shop.read(&order.id).version, 2);
}

#[test]
fn an_order_that_is_cancelled_meanwhile_takes_no_payment() {
    let (shop, order) = ordered();
    let (other, id) = (shop.orders.clone(), order.id.clone());
    shop.ports.before_next_commit(move || {
        other.cancel(&customer("u1"), &id, None).unwrap();
    });
    assert!(matches!(
        shop.orders.paid(&order.id, &money(500, "USD")),
        Err(Error::InvalidTransition(_))
    ));
    assert_eq!(shop.read(&order.id).status, Status::Cancelled);
}

#[test]
fn only_what_a_payment_has_paid_is_refunded_by_it() {
    let (shop, order) = ordered();
    shop.orders.refunded(&order.id).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Pending);
    shop.orders
        .update_status(&admin(), &order.id, Status::Paid, None, None)
        .unwrap();
    assert!(matches!(
        shop.orders.paid(&order.id, &money(500, "USD")),
        Err(Error::InvalidTransition(_))
    ));
    shop.orders.refunded(&order.id).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Paid);

    let (shop, order) = ordered();
    shop.orders.paid(&order.id, &money(500, "USD")).unwrap();
    for _ in 0..2 {
        shop.orders.refunded(&order.id).unwrap();
        assert_eq!(shop.read(&order.id).status, Status::Refunded);
    }

    let (shop, order) = ordered();
    shop.orders.paid(&order.id, &money(500, "USD")).unwrap();
    shop.orders.cancel(&customer("u1"), &order.id, None).unwrap();
    shop.orders.refunded(&order.id).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Cancelled);
}
