//! The slugs of products and categories, and errors that name the other product.

use mercato_ports::documents::{Insertion, Write};
use mercato_shop::catalog::{
    CategoryPatch, NewCategory, NewProduct, ProductDetails, ProductFilter, ProductPatch,
};
use mercato_shop::ports::Ports;
use mercato_shop::services::Catalog;
use mercato_shop::testing::{admin, invalid_field};
use mercato_shop::types::Error;
use serde_json::json;

use crate::support::{Service, catalog, create_category, list, new_category, new_product, patch, row};

fn with_slug(slug: &str) -> ProductDetails {
    ProductDetails {
        slug: Some(slug.into()),
        ..ProductDetails::default()
    }
}

fn slug_of(catalog: &Service, name: &str) -> String {
    catalog.create(&admin(), &new_product(name)).unwrap().slug
}

fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Conflict(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_product_has_a_unique_slug_of_its_name() {
    let (ports, catalog) = catalog();
    for (name, slug) in [
        ("Äpfel & Birnen", "apfel-birnen"),
        ("Apfel, Birnen", "apfel-birnen-2"),
        ("Straße", "strasse"),
        ("北京", "北京"),
        ("北京!", "北京-2"),
        ("👕", "product"),
        ("%", "product-2"),
    ] {
        assert_eq!(slug_of(&catalog, name), slug);
    }
    // A concurrent product takes the slug first.
    let other = catalog.clone();
    ports.before_next_commit(move || drop(slug_of(&other, "Hat")));
    assert_eq!(slug_of(&catalog, "Hat"), "hat-2");
    let many: Vec<_> = (0..25).map(|_| slug_of(&catalog, "Sock")).collect();
    assert_eq!((many[0].as_str(), many[19].as_str()), ("sock", "sock-20"));
    assert_eq!(many[24].len(), "sock-".len() + 12, "{}", many[24]);
}

#[test]
fn staff_choose_slugs_and_products_are_found_by_them() {
    let (_, catalog) = catalog();
    let input = NewProduct {
        details: with_slug("warm-socks"),
        ..new_product("Sock")
    };
    let sock = catalog.create(&admin(), &input).unwrap();
    assert_eq!(sock.slug, "warm-socks");
    let by_slug = |slug: &str| {
        let filter = ProductFilter {
            slug: Some(slug.into()),
            ..ProductFilter::default()
        };
        list(&catalog, filter).len()
    };
    assert_eq!((by_slug("warm-socks"), by_slug("sock")), (1, 0));
    // A new name keeps the slug, since links have it.
    let renamed = ProductPatch {
        name: Some("Wool sock".into()),
        ..ProductPatch::default()
    };
    let renamed = catalog.update(&admin(), &sock.id, 1, &renamed).unwrap();
    assert_eq!(renamed.slug, "warm-socks");
    let made = catalog
        .update(&admin(), &sock.id, 2, &patch(with_slug("")))
        .unwrap();
    assert_eq!((made.slug.as_str(), made.version), ("wool-sock", 3));
    assert_eq!((by_slug("warm-socks"), by_slug("wool-sock")), (0, 1));
    let unchanged = catalog
        .update(&admin(), &sock.id, 3, &patch(with_slug("")))
        .unwrap();
    assert_eq!(unchanged.version, 3);
    for slug in ["A", "a b", "-a", "a/b"] {
        assert_eq!(
            invalid_field(catalog.update(&admin(), &sock.id, 3, &patch(with_slug(slug)))),
            "slug"
        );
    }
    assert_eq!(
        slug_of(&catalog, "warm socks"),
        "warm-socks",
        "the old slug is free"
    );
}

#[test]
fn a_conflict_names_the_field_and_the_other_product() {
    let (_, catalog) = catalog();
    let tee = NewProduct {
        details: ProductDetails {
            sku: Some("TEE-S".into()),
            slug: Some("tee".into()),
            ..ProductDetails::default()
        },
        ..row("Tee")
    };
    let tee = catalog.create(&admin(), &tee).unwrap();
    let other = catalog.create(&admin(), &new_product("Other")).unwrap();
    let sku = ProductDetails {
        sku: Some("TEE-S".into()),
        ..ProductDetails::default()
    };
    let named = |field: &str, text: &str| format!("`{field}` {text} belongs to the product {} (Tee)", tee.id);
    let input = NewProduct {
        details: sku.clone(),
        ..new_product("a")
    };
    for (message, start) in [
        (conflict(catalog.create(&admin(), &input)), named("sku", "TEE-S")),
        (
            conflict(catalog.update(&admin(), &other.id, 1, &patch(sku))),
            named("sku", "TEE-S"),
        ),
        (
            conflict(catalog.create(&admin(), &row("Tee"))),
            named("externalId", "feed/Tee"),
        ),
        (
            conflict(catalog.update(&admin(), &other.id, 1, &patch(with_slug("tee")))),
            named("slug", "tee"),
        ),
    ] {
        assert!(message.starts_with(&start), "{message}");
    }
    catalog.archive(&admin(), &tee.id, 1).unwrap();
    let message = conflict(catalog.create(&admin(), &row("Tee")));
    assert!(message.contains("which is deleted"), "{message}");
}

#[test]
fn identifiers_are_equal_in_any_normal_form_and_have_no_hidden_characters() {
    let (_, catalog) = catalog();
    let with = |sku: &str, external_id: &str| NewProduct {
        external_id: Some(external_id.into()),
        details: ProductDetails {
            sku: Some(sku.into()),
            ..ProductDetails::default()
        },
        ..new_product("a")
    };
    catalog.create(&admin(), &with("CAF\u{c9}", "caf\u{e9}")).unwrap();
    assert!(conflict(catalog.create(&admin(), &with("CAFE\u{301}", "x"))).starts_with("`sku`"));
    assert!(conflict(catalog.create(&admin(), &with("y", "cafe\u{301}"))).starts_with("`externalId`"));
    let filter = ProductFilter {
        sku: Some("CAFE\u{301}".into()),
        ..ProductFilter::default()
    };
    assert_eq!(list(&catalog, filter).len(), 1);
    assert_eq!(
        invalid_field(catalog.create(&admin(), &with("a\u{200B}", "z"))),
        "sku"
    );
    assert_eq!(
        invalid_field(catalog.create(&admin(), &with("z", "a\u{202E}"))),
        "externalId"
    );
}

#[test]
fn a_price_before_a_sale_is_greater_than_the_price() {
    let (_, catalog) = catalog();
    let before = |amount| ProductDetails {
        compare_at_price: Some(amount),
        ..ProductDetails::default()
    };
    let input = NewProduct {
        details: before(150),
        ..new_product("a")
    };
    let product = catalog.create(&admin(), &input).unwrap();
    assert_eq!(product.compare_at_price, Some(150));
    let raised = ProductPatch {
        price: Some(150),
        ..ProductPatch::default()
    };
    for change in [
        raised.clone(),
        patch(before(100)),
        patch(before(-1)),
        patch(before(1 << 53)),
    ] {
        let refused = catalog.update(&admin(), &product.id, 1, &change);
        assert_eq!(invalid_field(refused), "compareAtPrice");
    }
    let both = ProductPatch {
        details: before(0),
        ..raised
    };
    let ended = catalog.update(&admin(), &product.id, 1, &both).unwrap();
    assert_eq!((ended.price.amount, ended.compare_at_price), (150, None));
}

#[test]
fn a_category_has_a_unique_slug_in_any_script() {
    let (_, catalog) = catalog();
    for (name, slug) in [
        ("Äpfel & Birnen", "apfel-birnen"),
        ("Apfel Birnen", "apfel-birnen-2"),
        ("Straße", "strasse"),
        ("北京", "北京"),
        ("👕", "category"),
        ("Ёлки", "elki"),
    ] {
        assert_eq!(create_category(&catalog, name, None).slug, slug);
    }
    let taken = NewCategory {
        slug: Some("strasse".into()),
        ..new_category("x", None)
    };
    let message = conflict(catalog.create_category(&admin(), &taken));
    assert!(message.contains("`slug` strasse belongs to the category") && message.contains("(Straße)"));
}

#[test]
fn a_parent_may_be_given_by_its_slug() {
    let (ports, catalog) = catalog();
    let clothes = create_category(&catalog, "Clothes", None);
    let socks = NewCategory {
        parent_id: Some("clothes".into()),
        ..new_category("Socks", None)
    };
    let socks = catalog.create_category(&admin(), &socks).unwrap();
    assert_eq!(socks.parent_id.as_ref(), Some(&clothes.id));
    assert_eq!(catalog.categories().unwrap().len(), 2);
    let hats = create_category(&catalog, "Hats", None);
    let moved = catalog.move_category(&admin(), &socks.id, Some("hats")).unwrap();
    assert_eq!(moved.parent_id.as_ref(), Some(&hats.id));
    let cycle = catalog.move_category(&admin(), &hats.id, Some("socks"));
    assert!(matches!(cycle, Err(Error::Conflict(_))));
    let unknown = catalog.move_category(&admin(), &socks.id, Some("nowhere"));
    assert!(matches!(unknown, Err(Error::NotFound(_))));
    drop(ports);
}

#[test]
fn shows_categories_whose_parent_was_stored_as_a_slug() {
    let (ports, catalog) = catalog();
    let tree = json!({ "epoch": 0, "nodes": [
        { "id": "1", "name": "Clothes", "slug": "clothes", "position": 0 },
        { "id": "2", "name": "Socks", "slug": "socks", "parentId": "clothes", "position": 0 },
    ]});
    let insert = Write::Insert(Insertion {
        collection: "catalog.categories".into(),
        id: "tree".into(),
        body: tree.to_string(),
    });
    ports.commit(&[insert], &[]).unwrap();
    let categories = catalog.categories().unwrap();
    assert_eq!(categories[1].parent_id.as_deref(), Some("1"));
    // The first change stores the id, so the slug can change.
    let renamed = CategoryPatch {
        name: None,
        slug: Some("wear".into()),
        position: None,
    };
    catalog.update_category(&admin(), "1", &renamed).unwrap();
    assert_eq!(catalog.categories().unwrap().len(), 2);
}

#[test]
fn siblings_are_sorted_by_the_unicode_collation() {
    let (_, catalog) = catalog();
    for name in ["zebra", "Apple", "Äpfel"] {
        create_category(&catalog, name, None);
    }
    let names: Vec<_> = catalog
        .categories()
        .unwrap()
        .into_iter()
        .map(|category| category.name)
        .collect();
    assert_eq!(names, ["Äpfel", "Apple", "zebra"]);
}
