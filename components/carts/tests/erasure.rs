//! What goes when a user is erased.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::thread;
use std::time::Duration;

use mercato_ports::documents::Query;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::carts::Whose;
use mercato_shop::ports::Ports;
use mercato_shop::services::Carts;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};
use shop::{MINE, Shop, TERMS, lines, shop};

fn kept(shop: &Shop) -> usize {
    shop.ports.find(&Query::all("carts.carts", 10)).unwrap().len()
}

#[test]
fn nothing_is_kept_of_a_cart_that_is_forgotten() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    let (ada, bob) = (customer("u1"), customer("u2"));
    shop.add(&bob, &MINE, &product, 1);
    for caller in [&ada, &admin(), &Caller::ApiKey] {
        shop.add(&ada, &MINE, &product, 2);
        for _ in 0..2 {
            shop.carts.forget(caller, "u1").unwrap();
        }
        assert_eq!(kept(&shop), 1, "{caller:?}");
    }
    // The note of a checkout goes, too, and its order stays.
    shop.add(&ada, &MINE, &product, 2);
    let order = shop.carts.checkout(&ada, None, &TERMS).unwrap();
    shop.carts.forget(&ada, "u1").unwrap();
    assert_eq!(kept(&shop), 1);
    assert!(shop.carts.checkout(&ada, None, &TERMS).is_err(), "{order:?}");
    assert_eq!(lines(&shop.view(&bob, &MINE)), [(product.as_str(), 1)]);
}

#[test]
fn a_cart_that_has_expired_is_forgotten_too() {
    let shop = shop(&[("CART_EXPIRY_SECONDS", "1")]);
    shop.add(&customer("u1"), &MINE, &shop.product(1, 9), 1);
    thread::sleep(Duration::from_millis(1_100));
    shop.carts.forget(&customer("u1"), "u1").unwrap();
    assert_eq!(kept(&shop), 0);
}

#[test]
fn nobody_else_has_a_users_cart_forgotten() {
    let shop = shop(&[]);
    shop.add(&customer("u1"), &MINE, &shop.product(1, 9), 1);
    let nobody = shop.carts.forget(&Caller::Anonymous, "u1");
    assert!(matches!(nobody, Err(Error::Unauthenticated(_))));
    let other = shop.carts.forget(&customer("u2"), "u1");
    assert!(matches!(other, Err(Error::Forbidden(_))));
    assert_eq!(kept(&shop), 1);
}

#[test]
fn what_is_added_meanwhile_is_forgotten_too() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    shop.add(&customer("u1"), &MINE, &product, 1);
    let other = shop.clone();
    shop.ports.before_next_commit(move || {
        other.add(&customer("u1"), &MINE, &product, 1);
    });
    shop.carts.forget(&customer("u1"), "u1").unwrap();
    assert_eq!(kept(&shop), 0);
}

#[test]
fn the_audit_log_is_told_of_anothers_cart_that_went() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    for user in ["u1", "u2"] {
        shop.add(&customer(user), &MINE, &product, 1);
    }
    drop(shop.ports.take_events());
    shop.carts.forget(&customer("u2"), "u2").unwrap();
    for _ in 0..2 {
        shop.carts.forget(&admin(), "u1").unwrap();
    }
    assert_eq!(shop.view(&admin(), &Whose::User("u1".into())).lines.len(), 0);
    let expected = [Act::by("admin", AuditAction::CartChange).on("u1")];
    assert_eq!(shop.ports.take_acts(), expected);
}
