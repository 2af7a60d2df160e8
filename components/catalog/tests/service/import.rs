//! Imports: fields that a row leaves out, stock and identifiers.

use std::collections::BTreeMap;

use mercato_shop::catalog::{Image, MovementKind};
use mercato_shop::catalog::{
    ImportOutcome, ImportRow, NewProduct, Product, ProductDetails, ProductFilter, ProductPatch, StockPolicy,
};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{admin, invalid_field};
use mercato_shop::types::Error;

use crate::support::{
    Service, attributes, catalog, catalog_with, create_category, find, first, get_stock, line, list,
    new_product,
};

/// A row with a name and a price.
pub fn row(external_id: &str) -> ImportRow {
    let mut row = bare(external_id);
    row.fields.name = Some(external_id.to_uppercase());
    row.fields.price = Some(100);
    row
}

/// A row with an external id alone.
fn bare(external_id: &str) -> ImportRow {
    ImportRow {
        external_id: Some(external_id.into()),
        fields: ProductPatch::default(),
        category_path: None,
        parent_external_id: None,
        options: None,
    }
}

pub fn with(external_id: &str, change: impl FnOnce(&mut ImportRow)) -> ImportRow {
    let mut row = row(external_id);
    change(&mut row);
    row
}

/// A row with all fields of a product in the category `socks`.
fn full(external_id: &str) -> ImportRow {
    with(external_id, |row| {
        row.fields.description = Some("warm".into());
        row.fields.manufacturer = Some("Acme".into());
        row.fields.currency = Some("EUR".into());
        row.fields.quantity = Some(4);
        row.fields.details = ProductDetails {
            low_stock_at: Some(2),
            category_id: Some("socks".into()),
            images: Some(vec![Image {
                url: "https://a.example/1".into(),
                alt: None,
            }]),
            attributes: Some(attributes(&[("material", "wool")])),
            sku: Some("A-1".into()),
            weight: Some(10),
            compare_at_price: Some(200),
            slug: Some("warm-a".into()),
        };
    })
}

pub fn import(catalog: &Service, rows: &[ImportRow]) -> Vec<Result<ImportOutcome, Error>> {
    catalog.import_many(&admin(), rows, StockPolicy::Keep).unwrap()
}

/// Imports one row.
pub fn import_one(catalog: &Service, row: ImportRow) -> Result<ImportOutcome, Error> {
    import(catalog, &[row]).remove(0)
}

pub fn product(catalog: &Service, external_id: &str) -> Product {
    let mut products = list(catalog, ProductFilter::default());
    products.retain(|product| product.external_id.as_deref() == Some(external_id));
    assert_eq!(products.len(), 1, "{external_id}");
    products.remove(0)
}

pub const CREATED: Result<ImportOutcome, Error> = Ok(ImportOutcome::Created);
pub const UPDATED: Result<ImportOutcome, Error> = Ok(ImportOutcome::Updated);
pub const UNCHANGED: Result<ImportOutcome, Error> = Ok(ImportOutcome::Unchanged);

#[test]
fn a_row_changes_only_the_fields_that_it_has_and_empty_values_clear() {
    let (_, catalog) = catalog();
    let socks = create_category(&catalog, "Socks", None);
    let full = full("a");
    assert_eq!(import_one(&catalog, full.clone()), CREATED);
    let created = product(&catalog, "a");
    assert_eq!(
        (
            created.sku.as_deref(),
            created.compare_at_price,
            created.slug.as_str()
        ),
        (Some("A-1"), Some(200), "warm-a")
    );
    assert_eq!(
        (created.quantity, created.category_id.as_ref()),
        (4, Some(&socks.id))
    );
    assert_eq!(import_one(&catalog, full), UNCHANGED);
    assert_eq!(import_one(&catalog, bare("a")), UNCHANGED);
    assert_eq!(product(&catalog, "a"), created);

    let mut cleared = bare("a");
    cleared.fields.description = Some(String::new());
    cleared.fields.manufacturer = Some(" ".into());
    cleared.fields.details = ProductDetails {
        low_stock_at: Some(-1),
        category_id: Some(String::new()),
        images: Some(vec![]),
        attributes: Some(vec![]),
        sku: Some(String::new()),
        weight: Some(0),
        compare_at_price: Some(0),
        slug: Some(String::new()),
    };
    assert_eq!(import_one(&catalog, cleared.clone()), UPDATED);
    let bare = product(&catalog, "a");
    assert_eq!(
        (bare.description, bare.manufacturer, bare.category_id),
        (None, None, None)
    );
    assert_eq!((bare.sku, bare.weight, bare.compare_at_price), (None, None, None));
    assert_eq!(
        (bare.images.len(), bare.attributes.len(), bare.version),
        (0, 0, 2)
    );
    assert_eq!((bare.slug.as_str(), bare.price.currency.as_str()), ("a", "EUR"));
    assert_eq!(import_one(&catalog, cleared), UNCHANGED);
}

/// What a feed can set of a product, as texts by their names.
fn fields(catalog: &Service, product: &Product) -> BTreeMap<&'static str, String> {
    let categories = catalog.categories().unwrap();
    let category = categories
        .iter()
        .find(|category| product.category_id.as_ref() == Some(&category.id));
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    BTreeMap::from([
        ("name", product.name.clone()),
        ("description", optional(&product.description)),
        ("manufacturer", optional(&product.manufacturer)),
        ("price", product.price.amount.to_string()),
        ("currency", product.price.currency.clone()),
        (
            "low stock",
            format!("{:?}", get_stock(catalog, &product.id).low_stock_at),
        ),
        (
            "category",
            category.map_or_else(String::new, |category| category.name.clone()),
        ),
        ("image", product.images[0].url.clone()),
        ("attribute", product.attributes[0].value.clone()),
        ("SKU", optional(&product.sku)),
        ("weight", format!("{:?}", product.weight)),
        ("compared price", format!("{:?}", product.compare_at_price)),
        ("slug", product.slug.clone()),
    ])
}

#[test]
fn a_row_can_change_each_field_alone() {
    type Change = fn(&mut ImportRow);
    let changes: [(&str, &str, Change); 14] = [
        ("name", "Hat", |row| row.fields.name = Some("Hat".into())),
        ("description", "cold", |row| {
            row.fields.description = Some("cold".into());
        }),
        ("manufacturer", "Other", |row| {
            row.fields.manufacturer = Some("Other".into());
        }),
        ("price", "101", |row| row.fields.price = Some(101)),
        ("currency", "CHF", |row| row.fields.currency = Some("CHF".into())),
        ("low stock", "Some(3)", |row| {
            row.fields.details.low_stock_at = Some(3);
        }),
        ("category", "Hats", |row| {
            row.fields.details.category_id = Some("hats".into());
        }),
        ("category", "Caps", |row| {
            row.category_path = Some(vec!["Hats".into(), "Caps".into()]);
        }),
        ("image", "https://a.example/2", |row| {
            let url = "https://a.example/2".into();
            row.fields.details.images = Some(vec![Image { url, alt: None }]);
        }),
        ("attribute", "silk", |row| {
            row.fields.details.attributes = Some(attributes(&[("material", "silk")]));
        }),
        ("SKU", "A-2", |row| row.fields.details.sku = Some("A-2".into())),
        ("weight", "Some(11)", |row| row.fields.details.weight = Some(11)),
        ("compared price", "Some(201)", |row| {
            row.fields.details.compare_at_price = Some(201);
        }),
        ("slug", "cold-a", |row| {
            row.fields.details.slug = Some("cold-a".into());
        }),
    ];
    for (field, value, change) in changes {
        let (_, catalog) = catalog();
        for category in ["Socks", "Hats"] {
            create_category(&catalog, category, None);
        }
        assert_eq!(import_one(&catalog, full("a")), CREATED);
        let mut expected = fields(&catalog, &product(&catalog, "a"));
        assert_ne!(expected.insert(field, value.into()).unwrap(), value);
        let mut row = bare("a");
        change(&mut row);
        assert_eq!(import_one(&catalog, row.clone()), UPDATED, "{field}");
        let changed = product(&catalog, "a");
        assert_eq!(fields(&catalog, &changed), expected, "{field}");
        assert_eq!((changed.version, changed.quantity), (2, 4), "{field}");
        assert_eq!(import_one(&catalog, row), UNCHANGED, "{field}");
    }
}

#[test]
fn only_a_new_product_needs_a_name_and_a_price() {
    let (_, catalog) = catalog();
    let nameless = with("a", |row| row.fields.name = None);
    let priceless = with("a", |row| row.fields.price = None);
    for (row, field) in [
        (nameless.clone(), "name"),
        (priceless.clone(), "price"),
        (with("a", |row| row.external_id = None), "externalId"),
        (with("a", |row| row.external_id = Some(" ".into())), "externalId"),
        (with("a", |row| row.fields.quantity = Some(-1)), "quantity"),
        (
            with("a", |row| row.fields.currency = Some("ZZZ".into())),
            "currency",
        ),
        (
            with("a", |row| row.fields.details.compare_at_price = Some(100)),
            "compareAtPrice",
        ),
    ] {
        assert_eq!(invalid_field(import_one(&catalog, row)), field);
    }
    assert_eq!(import_one(&catalog, row("a")), CREATED);
    assert_eq!(product(&catalog, "a").quantity, 0);
    assert_eq!(import(&catalog, &[nameless]), [UNCHANGED]);
    assert_eq!(import(&catalog, &[priceless]), [UNCHANGED]);
}

#[test]
fn stock_is_set_only_on_request_and_enters_the_ledger() {
    let (ports, catalog) = catalog();
    let counted = |quantity| with("a", |row| row.fields.quantity = Some(quantity));
    assert_eq!(import_one(&catalog, counted(5)), CREATED);
    let id = product(&catalog, "a").id;
    assert_eq!(import_one(&catalog, counted(9)), UNCHANGED);
    let set = |quantity| {
        catalog
            .import_many(&admin(), &[counted(quantity)], StockPolicy::Set)
            .unwrap()
    };
    assert_eq!(set(9), [UPDATED]);
    assert_eq!(set(9), [UNCHANGED]);
    // A sale during the import: the units on hand are what was counted, and the sale is kept.
    let (seller, sold) = (catalog.clone(), id.clone());
    ports.before_next_commit(move || drop(seller.reserve("o", &[line(&sold, 2)], 0).unwrap()));
    assert_eq!(set(3), [UPDATED]);
    let stock = get_stock(&catalog, &id);
    assert_eq!(
        (stock.received, stock.on_hand, stock.reserved, stock.written_off),
        (9, 3, 2, 4)
    );
    let product = find(&catalog, &id).unwrap();
    assert_eq!((product.quantity, product.version), (3, 1), "a count is no edit");
    let movements = catalog.stock_movements(&admin(), &id, &first(10)).unwrap().edges;
    let movements: Vec<_> = movements
        .iter()
        .map(|edge| (edge.movement.kind, edge.movement.on_hand))
        .collect();
    assert_eq!(
        movements,
        [
            (MovementKind::Set, -4),
            (MovementKind::Reserved, -2),
            (MovementKind::Set, 4),
            (MovementKind::Received, 5)
        ]
    );
    let without = catalog
        .import_many(&admin(), &[row("a")], StockPolicy::Set)
        .unwrap();
    assert_eq!(without, [UNCHANGED]);
}

#[test]
fn an_edit_may_set_the_counted_stock_in_the_same_commit() {
    let (_, catalog) = catalog();
    let id = catalog.create(&admin(), &new_product("a")).unwrap().id;
    let patch = |price, quantity| ProductPatch {
        price: Some(price),
        quantity: Some(quantity),
        ..ProductPatch::default()
    };
    let updated = catalog.update(&admin(), &id, 1, &patch(5, 3)).unwrap();
    assert_eq!(
        (updated.price.amount, updated.quantity, updated.version),
        (5, 3, 2)
    );
    assert!(matches!(
        catalog.update(&admin(), &id, 1, &patch(6, 1)),
        Err(Error::StaleVersion(2))
    ));
    assert_eq!(
        invalid_field(catalog.update(&admin(), &id, 2, &patch(6, -1))),
        "quantity"
    );
    let counted = catalog.update(&admin(), &id, 2, &patch(5, 8)).unwrap();
    assert_eq!((counted.quantity, counted.version), (8, 2));
    assert_eq!(find(&catalog, &id).unwrap(), counted);
}

#[test]
fn a_row_is_refused_if_its_identifiers_belong_to_another_product() {
    let (_, catalog) = catalog();
    let taken = NewProduct {
        details: ProductDetails {
            sku: Some("X".into()),
            slug: Some("x".into()),
            ..ProductDetails::default()
        },
        ..new_product("Owner")
    };
    let owner = catalog.create(&admin(), &taken).unwrap().id;
    let sku = |id: &str, sku: &str| with(id, |row| row.fields.details.sku = Some(sku.into()));
    let slug = |id: &str, slug: &str| with(id, |row| row.fields.details.slug = Some(slug.into()));
    let outcomes = import(
        &catalog,
        &[
            sku("a", "X"),
            slug("b", "x"),
            sku("c", "Y"),
            sku("d", "Y"),
            row("x"),
            row("X"),
        ],
    );
    for (index, start) in [
        (0, format!("`sku` X belongs to the product {owner} (Owner)")),
        (1, format!("`slug` x belongs to the product {owner} (Owner)")),
        (3, "`sku` Y belongs to the product".into()),
    ] {
        match &outcomes[index] {
            Err(Error::Conflict(message)) => assert!(message.starts_with(&start), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!([&outcomes[2], &outcomes[4], &outcomes[5]], [&CREATED; 3]);
    assert_eq!(
        (product(&catalog, "x").slug, product(&catalog, "X").slug),
        ("x-2".into(), "x-3".into())
    );
    // A concurrent product takes the SKU.
    let (ports, catalog) = catalog_with(&[]);
    let other = catalog.clone();
    ports.before_next_commit(move || drop(other.create(&admin(), &taken).unwrap()));
    let outcomes = import(&catalog, &[sku("a", "X"), row("b")]);
    assert!(matches!(outcomes[0], Err(Error::Conflict(_))), "{outcomes:?}");
    assert_eq!(outcomes[1], CREATED);
}

#[test]
fn a_price_in_a_currency_with_other_decimals_needs_the_currency() {
    let (_, catalog) = catalog();
    let yen = with("a", |row| row.fields.currency = Some("JPY".into()));
    assert_eq!(import_one(&catalog, yen.clone()), CREATED);
    assert_eq!(invalid_field(import_one(&catalog, row("a"))), "currency");
    assert_eq!(
        import_one(&catalog, with("a", |row| row.fields.price = None)),
        UNCHANGED
    );
    assert_eq!(import_one(&catalog, yen), UNCHANGED);
    let euro = with("b", |row| row.fields.currency = Some("EUR".into()));
    assert_eq!(import_one(&catalog, euro), CREATED);
    assert_eq!(import_one(&catalog, row("b")), UNCHANGED);
    assert_eq!(product(&catalog, "b").price.currency, "EUR");
}

#[test]
fn import_of_500_products_of_one_name_gives_each_a_slug() {
    let (_, catalog) = catalog();
    let rows: Vec<_> = (0..500)
        .map(|number| with(&number.to_string(), |row| row.fields.name = Some("Sock".into())))
        .collect();
    assert!(import(&catalog, &rows).iter().all(|outcome| *outcome == CREATED));
    assert!(
        import(&catalog, &rows)
            .iter()
            .all(|outcome| *outcome == UNCHANGED)
    );
}
