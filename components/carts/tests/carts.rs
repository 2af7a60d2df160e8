//! What is put into carts, by whom, and how they look.
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
use mercato_shop::carts::{ChangeKind, Whose};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Carts, Catalog};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error, Money};
use shop::{MINE, Shop, TERMS, changes, field, guest, lines, shop};

const GUEST: Caller = Caller::Anonymous;

#[test]
fn a_guests_cart_is_used_by_its_id_alone() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 9), shop.product(99, 9));
    let none = shop.view(&GUEST, &MINE);
    assert_eq!((none.id, none.lines.len(), none.expires_at), (None, 0, None));

    let begun = shop.add(&GUEST, &MINE, &a, 2);
    let cart = guest(&begun);
    assert_eq!(
        (begun.user_id.as_deref(), begun.id.as_deref().unwrap().len()),
        (None, 43)
    );
    assert_ne!(
        shop.add(&GUEST, &MINE, &a, 1).id,
        begun.id,
        "each guest has another one"
    );
    let more = shop.add(&GUEST, &cart, &b, 1);
    assert_eq!(
        (&more.id, lines(&more)),
        (&begun.id, vec![(a.as_str(), 2), (b.as_str(), 1)])
    );
    let total = Some(Money {
        amount: 599,
        currency: "USD".into(),
    });
    assert_eq!((more.total, more.changes.len()), (total, 0));

    shop.add(&customer("u1"), &cart, &a, 1);
    assert_eq!(
        lines(&shop.view(&Caller::ApiKey, &cart)),
        [(a.as_str(), 3), (b.as_str(), 1)]
    );
    let set = shop.carts.update(&GUEST, &cart, &a, 7).unwrap();
    assert_eq!(lines(&set), [(a.as_str(), 7), (b.as_str(), 1)]);
    for _ in 0..2 {
        let removed = shop.carts.update(&GUEST, &cart, &a, 0).unwrap();
        assert_eq!(lines(&removed), [(b.as_str(), 1)]);
    }
    let cleared = shop.carts.clear(&GUEST, &cart).unwrap();
    assert_eq!(
        (cleared.id, cleared.lines.len(), cleared.total),
        (begun.id, 0, None)
    );
}

#[test]
fn a_client_can_not_choose_the_id_of_a_cart() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let chosen = "A".repeat(43);
    let whose = Whose::Guest(chosen.clone());
    let empty = shop.view(&GUEST, &whose);
    assert_eq!((empty.id, empty.lines.len()), (None, 0));
    let begun = shop.add(&GUEST, &whose, &product, 1);
    assert_ne!(begun.id.unwrap(), chosen);
    assert_eq!(shop.view(&GUEST, &whose).lines.len(), 0);
    assert_eq!(
        field(shop.carts.view(&GUEST, &Whose::Guest("42".into()))),
        "cartId"
    );
}

#[test]
fn the_store_does_not_know_what_opens_a_cart() {
    let shop = shop(&[]);
    let id = shop.add(&GUEST, &MINE, &shop.product(1, 9), 1).id.unwrap();
    let kept = shop.ports.find(&Query::all("carts.carts", 10)).unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!format!("{kept:?}").contains(&id));
}

#[test]
fn a_user_has_one_cart_that_only_those_who_keep_the_shop_may_use_besides() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let cart = shop.add(&customer("u1"), &MINE, &product, 2);
    assert_eq!((cart.id, cart.user_id.as_deref()), (None, Some("u1")));
    let named = Whose::User("u1".into());
    for caller in [customer("u1"), admin(), Caller::ApiKey] {
        assert_eq!(lines(&shop.view(&caller, &named)), [(product.as_str(), 2)]);
    }
    assert_eq!(shop.view(&customer("u2"), &MINE).lines.len(), 0);
    for (caller, whose) in [(customer("u2"), &named), (Caller::ApiKey, &MINE)] {
        assert!(matches!(
            shop.carts.view(&caller, whose),
            Err(Error::Forbidden(_))
        ));
        let added = shop.carts.add(&caller, whose, &product, 1);
        assert!(matches!(added, Err(Error::Forbidden(_))));
        let cleared = shop.carts.clear(&caller, whose);
        assert!(matches!(cleared, Err(Error::Forbidden(_))));
    }
    let nobody = shop.carts.update(&GUEST, &named, &product, 0);
    assert!(matches!(nobody, Err(Error::Unauthenticated(_))));
    let nobody = shop.carts.checkout(&GUEST, None, &TERMS);
    assert!(matches!(nobody, Err(Error::Unauthenticated(_))));
    let other = shop.carts.checkout(&customer("u2"), Some("u1"), &TERMS);
    assert!(matches!(other, Err(Error::Forbidden(_))));
    assert_eq!(lines(&shop.view(&customer("u1"), &MINE)), [(product.as_str(), 2)]);
}

#[test]
fn signing_in_merges_what_a_guest_had_once() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(1, 9), shop.product(1, 9));
    let cart = guest(&shop.add(&GUEST, &MINE, &a, 999_999));
    shop.add(&GUEST, &cart, &b, 3);
    shop.add(&customer("u1"), &MINE, &a, 2);
    let Whose::Guest(id) = &cart else { panic!() };
    assert!(matches!(
        shop.carts.merge(&GUEST, id),
        Err(Error::Unauthenticated(_))
    ));
    assert!(matches!(
        shop.carts.merge(&Caller::ApiKey, id),
        Err(Error::Forbidden(_))
    ));
    for _ in 0..2 {
        let merged = shop.carts.merge(&customer("u1"), id).unwrap();
        assert_eq!(lines(&merged), [(a.as_str(), 1_000_000), (b.as_str(), 3)]);
    }
    assert_eq!(
        shop.view(&GUEST, &cart).lines.len(),
        0,
        "the guest's cart has ended"
    );
    assert_eq!(shop.carts.merge(&customer("u2"), id).unwrap().lines.len(), 0);
}

#[test]
fn many_merges_of_one_cart_at_once_add_it_once() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let id = shop.add(&GUEST, &MINE, &product, 3).id.unwrap();
    at_once(8, |_| drop(shop.carts.merge(&customer("u1"), &id).unwrap()));
    assert_eq!(lines(&shop.view(&customer("u1"), &MINE)), [(product.as_str(), 3)]);
}

#[test]
fn carts_that_are_too_much_together_stay_apart() {
    let shop = shop(&[]);
    let products: Vec<_> = (0..101).map(|_| shop.product(1, 9)).collect();
    for product in &products[..100] {
        shop.add(&customer("u1"), &MINE, product, 1);
    }
    let full = shop.carts.add(&customer("u1"), &MINE, &products[100], 1);
    assert_eq!(field(full), "productId");
    let cart = guest(&shop.add(&GUEST, &MINE, &products[100], 1));
    let Whose::Guest(id) = &cart else { panic!() };
    assert_eq!(field(shop.carts.merge(&customer("u1"), id)), "cartId");
    assert_eq!(shop.view(&GUEST, &cart).lines.len(), 1);
    shop.carts
        .update(&customer("u1"), &MINE, &products[0], 0)
        .unwrap();
    assert_eq!(shop.carts.merge(&customer("u1"), id).unwrap().lines.len(), 100);
}

#[test]
fn what_has_changed_is_named_until_somebody_puts_a_hand_on_it() {
    let shop = shop(&[]);
    let (a, b, c, d) = (
        shop.product(100, 10),
        shop.product(100, 5),
        shop.product(100, 9),
        shop.product(100, 3),
    );
    let user = customer("u1");
    for (product, quantity) in [(&a, 1), (&b, 4), (&c, 2), (&d, 5)] {
        let added = shop.add(&user, &MINE, product, quantity);
        assert_eq!(changes(&added), [], "nothing has changed since it was added");
    }
    // Stock that is enough all the same is nobody's concern.
    shop.sell(&a, 9);
    assert_eq!(changes(&shop.view(&user, &MINE)), []);
    shop.price(&a, 120);
    shop.sell(&b, 2);
    shop.vanish(&c);
    shop.sell(&d, 3);
    let expected = [
        (a.as_str(), ChangeKind::PriceChanged, Some(100), Some(120)),
        (b.as_str(), ChangeKind::LessInStock, Some(5), Some(3)),
        (c.as_str(), ChangeKind::Vanished, None, None),
        (d.as_str(), ChangeKind::OutOfStock, Some(3), Some(0)),
    ];
    for _ in 0..2 {
        let view = shop.view(&user, &MINE);
        assert_eq!(changes(&view), expected);
        let vanished = &view.lines[2];
        assert_eq!(
            (vanished.name.as_str(), &vanished.unit_price, vanished.available),
            ("Sock", &None, 0)
        );
        assert_eq!(view.total.unwrap().amount, 120 + 4 * 100 + 5 * 100);
    }
    // Whoever changes the line is told once more, and has seen it then.
    let more = shop.carts.update(&user, &MINE, &a, 1).unwrap();
    assert_eq!(changes(&more)[0], expected[0]);
    assert_eq!(changes(&shop.view(&user, &MINE)), expected[1..]);
    shop.carts.update(&user, &MINE, &c, 3).unwrap();
    shop.carts.update(&user, &MINE, &c, 0).unwrap();
    assert_eq!(changes(&shop.view(&user, &MINE)).len(), 2);
    let again = shop.carts.add(&user, &MINE, &c, 1);
    assert!(
        matches!(again, Err(Error::NotFound(_))),
        "it can't be added any more"
    );
}

#[test]
fn a_product_that_comes_in_variants_is_bought_by_one_of_them() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(100, 9), shop.product(50, 9));
    let user = customer("u1");
    shop.add(&user, &MINE, &a, 2);
    shop.add(&user, &MINE, &b, 1);
    let variant = shop.variant(&a);
    let view = shop.view(&user, &MINE);
    assert_eq!(changes(&view), [(a.as_str(), ChangeKind::Vanished, None, None)]);
    assert_eq!((view.lines[0].available, &view.lines[0].unit_price), (0, &None));
    assert_eq!(view.total.unwrap().amount, 50);
    let refused = shop.carts.add(&user, &MINE, &a, 1);
    assert!(matches!(&refused, Err(Error::Invalid(why)) if why.message.contains("variants")));
    assert_eq!(field(refused), "productId");
    shop.carts.update(&user, &MINE, &a, 0).unwrap();
    assert_eq!(changes(&shop.add(&user, &MINE, &variant, 2)), []);
}

#[test]
fn a_total_is_of_one_currency() {
    let shop = shop(&[]);
    let a = shop.product(100, 10);
    let mut input = mercato_shop::catalog::NewProduct {
        name: "Yen".into(),
        description: None,
        manufacturer: None,
        external_id: None,
        price: 7,
        currency: Some("JPY".into()),
        quantity: 1,
        details: mercato_shop::catalog::ProductDetails::default(),
    };
    let yen = shop.catalog.create(&admin(), input.clone()).unwrap().id;
    let user = customer("u1");
    shop.add(&user, &MINE, &a, 1);
    assert_eq!(shop.add(&user, &MINE, &yen, 1).total, None);
    input.price = 8;
    shop.carts.update(&user, &MINE, &a, 0).unwrap();
    let total = shop.view(&user, &MINE).total.unwrap();
    assert_eq!((total.amount, total.currency.as_str()), (7, "JPY"));
}

#[test]
fn what_can_not_be_in_a_cart_is_refused_by_its_field() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let user = customer("u1");
    let add = |id: &str, quantity| shop.carts.add(&user, &MINE, id, quantity);
    assert_eq!(field(add("42", 1)), "productId");
    assert_eq!(field(add(&product, 0)), "quantity");
    assert_eq!(field(add(&product, 1_000_001)), "quantity");
    assert!(matches!(add(&id::new(), 1), Err(Error::NotFound(_))));
    add(&product, 1_000_000).unwrap();
    assert_eq!(field(add(&product, 1)), "quantity");
    let update = |id: &str, quantity| shop.carts.update(&user, &MINE, id, quantity);
    assert_eq!(field(update("42", 0)), "productId");
    assert_eq!(field(update(&product, 1_000_001)), "quantity");
    let other = shop.product(1, 9);
    assert!(matches!(update(&other, 1), Err(Error::NotFound(_))));
    assert_eq!(lines(&shop.view(&user, &MINE)), [(product.as_str(), 1_000_000)]);
}

#[test]
fn of_additions_at_once_none_is_lost() {
    let shop = shop(&[]);
    let products: Vec<_> = (0..4).map(|_| shop.product(1, 999)).collect();
    let user = customer("u1");
    // The cart is begun by them, too.
    at_once(24, |number| {
        shop.add(&user, &MINE, &products[number % 4], 2);
    });
    let mut found = lines(&shop.view(&user, &MINE))
        .into_iter()
        .map(|(id, quantity)| (id.to_owned(), quantity))
        .collect::<Vec<_>>();
    found.sort();
    let mut expected: Vec<_> = products.into_iter().map(|id| (id, 12)).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_cart_that_nobody_changes_expires() {
    let shop = shop(&[("CART_EXPIRY_SECONDS", "1")]);
    let product = shop.product(1, 9);
    let kept = |shop: &Shop| shop.ports.find(&Query::all("carts.carts", 10)).unwrap().len();
    let cart = guest(&shop.add(&GUEST, &MINE, &product, 1));
    let user = customer("u1");
    assert_eq!(
        lines(&shop.add(&user, &MINE, &product, 1)),
        [(product.as_str(), 1)]
    );
    thread::sleep(Duration::from_millis(1_100));
    for (caller, whose) in [(&GUEST, &cart), (&user, &MINE)] {
        let view = shop.view(caller, whose);
        assert_eq!((view.lines.len(), view.expires_at), (0, None));
    }
    let Whose::Guest(id) = &cart else { panic!() };
    assert_eq!(shop.carts.merge(&user, id).unwrap().lines.len(), 0);
    assert_eq!(field(shop.carts.checkout(&user, None, &TERMS)), "products");
    assert_eq!(
        lines(&shop.add(&user, &MINE, &product, 5)),
        [(product.as_str(), 5)]
    );
    assert_eq!(kept(&shop), 2);
    shop.add(&GUEST, &MINE, &product, 1);
    assert_eq!(kept(&shop), 2, "whoever begins a cart clears expired ones away");
}

#[test]
fn a_wrong_expiry_is_the_shops_own_fault() {
    let shop = shop(&[("CART_EXPIRY_SECONDS", "a month")]);
    let product = shop.product(1, 9);
    let added = shop.carts.add(&GUEST, &MINE, &product, 1);
    assert!(matches!(added, Err(Error::Internal(reason)) if reason.contains("CART_EXPIRY_SECONDS")));
}

fn at_once(count: usize, action: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..count {
            let action = &action;
            scope.spawn(move || action(number));
        }
    });
}
