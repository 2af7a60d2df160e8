//! What the audit log is told of payments: who gives money back, and who pays for another.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, Act};
use mercato_shop::testing::{admin, customer};
use shop::{PLAYING, shop};

#[test]
fn a_refund_is_told_once_and_a_customers_payment_is_not() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(shop.ports.take_acts(), []);
    for _ in 0..2 {
        shop.refund(&id, Some(40), Some("a key")).unwrap();
    }
    assert!(shop.refund(&id, Some(61), None).is_err());
    let refund = Act::by(API_KEY, AuditAction::PaymentRefund).on(&id);
    assert_eq!(shop.ports.take_acts(), [refund.detail("40 minor units of USD")]);
}

#[test]
fn what_the_shop_gives_back_by_itself_is_not_told() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    drop(shop.ports.take_events());
    let orders = mercato_shop::services::Orders::cancel(&shop.orders, &customer("u1"), &id, None);
    orders.unwrap();
    let events = shop.ports.take_events();
    for event in events
        .iter()
        .filter(|event| event.kind.ends_with("order-cancelled"))
    {
        shop.payments.handle(event).unwrap();
    }
    assert!(!shop.payment(&id).refunds.is_empty());
    assert_eq!(shop.ports.take_acts(), []);
}

#[test]
fn who_pays_anothers_order_is_told_for_each_attempt() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    assert!(shop.pay_by(&customer("u2"), &id, "tok_ok", None).is_err());
    assert!(shop.pay_by(&admin(), &id, "tok_declined", None).is_err());
    shop.pay_by(&admin(), &id, "tok_ok", None).unwrap();
    shop.pay_by(&admin(), &id, "tok_ok", None).unwrap();
    let act = Act::by("admin", AuditAction::PaymentMake).on(&id);
    assert_eq!(shop.ports.take_acts(), [act.clone(), act]);
}
