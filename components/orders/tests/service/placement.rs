//! Placements under an id that another service chose.

use std::thread;

use crate::shop::{ANY, DUE, PLACED, Shop, code, line, of, shop};
use mercato_shop::discounts::{NewDiscount, Reduction};
use mercato_shop::id;
use mercato_shop::orders::{Actor, NewOrder, Order};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Catalog, Inventory, Placement};
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

fn place(shop: &Shop, order_id: &str, input: &NewOrder) -> Result<Order, Error> {
    shop.orders.place(&customer("u1"), order_id, "u1", input, None)
}

#[test]
fn places_one_order_for_an_id() {
    let shop = shop(&[]);
    let product = shop.product(250, 5);
    let (id, input) = (id::new(), of(&[line(&product, 2)]));
    let placed = place(&shop, &id, &input).unwrap();
    assert_eq!((placed.id.as_str(), placed.amounts.total), (id.as_str(), 500));
    assert_eq!(place(&shop, &id, &input).unwrap(), placed);
    assert_eq!(shop.stock(&product), (3, 2, 0));
    shop.deliver();
    assert_eq!(place(&shop, &id, &input).unwrap(), placed);
    assert_eq!(shop.stock(&product), (3, 0, 2));
}

#[test]
fn uses_the_reservation_of_an_interrupted_placement() {
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let id = id::new();
    shop.catalog.reserve(&id, &[line(&product, 2)], 0).unwrap();
    place(&shop, &id, &of(&[line(&product, 2)])).unwrap();
    assert_eq!(shop.stock(&product), (3, 2, 0));
    shop.handle(&shop.event(DUE)).unwrap();
    assert_eq!(shop.stock(&product), (3, 2, 0), "the order keeps its stock");
}

#[test]
fn makes_a_rejection_final() {
    let shop = shop(&[]);
    let product = shop.product(1, 1);
    let (id, input) = (id::new(), of(&[line(&product, 2)]));
    assert!(matches!(place(&shop, &id, &input), Err(Error::OutOfStock(lines)) if lines[0].available == 1));
    shop.catalog.receive_stock(&admin(), &product, 5).unwrap();
    assert_eq!(error_code(&place(&shop, &id, &input)), "CONFLICT");
    let nowhere = NewOrder {
        region: Some("Bavaria".into()),
        ..input.clone()
    };
    let other = id::new();
    assert_eq!(error_code(&place(&shop, &other, &nowhere)), "INVALID");
    assert_eq!(error_code(&place(&shop, &other, &input)), "CONFLICT");
    assert_eq!(shop.stock(&product), (6, 0, 0));
    assert_eq!(shop.list(&admin(), ANY).unwrap().len(), 0);
}

#[test]
fn decides_a_race_of_rejection_and_placement_once() {
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let (id, input) = (id::new(), of(&[line(&product, 2)]));
    // The first commit reserves. Before the second one, which inserts the order, another request is rejected.
    let (ports, orders, other, copy) = (shop.ports.clone(), shop.orders.clone(), id.clone(), input.clone());
    shop.ports.after_next_commit(move || {
        ports.before_next_commit(move || {
            let refused = orders.place(&customer("u1"), &other, "u1", &copy, Some(1));
            assert_eq!(error_code(&refused), "CONFLICT");
        });
    });
    assert_eq!(error_code(&place(&shop, &id, &input)), "CONFLICT");
    assert_eq!(shop.stock(&product), (5, 0, 0));
    // If the other request has placed the order, that order is the answer.
    let (orders, id) = (shop.orders.clone(), id::new());
    let (other, copy) = (id.clone(), input.clone());
    shop.ports.before_next_commit(move || {
        orders.place(&customer("u1"), &other, "u1", &copy, None).unwrap();
    });
    let answer = shop
        .orders
        .place(&customer("u1"), &id, "u1", &input, Some(1))
        .unwrap();
    assert_eq!(answer.id, id);
    assert_eq!(shop.stock(&product), (3, 2, 0));
}

#[test]
fn withdraws_a_placement_unless_it_was_made() {
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let input = of(&[line(&product, 2)]);
    let withdraw = |caller: &Caller, id: &str| shop.orders.withdraw(caller, id, "u1");
    let (lost, made) = (id::new(), id::new());
    shop.catalog.reserve(&lost, &input.lines, 0).unwrap();
    assert_eq!(error_code(&withdraw(&customer("u2"), &lost)), "FORBIDDEN");
    for _ in 0..2 {
        assert_eq!(withdraw(&customer("u1"), &lost).unwrap(), None);
    }
    assert_eq!(error_code(&place(&shop, &lost, &input)), "CONFLICT");
    assert_eq!(shop.stock(&product), (5, 0, 0));
    let order = place(&shop, &made, &input).unwrap();
    for _ in 0..2 {
        assert_eq!(withdraw(&admin(), &made).unwrap().as_ref(), Some(&order));
    }
    assert_eq!(shop.stock(&product), (3, 2, 0));
}

#[test]
fn commits_an_order_with_its_discount_and_its_events() {
    for commits in 0..4 {
        let shop = shop(&[("ORDER_EXPIRY_SECONDS", "600")]);
        let product = shop.product(10, 5);
        shop.discount(NewDiscount {
            limit: Some(5),
            limit_per_customer: Some(2),
            ..code("TWICE", Reduction::BasisPoints(5_000))
        });
        let input = NewOrder {
            discount_code: Some("TWICE".into()),
            ..of(&[line(&product, 1)])
        };
        drop(shop.ports.take_events());
        shop.ports.stop_after(commits);
        let placed = shop.orders.place(&admin(), &id::new(), "u1", &input, None);
        shop.ports.restart();
        // One commit reserves, and one inserts the order.
        assert_eq!(placed.is_ok(), commits > 1, "{commits}: {placed:?}");
        let orders = shop.list(&admin(), ANY).unwrap().len();
        let events = shop.ports.take_events();
        let count = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
        let expected = usize::from(placed.is_ok());
        assert_eq!(orders, expected, "after {commits} commits");
        for kind in [PLACED, "mercato.orders.order-due", "mercato.orders.audited"] {
            assert_eq!(count(kind), expected, "{kind} after {commits} commits");
        }
        assert_eq!(shop.used("TWICE"), expected as u64, "after {commits} commits");
        let more = (0..3).filter(|_| place(&shop, &id::new(), &input).is_ok());
        assert_eq!(more.count(), 2 - expected, "after {commits} commits");
    }
}

#[test]
fn uses_no_discount_for_a_placement_that_is_abandoned_meanwhile() {
    let shop = shop(&[]);
    let product = shop.product(10, 5);
    shop.discount(NewDiscount {
        limit_per_customer: Some(1),
        ..code("ONCE", Reduction::BasisPoints(5_000))
    });
    let input = NewOrder {
        discount_code: Some("ONCE".into()),
        ..of(&[line(&product, 1)])
    };
    // The first commit reserves. After it, the placement is withdrawn.
    let (orders, id) = (shop.orders.clone(), id::new());
    let other = id.clone();
    shop.ports.after_next_commit(move || {
        assert_eq!(orders.withdraw(&customer("u1"), &other, "u1").unwrap(), None);
    });
    assert_eq!(error_code(&place(&shop, &id, &input)), "CONFLICT");
    assert_eq!((shop.used("ONCE"), shop.stock(&product)), (0, (5, 0, 0)));
    place(&shop, &id::new(), &input).unwrap();
}

#[test]
fn remembers_an_abandoned_placement_for_30_days() {
    const ORDERS: &str = "orders.orders";
    const DAY: u64 = 24 * 3_600_000;
    let shop = shop(&[]);
    let product = shop.product(1, 5);
    let input = of(&[line(&product, 1)]);
    let withdraw = |id: &str| assert_eq!(shop.orders.withdraw(&admin(), id, "u1").unwrap(), None);
    let ordered = place(&shop, &id::new(), &input).unwrap();
    shop.set(ORDERS, &ordered.id, "createdAt", id::now() - 31 * DAY);
    let [older, newer] = [(); 2].map(|()| id::new());
    for id in [&older, &newer] {
        withdraw(id);
    }
    for (id, days) in [(&older, 31), (&newer, 29)] {
        shop.set(ORDERS, id, "abandonedAt", id::now() - days * DAY);
    }
    let is_stored = |id: &String| {
        let found = shop.ports.get_many(ORDERS, std::slice::from_ref(id)).unwrap();
        found[0].is_some()
    };
    // Only some of the tombstones that are inserted remove old ones.
    for _ in 0..1_000 {
        withdraw(&id::new());
        if !is_stored(&older) {
            break;
        }
    }
    assert_eq!((is_stored(&older), is_stored(&newer)), (false, true));
    assert_eq!(error_code(&place(&shop, &newer, &input)), "CONFLICT");
    assert!(is_stored(&ordered.id));
}

#[test]
fn rejects_an_unexpected_subtotal() {
    let shop = shop(&[("TAX_RATES", "*=10")]);
    let product = shop.product(250, 5);
    let place = |expected| {
        let input = of(&[line(&product, 2)]);
        shop.orders
            .place(&customer("u1"), &id::new(), "u1", &input, Some(expected))
    };
    assert!(
        matches!(place(550), Err(Error::Conflict(message)) if message.contains("cost 5.00 USD now, not 5.50 USD"))
    );
    assert_eq!(shop.stock(&product), (5, 0, 0));
    assert_eq!(place(500).unwrap().amounts.total, 550);
}

#[test]
fn places_one_order_for_concurrent_requests_and_uses_its_discount_once() {
    let shop = shop(&[]);
    let product = shop.product(10, 50);
    shop.discount(NewDiscount {
        limit: Some(1),
        ..code("once", Reduction::BasisPoints(5_000))
    });
    let id = id::new();
    let input = NewOrder {
        discount_code: Some("once".into()),
        ..of(&[line(&product, 1)])
    };
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (shop, id, input) = (shop.clone(), id.clone(), input.clone());
            thread::spawn(move || place(&shop, &id, &input))
        })
        .collect();
    // Two requests can begin before one has placed the order. The later one finds the code used and the order
    // placed.
    let orders: Vec<_> = workers
        .into_iter()
        .map(|worker| worker.join().unwrap().unwrap())
        .collect();
    assert!(orders.iter().all(|order| *order == orders[0]));
    assert_eq!(shop.stock(&product), (49, 1, 0));
}

#[test]
fn lets_customers_order_for_themselves_and_admins_for_everybody() {
    let shop = shop(&[]);
    let product = shop.product(1, 9);
    let input = of(&[line(&product, 1)]);
    let place = |caller: &Caller, id: &str| shop.orders.place(caller, id, "u1", &input, None);
    let id = id::new();
    assert_eq!(error_code(&place(&Caller::Anonymous, &id)), "UNAUTHENTICATED");
    assert_eq!(error_code(&place(&customer("u2"), &id)), "FORBIDDEN");
    let placed = place(&admin(), &id).unwrap();
    assert_eq!(placed.user_id, "u1");
    assert_eq!(placed.timeline[0].actor, Actor::Admin("admin".into()));
    let place_own = |id: &str| shop.orders.place(&admin(), id, "admin", &input, None);
    let own = place_own(&id::new()).unwrap();
    assert_eq!(own.timeline[0].actor, Actor::Customer("admin".into()));
    assert_eq!(
        error_code(&place_own(&id)),
        "CONFLICT",
        "an id belongs to one customer"
    );
}
