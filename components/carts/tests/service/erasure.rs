//! Erases the carts of users.

use std::thread;
use std::time::Duration;

use mercato_ports::documents::Query;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::AuditedAction;
use mercato_shop::carts::Owner;
use mercato_shop::ports::Ports;
use mercato_shop::services::Carts;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};

use crate::shop::{MINE, Shop, TERMS, lines, shop};

fn stored(shop: &Shop) -> usize {
    shop.ports.find(&Query::all("carts.carts", 10)).unwrap().len()
}

#[test]
fn erases_a_cart_with_its_checkout() {
    let shop = shop(&[]);
    let product = shop.product(100, 9);
    let (ada, bob) = (customer("u1"), customer("u2"));
    shop.add(&bob, &MINE, &product, 1);
    for caller in [&ada, &admin(), &Caller::ApiKey] {
        shop.add(&ada, &MINE, &product, 2);
        for _ in 0..2 {
            shop.carts.erase(caller, "u1").unwrap();
        }
        assert_eq!(stored(&shop), 1, "{caller:?}");
    }
    // The checkout in the cart is erased too. Its order is kept.
    shop.add(&ada, &MINE, &product, 2);
    let order = shop.carts.checkout(&ada, None, &TERMS).unwrap();
    shop.carts.erase(&ada, "u1").unwrap();
    assert_eq!(stored(&shop), 1);
    assert!(shop.carts.checkout(&ada, None, &TERMS).is_err(), "{order:?}");
    assert_eq!(lines(&shop.view(&bob, &MINE)), [(product.as_str(), 1)]);
}

#[test]
fn erases_an_expired_cart() {
    let shop = shop(&[("CART_EXPIRY_SECONDS", "1")]);
    shop.add(&customer("u1"), &MINE, &shop.product(1, 9), 1);
    thread::sleep(Duration::from_millis(1_100));
    shop.carts.erase(&customer("u1"), "u1").unwrap();
    assert_eq!(stored(&shop), 0);
}

#[test]
fn only_the_user_and_staff_erase_a_cart() {
    let shop = shop(&[]);
    shop.add(&customer("u1"), &MINE, &shop.product(1, 9), 1);
    let anonymous = shop.carts.erase(&Caller::Anonymous, "u1");
    assert!(matches!(anonymous, Err(Error::Unauthenticated(_))));
    let other = shop.carts.erase(&customer("u2"), "u1");
    assert!(matches!(other, Err(Error::Forbidden(_))));
    assert_eq!(stored(&shop), 1);
}

#[test]
fn erases_lines_that_are_added_concurrently() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    shop.add(&customer("u1"), &MINE, &product, 1);
    let other = shop.clone();
    shop.ports.before_next_commit(move || {
        other.add(&customer("u1"), &MINE, &product, 1);
    });
    shop.carts.erase(&customer("u1"), "u1").unwrap();
    assert_eq!(stored(&shop), 0);
}

#[test]
fn audits_staff_who_erase_the_cart_of_a_user() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    for user in ["u1", "u2"] {
        shop.add(&customer(user), &MINE, &product, 1);
    }
    drop(shop.ports.take_events());
    shop.carts.erase(&customer("u2"), "u2").unwrap();
    for _ in 0..2 {
        shop.carts.erase(&admin(), "u1").unwrap();
    }
    assert_eq!(shop.view(&admin(), &Owner::User("u1".into())).lines.len(), 0);
    let expected = [AuditedAction::by("admin", AuditAction::CartChange).on("u1")];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}
