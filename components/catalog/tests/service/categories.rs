//! The category tree, and the products in it.

use std::thread;

use mercato_shop::catalog::{
    CategoryPatch, ImportOutcome, NewCategory, NewProduct, ProductDetails, ProductFilter, ProductPatch,
};
use mercato_shop::services::Catalog;
use mercato_shop::testing::{admin, customer, invalid_field};
use mercato_shop::types::Error;

use crate::support::{Service, catalog, create_category, import, list, names, new_category, patch};

fn in_category(category: &str) -> ProductDetails {
    ProductDetails {
        category_id: Some(category.into()),
        ..ProductDetails::default()
    }
}

fn row(name: &str, category: &str) -> NewProduct {
    NewProduct {
        details: in_category(category),
        ..crate::support::row(name)
    }
}

fn put(category: &str) -> ProductPatch {
    patch(in_category(category))
}

/// The names of the products of a category and of its subcategories.
fn products(catalog: &Service, category: &str) -> Vec<String> {
    let filter = ProductFilter {
        category: Some(category.into()),
        ..ProductFilter::default()
    };
    names(list(catalog, filter))
}

fn category_names(catalog: &Service) -> Vec<String> {
    let all = catalog.categories().unwrap();
    all.into_iter().map(|category| category.name).collect()
}

#[test]
fn lists_categories_as_a_tree_in_their_order() {
    let (_, catalog) = catalog();
    let clothes = create_category(&catalog, "Clothes", None);
    let socks = create_category(&catalog, "Wool & Socks", Some(&clothes));
    let hats = create_category(&catalog, "Hats", Some(&clothes));
    create_category(&catalog, "Books", None);
    assert_eq!(socks.slug, "wool-socks");
    assert_eq!(
        category_names(&catalog),
        ["Books", "Clothes", "Hats", "Wool & Socks"]
    );
    let patch = CategoryPatch {
        name: Some(" Caps ".into()),
        slug: Some("caps".into()),
        position: Some(1),
    };
    let caps = catalog.update_category(&admin(), &hats.id, &patch).unwrap();
    assert_eq!(
        (caps.name.as_str(), caps.slug.as_str(), caps.position),
        ("Caps", "caps", 1)
    );
    assert_eq!(
        category_names(&catalog),
        ["Books", "Clothes", "Wool & Socks", "Caps"]
    );
    let taken = CategoryPatch {
        name: None,
        slug: Some("caps".into()),
        position: None,
    };
    let updated = catalog.update_category(&admin(), &socks.id, &taken);
    assert!(matches!(updated, Err(Error::Conflict(_))));
    assert!(catalog.update_category(&admin(), &hats.id, &taken).is_ok());
    let second = create_category(&catalog, "caps", None);
    assert_eq!(second.slug, "caps-2");
}

#[test]
fn rejects_invalid_categories() {
    let (_, catalog) = catalog();
    let with_slug = |slug: &str| NewCategory {
        slug: Some(slug.into()),
        ..new_category("a", None)
    };
    for (field, input) in [
        ("name", new_category("  ", None)),
        ("name", new_category("a\u{0}", None)),
        ("name", new_category("a\nb", None)),
        ("name", new_category(&"n".repeat(101), None)),
        ("slug", with_slug("Upper")),
        ("slug", with_slug("-a")),
        ("slug", with_slug("a b")),
        ("slug", with_slug(&"s".repeat(101))),
    ] {
        assert_eq!(invalid_field(catalog.create_category(&admin(), &input)), field);
    }
    let orphan = NewCategory {
        parent_id: Some("nobody".into()),
        ..new_category("a", None)
    };
    let created = catalog.create_category(&admin(), &orphan);
    assert!(matches!(created, Err(Error::NotFound(_))));
    let mut deepest = create_category(&catalog, "l1", None);
    for level in 2..=8 {
        deepest = create_category(&catalog, &format!("l{level}"), Some(&deepest));
    }
    let too_deep = catalog.create_category(&admin(), &new_category("l9", Some(&deepest)));
    assert!(matches!(too_deep, Err(Error::Invalid(_))));
    for refused in [
        catalog.create_category(&customer("u"), &new_category("b", None)),
        catalog.move_category(&customer("u"), &deepest.id, None),
        catalog.delete_category(&customer("u"), &deepest.id),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))));
    }
    assert_eq!(category_names(&catalog).len(), 8);
}

#[test]
fn a_category_contains_the_products_of_its_subcategories_and_moves_with_them() {
    let (_, catalog) = catalog();
    let clothes = create_category(&catalog, "Clothes", None);
    let socks = create_category(&catalog, "Socks", Some(&clothes));
    let books = create_category(&catalog, "Books", None);
    let sock = catalog.create(&admin(), &row("sock", &socks.id)).unwrap();
    assert_eq!(sock.category_id.as_ref(), Some(&socks.id));
    catalog.create(&admin(), &row("coat", "clothes")).unwrap();
    catalog.create(&admin(), &row("novel", "books")).unwrap();
    assert_eq!(products(&catalog, "clothes"), ["coat", "sock"]);
    assert_eq!(products(&catalog, &socks.id), ["sock"]);

    catalog
        .move_category(&admin(), &socks.id, Some(&books.id))
        .unwrap();
    assert_eq!(products(&catalog, "clothes"), ["coat"]);
    assert_eq!(products(&catalog, "books"), ["novel", "sock"]);
    catalog.move_category(&admin(), &socks.id, None).unwrap();
    assert_eq!(products(&catalog, "books"), ["novel"]);
    assert_eq!(products(&catalog, "socks"), ["sock"]);

    let moved = catalog.update(&admin(), &sock.id, 1, &put("books")).unwrap();
    assert_eq!((moved.version, moved.category_id.as_ref()), (2, Some(&books.id)));
    assert_eq!(products(&catalog, "books"), ["novel", "sock"]);
    let out = catalog.update(&admin(), &sock.id, 2, &put("")).unwrap();
    assert_eq!(out.category_id, None);
    assert_eq!(products(&catalog, "books"), ["novel"]);
    let unknown = catalog.update(&admin(), &sock.id, 3, &put("nowhere"));
    assert_eq!(invalid_field(unknown), "categoryId");
}

#[test]
fn concurrent_changes_make_no_cycle_and_leave_no_product_without_its_category() {
    let (ports, catalog) = catalog();
    let a = create_category(&catalog, "a", None);
    let b = create_category(&catalog, "b", Some(&a));
    let c = create_category(&catalog, "c", None);
    for (child, parent) in [(&a, &b), (&a, &a)] {
        let cycle = catalog.move_category(&admin(), &child.id, Some(&parent.id));
        assert!(matches!(cycle, Err(Error::Conflict(_))));
    }
    // Each of the two moves is valid. Together they would make a cycle.
    let (other, inner, outer) = (catalog.clone(), c.id.clone(), b.id.clone());
    ports.before_next_commit(move || {
        drop(other.move_category(&admin(), &outer, Some(&inner)).unwrap());
    });
    let cycle = catalog.move_category(&admin(), &c.id, Some(&b.id));
    assert!(matches!(cycle, Err(Error::Conflict(_))));

    let delete = |id: &str| catalog.delete_category(&admin(), id);
    assert!(matches!(delete(&c.id), Err(Error::Conflict(_))));
    let product = catalog.create(&admin(), &row("thing", &b.id)).unwrap();
    assert!(matches!(delete(&b.id), Err(Error::Conflict(_))));
    catalog.update(&admin(), &product.id, 1, &put("")).unwrap();
    // A concurrent product either keeps its category or is refused.
    let (other, into) = (catalog.clone(), b.id.clone());
    ports.before_next_commit(move || drop(other.create(&admin(), &row("late", &into)).unwrap()));
    assert!(matches!(delete(&b.id), Err(Error::Conflict(_))));
    let (other, deleted) = (catalog.clone(), a.id.clone());
    ports.before_next_commit(move || drop(other.delete_category(&admin(), &deleted).unwrap()));
    let created = catalog.create(&admin(), &row("later", &a.id));
    assert_eq!(invalid_field(created), "categoryId");
    // A change of another category does not disturb a new product.
    let other = catalog.clone();
    ports.before_next_commit(move || drop(create_category(&other, "unrelated", None)));
    catalog.create(&admin(), &row("latest", &b.id)).unwrap();
    assert_eq!(products(&catalog, &c.id), ["late", "latest"]);
}

#[test]
fn an_edit_during_a_move_puts_the_product_where_the_category_is() {
    let (ports, catalog) = catalog();
    let [a, b] = ["a", "b"].map(|name| create_category(&catalog, name, None));
    let product = catalog.create(&admin(), &row("thing", "")).unwrap();
    let (other, child, parent) = (catalog.clone(), a.id.clone(), b.id);
    ports.before_next_commit(move || {
        drop(other.move_category(&admin(), &child, Some(&parent)).unwrap());
    });
    catalog.update(&admin(), &product.id, 1, &put("a")).unwrap();
    assert_eq!(products(&catalog, "b"), ["thing"]);
    thread::scope(|scope| {
        for number in 0..4 {
            let (catalog, a) = (catalog.clone(), a.id.clone());
            scope.spawn(move || catalog.create(&admin(), &row(&format!("p{number}"), &a)).is_ok());
        }
    });
    assert!(products(&catalog, "b").len() > 1);
}

#[test]
fn an_import_puts_products_into_categories_and_restores_them_there() {
    let (_, catalog) = catalog();
    let a = create_category(&catalog, "a", None);
    let b = create_category(&catalog, "b", Some(&a));
    let mut outcomes = import(&catalog, &[row("x", "b"), row("y", "nowhere"), row("z", "")]).unwrap();
    assert_eq!(invalid_field(outcomes.remove(1)), "categoryId");
    assert_eq!(outcomes, [Ok(ImportOutcome::Created), Ok(ImportOutcome::Created)]);
    let again = import(&catalog, &[crate::support::row("x"), row("z", "a")]).unwrap();
    assert_eq!(again, [Ok(ImportOutcome::Unchanged), Ok(ImportOutcome::Updated)]);
    assert_eq!(products(&catalog, "a"), ["x", "z"]);

    let archive = |name: &str| {
        let filter = ProductFilter {
            search: Some(name.into()),
            ..ProductFilter::default()
        };
        let product = list(&catalog, filter).remove(0);
        catalog.archive(&admin(), &product.id, product.version).unwrap();
    };
    archive("x");
    assert_eq!(products(&catalog, "a"), ["z"]);
    catalog.move_category(&admin(), &b.id, None).unwrap();
    import(&catalog, &[crate::support::row("x")]).unwrap();
    assert_eq!(
        (products(&catalog, "a"), products(&catalog, "b")),
        (vec!["z".into()], vec!["x".into()])
    );
    archive("x");
    catalog.delete_category(&admin(), &b.id).unwrap();
    let outcomes = import(&catalog, &[crate::support::row("x")]).unwrap();
    assert_eq!(outcomes, [Ok(ImportOutcome::Updated)]);
}
