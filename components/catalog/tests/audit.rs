//! What the audit log is told of those who keep the catalog: in the commit of what they do, and of nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use mercato_catalog::CatalogService;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, Act};
use mercato_shop::catalog::{
    Attribute, CategoryPatch, NewCategory, NewProduct, Product, ProductDetails, ProductPatch,
};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Line};

type Service = CatalogService<TestPorts>;

fn catalog() -> (TestPorts, Service) {
    let ports = TestPorts::new(&[("catalog", include_str!("../service.toml"))], &[]);
    (ports.clone(), CatalogService::new(ports))
}

fn new(name: &str) -> NewProduct {
    NewProduct {
        name: name.into(),
        description: None,
        manufacturer: None,
        external_id: Some(format!("feed/{name}")),
        price: 100,
        currency: None,
        quantity: 3,
        details: ProductDetails::default(),
    }
}

fn patch(name: &str, price: i64) -> ProductPatch {
    ProductPatch {
        name: Some(name.into()),
        description: None,
        manufacturer: None,
        price: Some(price),
        currency: None,
        details: ProductDetails::default(),
    }
}

fn sock(ports: &TestPorts, catalog: &Service) -> Product {
    let product = catalog.create(&admin(), new("Sock")).unwrap();
    let created = Act::by("admin", AuditAction::ProductCreate).on(&product.id);
    assert_eq!(ports.take_acts(), [created]);
    product
}

#[test]
fn products_are_made_changed_and_ended_by_somebody() {
    let (ports, catalog) = catalog();
    let id = sock(&ports, &catalog).id;
    catalog
        .update(&Caller::ApiKey, &id, 1, patch("Stocking", 120))
        .unwrap();
    let size = Attribute {
        name: "size".into(),
        value: "M".into(),
    };
    let variant = catalog
        .create_variant(&admin(), &id, vec![size], new("Sock M"))
        .unwrap();
    catalog.archive(&admin(), &variant.id, variant.version).unwrap();
    let by = |actor: &str, action, id: &str| Act::by(actor, action).on(id);
    let expected = [
        by(API_KEY, AuditAction::ProductUpdate, &id).detail("price 100 USD -> 120 USD, name"),
        by("admin", AuditAction::ProductCreate, &variant.id).detail(format!("variant of {id}")),
        by("admin", AuditAction::ProductDelete, &variant.id),
    ];
    assert_eq!(ports.take_acts(), expected);
}

#[test]
fn nothing_is_told_of_what_was_not_done() {
    let (ports, catalog) = catalog();
    let id = sock(&ports, &catalog).id;
    catalog.update(&admin(), &id, 1, patch("Sock", 100)).unwrap();
    catalog.set_stock(&admin(), &id, 3, None).unwrap();
    assert!(catalog.update(&admin(), &id, 9, patch("Sock", 1)).is_err());
    assert!(catalog.update(&customer("u1"), &id, 1, patch("Sock", 1)).is_err());
    assert!(catalog.create(&admin(), new("Sock")).is_err());
    assert!(catalog.adjust_stock(&admin(), &id, -4, "lost").is_err());
    assert!(catalog.archive(&admin(), &id, 9).is_err());
    let line = Line {
        product_id: id,
        quantity: 1,
    };
    catalog
        .reserve("o1", &[line], mercato_shop::id::now() + 60_000)
        .unwrap();
    catalog.settle("o1").unwrap();
    catalog.restock("o1").unwrap();
    assert_eq!(ports.take_acts(), []);
}

#[test]
fn stock_is_moved_by_somebody_and_the_reason_stays_in_the_ledger() {
    let (ports, catalog) = catalog();
    let id = sock(&ports, &catalog).id;
    catalog.receive(&admin(), &id, 5).unwrap();
    catalog
        .adjust_stock(&admin(), &id, -2, "Ada has lost them")
        .unwrap();
    catalog
        .set_stock(&admin(), &id, 10, Some("counted by Ada"))
        .unwrap();
    let by = |action, detail: &str| Act::by("admin", action).on(&id).detail(detail);
    let expected = [
        by(AuditAction::StockReceive, "+5"),
        by(AuditAction::StockAdjust, "-2"),
        by(AuditAction::StockSet, "6 -> 10"),
    ];
    assert_eq!(ports.take_acts(), expected);
}

#[test]
fn a_batch_of_an_import_is_one_act() {
    let (ports, catalog) = catalog();
    let rows = |count: usize| -> Vec<_> { (0..count).map(|row| new(&row.to_string())).collect() };
    catalog.import_many(&admin(), rows(300)).unwrap();
    let mut more = rows(302);
    more[0].price = 1;
    more[1].external_id = None;
    catalog.import_many(&admin(), more).unwrap();
    catalog.import_many(&admin(), rows(2).split_off(1)).unwrap();
    let by = |detail: &str| Act::by("admin", AuditAction::ProductImport).detail(detail);
    let expected = [
        by("300 created, 0 updated, 0 unchanged, 0 refused"),
        by("2 created, 1 updated, 298 unchanged, 1 refused"),
    ];
    assert_eq!(ports.take_acts(), expected);
}

#[test]
fn categories_are_made_changed_moved_and_ended_by_somebody() {
    let (ports, catalog) = catalog();
    let input = NewCategory {
        name: "Legwear".into(),
        slug: None,
        parent_id: None,
        position: 0,
    };
    let id = catalog.create_category(&admin(), input).unwrap().id;
    let patch = CategoryPatch {
        name: None,
        slug: None,
        position: Some(1),
    };
    catalog.update_category(&admin(), &id, &patch).unwrap();
    catalog.move_category(&admin(), &id, None).unwrap();
    assert!(catalog.move_category(&admin(), &id, Some("nowhere")).is_err());
    catalog.delete_category(&admin(), &id).unwrap();
    assert!(catalog.delete_category(&admin(), &id).is_err());
    let actions = [
        AuditAction::CategoryCreate,
        AuditAction::CategoryUpdate,
        AuditAction::CategoryMove,
        AuditAction::CategoryDelete,
    ];
    assert_eq!(
        ports.take_acts(),
        actions.map(|action| Act::by("admin", action).on(&id))
    );
}
