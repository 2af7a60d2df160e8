//! What those who watch products are told: everything, and nothing twice.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use mercato_catalog::CatalogService;
use mercato_ports::documents::{Replacement, Write};
use mercato_shop::catalog::{NewProduct, Product, ProductDetails, ProductPatch};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::{Error, Line};

fn shop() -> (TestPorts, CatalogService<TestPorts>) {
    let ports = TestPorts::new(&[("catalog", include_str!("../service.toml"))], &[]);
    (ports.clone(), CatalogService::new(ports))
}

fn product(catalog: &impl Catalog, name: &str) -> Product {
    let input = NewProduct {
        name: name.into(),
        description: None,
        manufacturer: None,
        external_id: Some(name.into()),
        price: 5,
        currency: None,
        quantity: 9,
        details: ProductDetails::default(),
    };
    catalog.create(&admin(), input).unwrap()
}

fn priced(catalog: &impl Catalog, product: &Product, price: i64) -> Product {
    let patch = ProductPatch {
        name: None,
        description: None,
        manufacturer: None,
        price: Some(price),
        currency: None,
        details: ProductDetails::default(),
    };
    catalog
        .update(&admin(), &product.id, product.version, patch)
        .unwrap()
}

/// Has a product be an hour old, so that no look back meets its creation.
fn aged(ports: &TestPorts, product: &Product) {
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

/// The names and prices, or `gone`, and the number of pieces, that a look tells; and the cursor behind it.
fn look(catalog: &impl Catalog, ids: Option<&[String]>, after: Option<&str>) -> (Vec<String>, String) {
    let changes = catalog.changes(ids, after).unwrap();
    let text = |product: &Product| {
        let price = match product.archived_at {
            Some(_) => "gone".to_owned(),
            None => product.price.amount.to_string(),
        };
        format!("{} {price} {}", product.name, product.quantity)
    };
    let told = changes
        .changes
        .iter()
        .map(|change| text(&change.product))
        .collect();
    (told, changes.cursor)
}

#[test]
fn of_some_products_the_state_is_told_and_then_each_change_once() {
    let (_, catalog) = shop();
    let (sock, hat) = (product(&catalog, "sock"), product(&catalog, "hat"));
    product(&catalog, "scarf");
    let ids = [sock.id.clone(), hat.id.clone(), sock.id.clone()];
    let (told, start) = look(&catalog, Some(&ids), None);
    assert_eq!(told, ["sock 5 9", "hat 5 9"]);
    let (told, cursor) = look(&catalog, Some(&ids), Some(&start));
    assert_eq!(told, [""; 0]);
    assert_eq!(cursor, start);

    let sock = priced(&catalog, &sock, 6);
    catalog.adjust_stock(&admin(), &hat.id, -2, "lost").unwrap();
    let (told, cursor) = look(&catalog, Some(&ids), Some(&start));
    assert_eq!(told, ["sock 6 9", "hat 5 7"]);
    assert_eq!(look(&catalog, Some(&ids), Some(&cursor)).0, [""; 0]);
    // Who heard only the first of the two goes on with its cursor.
    let first = catalog.changes(Some(&ids), Some(&start)).unwrap().changes[0]
        .cursor
        .clone();
    assert_eq!(look(&catalog, Some(&ids), Some(&first)).0, ["hat 5 7"]);

    catalog.archive(&admin(), &sock.id, sock.version).unwrap();
    let (told, cursor) = look(&catalog, Some(&ids), Some(&cursor));
    assert_eq!(told, ["sock gone 9"]);
    let row = NewProduct {
        name: "sock".into(),
        description: None,
        manufacturer: None,
        external_id: Some("sock".into()),
        price: 5,
        currency: None,
        quantity: 0,
        details: ProductDetails::default(),
    };
    catalog.import_many(&admin(), vec![row]).unwrap()[0]
        .as_ref()
        .unwrap();
    assert_eq!(look(&catalog, Some(&ids), Some(&cursor)).0, ["sock 5 9"]);
}

#[test]
fn of_all_products_edits_ends_and_movements_are_told_from_now_on() {
    let (ports, catalog) = shop();
    let (sock, hat) = (product(&catalog, "sock"), product(&catalog, "hat"));
    aged(&ports, &sock);
    aged(&ports, &hat);
    let (told, start) = look(&catalog, None, None);
    assert_eq!(told, [""; 0]);
    assert_eq!(look(&catalog, None, Some(&start)).0, [""; 0]);

    let sock = priced(&catalog, &sock, 6);
    let line = Line {
        product_id: hat.id.clone(),
        quantity: 2,
    };
    catalog.reserve("order", &[line], u64::MAX / 4).unwrap();
    let (mut told, cursor) = look(&catalog, None, Some(&start));
    told.sort();
    assert_eq!(told, ["hat 5 7", "sock 6 9"]);
    assert_eq!(look(&catalog, None, Some(&cursor)).0, [""; 0]);

    catalog.archive(&admin(), &sock.id, sock.version).unwrap();
    product(&catalog, "scarf");
    catalog.settle("order").unwrap();
    let (mut told, cursor) = look(&catalog, None, Some(&cursor));
    told.sort();
    assert_eq!(told, ["hat 5 7", "scarf 5 9", "sock gone 9"]);
    // What an archived product gets back is told, too.
    catalog.restock("order").unwrap();
    let (told, cursor) = look(&catalog, None, Some(&cursor));
    assert_eq!(told, ["hat 5 9"]);
    assert_eq!(look(&catalog, None, Some(&cursor)).0, [""; 0]);
}

#[test]
fn a_variant_changes_its_parent() {
    let (ports, catalog) = shop();
    let sock = product(&catalog, "sock");
    aged(&ports, &sock);
    let (_, cursor) = look(&catalog, None, None);
    let input = NewProduct {
        name: "sock in red".into(),
        description: None,
        manufacturer: None,
        external_id: None,
        price: 5,
        currency: None,
        quantity: 1,
        details: ProductDetails::default(),
    };
    let options = vec![mercato_shop::catalog::Attribute {
        name: "colour".into(),
        value: "red".into(),
    }];
    let red = catalog
        .create_variant(&admin(), &sock.id, options, input)
        .unwrap();
    let (mut told, cursor) = look(&catalog, None, Some(&cursor));
    told.sort();
    assert_eq!(told, ["sock 5 9", "sock in red 5 1"]);
    catalog.archive(&admin(), &red.id, red.version).unwrap();
    let (mut told, _) = look(&catalog, None, Some(&cursor));
    told.sort();
    assert_eq!(told, ["sock 5 9", "sock in red gone 1"]);
}

#[test]
fn more_than_a_page_is_told_by_and_by() {
    let (_, catalog) = shop();
    let (_, start) = look(&catalog, None, None);
    for number in 0..320 {
        product(&catalog, &format!("product {number:03}"));
    }
    // More than a cursor remembers, too, so that some may come twice.
    let (mut all, mut cursor) = (BTreeSet::new(), start);
    for _ in 0..4 {
        let (told, next) = look(&catalog, None, Some(&cursor));
        all.extend(told);
        cursor = next;
    }
    let expected: BTreeSet<_> = (0..320)
        .map(|number| format!("product {number:03} 5 9"))
        .collect();
    assert_eq!(all, expected);
}

#[test]
fn what_can_not_be_watched_is_refused() {
    let (_, catalog) = shop();
    let sock = [product(&catalog, "sock").id];
    let (_, some) = look(&catalog, Some(&sock), None);
    let (_, all) = look(&catalog, None, None);
    for (ids, after) in [
        (Some(&sock[..]), "no cursor"),
        (Some(&sock[..]), "e30.AAAA"),
        (Some(&sock[..]), &format!("{some}AAAA")),
        (Some(&sock[..]), &all),
        (None, &some),
        (None, ""),
        (None, &"A".repeat(10_000)),
    ] {
        let refused = catalog.changes(ids, Some(after)).unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid(violation) if violation.field == "Last-Event-ID"),
            "{refused:?}"
        );
    }
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    for ids in [&[][..], &many] {
        let refused = catalog.changes(Some(ids), None).unwrap_err();
        assert!(
            matches!(&refused, Error::Invalid(violation) if violation.field == "ids"),
            "{refused:?}"
        );
    }
    let missing = catalog.changes(Some(&["nothing".into()]), None).unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)), "{missing:?}");
}
