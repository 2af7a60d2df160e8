//! Changes of an order's status, its timeline and its stock.

use std::thread;

use crate::shop::{ANY, PLACED, Shop, shop};
use mercato_shop::orders::{Actor, Order, OrderFilter, Status};
use mercato_shop::services::Orders;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

const ORDER_DUE: &str = "mercato.orders.order-due";

fn to(shop: &Shop, order: &Order, status: Status, version: Option<u64>) -> Result<Order, Error> {
    shop.orders
        .update_status(&admin(), &order.id, status, version, None)
}

#[test]
fn records_each_change_in_the_timeline() {
    let shop = shop(&[]);
    let product = shop.product(10, 5);
    let order = shop.order(&product, 2);
    shop.deliver();
    let statuses = [
        Status::Paid,
        Status::Processing,
        Status::Shipped,
        Status::Delivered,
        Status::Refunded,
    ];
    for (version, status) in (1..).zip(statuses) {
        let moved = shop
            .orders
            .update_status(
                &Caller::ApiKey,
                &order.id,
                status,
                Some(version),
                Some(" by hand "),
            )
            .unwrap();
        assert_eq!((moved.status, moved.version), (status, version + 1));
        assert_eq!(shop.read(&order.id), moved, "the stored order equals the answer");
    }
    shop.deliver();
    assert_eq!(shop.stock(&product), (3, 0, 2), "shipped units are not returned");

    let timeline = shop.read(&order.id).timeline;
    assert_eq!(timeline.len(), 6);
    assert_eq!(
        (&timeline[0].actor, timeline[0].before, timeline[0].after),
        (&Actor::Customer("u1".into()), None, Status::Pending)
    );
    assert_eq!(
        (
            &timeline[1].actor,
            timeline[1].before,
            timeline[1].note.as_deref()
        ),
        (&Actor::ApiKey, Some(Status::Pending), Some("by hand"))
    );
    assert!(timeline.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(
        timeline
            .windows(2)
            .all(|pair| pair[1].before == Some(pair[0].after))
    );
}

#[test]
fn rejects_impossible_changes_and_stale_versions() {
    let shop = shop(&[]);
    let order = shop.order(&shop.product(10, 5), 2);
    assert!(matches!(
        to(&shop, &order, Status::Delivered, Some(1)),
        Err(Error::InvalidTransition(message)) if message.contains("paid or cancelled")
    ));
    assert_eq!(
        error_code(&to(&shop, &order, Status::Pending, None)),
        "INVALID_TRANSITION"
    );
    assert!(matches!(
        to(&shop, &order, Status::Paid, Some(2)),
        Err(Error::StaleVersion(1))
    ));
    assert_eq!(shop.read(&order.id), order);
    assert_eq!(
        error_code(
            &shop
                .orders
                .update_status(&admin(), "nothing", Status::Paid, None, None)
        ),
        "NOT_FOUND"
    );
    let long = "x".repeat(501);
    assert!(matches!(
        shop.orders.cancel(&admin(), &order.id, Some(&long)),
        Err(Error::Invalid(violation)) if violation.field == "reason"
    ));
}

#[test]
fn lets_only_the_owner_and_admins_cancel_an_order() {
    let shop = shop(&[]);
    let product = shop.product(10, 9);
    let order = shop.order(&product, 1);
    for id in [order.id.as_str(), "nothing"] {
        let refused = shop.orders.cancel(&Caller::Anonymous, id, None);
        assert_eq!(error_code(&refused), "UNAUTHENTICATED");
        let refused = shop.orders.cancel(&customer("u2"), id, None);
        assert_eq!(refused, Err(Error::NotFound(format!("There is no order {id}."))));
    }
    assert_eq!(
        error_code(
            &shop
                .orders
                .update_status(&customer("u1"), &order.id, Status::Paid, None, None)
        ),
        "FORBIDDEN"
    );
    for caller in [customer("u1"), admin(), Caller::ApiKey] {
        let order = shop.order(&product, 1);
        let cancelled = shop.orders.cancel(&caller, &order.id, Some("Too large")).unwrap();
        assert_eq!(cancelled.status, Status::Cancelled);
        assert_eq!(cancelled.timeline[1].note.as_deref(), Some("Too large"));
        assert_eq!(
            error_code(&shop.orders.cancel(&caller, &order.id, None)),
            "INVALID_TRANSITION"
        );
    }
    shop.deliver();
    assert_eq!(shop.stock(&product), (8, 0, 1));
}

#[test]
fn returns_the_stock_of_a_cancelled_order_once() {
    let shop = shop(&[]);
    let product = shop.product(10, 5);
    for settled in [true, false] {
        let order = shop.order(&product, 2);
        let events = shop.ports.take_events();
        if settled {
            let placed = events.iter().find(|event| event.kind == PLACED).unwrap();
            shop.handle(placed).unwrap();
            to(&shop, &order, Status::Paid, None).unwrap();
        }
        shop.orders.cancel(&customer("u1"), &order.id, None).unwrap();
        shop.deliver();
        assert_eq!(shop.stock(&product), (5, 0, 0));
        // Late and repeated events change nothing.
        for event in &events {
            shop.handle(event).unwrap();
        }
        assert_eq!(shop.stock(&product), (5, 0, 0));
    }
    let order = shop.order(&product, 1);
    to(&shop, &order, Status::Paid, None).unwrap();
    to(&shop, &order, Status::Refunded, None).unwrap();
    shop.deliver();
    assert_eq!(
        shop.stock(&product),
        (5, 0, 0),
        "units that were not shipped are returned"
    );
}

#[test]
fn cancels_once_and_returns_the_stock_once_for_concurrent_requests() {
    let shop = shop(&[]);
    let product = shop.product(10, 5);
    let order = shop.order(&product, 3);
    shop.deliver();
    let done = thread::scope(|scope| {
        let tries: Vec<_> = (0..16)
            .map(|attempt| {
                let (shop, id) = (shop.clone(), order.id.clone());
                scope.spawn(move || match attempt % 2 {
                    0 => shop.orders.cancel(&customer("u1"), &id, None),
                    _ => shop
                        .orders
                        .update_status(&admin(), &id, Status::Cancelled, Some(1), None),
                })
            })
            .collect();
        tries
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .filter(Result::is_ok)
            .count()
    });
    assert_eq!(done, 1);
    assert_eq!(shop.read(&order.id).timeline.len(), 2);
    shop.deliver();
    assert_eq!(shop.stock(&product), (5, 0, 0));
}

#[test]
fn repeats_a_change_after_a_concurrent_one() {
    let shop = shop(&[]);
    let order = shop.order(&shop.product(10, 5), 1);
    let (other, id) = (shop.clone(), order.id.clone());
    shop.ports.before_next_commit(move || {
        other
            .orders
            .update_status(&admin(), &id, Status::Paid, Some(1), None)
            .unwrap();
    });
    assert!(matches!(
        to(&shop, &order, Status::Paid, Some(1)),
        Err(Error::StaleVersion(2))
    ));
    let cancelled = shop.orders.cancel(&customer("u1"), &order.id, None).unwrap();
    assert_eq!(cancelled.timeline[2].before, Some(Status::Paid));
}

#[test]
fn cancels_an_order_that_is_not_paid_in_time() {
    let shop = shop(&[("ORDER_EXPIRY_SECONDS", "60")]);
    let product = shop.product(10, 5);
    let (late, paid) = (shop.order(&product, 2), shop.order(&product, 1));
    let events = shop.ports.take_events();
    let timers: Vec<_> = events.iter().filter(|event| event.kind == ORDER_DUE).collect();
    assert_eq!(timers.len(), 2);
    assert!(timers[0].due >= Some(late.created_at + 60_000));
    to(&shop, &paid, Status::Paid, None).unwrap();
    for timer in [timers[0], timers[1], timers[0]] {
        shop.handle(timer).unwrap();
    }
    let late = shop.read(&late.id);
    assert_eq!(
        (late.status, &late.timeline[1].actor),
        (Status::Cancelled, &Actor::Shop)
    );
    assert_eq!(shop.read(&paid.id).status, Status::Paid);
    shop.deliver();
    assert_eq!(shop.stock(&product), (4, 1, 0));
}

#[test]
fn keeps_an_order_that_is_paid_at_its_deadline() {
    let shop = shop(&[("ORDER_EXPIRY_SECONDS", "60")]);
    let order = shop.order(&shop.product(10, 5), 2);
    let timer = shop.event(ORDER_DUE);
    let (other, id) = (shop.clone(), order.id.clone());
    shop.ports.before_next_commit(move || {
        other
            .orders
            .update_status(&admin(), &id, Status::Paid, None, None)
            .unwrap();
    });
    shop.handle(&timer).unwrap();
    assert_eq!(shop.read(&order.id).status, Status::Paid);
}

#[test]
fn sets_no_timer_without_a_deadline() {
    for config in [&[][..], &[("ORDER_EXPIRY_SECONDS", "off")]] {
        let shop = shop(config);
        shop.order(&shop.product(10, 5), 1);
        let events = shop.ports.take_events();
        assert!(events.iter().all(|event| event.kind != ORDER_DUE));
    }
}

#[test]
fn filters_the_list_by_status_time_and_user() {
    let shop = shop(&[]);
    let product = shop.product(10, 9);
    let (first, second) = (shop.order(&product, 1), shop.order(&product, 1));
    to(&shop, &first, Status::Paid, None).unwrap();
    let status = |status| OrderFilter {
        status: Some(status),
        ..ANY
    };
    let user = |id: &str| OrderFilter {
        user_id: Some(id.into()),
        ..ANY
    };
    let ids = |filter| shop.list(&admin(), filter).unwrap();
    assert_eq!(ids(status(Status::Paid)), [first.id.as_str()]);
    assert_eq!(ids(status(Status::Pending)), [second.id.as_str()]);
    assert_eq!(ids(user("u1")).len(), 2);
    assert_eq!(ids(user("u2")), [""; 0]);
    let time = |created_from, created_before| OrderFilter {
        created_from,
        created_before,
        ..user("u1")
    };
    assert_eq!(
        ids(time(Some(first.created_at), Some(second.created_at + 1))).len(),
        2
    );
    assert_eq!(ids(time(Some(second.created_at + 1), None)), [""; 0]);
    assert_eq!(ids(time(None, Some(first.created_at))), [""; 0]);
    assert_eq!(shop.list(&customer("u1"), user("u1")).unwrap().len(), 2);
    assert_eq!(shop.list(&customer("u2"), ANY).unwrap(), [""; 0]);
    assert_eq!(error_code(&shop.list(&customer("u2"), user("u1"))), "FORBIDDEN");
}
