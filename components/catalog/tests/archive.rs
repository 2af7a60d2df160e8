//! Products that are no longer sold.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{
    ImportOutcome, NewProduct, Product, ProductDetails, ProductFilter, ProductPatch, ProductQuery,
    ProductSort, SortKey,
};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Error, Line, Page};

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
        quantity: 9,
        details: ProductDetails::default(),
    }
}

fn page() -> Page {
    Page {
        first: 10,
        after: None,
    }
}

fn listed(catalog: &Service) -> usize {
    let query = ProductQuery {
        filter: ProductFilter {
            search: Some("sock".into()),
            manufacturer: None,
            min_price: None,
            max_price: None,
            in_stock: None,
            category: None,
            sku: None,
            standalone: false,
        },
        sort: ProductSort {
            key: SortKey::Name,
            descending: false,
        },
        page: page(),
    };
    catalog.list(&query).unwrap().edges.len()
}

fn line(id: &str) -> [Line; 1] {
    [Line {
        product_id: id.into(),
        quantity: 2,
    }]
}

fn read(catalog: &Service, id: &str) -> [Option<Product>; 2] {
    let ids = [id.to_owned()];
    [
        catalog.get_many(&ids).unwrap().remove(0),
        catalog.get_ever_many(&ids).unwrap().remove(0),
    ]
}

#[test]
fn an_archived_product_is_read_by_who_asks_for_it_and_met_by_nobody_else() {
    let (ports, catalog) = catalog();
    let id = catalog.create(&admin(), new("sock")).unwrap().id;
    drop(ports.take_events());
    let archived = catalog.archive(&admin(), &id, 1).unwrap();
    assert_eq!((archived.version, archived.archived_at.is_some()), (2, true));
    assert_eq!(ports.take_events()[0].kind, "mercato.catalog.product-archived");

    assert_eq!(listed(&catalog), 0);
    assert_eq!(read(&catalog, &id), [None, Some(archived.clone())]);
    assert!(matches!(
        catalog.reserve("o", &line(&id), 0),
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        catalog.receive(&admin(), &id, 1),
        Err(Error::NotFound(_))
    ));
    assert_eq!(
        catalog.archive(&admin(), &id, 1).unwrap(),
        archived,
        "archiving may be repeated"
    );
    for other in [0, 2, 3] {
        let refused = catalog.archive(&admin(), &id, other);
        assert!(matches!(refused, Err(Error::NotFound(_))), "{other}: {refused:?}");
    }
    let list = catalog.archived(&admin(), &page()).unwrap();
    assert_eq!((list.edges.len(), &list.edges[0].product), (1, &archived));
}

#[test]
fn only_those_who_keep_the_shop_archive_and_only_what_they_have_seen() {
    let (_, catalog) = catalog();
    let id = catalog.create(&admin(), new("sock")).unwrap().id;
    for (caller, unknown) in [(Caller::Anonymous, true), (customer("u"), false)] {
        for error in [
            catalog.archive(&caller, &id, 1).unwrap_err(),
            catalog.archived(&caller, &page()).unwrap_err(),
        ] {
            assert_eq!(matches!(error, Error::Unauthenticated(_)), unknown, "{error:?}");
            assert_eq!(matches!(error, Error::Forbidden(_)), !unknown, "{error:?}");
        }
    }
    let dearer = ProductPatch {
        name: None,
        description: None,
        manufacturer: None,
        price: Some(120),
        currency: None,
        details: ProductDetails::default(),
    };
    catalog.update(&admin(), &id, 1, dearer).unwrap();
    assert_eq!(catalog.archive(&admin(), &id, 1), Err(Error::StaleVersion(2)));
    assert_eq!(listed(&catalog), 1);
    let missing = catalog.archive(&admin(), "0198c0de-1f2e-7abc-8def-0123456789ab", 1);
    assert!(matches!(missing, Err(Error::NotFound(_))));
}

#[test]
fn what_is_reserved_of_a_product_is_ended_after_it_is_archived() {
    let (ports, catalog) = catalog();
    let (a, b) = (
        catalog.create(&admin(), new("a")).unwrap().id,
        catalog.create(&admin(), new("b")).unwrap().id,
    );
    let both = [line(&a), line(&b)].concat();
    for order in ["settled", "released", "restocked"] {
        catalog.reserve(order, &both, 0).unwrap();
    }
    // A sale in the midst of archiving is not lost.
    let (seller, sold) = (catalog.clone(), a.clone());
    ports.before_next_commit(move || drop(seller.reserve("late", &line(&sold), 0).unwrap()));
    catalog.archive(&admin(), &a, 1).unwrap();
    catalog.settle("settled").unwrap();
    catalog.release("released").unwrap();
    catalog.restock("restocked").unwrap();
    catalog.settle("late").unwrap();
    let stock = catalog.stock_many(&admin(), &[a, b]).unwrap();
    let told: Vec<_> = stock
        .into_iter()
        .flatten()
        .map(|stock| (stock.received, stock.on_hand, stock.reserved, stock.sold))
        .collect();
    assert_eq!(told, [(9, 5, 0, 4), (9, 7, 0, 2)]);
}

#[test]
fn an_import_of_its_external_id_brings_an_archived_product_back() {
    let (ports, catalog) = catalog();
    let id = catalog.create(&admin(), new("sock")).unwrap().id;
    catalog.reserve("o", &line(&id), 0).unwrap();
    catalog.archive(&admin(), &id, 1).unwrap();
    assert!(matches!(
        catalog.create(&admin(), new("sock")),
        Err(Error::Conflict(_))
    ));
    drop(ports.take_events());
    let outcomes = catalog
        .import_many(&admin(), vec![new("sock"), new("other")])
        .unwrap();
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
    let [sold, _] = read(&catalog, &id);
    let sold = sold.unwrap();
    assert_eq!((sold.version, sold.quantity, sold.archived_at), (3, 7, None));
    catalog.settle("o").unwrap();
    assert_eq!(listed(&catalog), 1);
    assert!(catalog.archived(&admin(), &page()).unwrap().edges.is_empty());
}
