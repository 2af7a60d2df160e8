//! Counts the products that a filter matches.

use mercato_shop::catalog::{Facet, NewProduct, ProductDetails, ProductFilter};
use mercato_shop::services::Catalog;
use mercato_shop::testing::admin;

use crate::support::{catalog, create_category, import, row};

fn product(name: &str, manufacturer: &str, price: i64, quantity: i64, category: &str) -> NewProduct {
    NewProduct {
        manufacturer: Some(manufacturer.into()),
        price,
        quantity,
        details: ProductDetails {
            category_id: Some(category.into()),
            ..ProductDetails::default()
        },
        ..row(name)
    }
}

fn filter(search: Option<&str>) -> ProductFilter {
    ProductFilter {
        search: search.map(Into::into),
        ..ProductFilter::default()
    }
}

fn pairs(facets: &[Facet]) -> Vec<(&str, u32)> {
    facets
        .iter()
        .map(|facet| (facet.value.as_str(), facet.count))
        .collect()
}

#[test]
fn counts_by_manufacturer_category_price_and_stock() {
    let (_, catalog) = catalog();
    let clothes = create_category(&catalog, "Clothes", None);
    let socks = create_category(&catalog, "Socks", Some(&clothes)).id;
    for input in [
        product("red sock", "Acme", 500, 1, "socks"),
        product("blue sock", "Acme", 900, 0, "socks"),
        product("coat", "Zenith", 9_900, 2, "clothes"),
        product("red book", "Press", 1_500, 0, ""),
    ] {
        catalog.create(&admin(), &input).unwrap();
    }
    let all = catalog.count_facets(&filter(None)).unwrap();
    assert_eq!(
        (all.total, all.truncated, all.in_stock, all.out_of_stock),
        (4, false, 2, 2)
    );
    assert_eq!(
        pairs(&all.manufacturers),
        [("Acme", 2), ("Press", 1), ("Zenith", 1)]
    );
    assert_eq!(
        pairs(&all.categories),
        [(clothes.id.as_str(), 3), (socks.as_str(), 2)]
    );
    let prices: Vec<_> = all
        .prices
        .iter()
        .map(|range| (range.from, range.to, range.count))
        .collect();
    assert_eq!(prices, [(0, 2_000, 3), (8_000, 10_000, 1)]);
    let red = catalog.count_facets(&filter(Some("red"))).unwrap();
    assert_eq!(pairs(&red.manufacturers), [("Acme", 1), ("Press", 1)]);
    let clothing = ProductFilter {
        category: Some("clothes".into()),
        ..filter(None)
    };
    assert_eq!(catalog.count_facets(&clothing).unwrap().total, 3);

    catalog
        .create(&admin(), &product("green sock", "Acme", 500, 1, "socks"))
        .unwrap();
    assert_eq!(
        catalog.count_facets(&filter(None)).unwrap(),
        all,
        "the counts are cached"
    );
    assert_eq!(catalog.count_facets(&filter(Some("sock"))).unwrap().total, 3);
}

#[test]
fn counts_at_most_2000_products() {
    let (_, catalog) = catalog();
    for batch in 0..5 {
        let row = |number| product(&format!("p{batch}-{number}"), "Acme", number, 1, "");
        let rows: Vec<_> = (0..401).map(row).collect();
        let outcomes = import(&catalog, &rows).unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let facets = catalog.count_facets(&filter(None)).unwrap();
    assert_eq!((facets.total, facets.truncated), (2_000, true));
}
