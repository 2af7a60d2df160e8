//! Imports of variants: their parents and their options.

use mercato_shop::catalog::ImportRow;
use mercato_shop::services::Catalog;
use mercato_shop::testing::{admin, invalid_field};
use mercato_shop::types::Error;

use crate::import::{CREATED, UNCHANGED, UPDATED, import, import_one, product, row, with};
use crate::support::{attributes, catalog};

fn variant(external_id: &str, parent: &str, size: &str) -> ImportRow {
    with(external_id, |row| {
        row.parent_external_id = Some(parent.into());
        row.options = Some(attributes(&[("size", size)]));
    })
}

#[test]
fn rows_are_variants_of_products_in_earlier_rows_or_in_the_shop() {
    let (_, catalog) = catalog();
    let rows = [
        row("tee"),
        variant("tee-s", "tee", "S"),
        variant("tee-m", "tee", "M"),
        variant("tee-x", "tee", "M"),
        variant("late-s", "late", "S"),
        row("late"),
        variant("deep", "tee-s", "S"),
        variant("self", "self", "S"),
        with("plain", |row| row.parent_external_id = Some("tee".into())),
        with("options", |row| row.options = Some(attributes(&[("size", "S")]))),
    ];
    let outcomes = import(&catalog, &rows);
    assert_eq!(outcomes[..3], [CREATED, CREATED, CREATED]);
    let message = format!("{:?}", outcomes[3]);
    assert!(message.contains("(TEE-M) has the same `options`"), "{message}");
    assert_eq!(outcomes[5], CREATED);
    for (index, field) in [
        (4, "parentExternalId"),
        (6, "parentExternalId"),
        (7, "parentExternalId"),
        (8, "options"),
        (9, "options"),
    ] {
        assert_eq!(invalid_field(outcomes[index].clone()), field, "{index}");
    }
    let (tee, small) = (product(&catalog, "tee"), product(&catalog, "tee-s"));
    assert_eq!(tee.variant_ids, [small.id.clone(), product(&catalog, "tee-m").id]);
    assert_eq!(small.parent_id.as_ref(), Some(&tee.id));
    assert_eq!(small.options, attributes(&[("size", "S")]));
    assert_eq!(import(&catalog, &rows[..3]), [UNCHANGED, UNCHANGED, UNCHANGED]);
    assert_eq!(import_one(&catalog, variant("tee-l", "tee", "L")), CREATED);
    assert_eq!(product(&catalog, "tee").variant_ids.len(), 3);
    assert_eq!(import_one(&catalog, row("tee-l")), UNCHANGED);
    // The rows swap no options, since each must be unique at any moment.
    assert!(matches!(
        import_one(&catalog, variant("tee-l", "tee", "S")),
        Err(Error::Conflict(_))
    ));
    assert_eq!(import_one(&catalog, variant("tee-l", "tee", "XL")), UPDATED);
}

#[test]
fn a_known_product_becomes_a_variant_changes_its_parent_and_is_restored_below_it() {
    let (_, catalog) = catalog();
    let rows = [row("tee"), row("hat"), row("small"), variant("cap", "hat", "S")];
    assert_eq!(import(&catalog, &rows), [CREATED, CREATED, CREATED, CREATED]);
    assert_eq!(import_one(&catalog, variant("small", "tee", "S")), UPDATED);
    assert_eq!(
        invalid_field(import_one(&catalog, variant("hat", "tee", "M"))),
        "parentExternalId"
    );
    assert_eq!(import_one(&catalog, variant("small", "hat", "M")), UPDATED);
    let small = product(&catalog, "small");
    assert!(product(&catalog, "tee").variant_ids.is_empty());
    assert_eq!(
        product(&catalog, "hat").variant_ids,
        [product(&catalog, "cap").id, small.id.clone()]
    );

    catalog.archive(&admin(), &small.id, small.version).unwrap();
    assert_eq!(import_one(&catalog, variant("small", "tee", "S")), UPDATED);
    let restored = product(&catalog, "small");
    assert_eq!((&restored.id, restored.archived_at), (&small.id, None));
    assert_eq!(product(&catalog, "tee").variant_ids, [small.id]);

    let separate = with("small", |row| row.parent_external_id = Some(String::new()));
    assert_eq!(import_one(&catalog, separate.clone()), UPDATED);
    let separate_product = product(&catalog, "small");
    assert_eq!(
        (separate_product.parent_id, separate_product.options),
        (None, vec![])
    );
    assert!(product(&catalog, "tee").variant_ids.is_empty());
    assert_eq!(import_one(&catalog, separate), UNCHANGED);
    catalog
        .archive(&admin(), &product(&catalog, "tee").id, 1)
        .unwrap();
    assert_eq!(
        invalid_field(import_one(&catalog, variant("new", "tee", "S"))),
        "parentExternalId"
    );
}

#[test]
fn a_full_product_keeps_its_variants_and_gets_no_more() {
    let (_, catalog) = catalog();
    let numbered = |number: usize| variant(&format!("tee-{number}"), "tee", &number.to_string());
    let rows: Vec<_> = std::iter::once(row("tee"))
        .chain((0..100).map(numbered))
        .collect();
    assert!(import(&catalog, &rows).iter().all(|outcome| *outcome == CREATED));
    let more = import_one(&catalog, numbered(100));
    assert!(
        matches!(&more, Err(Error::Conflict(text)) if text.contains("at most 100 variants")),
        "{more:?}"
    );
    assert_eq!(import_one(&catalog, variant("tee-7", "tee", "new")), UPDATED);
}

#[test]
fn a_row_without_a_parent_changes_the_options_of_a_variant_only() {
    let (_, catalog) = catalog();
    let rows = [
        row("tee"),
        variant("tee-s", "tee", "S"),
        variant("tee-m", "tee", "M"),
    ];
    assert_eq!(import(&catalog, &rows), [CREATED, CREATED, CREATED]);
    let options = |external_id: &str, pairs: &[(&str, &str)]| -> ImportRow {
        with(external_id, |row| row.options = Some(attributes(pairs)))
    };
    assert_eq!(import_one(&catalog, options("tee-s", &[("size", "XS")])), UPDATED);
    assert_eq!(product(&catalog, "tee-s").options, attributes(&[("size", "XS")]));
    let taken = import_one(&catalog, options("tee-s", &[("size", "M")]));
    assert!(matches!(taken, Err(Error::Conflict(_))));
    assert_eq!(
        invalid_field(import_one(&catalog, options("tee", &[("size", "M")]))),
        "options"
    );
    assert_eq!(import_one(&catalog, options("tee", &[])), UNCHANGED);
}
