//! Products: what may be one, imports and lists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{
    Attribute, ImportOutcome, NewProduct, ProductDetails, ProductFilter, ProductQuery, ProductSort, SortKey,
};
use mercato_shop::services::Catalog;
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Caller, Error, Page};

type Service = CatalogService<TestPorts>;

fn catalog(config: &[(&'static str, &str)]) -> Service {
    CatalogService::new(TestPorts::new(
        &[("catalog", include_str!("../service.toml"))],
        config,
    ))
}

fn new(name: &str, external_id: Option<&str>, price: i64) -> NewProduct {
    NewProduct {
        name: name.into(),
        description: None,
        manufacturer: Some("Acme".into()),
        external_id: external_id.map(Into::into),
        price,
        currency: None,
        quantity: 7,
        details: ProductDetails::default(),
    }
}

fn query(key: SortKey, descending: bool, first: u32, after: Option<String>) -> ProductQuery {
    ProductQuery {
        filter: ProductFilter {
            search: None,
            manufacturer: None,
            min_price: None,
            max_price: None,
            in_stock: None,
            category: None,
            sku: None,
            standalone: false,
        },
        sort: ProductSort { key, descending },
        page: Page { first, after },
    }
}

fn names(catalog: &Service, query: &ProductQuery) -> Vec<String> {
    catalog
        .list(query)
        .unwrap()
        .edges
        .into_iter()
        .map(|edge| edge.product.name)
        .collect()
}

#[test]
fn only_those_who_keep_the_shop_change_it() {
    let catalog = catalog(&[]);
    assert!(matches!(
        catalog.create(&Caller::Anonymous, new("a", None, 1)),
        Err(Error::Unauthenticated(_))
    ));
    assert!(matches!(
        catalog.create(&customer("u"), new("a", None, 1)),
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        catalog.import_many(&customer("u"), vec![]),
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        catalog.stock_many(&customer("u"), &[]),
        Err(Error::Forbidden(_))
    ));
    assert!(catalog.create(&Caller::ApiKey, new("a", None, 1)).is_ok());
}

#[test]
fn texts_have_no_control_characters_but_the_lines_of_descriptions_and_of_what_attributes_say() {
    let catalog = catalog(&[]);
    let described = |text: &str| NewProduct {
        description: Some(text.into()),
        ..new("a", None, 1)
    };
    let lines = catalog
        .create(&admin(), described("one\r\ntwo\n\tthree"))
        .unwrap();
    assert_eq!(lines.description.as_deref(), Some("one\r\ntwo\n\tthree"));
    let attribute = |name: &str, value: &str| {
        let (name, value) = (name.into(), value.into());
        Some(vec![Attribute { name, value }])
    };
    let detailed = |details: ProductDetails| NewProduct {
        details,
        ..new("a", None, 1)
    };
    let washed = detailed(ProductDetails {
        attributes: attribute("care", "30 °C\nno dryer"),
        ..ProductDetails::default()
    });
    assert!(catalog.create(&admin(), washed).is_ok());
    for (field, input) in [
        ("name", new("a\u{0}", None, 1)),
        ("name", new("two\nlines", None, 1)),
        ("description", described("a\u{0}b")),
        ("description", described("a\u{85}b")),
        (
            "manufacturer",
            NewProduct {
                manufacturer: Some("a\tb".into()),
                ..new("a", None, 1)
            },
        ),
        ("externalId", new("a", Some("a\u{1b}b"), 1)),
        (
            "sku",
            detailed(ProductDetails {
                sku: Some("a\u{0}b".into()),
                ..ProductDetails::default()
            }),
        ),
        (
            "attributes",
            detailed(ProductDetails {
                attributes: attribute("material", "wool\u{7f}"),
                ..ProductDetails::default()
            }),
        ),
        (
            "attributes",
            detailed(ProductDetails {
                attributes: attribute("two\nlines", "wool"),
                ..ProductDetails::default()
            }),
        ),
    ] {
        let refused = catalog.create(&admin(), input);
        assert!(
            matches!(&refused, Err(Error::Invalid(violation)) if violation.field == field),
            "{field}: {refused:?}"
        );
    }
}

#[test]
fn what_cannot_be_a_product_is_refused_by_its_field() {
    let catalog = catalog(&[]);
    let base = new("a", None, 1);
    let wrong = [
        (
            "name",
            NewProduct {
                name: " ".into(),
                ..base.clone()
            },
        ),
        (
            "name",
            NewProduct {
                name: "n".repeat(501),
                ..base.clone()
            },
        ),
        (
            "description",
            NewProduct {
                description: Some("d".repeat(10_001)),
                ..base.clone()
            },
        ),
        (
            "manufacturer",
            NewProduct {
                manufacturer: Some("m".repeat(201)),
                ..base.clone()
            },
        ),
        (
            "externalId",
            NewProduct {
                external_id: Some("e".repeat(501)),
                ..base.clone()
            },
        ),
        (
            "price",
            NewProduct {
                price: -1,
                ..base.clone()
            },
        ),
        (
            "price",
            NewProduct {
                price: 1 << 31,
                ..base.clone()
            },
        ),
        (
            "quantity",
            NewProduct {
                quantity: -1,
                ..base.clone()
            },
        ),
        (
            "currency",
            NewProduct {
                currency: Some("usd".into()),
                ..base.clone()
            },
        ),
    ];
    for (field, input) in wrong {
        assert!(
            matches!(catalog.create(&admin(), input), Err(Error::Invalid(violation)) if violation.field == field),
            "{field}"
        );
    }
    let product = catalog
        .create(
            &admin(),
            NewProduct {
                name: "  a  ".into(),
                price: (1 << 31) - 1,
                ..base
            },
        )
        .unwrap();
    assert_eq!(
        (product.name.as_str(), product.price.currency.as_str()),
        ("a", "USD")
    );
}

#[test]
fn prices_without_a_currency_are_in_the_shops_own() {
    let catalog = catalog(&[("CURRENCY", "EUR")]);
    assert_eq!(
        catalog
            .create(&admin(), new("a", None, 1))
            .unwrap()
            .price
            .currency,
        "EUR"
    );
}

#[test]
fn an_external_id_belongs_to_one_product() {
    let catalog = catalog(&[]);
    catalog.create(&admin(), new("a", Some("x-1"), 1)).unwrap();
    assert!(matches!(
        catalog.create(&admin(), new("b", Some("x-1"), 1)),
        Err(Error::Conflict(_))
    ));
}

#[test]
fn an_import_creates_updates_and_leaves_alone_and_one_bad_row_spoils_no_other() {
    let catalog = catalog(&[]);
    let rows = vec![
        new("a", Some("1"), 1),
        new("", Some("2"), 1),
        new("c", Some("3"), 1),
        new("d", Some("1"), 1),
        new("e", None, 1),
    ];
    let outcomes = catalog.import_many(&admin(), rows).unwrap();
    assert_eq!(
        (&outcomes[0], &outcomes[2]),
        (&Ok(ImportOutcome::Created), &Ok(ImportOutcome::Created))
    );
    for (index, field) in [(1, "name"), (3, "externalId"), (4, "externalId")] {
        assert!(
            matches!(&outcomes[index], Err(Error::Invalid(violation)) if violation.field == field),
            "{index}"
        );
    }

    let rows = vec![
        new("c", Some("3"), 2),
        new("b", Some("2"), 1),
        NewProduct {
            quantity: 99,
            ..new("a", Some("1"), 1)
        },
    ];
    let outcomes = catalog.import_many(&admin(), rows).unwrap();
    assert_eq!(
        outcomes,
        [
            Ok(ImportOutcome::Updated),
            Ok(ImportOutcome::Created),
            Ok(ImportOutcome::Unchanged)
        ]
    );

    let page = catalog.list(&query(SortKey::Created, false, 10, None)).unwrap();
    let told: Vec<_> = page
        .edges
        .iter()
        .map(|edge| &edge.product)
        .map(|p| (p.name.as_str(), p.price.amount, p.quantity, p.version))
        .collect();
    assert_eq!(told, [("a", 1, 7, 1), ("c", 2, 7, 2), ("b", 1, 7, 1)]);
    assert!(matches!(
        catalog.import_many(&admin(), vec![new("a", None, 1); 501]),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn lists_are_sorted_and_paged_without_gaps() {
    let catalog = catalog(&[]);
    for (name, price) in [("b", 3), ("c", 1), ("a", 3), ("d", 2)] {
        catalog.create(&admin(), new(name, None, price)).unwrap();
    }
    for (key, descending, expected) in [
        (SortKey::Created, false, "bcad"),
        (SortKey::Name, false, "abcd"),
        (SortKey::Name, true, "dcba"),
        (SortKey::Price, false, "cdba"),
        (SortKey::Price, true, "abdc"),
    ] {
        let (mut after, mut read) = (None, String::new());
        loop {
            let page = catalog.list(&query(key, descending, 1, after)).unwrap();
            read.extend(page.edges.iter().map(|edge| edge.product.name.clone()));
            after = page.edges.last().map(|edge| edge.cursor.clone());
            if !page.has_next {
                break;
            }
        }
        assert_eq!(read, expected, "{key:?} {descending}");
    }
    let cursor = catalog
        .list(&query(SortKey::Name, false, 1, None))
        .unwrap()
        .edges
        .remove(0)
        .cursor;
    let other_sort = catalog.list(&query(SortKey::Price, false, 1, Some(cursor)));
    assert!(matches!(other_sort, Err(Error::Invalid(violation)) if violation.field == "after"));
}

#[test]
fn filters_hold_together() {
    let catalog = catalog(&[]);
    for (name, price, quantity) in [
        ("red sock", 100, 1),
        ("blue sock", 200, 0),
        ("red hat", 300, 1),
        ("old red sock", 400, 1),
    ] {
        catalog
            .create(
                &admin(),
                NewProduct {
                    quantity,
                    ..new(name, None, price)
                },
            )
            .unwrap();
    }
    let mut all = query(SortKey::Price, false, 10, None);
    all.filter.search = Some("soc re".into());
    assert_eq!(
        names(&catalog, &all),
        Vec::<String>::new(),
        "only the last word may be a beginning"
    );
    all.filter.search = Some("red soc".into());
    assert_eq!(names(&catalog, &all), ["red sock", "old red sock"]);
    all.filter.max_price = Some(399);
    assert_eq!(names(&catalog, &all), ["red sock"]);
    all.filter = ProductFilter {
        search: None,
        manufacturer: Some("Acme".into()),
        min_price: Some(200),
        max_price: None,
        in_stock: Some(true),
        category: None,
        sku: None,
        standalone: false,
    };
    assert_eq!(names(&catalog, &all), ["red hat", "old red sock"]);
    all.filter.in_stock = Some(false);
    assert_eq!(names(&catalog, &all), ["blue sock"]);
}
