//! Tests of queries.

use serde_json::{Value, json};

use super::*;
use crate::testing::TestPorts;

const MANIFEST: &str = "[collections.\"list.items\"]\nfields = [\"n\"]";
const ITEMS: Collection<Value> = Collection::new("list.items");
/// The ids of the documents that have an `n`, in the order of `n`. Two have the same `n`.
const ORDER: &str = "caebd";

fn ports() -> TestPorts {
    let ports = TestPorts::new(&[("list", MANIFEST)], &[]);
    let bodies = [("a", 2), ("b", 3), ("c", 1), ("d", 4), ("e", 2)];
    let insertions = bodies.map(|(id, n)| ITEMS.insert(id, &json!({ "n": n })).unwrap());
    ports.commit(&insertions, &[]).unwrap();
    ports
        .commit(&[ITEMS.insert("x", &json!({})).unwrap()], &[])
        .unwrap();
    ports
}

fn by_n(body: &Value) -> Option<Scalar> {
    body["n"].as_i64().map(Scalar::Integer)
}

type Reader = fn(&TestPorts, &Page) -> Result<Edges<Value>, Error>;

fn ascending_list(ports: &TestPorts, page: &Page) -> Result<Edges<Value>, Error> {
    let mut query = ITEMS.query(0);
    query.sort = Some(ascending("n"));
    super::page(ports, &ITEMS, query, page, "n", by_n)
}

fn descending_list(ports: &TestPorts, page: &Page) -> Result<Edges<Value>, Error> {
    let mut query = ITEMS.query(0);
    query.sort = Some(descending("n"));
    super::page(ports, &ITEMS, query, page, "-n", by_n)
}

fn list_by_id(ports: &TestPorts, page: &Page) -> Result<Edges<Value>, Error> {
    super::page(ports, &ITEMS, ITEMS.query(0), page, "id", |_| None)
}

fn list_of_queries(ports: &TestPorts, page: &Page) -> Result<Edges<Value>, Error> {
    let query = |comparison| {
        let mut query = ITEMS.query(0);
        query.conditions = vec![compare("n", comparison, Scalar::Integer(2))];
        query.sort = Some(descending("n"));
        query
    };
    let comparisons = [Comparison::Equal, Comparison::Less, Comparison::Greater];
    let queries = comparisons.map(query).into();
    pages(ports, &ITEMS, queries, page, "tiers", by_n)
}

fn complete_list(ports: &TestPorts, page: &Page) -> Result<Edges<Value>, Error> {
    page_of(ITEMS.find(ports, &ITEMS.query(10))?, page, "all")
}

const LISTS: [(Reader, &str); 5] = [
    (ascending_list, ORDER),
    (descending_list, "dbeac"),
    (list_by_id, "abcdex"),
    (list_of_queries, "eacdb"),
    (complete_list, "abcdex"),
];

fn ids(edges: &Edges<Value>) -> String {
    edges.edges.iter().map(|(_, stored)| stored.id.as_str()).collect()
}

#[test]
fn pages_in_both_directions_contain_every_item_once() {
    let ports = ports();
    for (read, all) in LISTS {
        for limit in 1..=7 {
            let mut page = Page::first(limit, None);
            let mut forward = String::new();
            loop {
                let edges = read(&ports, &page).unwrap();
                assert_eq!(edges.has_previous, page.after.is_some());
                forward += &ids(&edges);
                if !edges.has_next {
                    break;
                }
                page.after = edges.edges.last().map(|(cursor, _)| cursor.clone());
            }
            assert_eq!(forward, all);
            let mut page = Page {
                from_end: true,
                ..Page::first(limit, None)
            };
            let mut backward = String::new();
            loop {
                let edges = read(&ports, &page).unwrap();
                assert_eq!(edges.has_next, page.before.is_some());
                backward.insert_str(0, &ids(&edges));
                if !edges.has_previous {
                    break;
                }
                page.before = edges.edges.first().map(|(cursor, _)| cursor.clone());
            }
            assert_eq!(backward, all);
        }
    }
}

#[test]
fn a_page_has_only_items_between_its_cursors() {
    let ports = ports();
    for (read, all) in LISTS {
        let edges = read(&ports, &Page::first(10, None)).unwrap().edges;
        let cursor = |index: usize| edges.get(index).map(|(cursor, _)| cursor.clone());
        for start in 0..all.len() {
            for end in 0..all.len() {
                let between = all.get(start + 1..end).unwrap_or_default();
                for limit in 1..4 {
                    let mut page = Page {
                        before: cursor(end),
                        ..Page::first(limit, cursor(start))
                    };
                    let length = between.len().min(limit as usize);
                    let has_more = between.len() > length;
                    let first = read(&ports, &page).unwrap();
                    assert_eq!(ids(&first), between[..length], "{all} {start} {end}");
                    assert_eq!((first.has_previous, first.has_next), (true, has_more));
                    page.from_end = true;
                    let last = read(&ports, &page).unwrap();
                    assert_eq!(
                        ids(&last),
                        between[between.len() - length..],
                        "{all} {start} {end}"
                    );
                    assert_eq!((last.has_previous, last.has_next), (has_more, true));
                }
            }
        }
    }
}

#[test]
fn the_total_counts_the_items_of_all_pages() {
    let ports = ports();
    for (read, all) in LISTS {
        let cursor = read(&ports, &Page::first(1, None)).unwrap().edges.remove(0).0;
        let mut page = Page::first(2, Some(cursor));
        assert_eq!(read(&ports, &page).unwrap().total, None);
        page.count = true;
        assert_eq!(read(&ports, &page).unwrap().total, Some(all.len() as u64));
    }
}

#[test]
fn rejects_a_large_page_and_a_cursor_of_another_list() {
    let ports = ports();
    let cursor = list_by_id(&ports, &Page::first(1, None))
        .unwrap()
        .edges
        .remove(0)
        .0;
    let first = Page::first(1, None);
    for (page, field) in [
        (Page::first(MAX_PAGE + 1, None), "first"),
        (
            Page {
                from_end: true,
                ..Page::first(MAX_PAGE + 1, None)
            },
            "last",
        ),
        (Page::first(1, Some(cursor.clone())), "after"),
        (
            Page {
                before: Some(cursor),
                ..first
            },
            "before",
        ),
    ] {
        let refused = ascending_list(&ports, &page);
        assert!(
            matches!(&refused, Err(Error::Invalid(violation)) if violation.field == field),
            "{refused:?}"
        );
    }
}
