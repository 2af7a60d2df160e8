//! Imports: the categories of rows.

use mercato_shop::catalog::{ImportRow, ProductFilter};
use mercato_shop::services::Catalog;
use mercato_shop::testing::{admin, invalid_field};

use crate::import::{CREATED, UNCHANGED, UPDATED, import, import_one, product, row, with};
use crate::support::{catalog, create_category, list};

fn in_path(external_id: &str, path: &[&str]) -> ImportRow {
    with(external_id, |row| {
        row.category_path = Some(path.iter().map(|name| (*name).into()).collect());
    })
}

#[test]
fn a_product_follows_its_category_that_moves_during_the_import() {
    let by_id = with("a", |row| row.fields.details.category_id = Some("socks".into()));
    let by_path = in_path("a", &["Socks"]);
    for (row, is_known) in [
        (&by_id, false),
        (&by_id, true),
        (&by_path, false),
        (&by_path, true),
    ] {
        let (ports, catalog) = catalog();
        let [socks, clothes] = ["Socks", "Clothes"].map(|name| create_category(&catalog, name, None).id);
        if is_known {
            assert_eq!(import_one(&catalog, self::row("a")), CREATED);
        }
        let (other, moved, parent) = (catalog.clone(), socks, clothes);
        ports.before_next_commit(move || {
            other.move_category(&admin(), &moved, Some(&parent)).unwrap();
        });
        import_one(&catalog, row.clone()).unwrap();
        let categories = catalog.categories().unwrap();
        let mut category = product(&catalog, "a").category_id;
        let mut depth = 0;
        while let Some(id) = category {
            let filter = ProductFilter {
                category: Some(id.clone()),
                ..ProductFilter::default()
            };
            assert_eq!(list(&catalog, filter).len(), 1);
            depth += 1;
            let found = categories.iter().find(|category| category.id == id);
            category = found.unwrap().parent_id.clone();
        }
        // The path no longer names the category that has moved.
        assert_eq!(depth, if row.category_path.is_some() { 1 } else { 2 });
    }
}

#[test]
fn a_row_is_refused_if_its_category_is_deleted_during_the_import() {
    let (ports, catalog) = catalog();
    let socks = create_category(&catalog, "Socks", None).id;
    let (other, deleted) = (catalog.clone(), socks.clone());
    ports.before_next_commit(move || {
        other.delete_category(&admin(), &deleted).unwrap();
    });
    let into = with("a", |row| row.fields.details.category_id = Some(socks));
    let outcomes = import(&catalog, &[into, row("b")]);
    assert_eq!(invalid_field(outcomes[0].clone()), "categoryId");
    assert_eq!(outcomes[1], CREATED);
    assert_eq!(list(&catalog, ProductFilter::default()).len(), 1);
}

#[test]
fn categories_of_a_path_are_found_or_created() {
    let (ports, catalog) = catalog();
    create_category(&catalog, "Clothes", None);
    // The tree changes during the import.
    let other = catalog.clone();
    ports.before_next_commit(move || drop(create_category(&other, "Books", None)));
    let rows = [
        in_path("a", &["CLOTHES", "Große Socken"]),
        in_path("b", &["clothes", " GROSSE SOCKEN "]),
        in_path("c", &["Clothes", "Hats"]),
        with("d", |row| {
            row.category_path = Some(vec!["Lost".into(), "Never".into()]);
            row.fields.price = Some(-1);
        }),
        in_path("e", &["1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        in_path("f", &["x", " "]),
    ];
    let outcomes = import(&catalog, &rows);
    assert_eq!(outcomes[..3], [CREATED, CREATED, CREATED]);
    for (index, field) in [(3, "price"), (4, "categoryPath"), (5, "categoryPath")] {
        assert_eq!(invalid_field(outcomes[index].clone()), field);
    }
    let categories = catalog.categories().unwrap();
    let names: Vec<_> = categories.iter().map(|category| category.name.as_str()).collect();
    assert_eq!(names, ["Books", "Clothes", "Große Socken", "Hats"]);
    assert_eq!(categories[2].slug, "grosse-socken");
    assert_eq!(
        product(&catalog, "b").category_id,
        product(&catalog, "a").category_id
    );
    let in_clothes = ProductFilter {
        category: Some("clothes".into()),
        ..ProductFilter::default()
    };
    assert_eq!(list(&catalog, in_clothes.clone()).len(), 3);
    assert_eq!(import(&catalog, &rows[..3]), [UNCHANGED, UNCHANGED, UNCHANGED]);
    assert_eq!(import_one(&catalog, in_path("a", &[])), UPDATED);
    assert_eq!(list(&catalog, in_clothes).len(), 2);

    // An export names both: the id wins where it is known.
    let both = |id: &str| {
        let mut row = in_path("g", &["Elsewhere"]);
        row.fields.details.category_id = Some(id.into());
        row
    };
    assert_eq!(import_one(&catalog, both("hats")), CREATED);
    assert_eq!(
        product(&catalog, "g").category_id,
        product(&catalog, "c").category_id
    );
    assert_eq!(import_one(&catalog, both("unknown")), UPDATED);
    assert_eq!(catalog.categories().unwrap().len(), 5);
}
