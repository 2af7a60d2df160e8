//! The text search, the order of its results, and the sort by name.

use mercato_ports::documents::{Insertion, Write};
use mercato_shop::catalog::{NewProduct, ProductDetails, ProductFilter, ProductQuery, SortKey};
use mercato_shop::ports::Ports;
use mercato_shop::services::Catalog;
use mercato_shop::testing::admin;
use mercato_shop::types::Page;
use serde_json::json;

use crate::support::{Service, attributes, catalog, first, list, names, new_product, price, sorted};

fn filter(search: &str) -> ProductFilter {
    ProductFilter {
        search: Some(search.into()),
        ..ProductFilter::default()
    }
}

/// The names of the products that a search finds, by relevance.
fn found(catalog: &Service, search: &str) -> Vec<String> {
    let query = ProductQuery {
        filter: filter(search),
        sort: None,
        page: first(100),
    };
    let page = catalog.list(&query).unwrap();
    page.edges.into_iter().map(|edge| edge.product.name).collect()
}

fn create(catalog: &Service, names: &[&str]) {
    for name in names {
        catalog.create(&admin(), &new_product(name)).unwrap();
    }
}

#[test]
fn finds_words_in_every_script_without_regard_to_case_and_accents() {
    let (_, catalog) = catalog();
    for (name, searches) in [
        ("Große Straße", &["strasse", "STRASSE", "große", "gros"][..]),
        ("Łódź plakat", &["lodz", "łódź", "LODZ"]),
        ("Smørrebrød", &["smorrebrod", "SMØRREBRØD"]),
        ("Σίσυφος", &["σισυφος", "ΣΙΣΥΦΟΣ", "σίσυφο"]),
        ("Ёлка", &["елка", "ёлка", "ЕЛКИ"]),
        ("الخَيْمَة", &["خيمة", "الخيمة"]),
        ("5G-Router", &["5G", "５Ｇ", "5g router", "5grouter"]),
        ("北京烤鸭", &["烤鸭", "北京", "鸭", "京烤鸭"]),
        ("대한민국 지도", &["민국", "대한민국"]),
        ("東京タワー", &["タワー", "ﾀﾜｰ", "東京"]),
        ("Wool sock", &["socks", "Socks wool", "WOOL"]),
        ("Boxes of tea", &["box", "boxes"]),
        ("Kadın İstanbul ısıtıcı", &["istanbul", "İSTANBUL", "isitici"]),
        ("Điện thoại", &["dien thoai", "Điện"]),
        ("Żółw", &["zolw"]),
        ("שָׁלוֹם עולם", &["שלום"]),
        ("सूती कुर्ता", &["कुर्ता", "सूती"]),
        ("เสื้อยืดสีดำ", &["เสื้อยืด", "สีดำ"]),
        ("👕Tshirt", &["tshirt", "👕 tshirt"]),
        ("Wi\u{AD}Fi ca\u{200D}ble", &["wifi", "cable"]),
        ("ﬁne ½ ㎏", &["fine", "½", "kg"]),
        ("Artikel ١٢٣", &["123"]),
        ("Acme™ glue", &["acme"]),
        (
            "Women's T-Shirt",
            &["womens", "women", "t-shirt", "tshirts", "T-Shirt"],
        ),
        ("Huile d'olive", &["olive", "l'huile"]),
        ("Bücher", &["Buch", "bucher"]),
    ] {
        create(&catalog, &[name]);
        for search in searches {
            assert!(
                found(&catalog, search).contains(&name.into()),
                "{search} should find {name}"
            );
        }
    }
}

#[test]
fn a_search_without_letters_and_digits_finds_nothing() {
    let (_, catalog) = catalog();
    create(&catalog, &["Sock 👕 100 %", "-"]);
    for search in ["👕", "%", "-", " ' ", "\u{200D}", "…"] {
        assert_eq!(
            found(&catalog, search).len(),
            usize::from(search.trim().is_empty()) * 2
        );
        assert_eq!(
            catalog.count_facets(&filter(search)).unwrap().total,
            0,
            "{search}"
        );
        let query = ProductQuery {
            filter: filter(search),
            sort: None,
            page: Page {
                count: true,
                ..first(5)
            },
        };
        let page = catalog.list(&query).unwrap();
        assert_eq!(
            (page.total, page.has_next, page.has_previous),
            (Some(0), false, false)
        );
    }
    for blank in ["", "  "] {
        assert_eq!(found(&catalog, blank).len(), 2, "a blank text is no search");
    }
}

#[test]
fn searches_all_texts_of_a_product() {
    let (_, catalog) = catalog();
    let product = NewProduct {
        description: Some("Knitted in the Alps".into()),
        manufacturer: Some("Ärmel & Söhne".into()),
        external_id: Some("feed:0042-Z".into()),
        details: ProductDetails {
            sku: Some("TEE-S10".into()),
            attributes: Some(attributes(&[("Material", "Merino")])),
            ..ProductDetails::default()
        },
        ..new_product("Shirt")
    };
    let shirt = catalog.create(&admin(), &product).unwrap();
    let variant = new_product("Shirt M");
    let options = attributes(&[("Size", "Medium")]);
    catalog
        .create_variant(&admin(), &shirt.id, &options, &variant)
        .unwrap();
    for search in [
        "knitted alps",
        "armel sohne",
        "0042",
        "feed:0042-z",
        "TEE-S10",
        "tee s10",
        "tees10",
        "s10",
        "merino",
        "material merino shirt",
    ] {
        assert_eq!(found(&catalog, search), ["Shirt"], "{search}");
    }
    assert_eq!(found(&catalog, "size medium"), ["Shirt M"]);
    assert_eq!(found(&catalog, "merino knit hat"), [""; 0]);
    // An edit changes what is found.
    catalog.update(&admin(), &shirt.id, 1, &price(5)).unwrap();
    assert_eq!(found(&catalog, "merino"), ["Shirt"]);
    let facets = catalog.count_facets(&filter("shirts")).unwrap();
    assert_eq!(facets.total, 2);
}

#[test]
fn words_of_the_name_come_first_then_their_beginnings_then_other_texts() {
    let (_, catalog) = catalog();
    let elsewhere = NewProduct {
        description: Some("goes with a sock".into()),
        ..new_product("Shoe")
    };
    catalog.create(&admin(), &elsewhere).unwrap();
    create(&catalog, &["Red socks", "Sockliner", "Red sock", "Sock", "Hat"]);
    let by_relevance = ["Red socks", "Red sock", "Sock", "Sockliner", "Shoe"];
    assert_eq!(found(&catalog, "sock"), by_relevance);
    for size in 1..=5 {
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        for from_end in [false, true] {
            let mut cursor = None;
            loop {
                let page = Page {
                    limit: size,
                    after: cursor.clone().filter(|_| !from_end),
                    before: cursor.filter(|_| from_end),
                    from_end,
                    count: true,
                };
                let query = ProductQuery {
                    filter: filter("sock"),
                    sort: None,
                    page,
                };
                let mut page = catalog.list(&query).unwrap();
                assert_eq!(page.total, Some(5));
                let more = if from_end {
                    page.has_previous
                } else {
                    page.has_next
                };
                if from_end {
                    page.edges.reverse();
                }
                cursor = page.edges.last().map(|edge| edge.cursor.clone());
                let read = if from_end { &mut backward } else { &mut forward };
                read.extend(page.edges.into_iter().map(|edge| edge.product.name));
                if !more {
                    break;
                }
            }
        }
        backward.reverse();
        assert_eq!(forward, by_relevance, "{size}");
        assert_eq!(backward, by_relevance, "{size}");
    }
    // Any other sort has the same products.
    assert_eq!(
        names(list(&catalog, filter("sock"))),
        ["Red sock", "Red socks", "Shoe", "Sock", "Sockliner"]
    );
}

#[test]
fn sorts_names_by_the_unicode_collation() {
    let (_, catalog) = catalog();
    create(
        &catalog,
        &[
            "zebra", "Apple", "Äpfel", "apple", "éclair", "Zebra", "Ёлка", "10", "9", "北京", "eclair",
        ],
    );
    assert_eq!(
        names(list(&catalog, ProductFilter::default())),
        [
            "10", "9", "Äpfel", "apple", "Apple", "eclair", "éclair", "zebra", "Zebra", "Ёлка", "北京"
        ]
    );
}

#[test]
fn upgrades_products_that_were_stored_without_tokens_sort_keys_and_slugs() {
    let (ports, catalog) = catalog();
    let insert = |number: usize| {
        let name = if number.is_multiple_of(2) {
            "Alte Straße"
        } else {
            "Älteste"
        };
        let body = json!({
            "name": name, "price": 1, "currency": "USD", "received": 5, "onHand": 5, "reserved": 0, "sold": 0,
            "revision": 3, "createdAt": 7, "updatedAt": 8,
        });
        Write::Insert(Insertion {
            collection: "catalog.products".into(),
            id: format!("0198c0de-1f2e-7abc-8def-{number:012}"),
            body: body.to_string(),
        })
    };
    let writes: Vec<_> = (0..250).map(insert).collect();
    ports.commit(&writes, &[]).unwrap();
    // A sale during the upgrade does not stop it.
    let (seller, sold) = (catalog.clone(), "0198c0de-1f2e-7abc-8def-000000000001".to_owned());
    ports.before_next_commit(move || drop(seller.receive_stock(&admin(), &sold, 1).unwrap()));
    let query = ProductQuery {
        filter: filter("strasse"),
        sort: None,
        page: Page {
            count: true,
            ..first(1)
        },
    };
    assert_eq!(catalog.list(&query).unwrap().total, Some(125));
    let query = sorted(ProductFilter::default(), SortKey::Name, first(1_000));
    let edges = catalog.list(&query).unwrap().edges;
    assert_eq!(edges.len(), 250);
    assert_eq!(edges[0].product.name, "Alte Straße");
    let mut slugs: Vec<_> = edges.iter().map(|edge| edge.product.slug.as_str()).collect();
    assert!(
        slugs.contains(&"alteste") && slugs.contains(&"alte-strasse-2"),
        "{slugs:?}"
    );
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), 250);
    let upgraded = &edges[0].product;
    assert_eq!(
        (upgraded.version, upgraded.updated_at),
        (3, 8),
        "nobody edited it"
    );
    assert!(edges.iter().any(|edge| edge.product.quantity == 6));
}

#[test]
fn finds_a_product_without_tokens_after_an_instance_has_upgraded_all_others() {
    // Two instances of one shop: the second one sees that the first has done the work.
    let (ports, catalog) = catalog();
    create(&catalog, &["Sock"]);
    assert_eq!(found(&catalog, "sock"), ["Sock"]);
    let second = mercato_catalog::CatalogService::new(ports);
    assert_eq!(found(&second, "socks"), ["Sock"]);
}
