//! Variants, SKUs, images and attributes.

use mercato_shop::catalog::{Image, ImportOutcome, NewProduct, Product, ProductDetails, ProductFilter};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{admin, customer, invalid_field};
use mercato_shop::types::Error;

use crate::support::{Service, attributes, catalog, find, import, line, list, names, patch, row, settle};

/// A row with 3 units and these details.
fn new(name: &str, details: ProductDetails) -> NewProduct {
    NewProduct {
        quantity: 3,
        details,
        ..row(name)
    }
}

fn sku(sku: &str) -> ProductDetails {
    ProductDetails {
        sku: Some(sku.into()),
        ..ProductDetails::default()
    }
}

fn variant(catalog: &Service, parent: &str, name: &str, size: &str) -> Result<Product, Error> {
    catalog.create_variant(
        &admin(),
        parent,
        &attributes(&[("size", size)]),
        &new(name, sku(&format!("SKU-{name}"))),
    )
}

fn read(catalog: &Service, id: &str) -> Product {
    find(catalog, id).unwrap()
}

fn listed(catalog: &Service, sku: Option<&str>, standalone: bool) -> Vec<String> {
    let filter = ProductFilter {
        sku: sku.map(Into::into),
        standalone,
        ..ProductFilter::default()
    };
    names(list(catalog, filter))
}

fn reserve(catalog: &Service, order: &str, id: &str) -> Result<(), Error> {
    catalog.reserve(order, &[line(id, 1)], 0).map(drop)
}

#[test]
fn a_variant_is_a_product_that_its_parent_lists() {
    let (_, catalog) = catalog();
    let shirt = catalog
        .create(&admin(), &new("shirt", ProductDetails::default()))
        .unwrap();
    reserve(&catalog, "before", &shirt.id).unwrap();
    let small = variant(&catalog, &shirt.id, "shirt S", "S").unwrap();
    let large = variant(&catalog, &shirt.id, "shirt L", "L").unwrap();
    assert_eq!(small.parent_id.as_ref(), Some(&shirt.id));
    assert_eq!(small.options, attributes(&[("size", "S")]));
    assert_eq!(
        read(&catalog, &shirt.id).variant_ids,
        [small.id.clone(), large.id.clone()]
    );
    let refused = reserve(&catalog, "parent", &shirt.id);
    assert!(matches!(refused, Err(Error::Invalid(violation)) if violation.message.contains("variants")));
    reserve(&catalog, "variant", &small.id).unwrap();
    settle(&catalog, "before").unwrap();
    settle(&catalog, "variant").unwrap();
    assert_eq!(read(&catalog, &small.id).quantity, 2);
    assert_eq!(listed(&catalog, None, false), ["shirt", "shirt L", "shirt S"]);
    assert_eq!(listed(&catalog, None, true), ["shirt"]);
    assert_eq!(listed(&catalog, Some("SKU-shirt L"), false), ["shirt L"]);

    assert!(matches!(
        variant(&catalog, &shirt.id, "again", "L"),
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        variant(&catalog, &small.id, "inner", "XS"),
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        variant(&catalog, "nobody", "lost", "M"),
        Err(Error::NotFound(_))
    ));
    for options in [attributes(&[]), attributes(&[("size", "M"), ("Size", "L")])] {
        let refused = catalog.create_variant(
            &admin(),
            &shirt.id,
            &options,
            &new("x", ProductDetails::default()),
        );
        assert_eq!(invalid_field(refused), "options");
    }
    let refused = catalog.create_variant(
        &customer("u"),
        &shirt.id,
        &attributes(&[("size", "M")]),
        &new("x", ProductDetails::default()),
    );
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    assert_eq!(read(&catalog, &shirt.id).variant_ids.len(), 2);
}

#[test]
fn a_parent_is_archived_after_its_variants_and_can_be_ordered_without_them() {
    let (ports, catalog) = catalog();
    let shirt = catalog
        .create(&admin(), &new("shirt", ProductDetails::default()))
        .unwrap();
    let small = variant(&catalog, &shirt.id, "shirt S", "S").unwrap();
    assert!(matches!(
        catalog.archive(&admin(), &shirt.id, 1),
        Err(Error::Conflict(_))
    ));
    catalog.archive(&admin(), &small.id, 1).unwrap();
    assert!(read(&catalog, &shirt.id).variant_ids.is_empty());
    reserve(&catalog, "o", &shirt.id).unwrap();
    catalog.release("o").unwrap();
    // A concurrent new variant prevents the archiving of its parent.
    let (other, parent) = (catalog.clone(), shirt.id.clone());
    ports.before_next_commit(move || drop(variant(&other, &parent, "late", "M").unwrap()));
    assert!(matches!(
        catalog.archive(&admin(), &shirt.id, 1),
        Err(Error::Conflict(_))
    ));
    let back = new("shirt S", ProductDetails::default());
    let outcome = import(&catalog, &[back]).unwrap();
    assert_eq!(outcome, [Ok(ImportOutcome::Updated)]);
    let small = read(&catalog, &small.id);
    assert_eq!(
        (small.parent_id, small.sku.as_deref()),
        (None, Some("SKU-shirt S"))
    );
    assert_eq!(listed(&catalog, None, true), ["shirt", "shirt S"]);
}

#[test]
fn a_sku_belongs_to_one_product_until_it_is_removed() {
    let (_, catalog) = catalog();
    let a = catalog.create(&admin(), &new("a", sku(" A-1 "))).unwrap();
    assert_eq!(a.sku.as_deref(), Some("A-1"));
    assert!(matches!(
        catalog.create(&admin(), &new("b", sku("A-1"))),
        Err(Error::Conflict(_))
    ));
    let b = catalog.create(&admin(), &new("b", sku("B-1"))).unwrap();
    assert!(matches!(
        catalog.update(&admin(), &b.id, 1, &patch(sku("A-1"))),
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        catalog
            .update(&admin(), &a.id, 1, &patch(sku("A-2")))
            .unwrap()
            .version,
        2
    );
    assert_eq!(
        catalog
            .update(&admin(), &b.id, 1, &patch(sku("A-1")))
            .unwrap()
            .version,
        2
    );
    let none = catalog.update(&admin(), &b.id, 2, &patch(sku(""))).unwrap();
    assert_eq!(none.sku, None);
    assert!(catalog.create(&admin(), &new("c", sku("A-1"))).is_ok());
    let row = import(&catalog, &[new("d", sku("D"))]).unwrap();
    assert_eq!(row[0], Ok(ImportOutcome::Created));
    assert_eq!(listed(&catalog, Some("D"), false), ["d"]);
}

#[test]
fn keeps_valid_images_and_attributes_in_their_order() {
    let (_, catalog) = catalog();
    let image = |url: &str| Image {
        url: url.into(),
        alt: Some(" A sock ".into()),
    };
    let details = ProductDetails {
        images: Some(vec![
            image("https://cdn.example/a.jpg?w=1&h=2@2x"),
            image("http://[::1]/b.png"),
        ]),
        attributes: Some(attributes(&[("material", " wool "), ("colour", "red")])),
        ..ProductDetails::default()
    };
    let sock = catalog.create(&admin(), &new("sock", details)).unwrap();
    assert_eq!(sock.images[0].alt.as_deref(), Some("A sock"));
    assert_eq!(
        sock.attributes,
        attributes(&[("material", "wool"), ("colour", "red")])
    );
    import(&catalog, &[new("sock", ProductDetails::default())]).unwrap();
    assert_eq!(
        read(&catalog, &sock.id),
        sock,
        "a feed without images and attributes keeps them"
    );

    for url in [
        "",
        "cdn.example/a.jpg",
        "javascript:alert(1)",
        "ftp://a/b",
        "data:image/png;base64,AA",
        "https://",
        "https:///a",
        "https://a/ b",
        "https://a/\"onerror=",
        "https://a/<script>",
        "https://é.example/",
        "https://me:secret@a/b.jpg",
        "http://me@a",
        "https://a:b@c?d",
        "https://a@b#c",
        &format!("https://a/{}", "x".repeat(2_000)),
    ] {
        let details = ProductDetails {
            images: Some(vec![image(url)]),
            ..ProductDetails::default()
        };
        let refused = catalog.update(&admin(), &sock.id, 1, &patch(details));
        assert_eq!(invalid_field(refused), "images", "{url}");
    }
    let many: Vec<_> = (0..51).map(|number| (number.to_string(), "x")).collect();
    let many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let long = "x".repeat(501);
    for wrong in [
        &many[..],
        &[("a", "")],
        &[("", "a")],
        &[("a", "1"), ("A", "2")],
        &[("a", long.as_str())],
    ] {
        let details = ProductDetails {
            attributes: Some(attributes(wrong)),
            ..ProductDetails::default()
        };
        let refused = catalog.update(&admin(), &sock.id, 1, &patch(details));
        assert_eq!(invalid_field(refused), "attributes");
    }
    let none = ProductDetails {
        images: Some(vec![]),
        attributes: Some(vec![]),
        ..ProductDetails::default()
    };
    let bare = catalog.update(&admin(), &sock.id, 1, &patch(none)).unwrap();
    assert_eq!(
        (bare.images.len(), bare.attributes.len(), bare.version),
        (0, 0, 2)
    );
}
