//! Adds to, changes, merges and shows carts.

use std::thread;
use std::time::Duration;

use mercato_ports::documents::Query;
use mercato_shop::carts::{Cart, ChangeKind, Owner};
use mercato_shop::catalog::NewProduct;
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Carts, Catalog};
use mercato_shop::testing::{admin, customer, error_code, invalid_field};
use mercato_shop::types::{Caller, Error, Money};

use crate::shop::{MINE, Shop, TERMS, changes, guest, input, lines, shop};

const GUEST: Caller = Caller::Anonymous;

#[test]
fn the_id_of_a_guests_cart_is_enough_to_use_it() {
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
        "each guest gets another cart"
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
fn clients_cannot_choose_the_id_of_a_cart() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let chosen = "A".repeat(43);
    let owner = Owner::Cart(chosen.clone());
    let empty = shop.view(&GUEST, &owner);
    assert_eq!((empty.id, empty.lines.len()), (None, 0));
    let begun = shop.add(&GUEST, &owner, &product, 1);
    assert_ne!(begun.id.unwrap(), chosen);
    assert_eq!(shop.view(&GUEST, &owner).lines.len(), 0);
    assert_eq!(
        invalid_field(shop.carts.view(&GUEST, &Owner::Cart("42".into()))),
        "cartId"
    );
}

#[test]
fn the_store_does_not_contain_the_ids_of_guests_carts() {
    let shop = shop(&[]);
    let id = shop.add(&GUEST, &MINE, &shop.product(1, 9), 1).id.unwrap();
    let stored = shop.ports.find(&Query::all("carts.carts", 10)).unwrap();
    assert_eq!(stored.len(), 1);
    assert!(!format!("{stored:?}").contains(&id));
}

#[test]
fn only_the_user_and_staff_use_the_cart_of_a_user() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let cart = shop.add(&customer("u1"), &MINE, &product, 2);
    assert_eq!(cart.user_id.as_deref(), Some("u1"));
    let named = Owner::User("u1".into());
    for caller in [customer("u1"), admin(), Caller::ApiKey] {
        assert_eq!(lines(&shop.view(&caller, &named)), [(product.as_str(), 2)]);
    }
    assert_eq!(shop.view(&customer("u2"), &MINE).lines.len(), 0);
    let by_id = Owner::Cart(cart.id.unwrap());
    // The id of another user's cart opens nothing, like an id that no cart has.
    let unknown = Owner::Cart("user:nobody".into());
    for (caller, owner, code) in [
        (customer("u2"), &named, "FORBIDDEN"),
        (customer("u2"), &by_id, "NOT_FOUND"),
        (customer("u2"), &unknown, "NOT_FOUND"),
        (Caller::ApiKey, &MINE, "FORBIDDEN"),
    ] {
        assert_eq!(error_code(&shop.carts.view(&caller, owner)), code);
        assert_eq!(error_code(&shop.carts.add(&caller, owner, &product, 1)), code);
        assert_eq!(error_code(&shop.carts.clear(&caller, owner)), code);
    }
    for owner in [&named, &by_id] {
        let anonymous = shop.carts.update(&GUEST, owner, &product, 0);
        assert!(matches!(anonymous, Err(Error::Unauthenticated(_))));
    }
    let anonymous = shop.carts.checkout(&GUEST, None, &TERMS);
    assert!(matches!(anonymous, Err(Error::Unauthenticated(_))));
    let other = shop.carts.checkout(&customer("u2"), Some("u1"), &TERMS);
    assert!(matches!(other, Err(Error::Forbidden(_))));
    assert_eq!(lines(&shop.view(&customer("u1"), &MINE)), [(product.as_str(), 2)]);
}

#[test]
fn the_id_of_a_users_cart_never_changes_and_names_the_cart() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(1, 9), shop.product(1, 9));
    let user = customer("u1");
    let empty = shop.view(&user, &MINE);
    assert_eq!((empty.id.as_deref(), empty.expires_at), (Some("user:u1"), None));
    let added = shop.add(&user, &MINE, &a, 1);
    let by_id = Owner::Cart(empty.id.clone().unwrap());
    let more = shop.add(&user, &by_id, &b, 2);
    assert_eq!(lines(&more), [(a.as_str(), 1), (b.as_str(), 2)]);
    shop.carts.checkout(&user, None, &TERMS).unwrap();
    let cart = guest(&shop.add(&GUEST, &MINE, &a, 1));
    let Owner::Cart(guests_id) = &cart else { panic!() };
    let merged = shop.carts.merge(&user, guests_id).unwrap();
    let cleared = shop.carts.clear(&admin(), &by_id).unwrap();
    for cart in [
        &added,
        &more,
        &merged,
        &cleared,
        &shop.view(&Caller::ApiKey, &by_id),
    ] {
        assert_eq!((&cart.id, cart.user_id.as_deref()), (&empty.id, Some("u1")));
    }
    assert_ne!(shop.view(&customer("u2"), &MINE).id, empty.id);
    assert_eq!(invalid_field(shop.carts.merge(&user, "user:u1")), "cartId");
}

#[test]
fn merges_a_guests_cart_once() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(1, 9), shop.product(1, 9));
    let cart = guest(&shop.add(&GUEST, &MINE, &a, 999_999));
    shop.add(&GUEST, &cart, &b, 3);
    shop.add(&customer("u1"), &MINE, &a, 2);
    let Owner::Cart(id) = &cart else { panic!() };
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
        "the guest's cart is deleted"
    );
    assert_eq!(shop.carts.merge(&customer("u2"), id).unwrap().lines.len(), 0);
}

#[test]
fn concurrent_merges_of_one_cart_add_it_once() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let id = shop.add(&GUEST, &MINE, &product, 3).id.unwrap();
    at_once(8, |_| drop(shop.carts.merge(&customer("u1"), &id).unwrap()));
    assert_eq!(lines(&shop.view(&customer("u1"), &MINE)), [(product.as_str(), 3)]);
}

#[test]
fn rejects_a_merge_of_carts_with_too_many_products() {
    let shop = shop(&[]);
    let products: Vec<_> = (0..501).map(|_| shop.product(1, 9)).collect();
    let half = guest(&shop.add(&GUEST, &MINE, &products[0], 1));
    for product in &products[1..250] {
        shop.add(&GUEST, &half, product, 1);
    }
    for product in &products[250..500] {
        shop.add(&customer("u1"), &MINE, product, 1);
    }
    let Owner::Cart(half) = &half else { panic!() };
    let merged = shop.carts.merge(&customer("u1"), half).unwrap();
    assert_eq!(merged.lines.len(), 500);
    let full = shop.carts.add(&customer("u1"), &MINE, &products[500], 1);
    assert!(matches!(&full, Err(Error::Invalid(why)) if why.message.contains("at most 500 different")));
    assert_eq!(invalid_field(full), "productId");
    let cart = guest(&shop.add(&GUEST, &MINE, &products[500], 1));
    let Owner::Cart(id) = &cart else { panic!() };
    let refused = shop.carts.merge(&customer("u1"), id);
    assert!(matches!(&refused, Err(Error::Invalid(why)) if why.message.contains("have 501 together")));
    assert_eq!(invalid_field(refused), "cartId");
    assert_eq!(shop.view(&GUEST, &cart).lines.len(), 1);
    shop.carts
        .update(&customer("u1"), &MINE, &products[0], 0)
        .unwrap();
    assert_eq!(shop.carts.merge(&customer("u1"), id).unwrap().lines.len(), 500);
    let order = shop.carts.checkout(&customer("u1"), None, &TERMS).unwrap();
    assert_eq!((order.lines.len(), order.amounts.total), (500, 500));
}

#[test]
fn shows_no_total_beyond_the_largest_amount() {
    let shop = shop(&[]);
    let (most, one) = (shop.product(MAX_AMOUNT, 9), shop.product(1, 9));
    let user = customer("u1");
    let total = |cart: Cart| cart.total.map(|total| total.amount);
    assert_eq!(total(shop.add(&user, &MINE, &most, 1)), Some(MAX_AMOUNT));
    assert_eq!(total(shop.add(&user, &MINE, &one, 1)), None);
    let refused = shop.carts.checkout(&user, None, &TERMS);
    assert_eq!(invalid_field(refused), "products");
    assert_eq!(
        total(shop.carts.update(&user, &MINE, &most, 1_000_000).unwrap()),
        None
    );
    assert_eq!(total(shop.carts.update(&user, &MINE, &most, 0).unwrap()), Some(1));
}

#[test]
fn reports_changes_of_a_product_until_its_line_is_updated() {
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
    // The remaining stock is enough for the line, so this is no change.
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
    // An update of the line reports its changes for the last time.
    let more = shop.carts.update(&user, &MINE, &a, 1).unwrap();
    assert_eq!(changes(&more)[0], expected[0]);
    assert_eq!(changes(&shop.view(&user, &MINE)), expected[1..]);
    shop.carts.update(&user, &MINE, &c, 3).unwrap();
    shop.carts.update(&user, &MINE, &c, 0).unwrap();
    assert_eq!(changes(&shop.view(&user, &MINE)).len(), 2);
    let again = shop.carts.add(&user, &MINE, &c, 1);
    assert!(
        matches!(again, Err(Error::NotFound(_))),
        "a vanished product cannot be added"
    );
}

#[test]
fn a_product_with_variants_is_ordered_by_its_variants() {
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
    assert_eq!(invalid_field(refused), "productId");
    shop.carts.update(&user, &MINE, &a, 0).unwrap();
    assert_eq!(changes(&shop.add(&user, &MINE, &variant, 2)), []);
}

#[test]
fn shows_a_total_only_for_one_currency() {
    let shop = shop(&[]);
    let a = shop.product(100, 10);
    let input = NewProduct {
        currency: Some("JPY".into()),
        ..input(7, 1)
    };
    let yen = shop.catalog.create(&admin(), &input.clone()).unwrap().id;
    let user = customer("u1");
    shop.add(&user, &MINE, &a, 1);
    assert_eq!(shop.add(&user, &MINE, &yen, 1).total, None);
    shop.carts.update(&user, &MINE, &a, 0).unwrap();
    let total = shop.view(&user, &MINE).total.unwrap();
    assert_eq!((total.amount, total.currency.as_str()), (7, "JPY"));
}

#[test]
fn rejects_invalid_input_by_the_field() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let user = customer("u1");
    let add = |id: &str, quantity| shop.carts.add(&user, &MINE, id, quantity);
    assert_eq!(invalid_field(add("42", 1)), "productId");
    assert_eq!(invalid_field(add(&product, 0)), "quantity");
    assert_eq!(invalid_field(add(&product, 1_000_001)), "quantity");
    assert!(matches!(add(&id::new(), 1), Err(Error::NotFound(_))));
    add(&product, 1_000_000).unwrap();
    assert_eq!(invalid_field(add(&product, 1)), "quantity");
    let update = |id: &str, quantity| shop.carts.update(&user, &MINE, id, quantity);
    assert_eq!(invalid_field(update("42", 0)), "productId");
    assert_eq!(invalid_field(update(&product, 1_000_001)), "quantity");
    let other = shop.product(1, 9);
    assert!(matches!(update(&other, 1), Err(Error::NotFound(_))));
    assert_eq!(lines(&shop.view(&user, &MINE)), [(product.as_str(), 1_000_000)]);
}

#[test]
fn concurrent_additions_are_all_kept() {
    let shop = shop(&[]);
    let products: Vec<_> = (0..4).map(|_| shop.product(1, 999)).collect();
    let user = customer("u1");
    // One of them also creates the cart.
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
fn each_change_of_a_cart_prolongs_it_by_the_configured_time() {
    let shop = shop(&[("CART_EXPIRY_SECONDS", "600")]);
    let product = shop.product(1, 9);
    for quantity in 1..=3 {
        let before = id::now();
        let cart = shop.add(&customer("u1"), &MINE, &product, 1);
        let times = before + 600_000..=id::now() + 600_000;
        assert!(times.contains(&cart.expires_at.unwrap()), "{quantity}");
    }
}

#[test]
fn an_unchanged_cart_expires() {
    let shop = shop(&[("CART_EXPIRY_SECONDS", "1")]);
    let product = shop.product(1, 9);
    let stored = |shop: &Shop| shop.ports.find(&Query::all("carts.carts", 10)).unwrap().len();
    let cart = guest(&shop.add(&GUEST, &MINE, &product, 1));
    let user = customer("u1");
    assert_eq!(
        lines(&shop.add(&user, &MINE, &product, 1)),
        [(product.as_str(), 1)]
    );
    thread::sleep(Duration::from_millis(1_100));
    for (caller, owner) in [(&GUEST, &cart), (&user, &MINE)] {
        let view = shop.view(caller, owner);
        assert_eq!((view.lines.len(), view.expires_at), (0, None));
    }
    let Owner::Cart(id) = &cart else { panic!() };
    assert_eq!(shop.carts.merge(&user, id).unwrap().lines.len(), 0);
    assert_eq!(
        invalid_field(shop.carts.checkout(&user, None, &TERMS)),
        "products"
    );
    assert_eq!(
        lines(&shop.add(&user, &MINE, &product, 5)),
        [(product.as_str(), 5)]
    );
    assert_eq!(stored(&shop), 2);
    shop.add(&GUEST, &MINE, &product, 1);
    assert_eq!(stored(&shop), 2, "creating a cart removes expired ones");
}

#[test]
fn an_invalid_expiry_setting_is_an_internal_error() {
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
