//! Tests of the plans that SQLite makes.

use mercato_ports::documents::{Clause, Search, Sort, Term};
use mercato_ports::manifest;

use super::*;
use crate::Connection as _;
use crate::schema;
use crate::testing::Memory;

/// Returns SQLite's plan of a query, in sort order or by its only driver.
fn explain(query: &Query, driven: bool) -> String {
    steps(query, |plan, driver| plan.select(driver.filter(|_| driven), &[]))
}

fn steps(query: &Query, statement: impl for<'a> Fn(&'a Plan<'_>, Option<&Driver>) -> Select<'a>) -> String {
    let declared = manifest::Collection {
        fields: vec!["price".into(), "size".into()],
        search: vec!["name".into()],
    };
    let collection = Collection::new("catalog.products", &declared);
    let connection = Memory::new();
    schema::migrate(&connection, [&collection].into_iter(), &|_| {}).unwrap();
    let plan = Plan::new(&collection, query).unwrap();
    let drivers = plan.drivers();
    assert!(drivers.len() <= 1, "{drivers:?}");
    let select = statement(&plan, drivers.first());
    let sql = format!("EXPLAIN QUERY PLAN {}", select.sql);
    let steps = connection.all(&sql, &select.values, |row| {
        Ok(row.cell(3)?.text().replace('"', ""))
    });
    steps.unwrap().join("; ")
}

fn sorted(direction: Direction, after: Option<i64>) -> Query {
    let after = after.map(|value| Position {
        value: Some(Scalar::Integer(value)),
        id: "a".into(),
    });
    let sort = Some(Sort {
        field: Some("price".into()),
        direction,
    });
    Query {
        sort,
        after,
        ..Query::all("catalog.products", 20)
    }
}

fn is(field: &str, comparison: Comparison) -> Condition {
    Condition {
        field: field.into(),
        comparison,
        value: Scalar::Integer(1),
    }
}

fn search(token: &str) -> Search {
    let term = Term {
        text: token.into(),
        prefix: false,
    };
    Search {
        all: vec![Clause {
            field: None,
            terms: vec![term],
        }],
        not_all: Vec::new(),
    }
}

const IN_ORDER: &str = "SEARCH catalog.products USING INDEX catalog.products/price";

#[test]
fn a_page_in_sort_order_seeks_the_index_and_is_not_sorted() {
    assert_eq!(
        explain(&sorted(Direction::Ascending, None), false),
        format!("{IN_ORDER} ($price>?)")
    );
    assert_eq!(
        explain(&sorted(Direction::Descending, None), false),
        format!("{IN_ORDER} ($price>?)")
    );
    assert_eq!(
        explain(&sorted(Direction::Ascending, Some(1)), false),
        format!("{IN_ORDER} (($price,id)>(?,?))")
    );
    assert_eq!(
        explain(&sorted(Direction::Descending, Some(1)), false),
        format!("{IN_ORDER} (($price,id)<(?,?))")
    );
}

#[test]
fn a_page_of_a_range_seeks_from_its_position() {
    let conditions = vec![is("price", Comparison::AtLeast), is("price", Comparison::Less)];
    let query = Query {
        conditions: conditions.clone(),
        ..sorted(Direction::Ascending, Some(1))
    };
    assert_eq!(
        explain(&query, false),
        format!("{IN_ORDER} (($price,id)>(?,?) AND $price<?)")
    );
    let query = Query {
        conditions,
        ..sorted(Direction::Descending, Some(1))
    };
    assert_eq!(
        explain(&query, false),
        format!("{IN_ORDER} ($price>? AND ($price,id)<(?,?))")
    );
}

#[test]
fn a_page_of_equal_values_seeks_their_index() {
    let after = Some(Position {
        value: None,
        id: "a".into(),
    });
    let query = Query {
        conditions: vec![is("size", Comparison::Equal)],
        after,
        ..Query::all("catalog.products", 20)
    };
    assert_eq!(
        explain(&query, false),
        "SEARCH catalog.products USING INDEX catalog.products/size ($size=? AND id>?)"
    );
}

#[test]
fn a_wide_condition_is_checked_in_sort_order() {
    let query = Query {
        conditions: vec![is("size", Comparison::AtLeast)],
        ..sorted(Direction::Descending, None)
    };
    assert_eq!(explain(&query, false), format!("{IN_ORDER} ($price>?)"));
}

#[test]
fn a_narrow_condition_selects_the_documents_to_sort() {
    let conditions = vec![is("size", Comparison::AtLeast), is("size", Comparison::AtMost)];
    let query = Query {
        conditions,
        ..sorted(Direction::Descending, None)
    };
    let plan = explain(&query, true);
    assert!(
        plan.starts_with("SEARCH catalog.products USING INTEGER PRIMARY KEY (rowid=?)"),
        "{plan}"
    );
    assert!(
        plan.contains("USING INDEX catalog.products/size ($size>? AND $size<?)"),
        "{plan}"
    );
}

#[test]
fn a_wide_search_is_checked_in_sort_order() {
    let query = Query {
        search: Some(search("wool")),
        ..sorted(Direction::Ascending, Some(1))
    };
    let plan = explain(&query, false);
    assert!(
        plan.starts_with(&format!("{IN_ORDER} (($price,id)>(?,?)); ")),
        "{plan}"
    );
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

#[test]
fn a_page_by_descending_ids_is_not_sorted() {
    let sort = Some(Sort {
        field: None,
        direction: Direction::Descending,
    });
    let query = Query {
        sort,
        after: Some(Position {
            value: None,
            id: "a".into(),
        }),
        ..Query::all("catalog.products", 20)
    };
    let plan = explain(&query, false);
    assert!(
        plan.ends_with("(id<?)") && !plan.contains("TEMP B-TREE"),
        "{plan}"
    );
}

#[test]
fn a_count_seeks_the_index_of_each_field() {
    let query = Query {
        conditions: vec![is("size", Comparison::AtLeast)],
        ..sorted(Direction::Descending, Some(1))
    };
    let plan = steps(&query, |plan, _| plan.count(None));
    for field in ["size", "price"] {
        let index = format!("SEARCH catalog.products USING INDEX catalog.products/{field} (${field}>?");
        assert!(plan.contains(&index), "{plan}");
    }
}
