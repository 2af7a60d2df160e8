//! The actions on orders and discounts that the audit log records.

use crate::shop::{code, line, of, shop};
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::discounts::Reduction;
use mercato_shop::id;
use mercato_shop::orders::Status;
use mercato_shop::services::{Discounts, Orders, Placement, Settlement};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Money};

fn by(actor: &str, action: AuditAction, id: &str, detail: &str) -> AuditedAction {
    AuditedAction::by(actor, action).on(id).detail(detail)
}

#[test]
fn records_changes_of_other_users_orders() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    let [moved, ended] = [(); 2].map(|()| shop.order(&product, 1).id);
    let to = |status, version| {
        shop.orders
            .update_status(&admin(), &moved, status, version, Some("by Ada"))
    };
    to(Status::Paid, None).unwrap();
    assert!(to(Status::Delivered, None).is_err());
    assert!(to(Status::Processing, Some(9)).is_err());
    shop.orders
        .cancel(&Caller::ApiKey, &ended, Some("Ada has asked"))
        .unwrap();
    assert!(shop.orders.cancel(&admin(), &ended, None).is_err());
    let expected = [
        by("admin", AuditAction::OrderStatus, &moved, "pending -> paid"),
        by(API_KEY, AuditAction::OrderCancel, &ended, "pending -> cancelled"),
    ];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}

#[test]
fn does_not_record_actions_of_customers_and_of_the_shop() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    let id = shop.order(&product, 1).id;
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    let paid = shop.order(&product, 1);
    let amount = Money {
        amount: paid.amounts.total,
        currency: paid.currency,
    };
    shop.orders.mark_paid(&paid.id, &amount).unwrap();
    let own = Orders::place(&shop.orders, &admin(), &of(&[line(&product, 1)])).unwrap();
    shop.orders.cancel(&admin(), &own.id, None).unwrap();
    let input = of(&[line(&product, 1)]);
    Placement::place(&shop.orders, &customer("u1"), &id::new(), "u1", &input, None).unwrap();
    assert_eq!(shop.ports.take_audited_actions(), []);
}

#[test]
fn records_an_admins_changes_of_own_orders_and_placements_for_others() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    let own = Orders::place(&shop.orders, &admin(), &of(&[line(&product, 1)]))
        .unwrap()
        .id;
    shop.orders
        .update_status(&admin(), &own, Status::Paid, None, None)
        .unwrap();
    let (placed, input) = (id::new(), of(&[line(&product, 1)]));
    for _ in 0..2 {
        Placement::place(&shop.orders, &admin(), &placed, "u1", &input, None).unwrap();
    }
    let expected = [
        by("admin", AuditAction::OrderStatus, &own, "pending -> paid"),
        by("admin", AuditAction::OrderPlace, &placed, "for user u1"),
    ];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}

#[test]
fn records_each_change_of_a_discount_once() {
    let shop = shop(&[]);
    let create = |reduction| shop.orders.create(&admin(), &code("TEN", reduction));
    create(Reduction::Amount(10)).unwrap();
    assert!(create(Reduction::BasisPoints(1_000)).is_err());
    for _ in 0..2 {
        shop.orders.disable(&Caller::ApiKey, "ten").unwrap();
    }
    assert!(shop.orders.disable(&admin(), "none").is_err());
    let expected = [
        by("admin", AuditAction::DiscountCreate, "TEN", "0.10 USD"),
        AuditedAction::by(API_KEY, AuditAction::DiscountDisable).on("TEN"),
    ];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}
