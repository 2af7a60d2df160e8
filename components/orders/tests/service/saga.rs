//! The saga of an order, over a real catalog.

use crate::shop::{ANY, DUE, PLACED, line, of, page, shop};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::id;
use mercato_shop::orders::{OrderPage, OrderQuery, Status};
use mercato_shop::services::{Inventory, Orders};
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

#[test]
fn reserves_stock_and_sells_it_by_the_event_of_the_placement() {
    let shop = shop(&[]);
    let (a, b) = (shop.product(250, 5), shop.product(99, 5));
    let order = shop
        .orders
        .place(&customer("u1"), &of(&[line(&a, 2), line(&b, 1)]))
        .unwrap();
    assert_eq!(
        (order.amounts.total, order.status, order.user_id.as_str()),
        (599, Status::Pending, "u1")
    );
    assert_eq!(shop.stock(&a), (3, 2, 0));

    let events = shop.ports.take_events();
    let placed = events.iter().find(|event| event.kind == PLACED).unwrap();
    shop.handle(placed).unwrap();
    shop.handle(placed).unwrap();
    assert_eq!((shop.stock(&a), shop.stock(&b)), ((3, 0, 2), (4, 0, 1)));
    shop.handle(events.iter().find(|event| event.kind == DUE).unwrap())
        .unwrap();
    assert_eq!(
        shop.stock(&a),
        (3, 0, 2),
        "the timer does not release the stock of an order"
    );
}

#[test]
fn settles_the_orders_of_a_batch_in_one_commit() {
    let shop = shop(&[]);
    let product = shop.product(250, 9);
    for _ in 0..3 {
        shop.order(&product, 1);
    }
    let mut placed = shop.ports.take_events();
    placed.retain(|event| event.kind == PLACED);
    placed[1].data = "[".into();
    shop.ports.stop_after(1);
    let results = shop.orders.handle(&placed);
    shop.ports.restart();
    assert!(
        matches!(&results[..], [Ok(()), Err(HandlerFailure::Reject(_)), Ok(())]),
        "{results:?}"
    );
    assert_eq!(shop.stock(&product), (6, 1, 2));
}

#[test]
fn reads_the_orders_of_a_batch_of_timers_together() {
    let shop = shop(&[]);
    let product = shop.product(250, 9);
    let missing = "0198c0de-0000-7000-8000-000000000001";
    shop.catalog.reserve(missing, &[line(&product, 2)], 0).unwrap();
    shop.order(&product, 1);
    let mut due = shop.ports.take_events();
    due.retain(|event| event.kind == DUE);
    assert_eq!(shop.orders.handle(&due), [Ok(()), Ok(())]);
    assert_eq!(
        shop.stock(&product),
        (8, 1, 0),
        "only the stock without an order is released"
    );
}

#[test]
fn requires_a_signed_in_user_to_place_an_order() {
    let shop = shop(&[]);
    let id = shop.product(1, 1);
    assert_eq!(
        error_code(&shop.orders.place(&Caller::Anonymous, &of(&[line(&id, 1)]))),
        "UNAUTHENTICATED"
    );
    assert_eq!(
        error_code(&shop.orders.place(&Caller::ApiKey, &of(&[line(&id, 1)]))),
        "FORBIDDEN"
    );
    assert_eq!(shop.stock(&id), (1, 0, 0));
}

#[test]
fn releases_a_reservation_without_an_order() {
    let shop = shop(&[]);
    let id = shop.product(1, 5);
    // A crash between the two steps leaves a reservation only.
    shop.catalog
        .reserve("0198c0de-0000-7000-8000-000000000001", &[line(&id, 2)], 0)
        .unwrap();
    let due = shop.event(DUE);
    shop.handle(&due).unwrap();
    assert_eq!(shop.stock(&id), (5, 0, 0));
    shop.handle(&due).unwrap();
    assert_eq!(shop.stock(&id), (5, 0, 0));
    let all = shop.list(&admin(), ANY).unwrap();
    assert_eq!(all.len(), 0, "a tombstone is not listed");
    let found = shop
        .orders
        .get_many(&admin(), &["0198c0de-0000-7000-8000-000000000001".into()])
        .unwrap();
    assert_eq!(error_code(&found[0]), "NOT_FOUND");
}

#[test]
fn sets_the_timers_of_an_order_to_the_configured_times() {
    let shop = shop(&[("RESERVATION_SECONDS", "300"), ("ORDER_EXPIRY_SECONDS", "600")]);
    let product = shop.product(1, 5);
    let before = id::now();
    shop.order(&product, 1);
    let after = id::now();
    let events = shop.ports.take_events();
    for (kind, wait) in [(DUE, 300_000), ("mercato.orders.order-due", 600_000)] {
        let timer = events.iter().find(|event| event.kind == kind).unwrap();
        let times = before + wait..=after + wait;
        assert!(times.contains(&timer.due.unwrap()), "{timer:?}");
    }
}

#[test]
fn rejects_a_placement_that_was_abandoned() {
    let shop = shop(&[]);
    let id = shop.product(1, 5);
    // The first commit reserves. Before the second one, which inserts the order, the timer is due.
    let (ports, orders) = (shop.ports.clone(), shop.orders.clone());
    shop.ports.before_next_commit(move || {
        let inner = ports.clone();
        ports.after_next_commit(move || {
            let due = inner
                .take_events()
                .into_iter()
                .find(|event| event.kind == DUE)
                .unwrap();
            orders.handle(&[due]).remove(0).unwrap();
        });
    });
    let refused = shop.orders.place(&customer("u1"), &of(&[line(&id, 2)]));
    assert!(matches!(refused, Err(Error::Conflict(message)) if message.contains("place it again")));
    assert_eq!(shop.stock(&id), (5, 0, 0));
}

#[test]
fn shows_customers_their_own_orders_and_admins_all() {
    let shop = shop(&[]);
    let id = shop.product(1, 100);
    let place = |user| {
        shop.orders
            .place(&customer(user), &of(&[line(&id, 1)]))
            .unwrap()
            .id
    };
    let (first, other, last) = (place("u1"), place("u2"), place("u1"));
    let list = |oldest_first, first, after| {
        let query = OrderQuery {
            filter: ANY,
            oldest_first,
            page: page(first, after),
        };
        Orders::list(&shop.orders, &admin(), &query).unwrap()
    };
    let ids = |caller: &Caller| shop.list(caller, ANY).unwrap();
    assert_eq!(ids(&customer("u1")), [last.clone(), first.clone()]);
    assert_eq!(ids(&Caller::ApiKey), [last.clone(), other.clone(), first.clone()]);
    let page = list(false, 2, None);
    assert!(page.has_next);
    let rest = list(false, 2, page.edges.last().map(|edge| edge.cursor.clone()));
    assert_eq!(
        (rest.edges.len(), rest.edges[0].order.id.as_str(), rest.has_next),
        (1, first.as_str(), false)
    );
    let page = list(true, 2, None);
    let found =
        |page: &OrderPage| -> Vec<_> { page.edges.iter().map(|edge| edge.order.id.clone()).collect() };
    assert_eq!(found(&page), [first.clone(), other.clone()]);
    let rest = list(true, 2, page.edges.last().map(|edge| edge.cursor.clone()));
    assert_eq!((found(&rest), rest.has_next), (vec![last], false));

    let answers = shop
        .orders
        .get_many(&customer("u1"), &[first, other.clone(), "nothing".into()])
        .unwrap();
    assert!(answers[0].is_ok());
    // Another user's order is like one that does not exist.
    for (answer, id) in answers[1..].iter().zip([other.as_str(), "nothing"]) {
        let missing = Error::NotFound(format!("There is no order {id}."));
        assert_eq!(answer.as_ref(), Err(&missing));
    }
    assert_eq!(error_code(&shop.list(&Caller::Anonymous, ANY)), "UNAUTHENTICATED");
}

#[test]
fn rejects_events_that_it_can_never_handle() {
    let shop = shop(&[]);
    let event = |kind: &str, data: &str| Event {
        id: "1".into(),
        kind: kind.into(),
        subject: "order/1".into(),
        time: 0,
        due: None,
        data: data.into(),
    };
    for (kind, data) in [
        (PLACED, "{}"),
        (PLACED, "not json"),
        ("mercato.else", r#"{"orderId":"1"}"#),
        (PLACED, r#"{"orderId":"1"}"#),
    ] {
        assert!(
            matches!(shop.handle(&event(kind, data)), Err(HandlerFailure::Reject(_))),
            "{kind} {data}"
        );
    }
}
