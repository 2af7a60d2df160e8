//! Watching orders, whenever commits land.

use std::collections::{BTreeMap, BTreeSet};

use crate::shop::{Shop, shop};
use mercato_ports::documents::{Insertion, Write};
use mercato_shop::id;
use mercato_shop::orders::{OrderChange, Status};
use mercato_shop::ports::Ports;
use mercato_shop::services::Orders;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

/// Reads the changes since a cursor: ids with versions, and the next cursor.
fn changes(
    shop: &Shop,
    caller: &Caller,
    id: Option<&str>,
    after: Option<&str>,
) -> (Vec<(String, u64)>, String) {
    let found = shop.orders.changes(caller, id, after).unwrap();
    let of = |change: OrderChange| (change.order.id, change.order.version);
    (found.changes.into_iter().map(of).collect(), found.cursor)
}

/// Inserts an order now whose change has another time.
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
fn returns_an_order_and_then_each_change_once() {
    let shop = shop(&[]);
    let sock = shop.product(250, 9);
    let order = shop.order(&sock, 1);
    let watch = |caller: &Caller, after: Option<&str>| changes(&shop, caller, Some(&order.id), after);
    let ada = customer("u1");
    let (found, start) = watch(&ada, None);
    assert_eq!(found, [(order.id.clone(), 1)]);
    assert_eq!(watch(&ada, Some(&start)), (vec![], start.clone()));
    for status in [Status::Paid, Status::Processing] {
        shop.orders
            .update_status(&admin(), &order.id, status, None, None)
            .unwrap();
    }
    let (found, cursor) = watch(&ada, Some(&start));
    assert_eq!(found, [(order.id.clone(), 3)]);
    assert_eq!(watch(&ada, Some(&cursor)).0, []);
    assert_eq!(watch(&admin(), None).0.len(), 1);

    let refused = |caller: &Caller, id: &str| shop.orders.changes(caller, Some(id), None).unwrap_err();
    assert!(matches!(refused(&customer("u2"), &order.id), Error::NotFound(_)));
    assert!(matches!(
        refused(&Caller::Anonymous, &order.id),
        Error::Unauthenticated(_)
    ));
    assert!(matches!(refused(&ada, "nothing"), Error::NotFound(_)));
    assert_eq!(
        error_code(&shop.orders.changes(&Caller::Anonymous, None, None)),
        "UNAUTHENTICATED"
    );
    let (_, all) = changes(&shop, &ada, None, None);
    for bad in [all.as_str(), "x.y", ""] {
        let refused = shop.orders.changes(&ada, Some(&order.id), Some(bad)).unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{bad}");
    }
}

#[test]
fn says_whether_there_are_more_changes() {
    let shop = shop(&[]);
    let (_, start) = changes(&shop, &admin(), None, None);
    for _ in 0..305 {
        land(&shop, &id::new(), "u1", id::now());
    }
    let mut cursor = start;
    for (count, more) in [(300, true), (5, false)] {
        let changes = shop.orders.changes(&admin(), None, Some(&cursor)).unwrap();
        assert_eq!((changes.changes.len(), changes.more), (count, more));
        cursor = changes.cursor;
    }
}

#[test]
fn shows_customers_their_own_changes_and_admins_all() {
    let shop = shop(&[]);
    let sock = shop.product(250, 9);
    let before = shop.order(&sock, 1);
    let watchers = [customer("u1"), customer("u2"), admin(), Caller::ApiKey];
    let start = watchers.clone().map(|caller| changes(&shop, &caller, None, None));
    assert!(
        start.iter().all(|(found, _)| found.is_empty()),
        "earlier orders are not changes"
    );
    let placed = shop.order(&sock, 1);
    shop.orders.cancel(&admin(), &before.id, None).unwrap();
    let expected = BTreeSet::from([(placed.id, 1), (before.id, 2)]);
    for ((caller, (_, start)), sees) in watchers.iter().zip(start).zip([true, false, true, true]) {
        let (found, cursor) = changes(&shop, caller, None, Some(&start));
        let found: BTreeSet<_> = found.into_iter().collect();
        assert_eq!(found, if sees { expected.clone() } else { BTreeSet::new() });
        assert_eq!(changes(&shop, caller, None, Some(&cursor)).0, [], "once");
    }
}

#[test]
fn returns_late_and_simultaneous_commits_once_from_any_cursor() {
    for seed in 0..8 {
        let shop = shop(&[]);
        let mut random = fastrand::Rng::with_seed(seed);
        let (_, start) = changes(&shop, &admin(), None, None);
        let (mut landed, mut returned, mut cursor) = (BTreeSet::new(), Vec::new(), start.clone());
        let mut cursors = vec![(start, BTreeSet::new())];
        for _ in 0..40 {
            for _ in 0..random.u64(..7) {
                // Commits land up to 14 seconds late, many of them at the same time.
                let time = id::now() - random.u64(..15) * 1000;
                let id = id::new();
                land(&shop, &id, "u1", time);
                landed.insert(id);
            }
            let answer = shop.orders.changes(&admin(), None, Some(&cursor)).unwrap();
            let mut count = answer.changes.len();
            // Some clients read a part of the answer only.
            cursor = if count > 0 && random.u8(..3) == 0 {
                count = random.usize(1..=count);
                answer.changes[count - 1].cursor.clone()
            } else {
                answer.cursor
            };
            returned.extend(
                answer
                    .changes
                    .into_iter()
                    .take(count)
                    .map(|change| change.order.id),
            );
            cursors.push((cursor.clone(), returned.iter().cloned().collect()));
        }
        while returned.len() < landed.len() {
            let (more, next) = changes(&shop, &admin(), None, Some(&cursor));
            assert!(!more.is_empty(), "lost {}", landed.len() - returned.len());
            returned.extend(more.into_iter().map(|(id, _)| id));
            cursor = next;
        }
        assert_eq!(changes(&shop, &admin(), None, Some(&cursor)).0, []);
        let once: BTreeSet<_> = returned.iter().cloned().collect();
        assert_eq!(
            (returned.len(), &once),
            (landed.len(), &landed),
            "each change is returned once"
        );
        for (cursor, seen) in cursors {
            let (mut rest, mut cursor) = (Vec::new(), cursor);
            loop {
                let (more, next) = changes(&shop, &admin(), None, Some(&cursor));
                if more.is_empty() {
                    break;
                }
                rest.extend(more.into_iter().map(|(id, _)| id));
                cursor = next;
            }
            let expected: BTreeSet<_> = landed.difference(&seen).cloned().collect();
            assert_eq!(rest.len(), expected.len(), "no change is returned twice");
            assert_eq!(rest.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }
}

#[test]
fn returns_a_burst_that_is_larger_than_a_cursor_without_loss() {
    let shop = shop(&[]);
    let (_, start) = changes(&shop, &admin(), None, None);
    let now = id::now();
    let ids: BTreeSet<_> = (0..700)
        .map(|number| {
            let id = id::new();
            // A hundred at each time, all of them within the time that a scan looks back.
            land(&shop, &id, "u1", now - number % 7);
            id
        })
        .collect();
    let (mut returned, mut cursor) = (BTreeMap::<String, u32>::new(), start);
    let late = id::new();
    for round in 0..16 {
        if round == 6 {
            // Earlier than everything that was read.
            land(&shop, &late, "u1", now - 9_000);
        }
        let (more, next) = changes(&shop, &admin(), None, Some(&cursor));
        assert!(next.len() < 4_000, "a cursor must fit into a header");
        for (id, _) in more {
            *returned.entry(id).or_default() += 1;
        }
        cursor = next;
    }
    assert!(
        ids.iter().all(|id| returned.contains_key(id)),
        "lost {}",
        700 - returned.len()
    );
    assert!(returned.contains_key(&late), "a late commit is returned");
}

#[test]
fn continues_a_watch_after_a_long_time() {
    let shop = shop(&[]);
    let old = id::now() - 3_600_000;
    // The cursor of a watch that stopped two hours ago.
    let head = format!(
        r#"{{"k":"orders","s":[{{"from":{},"after":null}}]}}"#,
        old - 3_600_000
    );
    let start = format!("{}.", base64(head.as_bytes()));
    for number in 0..650 {
        land(&shop, &format!("order {number:03}"), "u1", old + number);
    }
    land(&shop, "last", "u1", id::now());
    let (mut returned, mut cursor) = (Vec::new(), start);
    for _ in 0..4 {
        let (more, next) = changes(&shop, &admin(), None, Some(&cursor));
        returned.extend(more.into_iter().map(|(id, _)| id));
        cursor = next;
    }
    let mut expected: Vec<_> = (0..650).map(|number| format!("order {number:03}")).collect();
    expected.push("last".into());
    assert_eq!(returned, expected, "changes are in the order of time");
    assert!(cursor.len() < 200, "old changes are forgotten: {}", cursor.len());
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
