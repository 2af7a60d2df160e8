//! Stock that keepers of the shop change, and the ledger of every movement.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::thread;

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{MovementKind, NewProduct, ProductDetails, Stock, StockMovement};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Error, Line, Page, Shortage};

type Service = CatalogService<TestPorts>;

fn catalog() -> (TestPorts, Service) {
    let ports = TestPorts::new(&[("catalog", include_str!("../service.toml"))], &[]);
    (ports.clone(), CatalogService::new(ports))
}

fn new(quantity: i64) -> NewProduct {
    NewProduct {
        name: "Sock".into(),
        description: None,
        manufacturer: None,
        external_id: Some(format!("feed/{quantity}")),
        price: 100,
        currency: None,
        quantity,
        details: ProductDetails::default(),
    }
}

fn product(catalog: &Service, quantity: i64) -> String {
    catalog.create(&admin(), new(quantity)).unwrap().id
}

fn line(id: &str, quantity: u32) -> [Line; 1] {
    [Line {
        product_id: id.into(),
        quantity,
    }]
}

/// Where all pieces are, which must be what the ledger says: on hand, reserved, sold, written off.
fn stock(catalog: &Service, id: &str) -> (i64, i64, i64, i64) {
    let Stock {
        received,
        on_hand,
        reserved,
        sold,
        written_off,
        ..
    } = catalog.stock_many(&admin(), &[id.to_owned()]).unwrap()[0].unwrap();
    assert_eq!(received, on_hand + reserved + sold + written_off);
    let ledger = ledger(catalog, id);
    let of = |kinds: &[MovementKind], sign: i64| -> i64 {
        ledger
            .iter()
            .filter(|entry| kinds.contains(&entry.kind) && entry.on_hand * sign >= 0)
            .map(|entry| entry.pieces)
            .sum()
    };
    let [gained, lost] = [1, -1].map(|sign| of(&[MovementKind::Adjusted, MovementKind::Set], sign));
    assert_eq!(received, of(&[MovementKind::Received], 1) + gained);
    assert_eq!(written_off, lost);
    assert_eq!(on_hand, ledger.iter().map(|entry| entry.on_hand).sum::<i64>());
    let restocked = of(&[MovementKind::Restocked], 1);
    let settled = of(&[MovementKind::Sold], 1);
    assert_eq!(sold, settled - restocked);
    assert_eq!(
        reserved,
        of(&[MovementKind::Reserved], -1) - of(&[MovementKind::Released], 1) - settled
    );
    (on_hand, reserved, sold, written_off)
}

/// All movements, newest first, read by small pages.
fn ledger(catalog: &Service, id: &str) -> Vec<StockMovement> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = catalog
            .stock_movements(&admin(), id, &Page { first: 2, after })
            .unwrap();
        after = page.edges.last().map(|edge| edge.cursor.clone());
        all.extend(page.edges.into_iter().map(|edge| edge.movement));
        if !page.has_next {
            return all;
        }
    }
}

#[test]
fn every_movement_is_entered_with_who_and_why() {
    let (_, catalog) = catalog();
    let (id, other) = (product(&catalog, 9), product(&catalog, 1));
    catalog.receive(&Caller::ApiKey, &id, 5).unwrap();
    catalog.adjust_stock(&admin(), &id, -2, " broken ").unwrap();
    catalog.adjust_stock(&admin(), &id, 3, "found").unwrap();
    catalog.set_stock(&admin(), &id, 10, None).unwrap();
    for order in ["sold", "released", "restocked"] {
        catalog.reserve(order, &line(&id, 2), 0).unwrap();
    }
    catalog.settle("sold").unwrap();
    catalog.release("released").unwrap();
    catalog.settle("restocked").unwrap();
    catalog.restock("restocked").unwrap();
    assert_eq!(stock(&catalog, &id), (8, 0, 2, 7));
    assert_eq!(stock(&catalog, &other), (1, 0, 0, 0));

    let told: Vec<_> = ledger(&catalog, &id)
        .into_iter()
        .rev()
        .map(|entry| {
            let by = entry.actor.or(entry.order_id).unwrap();
            (entry.kind, entry.pieces, entry.on_hand, by, entry.reason)
        })
        .collect();
    let by = |who: &str| who.to_owned();
    assert_eq!(
        told,
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
fn what_is_not_done_or_repeated_is_not_entered() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 3);
    catalog.reserve("o", &line(&id, 2), 0).unwrap();
    catalog.reserve("o", &line(&id, 2), 0).unwrap();
    assert!(matches!(
        catalog.reserve("p", &line(&id, 2), 0),
        Err(Error::OutOfStock(_))
    ));
    catalog.settle("o").unwrap();
    catalog.settle("o").unwrap();
    assert!(catalog.adjust_stock(&admin(), &id, -2, "gone").is_err());
    catalog.set_stock(&admin(), &id, 1, None).unwrap();
    assert_eq!(ledger(&catalog, &id).len(), 3);
    assert_eq!(stock(&catalog, &id), (1, 0, 2, 0));
}

#[test]
fn an_import_enters_what_it_creates_and_nothing_else() {
    let (_, catalog) = catalog();
    for _ in 0..2 {
        catalog.import_many(&admin(), vec![new(4), new(0)]).unwrap();
    }
    let edges = catalog
        .list(&mercato_shop::catalog::ProductQuery {
            filter: mercato_shop::catalog::ProductFilter {
                search: None,
                manufacturer: None,
                min_price: None,
                max_price: None,
                in_stock: None,
                category: None,
                sku: None,
                standalone: false,
            },
            sort: mercato_shop::catalog::ProductSort {
                key: mercato_shop::catalog::SortKey::Created,
                descending: false,
            },
            page: Page {
                first: 9,
                after: None,
            },
        })
        .unwrap()
        .edges;
    let counts: Vec<_> = edges
        .iter()
        .map(|edge| (edge.product.quantity, ledger(&catalog, &edge.product.id).len()))
        .collect();
    assert_eq!(counts, [(4, 1), (0, 0)]);
    assert_eq!(stock(&catalog, &edges[0].product.id), (4, 0, 0, 0));
}

#[test]
fn no_more_is_written_off_than_is_on_hand_however_many_try_at_once() {
    let (_, catalog) = catalog();
    let id = product(&catalog, 10);
    thread::scope(|scope| {
        for number in 0..12 {
            let (catalog, id) = (catalog.clone(), id.clone());
            scope.spawn(move || {
                let _ = match number % 3 {
                    0 => catalog.adjust_stock(&admin(), &id, -2, "lost").map(drop),
                    1 => catalog.reserve(&format!("o{number}"), &line(&id, 2), 0).map(drop),
                    _ => catalog.adjust_stock(&admin(), &id, 1, "found").map(drop),
                };
            });
        }
    });
    let (on_hand, ..) = stock(&catalog, &id);
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
fn a_count_holds_at_the_moment_of_its_commit_and_leaves_what_orders_hold() {
    let (ports, catalog) = catalog();
    let id = product(&catalog, 10);
    let (seller, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(seller.reserve("o", &line(&sold, 4), 0).unwrap()));
    let counted = catalog.set_stock(&admin(), &id, 8, Some("yearly count")).unwrap();
    assert_eq!((counted.quantity, counted.version), (8, 1));
    assert_eq!(stock(&catalog, &id), (8, 4, 0, 0));
    let newest = ledger(&catalog, &id).remove(0);
    assert_eq!((newest.kind, newest.on_hand), (MovementKind::Set, 2));
    assert_eq!(newest.reason.as_deref(), Some("yearly count"));
}

#[test]
fn what_cannot_be_done_to_stock_is_refused_by_its_field() {
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
        assert!(
            matches!(&refused, Err(Error::Invalid(violation)) if violation.field == field),
            "{refused:?}"
        );
    }
    let page = Page {
        first: 1,
        after: None,
    };
    for caller in [Caller::Anonymous, customer("u")] {
        assert!(catalog.adjust_stock(&caller, &id, 1, "x").is_err());
        assert!(catalog.set_stock(&caller, &id, 1, None).is_err());
        assert!(catalog.stock_movements(&caller, &id, &page).is_err());
    }
    assert_eq!(stock(&catalog, &id), (1, 0, 0, 0));
}
