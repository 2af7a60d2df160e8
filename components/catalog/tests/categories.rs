//! The tree of categories, and products in it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::thread;

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{
    Category, CategoryPatch, ImportOutcome, NewCategory, NewProduct, ProductDetails, ProductFilter,
    ProductPatch, ProductQuery, ProductSort, SortKey,
};
use mercato_shop::services::Catalog;
use mercato_shop::testing::{TestPorts, admin, customer};
use mercato_shop::types::{Error, Page};

type Service = CatalogService<TestPorts>;

fn catalog() -> (TestPorts, Service) {
    let ports = TestPorts::new(&[("catalog", include_str!("../service.toml"))], &[]);
    (ports.clone(), CatalogService::new(ports))
}

fn new(name: &str, parent: Option<&Category>) -> NewCategory {
    NewCategory {
        name: name.into(),
        slug: None,
        parent_id: parent.map(|parent| parent.id.clone()),
        position: 0,
    }
}

fn category(catalog: &Service, name: &str, parent: Option<&Category>) -> Category {
    catalog.create_category(&admin(), new(name, parent)).unwrap()
}

fn in_category(category: &str) -> ProductDetails {
    ProductDetails {
        category_id: Some(category.into()),
        ..ProductDetails::default()
    }
}

fn row(name: &str, category: &str) -> NewProduct {
    NewProduct {
        name: name.into(),
        description: None,
        manufacturer: None,
        external_id: Some(format!("feed/{name}")),
        price: 1,
        currency: None,
        quantity: 1,
        details: in_category(category),
    }
}

fn put(category: &str) -> ProductPatch {
    ProductPatch {
        name: None,
        description: None,
        manufacturer: None,
        price: None,
        currency: None,
        details: in_category(category),
    }
}

/// The names of the products of a category and of all below it.
fn products(catalog: &Service, category: &str) -> Vec<String> {
    let query = ProductQuery {
        filter: ProductFilter {
            search: None,
            manufacturer: None,
            min_price: None,
            max_price: None,
            in_stock: None,
            category: Some(category.into()),
            sku: None,
            standalone: false,
        },
        sort: ProductSort {
            key: SortKey::Name,
            descending: false,
        },
        page: Page {
            first: 100,
            after: None,
        },
    };
    let page = catalog.list(&query).unwrap();
    page.edges.into_iter().map(|edge| edge.product.name).collect()
}

fn names(catalog: &Service) -> Vec<String> {
    let all = catalog.categories().unwrap();
    all.into_iter().map(|category| category.name).collect()
}

#[test]
fn categories_are_listed_as_a_tree_in_their_order() {
    let (_, catalog) = catalog();
    let clothes = category(&catalog, "Clothes", None);
    let socks = category(&catalog, "Wool & Socks", Some(&clothes));
    let hats = category(&catalog, "Hats", Some(&clothes));
    category(&catalog, "Books", None);
    assert_eq!(socks.slug, "wool-socks");
    assert_eq!(names(&catalog), ["Books", "Clothes", "Hats", "Wool & Socks"]);
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
    assert_eq!(names(&catalog), ["Books", "Clothes", "Wool & Socks", "Caps"]);
    let taken = CategoryPatch {
        slug: Some("caps".into()),
        ..CategoryPatch {
            name: None,
            slug: None,
            position: None,
        }
    };
    assert!(matches!(
        catalog.update_category(&admin(), &socks.id, &taken),
        Err(Error::Conflict(_))
    ));
    assert!(catalog.update_category(&admin(), &hats.id, &taken).is_ok());
    assert!(matches!(
        catalog.create_category(&admin(), new("caps", None)),
        Err(Error::Conflict(_))
    ));
}

#[test]
fn what_cannot_be_a_category_is_refused() {
    let (_, catalog) = catalog();
    let slugged = |slug: &str| NewCategory {
        slug: Some(slug.into()),
        ..new("a", None)
    };
    for (field, input) in [
        ("name", new("  ", None)),
        ("name", new("a\u{0}", None)),
        ("name", new("a\nb", None)),
        ("name", new(&"n".repeat(101), None)),
        ("slug", new("日本", None)),
        ("slug", slugged("Upper")),
        ("slug", slugged("-a")),
        ("slug", slugged("a b")),
        ("slug", slugged(&"s".repeat(101))),
    ] {
        let refused = catalog.create_category(&admin(), input);
        assert!(
            matches!(&refused, Err(Error::Invalid(violation)) if violation.field == field),
            "{refused:?}"
        );
    }
    let orphan = NewCategory {
        parent_id: Some("nobody".into()),
        ..new("a", None)
    };
    assert!(matches!(
        catalog.create_category(&admin(), orphan),
        Err(Error::NotFound(_))
    ));
    let mut deepest = category(&catalog, "l1", None);
    for level in 2..=8 {
        deepest = category(&catalog, &format!("l{level}"), Some(&deepest));
    }
    assert!(matches!(
        catalog.create_category(&admin(), new("l9", Some(&deepest))),
        Err(Error::Invalid(_))
    ));
    for refused in [
        catalog.create_category(&customer("u"), new("b", None)).map(drop),
        catalog.move_category(&customer("u"), &deepest.id, None).map(drop),
        catalog.delete_category(&customer("u"), &deepest.id).map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))));
    }
    assert_eq!(names(&catalog).len(), 8);
}

#[test]
fn products_of_a_category_are_those_of_all_below_it_and_move_with_it() {
    let (_, catalog) = catalog();
    let clothes = category(&catalog, "Clothes", None);
    let socks = category(&catalog, "Socks", Some(&clothes));
    let books = category(&catalog, "Books", None);
    let sock = catalog.create(&admin(), row("sock", &socks.id)).unwrap();
    assert_eq!(sock.category_id.as_ref(), Some(&socks.id));
    catalog.create(&admin(), row("coat", "clothes")).unwrap();
    catalog.create(&admin(), row("novel", "books")).unwrap();
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

    let moved = catalog.update(&admin(), &sock.id, 1, put("books")).unwrap();
    assert_eq!((moved.version, moved.category_id.as_ref()), (2, Some(&books.id)));
    assert_eq!(products(&catalog, "books"), ["novel", "sock"]);
    let out = catalog.update(&admin(), &sock.id, 2, put("")).unwrap();
    assert_eq!(out.category_id, None);
    assert_eq!(products(&catalog, "books"), ["novel"]);
    let unknown = catalog.update(&admin(), &sock.id, 3, put("nowhere"));
    assert!(matches!(unknown, Err(Error::Invalid(violation)) if violation.field == "categoryId"));
}

#[test]
fn there_are_no_circles_and_nothing_is_left_without_its_category() {
    let (ports, catalog) = catalog();
    let a = category(&catalog, "a", None);
    let b = category(&catalog, "b", Some(&a));
    let c = category(&catalog, "c", None);
    for (child, parent) in [(&a, &b), (&a, &a)] {
        let circle = catalog.move_category(&admin(), &child.id, Some(&parent.id));
        assert!(matches!(circle, Err(Error::Conflict(_))));
    }
    // Each of two moves is fine by itself; together they would be a circle.
    let (other, inner, outer) = (catalog.clone(), c.id.clone(), b.id.clone());
    ports.before_next_commit(move || {
        drop(other.move_category(&admin(), &outer, Some(&inner)).unwrap());
    });
    let circle = catalog.move_category(&admin(), &c.id, Some(&b.id));
    assert!(matches!(circle, Err(Error::Conflict(_))));

    assert!(matches!(
        catalog.delete_category(&admin(), &c.id),
        Err(Error::Conflict(_))
    ));
    let product = catalog.create(&admin(), row("thing", &b.id)).unwrap();
    assert!(matches!(
        catalog.delete_category(&admin(), &b.id),
        Err(Error::Conflict(_))
    ));
    catalog.update(&admin(), &product.id, 1, put("")).unwrap();
    // A product that comes at the very moment keeps its category alive, or is refused.
    let (other, into) = (catalog.clone(), b.id.clone());
    ports.before_next_commit(move || drop(other.create(&admin(), row("late", &into)).unwrap()));
    assert!(matches!(
        catalog.delete_category(&admin(), &b.id),
        Err(Error::Conflict(_))
    ));
    let (other, gone) = (catalog.clone(), a.id.clone());
    ports.before_next_commit(move || drop(other.delete_category(&admin(), &gone).unwrap()));
    assert!(matches!(
        catalog.create(&admin(), row("later", &a.id)),
        Err(Error::Conflict(_))
    ));
    assert_eq!(products(&catalog, &c.id), ["late"]);
}

#[test]
fn an_edit_during_a_move_ends_where_the_category_is() {
    let (ports, catalog) = catalog();
    let (a, b) = (category(&catalog, "a", None), category(&catalog, "b", None));
    let product = catalog.create(&admin(), row("thing", "")).unwrap();
    let (other, child, parent) = (catalog.clone(), a.id.clone(), b.id.clone());
    ports.before_next_commit(move || {
        drop(other.move_category(&admin(), &child, Some(&parent)).unwrap());
    });
    catalog.update(&admin(), &product.id, 1, put("a")).unwrap();
    assert_eq!(products(&catalog, "b"), ["thing"]);
    thread::scope(|scope| {
        for number in 0..4 {
            let (catalog, a) = (catalog.clone(), a.id.clone());
            scope.spawn(move || catalog.create(&admin(), row(&format!("p{number}"), &a)).is_ok());
        }
    });
    assert!(products(&catalog, "b").len() > 1);
}

#[test]
fn an_import_puts_products_into_categories_and_brings_them_back_into_theirs() {
    let (_, catalog) = catalog();
    let a = category(&catalog, "a", None);
    let b = category(&catalog, "b", Some(&a));
    let outcomes = catalog
        .import_many(&admin(), vec![row("x", "b"), row("y", "nowhere"), row("z", "")])
        .unwrap();
    assert_eq!(outcomes[0], Ok(ImportOutcome::Created));
    assert!(matches!(&outcomes[1], Err(Error::Invalid(violation)) if violation.field == "categoryId"));
    assert_eq!(outcomes[2], Ok(ImportOutcome::Created));
    let again = catalog
        .import_many(&admin(), vec![row("x", ""), row("z", "a")])
        .unwrap();
    assert_eq!(again, [Ok(ImportOutcome::Unchanged), Ok(ImportOutcome::Updated)]);
    assert_eq!(products(&catalog, "a"), ["x", "z"]);

    let archive = |name: &str| {
        let page = Page {
            first: 100,
            after: None,
        };
        let query = ProductQuery {
            filter: ProductFilter {
                search: Some(name.into()),
                manufacturer: None,
                min_price: None,
                max_price: None,
                in_stock: None,
                category: None,
                sku: None,
                standalone: false,
            },
            sort: ProductSort {
                key: SortKey::Name,
                descending: false,
            },
            page,
        };
        let product = catalog.list(&query).unwrap().edges.remove(0).product;
        catalog.archive(&admin(), &product.id, product.version).unwrap();
    };
    archive("x");
    assert_eq!(products(&catalog, "a"), ["z"]);
    catalog.move_category(&admin(), &b.id, None).unwrap();
    catalog.import_many(&admin(), vec![row("x", "")]).unwrap();
    assert_eq!(
        (products(&catalog, "a"), products(&catalog, "b")),
        (vec!["z".into()], vec!["x".into()])
    );
    archive("x");
    catalog.delete_category(&admin(), &b.id).unwrap();
    let outcomes = catalog.import_many(&admin(), vec![row("x", "")]).unwrap();
    assert_eq!(outcomes, [Ok(ImportOutcome::Updated)]);
}
