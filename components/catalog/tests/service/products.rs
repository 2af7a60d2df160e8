//! Creates, imports and lists products.

use mercato_shop::catalog::{ImportOutcome, NewProduct, ProductFilter, ProductSort, SortKey, StockPolicy};
use mercato_shop::services::Catalog;
use mercato_shop::testing::{admin, customer, invalid_field};
use mercato_shop::types::{Caller, Error, Page};

use crate::support::{attributes, catalog, catalog_with, first, import, list, new_product, sorted};

/// A row of a feed with this name, external id and price, and 7 units.
fn row(name: &str, external_id: Option<&str>, price: i64) -> NewProduct {
    NewProduct {
        external_id: external_id.map(Into::into),
        price,
        quantity: 7,
        ..new_product(name)
    }
}

/// An input that one field makes invalid.
fn with(change: impl FnOnce(&mut NewProduct)) -> NewProduct {
    let mut input = new_product("a");
    change(&mut input);
    input
}

#[test]
fn only_staff_change_the_catalog() {
    let (_, catalog) = catalog();
    let input = new_product("a");
    let anonymous = catalog.create(&Caller::Anonymous, &input);
    assert!(matches!(anonymous, Err(Error::Unauthenticated(_))));
    let user = customer("u");
    assert!(matches!(catalog.create(&user, &input), Err(Error::Forbidden(_))));
    assert!(matches!(
        catalog.import_many(&user, &[], StockPolicy::Keep),
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        catalog.get_stock_many(&user, &[]),
        Err(Error::Forbidden(_))
    ));
    assert!(catalog.create(&Caller::ApiKey, &input).is_ok());
}

#[test]
fn only_descriptions_and_values_of_attributes_may_have_several_lines() {
    let (_, catalog) = catalog();
    let description = "one\r\ntwo\n\tthree";
    let created = catalog.create(
        &admin(),
        &with(|input| input.description = Some(description.into())),
    );
    assert_eq!(created.unwrap().description.as_deref(), Some(description));
    let with_attribute =
        |name: &str, value: &str| with(|input| input.details.attributes = Some(attributes(&[(name, value)])));
    let care = with_attribute("care", "30 °C\nno dryer");
    assert!(catalog.create(&admin(), &care).is_ok());
    for (field, input) in [
        ("name", new_product("a\u{0}")),
        ("name", new_product("two\nlines")),
        (
            "description",
            with(|input| input.description = Some("a\u{0}b".into())),
        ),
        (
            "description",
            with(|input| input.description = Some("a\u{85}b".into())),
        ),
        (
            "manufacturer",
            with(|input| input.manufacturer = Some("a\tb".into())),
        ),
        (
            "externalId",
            with(|input| input.external_id = Some("a\u{1b}b".into())),
        ),
        ("sku", with(|input| input.details.sku = Some("a\u{0}b".into()))),
        ("attributes", with_attribute("material", "wool\u{7f}")),
        ("attributes", with_attribute("two\nlines", "wool")),
    ] {
        assert_eq!(invalid_field(catalog.create(&admin(), &input)), field);
    }
}

#[test]
fn rejects_invalid_products_by_the_field() {
    let (_, catalog) = catalog();
    for (field, input) in [
        ("name", new_product(" ")),
        ("name", new_product(&"n".repeat(501))),
        (
            "description",
            with(|input| input.description = Some("d".repeat(65_537))),
        ),
        (
            "manufacturer",
            with(|input| input.manufacturer = Some("m".repeat(201))),
        ),
        (
            "externalId",
            with(|input| input.external_id = Some("e".repeat(501))),
        ),
        ("price", with(|input| input.price = -1)),
        ("price", with(|input| input.price = 1 << 53)),
        ("quantity", with(|input| input.quantity = -1)),
        ("currency", with(|input| input.currency = Some("usd".into()))),
    ] {
        assert_eq!(invalid_field(catalog.create(&admin(), &input)), field);
    }
    let input = with(|input| {
        input.name = "  a  ".into();
        input.price = (1 << 53) - 1;
    });
    let product = catalog.create(&admin(), &input).unwrap();
    assert_eq!(
        (product.name.as_str(), product.price.currency.as_str()),
        ("a", "USD")
    );
}

#[test]
fn a_price_without_a_currency_is_in_the_shops_currency() {
    let (_, catalog) = catalog_with(&[("CURRENCY", "EUR")]);
    let product = catalog.create(&admin(), &new_product("a")).unwrap();
    assert_eq!(product.price.currency, "EUR");
}

#[test]
fn an_external_id_belongs_to_one_product() {
    let (_, catalog) = catalog();
    catalog.create(&admin(), &row("a", Some("x-1"), 1)).unwrap();
    let second = catalog.create(&admin(), &row("b", Some("x-1"), 1));
    assert!(matches!(second, Err(Error::Conflict(_))));
}

#[test]
fn an_import_creates_and_updates_products_and_skips_invalid_rows() {
    let (_, catalog) = catalog();
    let rows = [
        row("a", Some("1"), 1),
        row("", Some("2"), 1),
        row("c", Some("3"), 1),
        row("d", Some("1"), 1),
        row("e", None, 1),
    ];
    let outcomes = import(&catalog, &rows).unwrap();
    assert_eq!(
        (&outcomes[0], &outcomes[2]),
        (&Ok(ImportOutcome::Created), &Ok(ImportOutcome::Created))
    );
    for (index, field) in [(1, "name"), (3, "externalId"), (4, "externalId")] {
        assert_eq!(invalid_field(outcomes[index].clone()), field, "{index}");
    }

    let rows = [
        row("c", Some("3"), 2),
        row("b", Some("2"), 1),
        NewProduct {
            quantity: 99,
            ..row("a", Some("1"), 1)
        },
    ];
    let outcomes = import(&catalog, &rows).unwrap();
    assert_eq!(
        outcomes,
        [
            Ok(ImportOutcome::Updated),
            Ok(ImportOutcome::Created),
            Ok(ImportOutcome::Unchanged)
        ]
    );

    let query = sorted(ProductFilter::default(), SortKey::Created, first(10));
    let page = catalog.list(&query).unwrap();
    let products: Vec<_> = page
        .edges
        .iter()
        .map(|edge| &edge.product)
        .map(|p| (p.name.as_str(), p.price.amount, p.quantity, p.version))
        .collect();
    assert_eq!(products, [("a", 1, 7, 1), ("c", 2, 7, 2), ("b", 1, 7, 1)]);
    let too_many = import(&catalog, &vec![row("a", None, 1); 501]);
    assert!(matches!(too_many, Err(Error::Invalid(_))));
}

#[test]
fn an_import_without_a_weight_keeps_the_weight() {
    let (_, catalog) = catalog();
    let import = |weight| {
        let mut product = row("a", Some("feed/a"), 5);
        product.details.weight = weight;
        let outcome = import(&catalog, &[product]).unwrap().remove(0);
        let imported = list(&catalog, ProductFilter::default()).remove(0);
        (outcome.unwrap(), imported.weight)
    };
    assert_eq!(import(Some(250)), (ImportOutcome::Created, Some(250)));
    assert_eq!(import(Some(300)), (ImportOutcome::Updated, Some(300)));
    assert_eq!(import(None), (ImportOutcome::Unchanged, Some(300)));
}

#[test]
fn lists_are_sorted_and_paged_without_gaps() {
    let (_, catalog) = catalog();
    for (name, price) in [("b", 3), ("c", 1), ("a", 3), ("d", 2)] {
        catalog.create(&admin(), &row(name, None, price)).unwrap();
    }
    let query = |key, descending, after| {
        let mut query = sorted(ProductFilter::default(), key, Page::first(1, after));
        query.sort = Some(ProductSort { key, descending });
        query
    };
    for (key, descending, expected) in [
        (SortKey::Created, false, "bcad"),
        (SortKey::Name, false, "abcd"),
        (SortKey::Name, true, "dcba"),
        (SortKey::Price, false, "cdba"),
        (SortKey::Price, true, "abdc"),
    ] {
        let (mut after, mut read) = (None, String::new());
        loop {
            let page = catalog.list(&query(key, descending, after)).unwrap();
            read.extend(page.edges.iter().map(|edge| edge.product.name.clone()));
            after = page.edges.last().map(|edge| edge.cursor.clone());
            if !page.has_next {
                break;
            }
        }
        assert_eq!(read, expected, "{key:?} {descending}");
    }
    let mut page = catalog.list(&query(SortKey::Name, false, None)).unwrap();
    let cursor = page.edges.remove(0).cursor;
    let other_sort = catalog.list(&query(SortKey::Price, false, Some(cursor)));
    assert_eq!(invalid_field(other_sort), "after");
}

#[test]
fn a_list_matches_all_filters() {
    let (_, catalog) = catalog();
    for (name, price, quantity) in [
        ("red sock", 100, 1),
        ("blue sock", 200, 0),
        ("red hat", 300, 1),
        ("old red sock", 400, 1),
    ] {
        let input = NewProduct {
            manufacturer: Some("Acme".into()),
            quantity,
            ..row(name, None, price)
        };
        catalog.create(&admin(), &input).unwrap();
    }
    let names = |filter: ProductFilter| -> Vec<_> {
        let query = sorted(filter, SortKey::Price, first(10));
        let page = catalog.list(&query).unwrap();
        page.edges.into_iter().map(|edge| edge.product.name).collect()
    };
    let search = |text: &str| ProductFilter {
        search: Some(text.into()),
        ..ProductFilter::default()
    };
    assert_eq!(names(search("soc re")), [""; 0], "only the last word is a prefix");
    assert_eq!(names(search("red soc")), ["red sock", "old red sock"]);
    let cheap = ProductFilter {
        max_price: Some(399),
        ..search("red soc")
    };
    assert_eq!(names(cheap), ["red sock"]);
    let acme = |in_stock| ProductFilter {
        manufacturer: Some("Acme".into()),
        min_price: Some(200),
        in_stock: Some(in_stock),
        ..ProductFilter::default()
    };
    assert_eq!(names(acme(true)), ["red hat", "old red sock"]);
    assert_eq!(names(acme(false)), ["blue sock"]);
}
