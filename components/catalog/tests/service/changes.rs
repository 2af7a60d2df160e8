//! Watches products: each change is reported, and reported once.

use std::collections::BTreeSet;

use mercato_ports::documents::{Insertion, Replacement, Write};
use mercato_shop::catalog::{NewProduct, Product};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin, invalid_field};
use mercato_shop::types::Error;

use crate::support::{Service, attributes, catalog, find, import, line, new_product, price, row, settle};

fn input(name: &str) -> NewProduct {
    NewProduct {
        price: 5,
        ..row(name)
    }
}

fn product(catalog: &Service, name: &str) -> Product {
    catalog.create(&admin(), &input(name)).unwrap()
}

fn set_price(catalog: &Service, product: &Product, amount: i64) -> Product {
    catalog
        .update(&admin(), &product.id, product.version, &price(amount))
        .unwrap()
}

/// Makes a product an hour old, so that a watch which looks back does not find its creation.
fn make_old(ports: &TestPorts, product: &Product) {
    let stored = ports
        .get_many("catalog.products", std::slice::from_ref(&product.id))
        .unwrap()
        .remove(0)
        .unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&stored.body).unwrap();
    body["updatedAt"] = (product.updated_at - 3_600_000).into();
    let write = Write::Replace(Replacement {
        collection: "catalog.products".into(),
        id: stored.id,
        expected: stored.version,
        body: body.to_string(),
    });
    ports.commit(&[write], &[]).unwrap();
}

/// The changed products as name, price (or `gone`) and quantity, and the cursor after them.
fn watch(catalog: &Service, ids: Option<&[String]>, after: Option<&str>) -> (Vec<String>, String) {
    let changes = catalog.changes(ids, after).unwrap();
    let text = |product: &Product| {
        let price = match product.archived_at {
            Some(_) => "gone".to_owned(),
            None => product.price.amount.to_string(),
        };
        format!("{} {price} {}", product.name, product.quantity)
    };
    let changed = changes
        .changes
        .iter()
        .map(|change| text(&change.product))
        .collect();
    (changed, changes.cursor)
}

/// As [`watch`] of all products, sorted.
fn watch_all(catalog: &Service, after: &str) -> (Vec<String>, String) {
    let (mut changed, cursor) = watch(catalog, None, Some(after));
    changed.sort();
    (changed, cursor)
}

#[test]
fn a_watch_of_some_products_reports_their_state_and_then_each_change_once() {
    let (_, catalog) = catalog();
    let (sock, hat) = (product(&catalog, "sock"), product(&catalog, "hat"));
    product(&catalog, "scarf");
    let ids = [sock.id.clone(), hat.id.clone(), sock.id.clone()];
    let (changed, start) = watch(&catalog, Some(&ids), None);
    assert_eq!(changed, ["sock 5 9", "hat 5 9"]);
    let (changed, cursor) = watch(&catalog, Some(&ids), Some(&start));
    assert_eq!(changed, [""; 0]);
    assert_eq!(cursor, start);

    let sock = set_price(&catalog, &sock, 6);
    catalog.adjust_stock(&admin(), &hat.id, -2, "lost").unwrap();
    let (changed, cursor) = watch(&catalog, Some(&ids), Some(&start));
    assert_eq!(changed, ["sock 6 9", "hat 5 7"]);
    assert_eq!(watch(&catalog, Some(&ids), Some(&cursor)).0, [""; 0]);
    // A client that received only the first change continues with its cursor.
    let first = catalog.changes(Some(&ids), Some(&start)).unwrap().changes[0]
        .cursor
        .clone();
    assert_eq!(watch(&catalog, Some(&ids), Some(&first)).0, ["hat 5 7"]);

    catalog.archive(&admin(), &sock.id, sock.version).unwrap();
    let (changed, cursor) = watch(&catalog, Some(&ids), Some(&cursor));
    assert_eq!(changed, ["sock gone 9"]);
    let row = NewProduct {
        quantity: 0,
        ..input("sock")
    };
    import(&catalog, &[row]).unwrap()[0].as_ref().unwrap();
    assert_eq!(watch(&catalog, Some(&ids), Some(&cursor)).0, ["sock 5 9"]);
}

#[test]
fn a_watch_of_all_products_reports_edits_ends_and_movements_from_now_on() {
    let (ports, catalog) = catalog();
    let (sock, hat) = (product(&catalog, "sock"), product(&catalog, "hat"));
    make_old(&ports, &sock);
    make_old(&ports, &hat);
    let (changed, start) = watch(&catalog, None, None);
    assert_eq!(changed, [""; 0]);
    assert_eq!(watch_all(&catalog, &start).0, [""; 0]);

    let sock = set_price(&catalog, &sock, 6);
    catalog
        .reserve("order", &[line(&hat.id, 2)], u64::MAX / 4)
        .unwrap();
    let (changed, cursor) = watch_all(&catalog, &start);
    assert_eq!(changed, ["hat 5 7", "sock 6 9"]);
    assert_eq!(watch_all(&catalog, &cursor).0, [""; 0]);

    catalog.archive(&admin(), &sock.id, sock.version).unwrap();
    product(&catalog, "scarf");
    settle(&catalog, "order").unwrap();
    let (changed, cursor) = watch_all(&catalog, &cursor);
    assert_eq!(changed, ["hat 5 7", "scarf 5 9", "sock gone 9"]);
    catalog.restock("order").unwrap();
    let (changed, cursor) = watch_all(&catalog, &cursor);
    assert_eq!(changed, ["hat 5 9"]);
    assert_eq!(watch_all(&catalog, &cursor).0, [""; 0]);
}

#[test]
fn a_change_of_a_variant_changes_its_parent() {
    let (ports, catalog) = catalog();
    let sock = product(&catalog, "sock");
    make_old(&ports, &sock);
    let (_, cursor) = watch(&catalog, None, None);
    let input = NewProduct {
        price: 5,
        quantity: 1,
        ..new_product("sock in red")
    };
    let red = catalog
        .create_variant(&admin(), &sock.id, &attributes(&[("colour", "red")]), &input)
        .unwrap();
    let (changed, cursor) = watch_all(&catalog, &cursor);
    assert_eq!(changed, ["sock 5 9", "sock in red 5 1"]);
    catalog.archive(&admin(), &red.id, red.version).unwrap();
    let (changed, _) = watch_all(&catalog, &cursor);
    assert_eq!(changed, ["sock 5 9", "sock in red gone 1"]);
}

#[test]
fn reports_more_than_a_page_in_several_answers() {
    let (_, catalog) = catalog();
    let (_, start) = watch(&catalog, None, None);
    for number in 0..320 {
        product(&catalog, &format!("product {number:03}"));
    }
    // This is also more than a cursor remembers, so some changes may be reported twice.
    let (mut all, mut cursor) = (BTreeSet::new(), start);
    for _ in 0..4 {
        let (changed, next) = watch(&catalog, None, Some(&cursor));
        all.extend(changed);
        cursor = next;
    }
    let expected: BTreeSet<_> = (0..320)
        .map(|number| format!("product {number:03} 5 9"))
        .collect();
    assert_eq!(all, expected);
}

/// Inserts copies of a product directly into the store, as if they had been created an hour ago. So they have
/// no movements, and a watch that looks back does not find them.
fn old_copies(ports: &TestPorts, original: &Product, count: usize) -> Vec<String> {
    let stored = ports
        .get_many("catalog.products", std::slice::from_ref(&original.id))
        .unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&stored[0].as_ref().unwrap().body).unwrap();
    body["updatedAt"] = (original.updated_at - 3_600_000).into();
    let mut insert = |number| {
        body["name"] = format!("copy {number:03}").into();
        let id = id::new();
        let write = Write::Insert(Insertion {
            collection: "catalog.products".into(),
            id: id.clone(),
            body: body.to_string(),
        });
        ports.commit(&[write], &[]).unwrap();
        id
    };
    (0..count).map(&mut insert).collect()
}

#[test]
fn reports_more_than_a_page_of_edits_ends_or_movements() {
    type Change = fn(&Service, &str);
    let moves: Change = |catalog, id| drop(catalog.receive_stock(&admin(), id, 1).unwrap());
    let edits: Change = |catalog, id| drop(set_price(catalog, &find(catalog, id).unwrap(), 6));
    let ends: Change = |catalog, id| {
        let version = find(catalog, id).unwrap().version;
        catalog.archive(&admin(), id, version).unwrap();
    };
    for (change, state) in [(moves, "5 10"), (edits, "6 9"), (ends, "gone 9")] {
        let (ports, catalog) = catalog();
        let copies = old_copies(&ports, &product(&catalog, "sock"), 320);
        let (_, mut cursor) = watch(&catalog, None, None);
        copies.iter().for_each(|id| change(&catalog, id));
        let mut all = BTreeSet::new();
        for _ in 0..4 {
            let (changed, next) = watch(&catalog, None, Some(&cursor));
            all.extend(changed.into_iter().filter(|text| text.starts_with("copy")));
            cursor = next;
        }
        let expected: BTreeSet<_> = (0..320)
            .map(|number| format!("copy {number:03} {state}"))
            .collect();
        assert_eq!(all, expected);
    }
}

#[test]
fn rejects_invalid_cursors_and_ids() {
    let (_, catalog) = catalog();
    let sock = [product(&catalog, "sock").id];
    let (_, some) = watch(&catalog, Some(&sock), None);
    let (_, all) = watch(&catalog, None, None);
    for (ids, after) in [
        (Some(&sock[..]), "no cursor"),
        (Some(&sock[..]), "e30.AAAA"),
        (Some(&sock[..]), &format!("{some}AAAA")),
        (Some(&sock[..]), &all),
        (None, &some),
        (None, ""),
        (None, &"A".repeat(10_000)),
    ] {
        assert_eq!(invalid_field(catalog.changes(ids, Some(after))), "Last-Event-ID");
    }
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    for ids in [&[][..], &many] {
        assert_eq!(invalid_field(catalog.changes(Some(ids), None)), "ids");
    }
    let missing = catalog.changes(Some(&["nothing".into()]), None).unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)), "{missing:?}");
}
