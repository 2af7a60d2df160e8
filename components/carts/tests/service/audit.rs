//! Audits changes and orders of a user's cart by staff.

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::carts::Owner;
use mercato_shop::services::Carts;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Caller;

use crate::shop::{MINE, TERMS, guest, shop};

#[test]
fn audits_staff_who_change_the_cart_of_a_user() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    drop(shop.ports.take_events());
    let theirs = Owner::User("u1".into());
    shop.add(&admin(), &theirs, &product, 1);
    shop.view(&admin(), &theirs);
    assert!(shop.carts.update(&customer("u2"), &theirs, &product, 1).is_err());
    shop.carts.update(&admin(), &theirs, &product, 1).unwrap();
    let order = shop.carts.checkout(&admin(), Some("u1"), &TERMS).unwrap().id;
    let expected = [
        AuditedAction::by("admin", AuditAction::CartChange).on("u1"),
        AuditedAction::by("admin", AuditAction::OrderPlace)
            .on(&order)
            .detail("for user u1"),
    ];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}

#[test]
fn does_not_audit_own_carts_and_carts_of_guests() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    drop(shop.ports.take_events());
    let anonymous = Caller::Anonymous;
    let cart = guest(&shop.add(&anonymous, &MINE, &product, 1));
    shop.carts.update(&admin(), &cart, &product, 2).unwrap();
    let Owner::Cart(id) = &cart else {
        panic!("{cart:?}")
    };
    for caller in [customer("u1"), admin()] {
        shop.add(&caller, &MINE, &product, 1);
        shop.carts.merge(&caller, id).unwrap();
        shop.carts.checkout(&caller, None, &TERMS).unwrap();
    }
    assert_eq!(shop.ports.take_audited_actions(), []);
}
