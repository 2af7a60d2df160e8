//! What those who watch orders are told, whenever commits land.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod shop;

use std::collections::{BTreeMap, BTreeSet};

use mercato_ports::documents::{Insertion, Write};
use mercato_shop::id;
use mercato_shop::orders::{OrderChange, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::Orders;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};
use shop::{Shop, shop};

/// What a look tells, as the ends of ids with versions, and the cursor behind it.
fn look(shop: &Shop, caller: &Caller, id: Option<&str>, after: Option<&str>) -> (Vec<(String, u64)>, String) {
    let told = shop.orders.changes(caller, id, after).unwrap();
    let of = |change: OrderChange| (change.order.id, change.order.version);
    (told.changes.into_iter().map(of).collect(), told.cursor)
}

/// Has an order land now that tells this time.
fn land(shop: &Shop, id: &str, user_id: &str, time: u64) {
    let body = format!(
        r#"{{"userId":"{user_id}","lines":[],"currency":"USD","status":"pending","createdAt":{time},"updatedAt":{time}}}"#
    );
    let write = Write::Insert(Insertion {
        collection: "orders.orders".into(),
        id: id.into(),
        body,
    });
    shop.ports.commit(&[write], &[]).unwrap();
}

#[test]
fn one_order_is_told_as_it_is_and_then_each_change_once() {
    let shop = shop(&[]);
    let sock = shop.product(250, 9);
    let order = shop.order(&sock, 1);
    let watch = |caller: &Caller, after: Option<&str>| look(&shop, caller, Some(&order.id), after);
    let ada = customer("u1");
    let (told, start) = watch(&ada, None);
    assert_eq!(told, [(order.id.clone(), 1)]);
    assert_eq!(watch(&ada, Some(&start)), (vec![], start.clone()));
    for status in [Status::Paid, Status::Processing] {
        shop.orders
            .update_status(&admin(), &order.id, status, None, None)
            .unwrap();
    }
    let (told, cursor) = watch(&ada, Some(&start));
    assert_eq!(told, [(order.id.clone(), 3)]);
    assert_eq!(watch(&ada, Some(&cursor)).0, []);
    assert_eq!(watch(&admin(), None).0.len(), 1);

    let refused = |caller: &Caller, id: &str| shop.orders.changes(caller, Some(id), None).unwrap_err();
    assert!(matches!(refused(&customer("u2"), &order.id), Error::Forbidden(_)));
    assert!(matches!(
        refused(&Caller::Anonymous, &order.id),
        Error::Unauthenticated(_)
    ));
    assert!(matches!(refused(&ada, "nothing"), Error::NotFound(_)));
    assert!(matches!(
        shop.orders.changes(&Caller::Anonymous, None, None),
        Err(Error::Unauthenticated(_))
    ));
    let (_, all) = look(&shop, &ada, None, None);
    for bad in [all.as_str(), "x.y", ""] {
        let refused = shop.orders.changes(&ada, Some(&order.id), Some(bad)).unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{bad}");
    }
}

#[test]
fn a_page_that_was_not_all_says_so() {
    let shop = shop(&[]);
    let (_, start) = look(&shop, &admin(), None, None);
    for _ in 0..305 {
        land(&shop, &id::new(), "u1", id::now());
    }
    let mut cursor = start;
    for (told, more) in [(300, true), (5, false)] {
        let changes = shop.orders.changes(&admin(), None, Some(&cursor)).unwrap();
        assert_eq!((changes.changes.len(), changes.more), (told, more));
        cursor = changes.cursor;
    }
}

#[test]
fn customers_are_told_of_their_own_orders_and_keepers_of_all() {
    let shop = shop(&[]);
    let sock = shop.product(250, 9);
    let before = shop.order(&sock, 1);
    let watchers = [customer("u1"), customer("u2"), admin(), Caller::ApiKey];
    let start = watchers.clone().map(|who| look(&shop, &who, None, None));
    assert!(
        start.iter().all(|(told, _)| told.is_empty()),
        "what was there before is no change"
    );
    let placed = shop.order(&sock, 1);
    shop.orders.cancel(&admin(), &before.id, None).unwrap();
    let expected = BTreeSet::from([(placed.id, 1), (before.id, 2)]);
    for ((who, (_, start)), sees) in watchers.iter().zip(start).zip([true, false, true, true]) {
        let (told, cursor) = look(&shop, who, None, Some(&start));
        let told: BTreeSet<_> = told.into_iter().collect();
        assert_eq!(told, if sees { expected.clone() } else { BTreeSet::new() });
        assert_eq!(look(&shop, who, None, Some(&cursor)).0, [], "once");
    }
}

#[test]
fn commits_that_land_late_or_at_the_same_time_are_told_once_from_whatever_cursor() {
    for seed in 0..8 {
        let shop = shop(&[]);
        let mut random = fastrand::Rng::with_seed(seed);
        let (_, start) = look(&shop, &admin(), None, None);
        let (mut landed, mut told, mut cursor) = (BTreeSet::new(), Vec::new(), start.clone());
        let mut cursors = vec![(start, BTreeSet::new())];
        for _ in 0..40 {
            for _ in 0..random.u64(..7) {
                // Up to 14 seconds late, many of them at the same time.
                let time = id::now() - random.u64(..15) * 1000;
                let id = id::new();
                land(&shop, &id, "u1", time);
                landed.insert(id);
            }
            let answer = shop.orders.changes(&admin(), None, Some(&cursor)).unwrap();
            let mut heard = answer.changes.len();
            // Some connections end in the middle of an answer.
            cursor = if heard > 0 && random.u8(..3) == 0 {
                heard = random.usize(1..=heard);
                answer.changes[heard - 1].cursor.clone()
            } else {
                answer.cursor
            };
            told.extend(
                answer
                    .changes
                    .into_iter()
                    .take(heard)
                    .map(|change| change.order.id),
            );
            cursors.push((cursor.clone(), told.iter().cloned().collect()));
        }
        while told.len() < landed.len() {
            let (more, next) = look(&shop, &admin(), None, Some(&cursor));
            assert!(!more.is_empty(), "lost {}", landed.len() - told.len());
            told.extend(more.into_iter().map(|(id, _)| id));
            cursor = next;
        }
        assert_eq!(look(&shop, &admin(), None, Some(&cursor)).0, []);
        let once: BTreeSet<_> = told.iter().cloned().collect();
        assert_eq!((told.len(), &once), (landed.len(), &landed), "everything once");
        for (cursor, heard) in cursors {
            let (mut rest, mut cursor) = (Vec::new(), cursor);
            loop {
                let (more, next) = look(&shop, &admin(), None, Some(&cursor));
                if more.is_empty() {
                    break;
                }
                rest.extend(more.into_iter().map(|(id, _)| id));
                cursor = next;
            }
            let expected: BTreeSet<_> = landed.difference(&heard).cloned().collect();
            assert_eq!(rest.len(), expected.len(), "nothing twice");
            assert_eq!(rest.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }
}

#[test]
fn a_burst_of_more_than_a_cursor_remembers_loses_nothing_and_comes_to_an_end() {
    let shop = shop(&[]);
    let (_, start) = look(&shop, &admin(), None, None);
    let now = id::now();
    let ids: BTreeSet<_> = (0..700)
        .map(|number| {
            let id = id::new();
            // All of them within the time that a scan looks back, a hundred at each.
            land(&shop, &id, "u1", now - number % 7);
            id
        })
        .collect();
    let (mut told, mut cursor) = (BTreeMap::<String, u32>::new(), start);
    let late = id::new();
    for round in 0..16 {
        if round == 6 {
            // Behind everything that was read.
            land(&shop, &late, "u1", now - 9_000);
        }
        let (more, next) = look(&shop, &admin(), None, Some(&cursor));
        assert!(next.len() < 4_000, "a cursor is a header");
        for (id, _) in more {
            *told.entry(id).or_default() += 1;
        }
        cursor = next;
    }
    assert!(
        ids.iter().all(|id| told.contains_key(id)),
        "lost {}",
        700 - told.len()
    );
    assert!(told.contains_key(&late), "what lands behind is told");
}

#[test]
fn a_watch_goes_on_after_a_long_time() {
    let shop = shop(&[]);
    let old = id::now() - 3_600_000;
    // The cursor of a watch that ended two hours ago.
    let head = format!(
        r#"{{"k":"orders","s":[{{"from":{},"after":null}}]}}"#,
        old - 3_600_000
    );
    let start = format!("{}.", base64(head.as_bytes()));
    for number in 0..650 {
        land(&shop, &format!("order {number:03}"), "u1", old + number);
    }
    land(&shop, "last", "u1", id::now());
    let (mut told, mut cursor) = (Vec::new(), start);
    for _ in 0..4 {
        let (more, next) = look(&shop, &admin(), None, Some(&cursor));
        told.extend(more.into_iter().map(|(id, _)| id));
        cursor = next;
    }
    let mut expected: Vec<_> = (0..650).map(|number| format!("order {number:03}")).collect();
    expected.push("last".into());
    assert_eq!(told, expected, "in the order of time");
    assert!(
        cursor.len() < 200,
        "what is long past is forgotten: {}",
        cursor.len()
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
