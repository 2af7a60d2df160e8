//! What the audit log is told of carts: who changes another's, and who orders for another.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::carts::Whose;
use mercato_shop::services::Carts;
use mercato_shop::testing::{admin, customer};
use shop::{MINE, TERMS, guest, shop};

#[test]
fn a_keeper_who_uses_anothers_cart_is_told() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    drop(shop.ports.take_events());
    let theirs = Whose::User("u1".into());
    shop.add(&admin(), &theirs, &product, 1);
    shop.view(&admin(), &theirs);
    assert!(shop.carts.update(&customer("u2"), &theirs, &product, 1).is_err());
    shop.carts.update(&admin(), &theirs, &product, 1).unwrap();
    let order = shop.carts.checkout(&admin(), Some("u1"), &TERMS).unwrap().id;
    let expected = [
        Act::by("admin", AuditAction::CartChange).on("u1"),
        Act::by("admin", AuditAction::OrderPlace)
            .on(&order)
            .detail("for user u1"),
    ];
    assert_eq!(shop.ports.take_acts(), expected);
}

#[test]
fn of_the_own_cart_and_of_guests_nothing_is_told() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    drop(shop.ports.take_events());
    let anonymous = mercato_shop::types::Caller::Anonymous;
    let cart = guest(&shop.add(&anonymous, &MINE, &product, 1));
    shop.carts.update(&admin(), &cart, &product, 2).unwrap();
    let Whose::Guest(id) = &cart else {
        panic!("{cart:?}")
    };
    for caller in [customer("u1"), admin()] {
        shop.add(&caller, &MINE, &product, 1);
        shop.carts.merge(&caller, id).unwrap();
        shop.carts.checkout(&caller, None, &TERMS).unwrap();
    }
    assert_eq!(shop.ports.take_acts(), []);
}
