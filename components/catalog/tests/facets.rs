//! How many products have what.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{Facet, NewCategory, NewProduct, ProductDetails, ProductFilter};
use mercato_shop::services::Catalog;
use mercato_shop::testing::{TestPorts, admin};

type Service = CatalogService<TestPorts>;

fn catalog() -> Service {
    CatalogService::new(TestPorts::new(
        &[("catalog", include_str!("../service.toml"))],
        &[],
    ))
}

fn product(name: &str, manufacturer: &str, price: i64, quantity: i64, category: &str) -> NewProduct {
    NewProduct {
        name: name.into(),
        description: None,
        manufacturer: Some(manufacturer.into()),
        external_id: Some(name.into()),
        price,
        currency: None,
        quantity,
        details: ProductDetails {
            category_id: Some(category.into()),
            ..ProductDetails::default()
        },
    }
}

fn filter(search: Option<&str>) -> ProductFilter {
    ProductFilter {
        search: search.map(Into::into),
        manufacturer: None,
        min_price: None,
        max_price: None,
        in_stock: None,
        category: None,
        sku: None,
        standalone: false,
    }
}

fn category(catalog: &Service, name: &str, parent: Option<&str>) -> String {
    let input = NewCategory {
        name: name.into(),
        slug: None,
        parent_id: parent.map(Into::into),
        position: 0,
    };
    catalog.create_category(&admin(), input).unwrap().id
}

fn told(facets: &[Facet]) -> Vec<(&str, u32)> {
    facets
        .iter()
        .map(|facet| (facet.value.as_str(), facet.count))
        .collect()
}

#[test]
fn what_a_filter_matches_is_counted_by_what_it_has() {
    let catalog = catalog();
    let clothes = category(&catalog, "Clothes", None);
    let socks = category(&catalog, "Socks", Some(&clothes));
    for input in [
        product("red sock", "Acme", 500, 1, "socks"),
        product("blue sock", "Acme", 900, 0, "socks"),
        product("coat", "Zenith", 9_900, 2, "clothes"),
        product("red book", "Press", 1_500, 0, ""),
    ] {
        catalog.create(&admin(), input).unwrap();
    }
    let all = catalog.count_facets(&filter(None)).unwrap();
    assert_eq!(
        (all.total, all.truncated, all.in_stock, all.out_of_stock),
        (4, false, 2, 2)
    );
    assert_eq!(
        told(&all.manufacturers),
        [("Acme", 2), ("Press", 1), ("Zenith", 1)]
    );
    assert_eq!(
        told(&all.categories),
        [(clothes.as_str(), 3), (socks.as_str(), 2)]
    );
    let prices: Vec<_> = all
        .prices
        .iter()
        .map(|range| (range.from, range.to, range.count))
        .collect();
    assert_eq!(prices, [(0, 2_000, 3), (8_000, 10_000, 1)]);
    let red = catalog.count_facets(&filter(Some("red"))).unwrap();
    assert_eq!(told(&red.manufacturers), [("Acme", 1), ("Press", 1)]);
    let clothing = ProductFilter {
        category: Some("clothes".into()),
        ..filter(None)
    };
    assert_eq!(catalog.count_facets(&clothing).unwrap().total, 3);

    catalog
        .create(&admin(), product("green sock", "Acme", 500, 1, "socks"))
        .unwrap();
    assert_eq!(
        catalog.count_facets(&filter(None)).unwrap(),
        all,
        "counts are kept for a while"
    );
    assert_eq!(catalog.count_facets(&filter(Some("sock"))).unwrap().total, 3);
}

#[test]
fn no_more_than_2000_products_are_counted() {
    let catalog = catalog();
    for batch in 0..5 {
        let rows = (0..401).map(|number| product(&format!("p{batch}-{number}"), "Acme", number, 1, ""));
        let outcomes = catalog.import_many(&admin(), rows.collect()).unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let facets = catalog.count_facets(&filter(None)).unwrap();
    assert_eq!((facets.total, facets.truncated), (2_000, true));
}
