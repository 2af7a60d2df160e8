//! Archives products.

use mercato_shop::catalog::{ImportOutcome, Product, ProductFilter};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};

use crate::support::{Service, catalog, find, first, get_stock, import, line, list, price, row, settle};

fn found_by_search(catalog: &Service) -> usize {
    let filter = ProductFilter {
        search: Some("sock".into()),
        ..ProductFilter::default()
    };
    list(catalog, filter).len()
}

fn find_including_archived(catalog: &Service, id: &str) -> Option<Product> {
    catalog
        .get_many_including_archived(&[id.to_owned()])
        .unwrap()
        .remove(0)
}

#[test]
fn returns_an_archived_product_only_to_requests_that_include_archived_ones() {
    let (ports, catalog) = catalog();
    let id = catalog.create(&admin(), &row("sock")).unwrap().id;
    drop(ports.take_events());
    let archived = catalog.archive(&admin(), &id, 1).unwrap();
    assert_eq!((archived.version, archived.archived_at.is_some()), (2, true));
    assert_eq!(ports.take_events()[0].kind, "mercato.catalog.product-archived");

    assert_eq!(found_by_search(&catalog), 0);
    assert_eq!(find(&catalog, &id), None);
    assert_eq!(find_including_archived(&catalog, &id), Some(archived.clone()));
    let reserved = catalog.reserve("o", &[line(&id, 2)], 0);
    assert!(matches!(reserved, Err(Error::NotFound(_))));
    let received = catalog.receive_stock(&admin(), &id, 1);
    assert!(matches!(received, Err(Error::NotFound(_))));
    assert_eq!(
        catalog.archive(&admin(), &id, 1).unwrap(),
        archived,
        "archiving can be repeated"
    );
    for other in [0, 2, 3] {
        let refused = catalog.archive(&admin(), &id, other);
        assert!(matches!(refused, Err(Error::NotFound(_))), "{other}: {refused:?}");
    }
    let page = catalog.list_archived(&admin(), &first(10)).unwrap();
    assert_eq!((page.edges.len(), &page.edges[0].product), (1, &archived));
}

#[test]
fn only_staff_archive_and_only_the_current_version() {
    let (_, catalog) = catalog();
    let id = catalog.create(&admin(), &row("sock")).unwrap().id;
    for (caller, is_anonymous) in [(Caller::Anonymous, true), (customer("u"), false)] {
        for error in [
            catalog.archive(&caller, &id, 1).unwrap_err(),
            catalog.list_archived(&caller, &first(10)).unwrap_err(),
        ] {
            assert_eq!(
                matches!(error, Error::Unauthenticated(_)),
                is_anonymous,
                "{error:?}"
            );
            assert_eq!(matches!(error, Error::Forbidden(_)), !is_anonymous, "{error:?}");
        }
    }
    catalog.update(&admin(), &id, 1, &price(120)).unwrap();
    assert_eq!(catalog.archive(&admin(), &id, 1), Err(Error::StaleVersion(2)));
    assert_eq!(found_by_search(&catalog), 1);
    let missing = catalog.archive(&admin(), "0198c0de-1f2e-7abc-8def-0123456789ab", 1);
    assert!(matches!(missing, Err(Error::NotFound(_))));
}

#[test]
fn ends_the_reservations_of_archived_products() {
    let (ports, catalog) = catalog();
    let [a, b] = ["a", "b"].map(|name| catalog.create(&admin(), &row(name)).unwrap().id);
    let both = [line(&a, 2), line(&b, 2)];
    for order in ["settled", "released", "restocked"] {
        catalog.reserve(order, &both, 0).unwrap();
    }
    // A concurrent sale is not lost.
    let (seller, sold) = (catalog.clone(), a.clone());
    ports.before_next_commit(move || drop(seller.reserve("late", &[line(&sold, 2)], 0).unwrap()));
    catalog.archive(&admin(), &a, 1).unwrap();
    settle(&catalog, "settled").unwrap();
    catalog.release("released").unwrap();
    catalog.restock("restocked").unwrap();
    settle(&catalog, "late").unwrap();
    let counts = [a, b].map(|id| {
        let stock = get_stock(&catalog, &id);
        (stock.received, stock.on_hand, stock.reserved, stock.sold)
    });
    assert_eq!(counts, [(9, 5, 0, 4), (9, 7, 0, 2)]);
}

#[test]
fn an_import_restores_an_archived_product_by_its_external_id() {
    let (ports, catalog) = catalog();
    let id = catalog.create(&admin(), &row("sock")).unwrap().id;
    catalog.reserve("o", &[line(&id, 2)], 0).unwrap();
    catalog.archive(&admin(), &id, 1).unwrap();
    let created = catalog.create(&admin(), &row("sock"));
    assert!(matches!(created, Err(Error::Conflict(_))));
    drop(ports.take_events());
    let outcomes = import(&catalog, &[row("sock"), row("other")]).unwrap();
    assert_eq!(outcomes, [Ok(ImportOutcome::Updated), Ok(ImportOutcome::Created)]);
    let kinds: Vec<_> = ports.take_events().into_iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            "mercato.catalog.product-restored",
            "mercato.catalog.product-created",
            "mercato.catalog.audited"
        ]
    );
    let sold = find(&catalog, &id).unwrap();
    assert_eq!((sold.version, sold.quantity, sold.archived_at), (3, 7, None));
    settle(&catalog, "o").unwrap();
    assert_eq!(found_by_search(&catalog), 1);
    assert!(
        catalog
            .list_archived(&admin(), &first(10))
            .unwrap()
            .edges
            .is_empty()
    );
}
