//! The ledger has every stock movement, and agrees with the counts of the product.

use std::thread;

use mercato_shop::catalog::{MovementKind, NewProduct, ProductFilter, SortKey, StockMovement};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{admin, customer, invalid_field};
use mercato_shop::types::{Caller, Error, Page, Shortage};

use crate::support::{
    Service, catalog, first, get_stock, import, line, product_with_stock as product, row, settle, sorted,
};

/// The units on hand, reserved, sold and written off, which must agree with the ledger.
fn counts(catalog: &Service, id: &str) -> (i64, i64, i64, i64) {
    let stock = get_stock(catalog, id);
    assert_eq!(
        stock.received,
        stock.on_hand + stock.reserved + stock.sold + stock.written_off
    );
    let ledger = ledger(catalog, id);
    let moved = |kinds: &[MovementKind], sign: i64| -> i64 {
        ledger
            .iter()
            .filter(|entry| kinds.contains(&entry.kind) && entry.on_hand * sign >= 0)
            .map(|entry| entry.units)
            .sum()
    };
    let [gained, lost] = [1, -1].map(|sign| moved(&[MovementKind::Adjusted, MovementKind::Set], sign));
    assert_eq!(stock.received, moved(&[MovementKind::Received], 1) + gained);
    assert_eq!(stock.written_off, lost);
    assert_eq!(
        stock.on_hand,
        ledger.iter().map(|entry| entry.on_hand).sum::<i64>()
    );
    let restocked = moved(&[MovementKind::Restocked], 1);
    let settled = moved(&[MovementKind::Sold], 1);
    assert_eq!(stock.sold, settled - restocked);
    assert_eq!(
        stock.reserved,
        moved(&[MovementKind::Reserved], -1) - moved(&[MovementKind::Released], 1) - settled
    );
    (stock.on_hand, stock.reserved, stock.sold, stock.written_off)
}

/// All movements, the newest first, read by small pages.
fn ledger(catalog: &Service, id: &str) -> Vec<StockMovement> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = catalog
            .stock_movements(&admin(), id, &Page::first(2, after))
            .unwrap();
        after = page.edges.last().map(|edge| edge.cursor.clone());
        all.extend(page.edges.into_iter().map(|edge| edge.movement));
        if !page.has_next {
            return all;
        }
    }
}

#[test]
fn enters_every_movement_with_its_actor_and_reason() {
    let (_, catalog) = catalog();
    let (id, other) = (product(&catalog, 9), product(&catalog, 1));
    catalog.receive_stock(&Caller::ApiKey, &id, 5).unwrap();
    catalog.adjust_stock(&admin(), &id, -2, " broken ").unwrap();
    catalog.adjust_stock(&admin(), &id, 3, "found").unwrap();
    catalog.set_stock(&admin(), &id, 10, None).unwrap();
    for order in ["sold", "released", "restocked"] {
        catalog.reserve(order, &[line(&id, 2)], 0).unwrap();
    }
    settle(&catalog, "sold").unwrap();
    catalog.release("released").unwrap();
    settle(&catalog, "restocked").unwrap();
    catalog.restock("restocked").unwrap();
    assert_eq!(counts(&catalog, &id), (8, 0, 2, 7));
    assert_eq!(counts(&catalog, &other), (1, 0, 0, 0));

    let entries: Vec<_> = ledger(&catalog, &id)
        .into_iter()
        .rev()
        .map(|entry| {
            let by = entry.actor.or(entry.order_id).unwrap();
            (entry.kind, entry.units, entry.on_hand, by, entry.reason)
        })
        .collect();
    let by = |who: &str| who.to_owned();
    assert_eq!(
        entries,
        [
            (MovementKind::Received, 9, 9, by("admin"), None),
            (MovementKind::Received, 5, 5, by("api-key"), None),
            (MovementKind::Adjusted, 2, -2, by("admin"), Some("broken".into())),
            (MovementKind::Adjusted, 3, 3, by("admin"), Some("found".into())),
            (MovementKind::Set, 5, -5, by("admin"), None),
            (MovementKind::Reserved, 2, -2, by("sold"), None),
            (MovementKind::Reserved, 2, -2, by("released"), None),
            (MovementKind::Reserved, 2, -2, by("restocked"), None),
            (MovementKind::Sold, 2, 0, by("sold"), None),
            (MovementKind::Released, 2, 2, by("released"), None),
            (MovementKind::Sold, 2, 0, by("restocked"), None),
            (MovementKind::Restocked, 2, 2, by("restocked"), None),
        ]
    );
}

#[test]
fn enters_neither_refused_nor_repeated_requests() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 3);
    catalog.reserve("o", &[line(&id, 2)], 0).unwrap();
    catalog.reserve("o", &[line(&id, 2)], 0).unwrap();
    assert!(matches!(
        catalog.reserve("p", &[line(&id, 2)], 0),
        Err(Error::OutOfStock(_))
    ));
    settle(&catalog, "o").unwrap();
    settle(&catalog, "o").unwrap();
    assert!(catalog.adjust_stock(&admin(), &id, -2, "gone").is_err());
    catalog.set_stock(&admin(), &id, 1, None).unwrap();
    assert_eq!(ledger(&catalog, &id).len(), 3);
    assert_eq!(counts(&catalog, &id), (1, 0, 2, 0));
}

#[test]
fn an_import_enters_only_the_stock_of_new_products() {
    let (_, catalog) = catalog();
    let rows = [4, 0].map(|quantity| NewProduct {
        quantity,
        ..row(&quantity.to_string())
    });
    for _ in 0..2 {
        import(&catalog, &rows).unwrap();
    }
    let query = sorted(ProductFilter::default(), SortKey::Created, first(9));
    let edges = catalog.list(&query).unwrap().edges;
    let entries: Vec<_> = edges
        .iter()
        .map(|edge| (edge.product.quantity, ledger(&catalog, &edge.product.id).len()))
        .collect();
    assert_eq!(entries, [(4, 1), (0, 0)]);
    assert_eq!(counts(&catalog, &edges[0].product.id), (4, 0, 0, 0));
}

#[test]
fn concurrent_adjustments_never_write_off_more_than_is_on_hand() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 10);
    thread::scope(|scope| {
        for number in 0..12 {
            let (catalog, id) = (catalog.clone(), id.clone());
            scope.spawn(move || {
                let _ = match number % 3 {
                    0 => catalog.adjust_stock(&admin(), &id, -2, "lost").map(drop),
                    1 => catalog
                        .reserve(&format!("o{number}"), &[line(&id, 2)], 0)
                        .map(drop),
                    _ => catalog.adjust_stock(&admin(), &id, 1, "found").map(drop),
                };
            });
        }
    });
    let (on_hand, ..) = counts(&catalog, &id);
    assert!(on_hand >= 0);
    let refused = catalog.adjust_stock(&admin(), &id, -1_000, "lost");
    let shortage = Shortage {
        product_id: id.clone(),
        requested: 1_000,
        available: u32::try_from(on_hand).unwrap(),
    };
    assert_eq!(refused, Err(Error::OutOfStock(vec![shortage])));
}

#[test]
fn setting_stock_applies_at_its_commit_and_keeps_reservations() {
    let (ports, catalog) = catalog();
    let id = product(&catalog, 10);
    let (seller, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(seller.reserve("o", &[line(&sold, 4)], 0).unwrap()));
    let counted = catalog.set_stock(&admin(), &id, 8, Some("yearly count")).unwrap();
    assert_eq!((counted.quantity, counted.version), (8, 1));
    assert_eq!(counts(&catalog, &id), (8, 4, 0, 0));
    let newest = ledger(&catalog, &id).remove(0);
    assert_eq!((newest.kind, newest.on_hand), (MovementKind::Set, 2));
    assert_eq!(newest.reason.as_deref(), Some("yearly count"));
}

#[test]
fn all_units_that_a_product_receives_fit_in_an_int() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 0);
    let largest = i64::from(i32::MAX);
    for delta in [largest, -largest] {
        catalog.adjust_stock(&admin(), &id, delta, "count").unwrap();
    }
    for (field, refused) in [
        ("delta", catalog.adjust_stock(&admin(), &id, 1, "count")),
        ("quantity", catalog.set_stock(&admin(), &id, 1, None)),
        ("quantity", catalog.receive_stock(&admin(), &id, 1)),
    ] {
        assert_eq!(invalid_field(refused), field);
    }
    assert_eq!(counts(&catalog, &id), (0, 0, 0, largest));
}

#[test]
fn rejects_invalid_stock_changes_by_the_field() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 1);
    let least = i64::from(i32::MIN);
    for (field, refused) in [
        ("delta", catalog.adjust_stock(&admin(), &id, 0, "x")),
        ("delta", catalog.adjust_stock(&admin(), &id, least, "x")),
        (
            "delta",
            catalog.adjust_stock(&admin(), &id, i64::from(i32::MAX), "x"),
        ),
        ("reason", catalog.adjust_stock(&admin(), &id, 1, " ")),
        ("reason", catalog.adjust_stock(&admin(), &id, 1, &"x".repeat(501))),
        ("reason", catalog.set_stock(&admin(), &id, 1, Some(""))),
        ("quantity", catalog.set_stock(&admin(), &id, -1, None)),
        ("quantity", catalog.set_stock(&admin(), &id, 1 << 31, None)),
    ] {
        assert_eq!(invalid_field(refused), field);
    }
    for caller in [Caller::Anonymous, customer("u")] {
        assert!(catalog.adjust_stock(&caller, &id, 1, "x").is_err());
        assert!(catalog.set_stock(&caller, &id, 1, None).is_err());
        assert!(catalog.stock_movements(&caller, &id, &first(1)).is_err());
    }
    assert_eq!(counts(&catalog, &id), (1, 0, 0, 0));
}
