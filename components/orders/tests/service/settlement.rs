//! How payments settle orders.

use crate::shop::{Shop, shop};
use mercato_shop::orders::{Actor, Order, Status};
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::Money;

fn money(amount: i64, currency: &str) -> Money {
    Money {
        amount,
        currency: currency.into(),
    }
}

/// Places an order of 500.
fn ordered() -> (Shop, Order) {
    let shop = shop(&[]);
    let product = shop.product(250, 5);
    let order = shop.order(&product, 2);
    (shop, order)
}

#[test]
fn marks_a_pending_order_as_paid_once() {
    let (shop, order) = ordered();
    for amount in [money(499, "USD"), money(500, "EUR")] {
        assert_eq!(
            error_code(&shop.orders.mark_paid(&order.id, &amount)),
            "INVALID_TRANSITION"
        );
    }
    for _ in 0..2 {
        shop.orders.mark_paid(&order.id, &money(500, "USD")).unwrap();
        let paid = shop.read(&order.id);
        assert_eq!((paid.status, paid.version), (Status::Paid, 2));
        assert_eq!(paid.timeline[1].actor, Actor::Shop);
    }
    assert_eq!(
        error_code(&shop.orders.mark_paid("nothing", &money(500, "USD"))),
        "NOT_FOUND"
    );
}

#[test]
fn accepts_one_payment_from_concurrent_requests() {
    let (shop, order) = ordered();
    let (other, id) = (shop.orders.clone(), order.id.clone());
    shop.ports
        .before_next_commit(move || other.mark_paid(&id, &money(500, "USD")).unwrap());
    shop.orders.mark_paid(&order.id, &money(500, "USD")).unwrap();
    assert_eq!(shop.read(&order.id).version, 2);
}

#[test]
fn rejects_a_payment_for_an_order_that_is_cancelled_at_the_same_time() {
    let (shop, order) = ordered();
    let (other, id) = (shop.orders.clone(), order.id.clone());
    shop.ports.before_next_commit(move || {
        other.cancel(&customer("u1"), &id, None).unwrap();
    });
    assert_eq!(
        error_code(&shop.orders.mark_paid(&order.id, &money(500, "USD"))),
        "INVALID_TRANSITION"
    );
    assert_eq!(shop.read(&order.id).status, Status::Cancelled);
}

#[test]
fn refunds_only_orders_that_a_payment_settled() {
    let (shop, order) = ordered();
    shop.orders.mark_refunded(&order.id).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Pending);
    shop.orders
        .update_status(&admin(), &order.id, Status::Paid, None, None)
        .unwrap();
    assert_eq!(
        error_code(&shop.orders.mark_paid(&order.id, &money(500, "USD"))),
        "INVALID_TRANSITION"
    );
    shop.orders.mark_refunded(&order.id).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Paid);

    let (shop, order) = ordered();
    shop.orders.mark_paid(&order.id, &money(500, "USD")).unwrap();
    for _ in 0..2 {
        shop.orders.mark_refunded(&order.id).unwrap();
        assert_eq!(shop.read(&order.id).status, Status::Refunded);
    }

    let (shop, order) = ordered();
    shop.orders.mark_paid(&order.id, &money(500, "USD")).unwrap();
    shop.orders.cancel(&customer("u1"), &order.id, None).unwrap();
    shop.orders.mark_refunded(&order.id).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Cancelled);
}
