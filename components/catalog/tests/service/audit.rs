//! Audits the actions of staff, in the commit of each action.

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::catalog::{CategoryPatch, NewProduct, ProductPatch};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::Caller;

use crate::support::{Service, attributes, catalog, create_category, import, line, row, settle};

fn input(name: &str) -> NewProduct {
    NewProduct {
        quantity: 3,
        ..row(name)
    }
}

fn patch(name: &str, price: i64) -> ProductPatch {
    ProductPatch {
        name: Some(name.into()),
        price: Some(price),
        ..ProductPatch::default()
    }
}

/// Creates a product, and returns its id.
fn sock(ports: &TestPorts, catalog: &Service) -> String {
    let id = catalog.create(&admin(), &input("Sock")).unwrap().id;
    let created = AuditedAction::by("admin", AuditAction::ProductCreate).on(&id);
    assert_eq!(ports.take_audited_actions(), [created]);
    id
}

#[test]
fn audits_changes_of_products() {
    let (ports, catalog) = catalog();
    let id = sock(&ports, &catalog);
    catalog
        .update(&Caller::ApiKey, &id, 1, &patch("Stocking", 120))
        .unwrap();
    let variant = catalog
        .create_variant(&admin(), &id, &attributes(&[("size", "M")]), &input("Sock M"))
        .unwrap();
    catalog.archive(&admin(), &variant.id, variant.version).unwrap();
    let by = |actor: &str, action, id: &str| AuditedAction::by(actor, action).on(id);
    let expected = [
        by(API_KEY, AuditAction::ProductUpdate, &id).detail("price 100 USD -> 120 USD, name"),
        by("admin", AuditAction::ProductCreate, &variant.id).detail(format!("variant of {id}")),
        by("admin", AuditAction::ProductDelete, &variant.id),
    ];
    assert_eq!(ports.take_audited_actions(), expected);
}

#[test]
fn audits_neither_refused_requests_nor_orders() {
    let (ports, catalog) = catalog();
    let id = sock(&ports, &catalog);
    catalog.update(&admin(), &id, 1, &patch("Sock", 100)).unwrap();
    catalog.set_stock(&admin(), &id, 3, None).unwrap();
    assert!(catalog.update(&admin(), &id, 9, &patch("Sock", 1)).is_err());
    assert!(
        catalog
            .update(&customer("u1"), &id, 1, &patch("Sock", 1))
            .is_err()
    );
    assert!(catalog.create(&admin(), &input("Sock")).is_err());
    assert!(catalog.adjust_stock(&admin(), &id, -4, "lost").is_err());
    assert!(catalog.archive(&admin(), &id, 9).is_err());
    catalog
        .reserve("o1", &[line(&id, 1)], mercato_shop::id::now() + 60_000)
        .unwrap();
    settle(&catalog, "o1").unwrap();
    catalog.restock("o1").unwrap();
    assert_eq!(ports.take_audited_actions(), []);
}

#[test]
fn audits_stock_movements_without_their_reasons() {
    let (ports, catalog) = catalog();
    let id = sock(&ports, &catalog);
    catalog.receive_stock(&admin(), &id, 5).unwrap();
    catalog
        .adjust_stock(&admin(), &id, -2, "Ada has lost them")
        .unwrap();
    catalog
        .set_stock(&admin(), &id, 10, Some("counted by Ada"))
        .unwrap();
    let by = |action, detail: &str| AuditedAction::by("admin", action).on(&id).detail(detail);
    let expected = [
        by(AuditAction::StockReceive, "+5"),
        by(AuditAction::StockAdjust, "-2"),
        by(AuditAction::StockSet, "6 -> 10"),
    ];
    assert_eq!(ports.take_audited_actions(), expected);
}

#[test]
fn audits_a_batch_of_an_import_as_one_action() {
    let (ports, catalog) = catalog();
    let rows = |count: usize| -> Vec<_> { (0..count).map(|row| input(&row.to_string())).collect() };
    import(&catalog, &rows(300)).unwrap();
    let mut more = rows(302);
    more[0].price = 1;
    more[1].external_id = None;
    import(&catalog, &more).unwrap();
    import(&catalog, &rows(2).split_off(1)).unwrap();
    let by = |detail: &str| AuditedAction::by("admin", AuditAction::ProductImport).detail(detail);
    let expected = [
        by("300 created, 0 updated, 0 unchanged, 0 refused"),
        by("2 created, 1 updated, 298 unchanged, 1 refused"),
    ];
    assert_eq!(ports.take_audited_actions(), expected);
}

#[test]
fn audits_changes_of_categories() {
    let (ports, catalog) = catalog();
    let id = create_category(&catalog, "Legwear", None).id;
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
        ports.take_audited_actions(),
        actions.map(|action| AuditedAction::by("admin", action).on(&id))
    );
}
