//! The actions on payments that the audit log records.

use crate::shop::{TEST_GATEWAY, shop};
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::testing::{admin, customer};

#[test]
fn records_refunds_once_and_no_payments_of_customers() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(shop.ports.take_audited_actions(), []);
    for _ in 0..2 {
        shop.refund(&id, Some(40), Some("a key")).unwrap();
    }
    assert!(shop.refund(&id, Some(61), None).is_err());
    let refund = AuditedAction::by(API_KEY, AuditAction::PaymentRefund).on(&id);
    assert_eq!(shop.ports.take_audited_actions(), [refund.detail("0.40 USD")]);
}

#[test]
fn does_not_record_refunds_by_the_shop() {
    let shop = shop(TEST_GATEWAY);
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
    assert_eq!(shop.ports.take_audited_actions(), []);
}

#[test]
fn records_each_attempt_to_pay_another_users_order() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    assert!(shop.pay_by(&customer("u2"), &id, "tok_ok", None).is_err());
    assert!(shop.pay_by(&admin(), &id, "tok_declined", None).is_err());
    shop.pay_by(&admin(), &id, "tok_ok", None).unwrap();
    shop.pay_by(&admin(), &id, "tok_ok", None).unwrap();
    let act = AuditedAction::by("admin", AuditAction::PaymentMake).on(&id);
    assert_eq!(shop.ports.take_audited_actions(), [act.clone(), act]);
}
