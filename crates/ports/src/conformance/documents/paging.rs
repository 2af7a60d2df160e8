//! Pages: going on after a position.

use serde_json::json;

use super::{IntoScalar, Things, by, is};
use crate::conformance::cases;
use crate::documents::{Comparison, Direction, Document, Position, Query, Scalar};

cases! { Things:
    pages_by_id_have_every_document_once,
    pages_in_order_have_every_document_once,
    pages_of_a_range_have_every_document_once,
    pages_of_documents_with_a_condition_have_every_document_once,
    pages_of_a_search_have_every_document_once,
    an_insertion_before_the_position_moves_no_document,
    a_position_need_not_be_of_a_document,
    a_position_that_does_not_fit_the_sort_is_invalid,
}

/// Seven documents, some of equal price, whose ids are not in the order of their prices.
async fn fill(things: &Things) {
    let prices = [
        ("d", 1),
        ("a", 2),
        ("c", 2),
        ("b", 2),
        ("g", 2),
        ("f", 3),
        ("e", 4),
    ];
    let body = |price| json!({"price": price, "name": "sock", "colour": "red"});
    things.insert(prices.map(|(id, price)| (id, body(price)))).await;
    things.insert([("x", json!({"colour": "blue"}))]).await;
}

fn position(document: &Document, query: &Query) -> Position {
    let body = serde_json::from_str::<serde_json::Value>(&document.body).unwrap();
    let value = query
        .sort
        .as_ref()
        .map(|sort| Scalar::Integer(body[&sort.field].as_i64().unwrap()));
    Position {
        value,
        id: document.id.clone(),
    }
}

/// The ids of all pages of two, read one after the other.
async fn pages(things: &Things, query: Query) -> String {
    let mut query = Query { limit: 2, ..query };
    let mut ids = String::new();
    loop {
        let page = things.documents.find(query.clone()).await.unwrap();
        ids.extend(page.iter().map(|document| document.id.as_str()));
        assert!(page.len() <= 2 && ids.len() < 20, "{ids}");
        match page.last() {
            Some(last) => query.after = Some(position(last, &query)),
            None => return ids,
        }
    }
}

async fn pages_by_id_have_every_document_once(things: Things) {
    fill(&things).await;
    assert_eq!(pages(&things, things.query()).await, "abcdefgx");
}

async fn pages_in_order_have_every_document_once(things: Things) {
    fill(&things).await;
    let sorted = |direction| Query {
        sort: by("price", direction),
        ..things.query()
    };
    assert_eq!(pages(&things, sorted(Direction::Ascending)).await, "dabcgfe");
    assert_eq!(pages(&things, sorted(Direction::Descending)).await, "efgcbad");
}

async fn pages_of_a_range_have_every_document_once(things: Things) {
    fill(&things).await;
    let range = [
        is("price", Comparison::AtLeast, 2),
        is("price", Comparison::Less, 4),
    ];
    let sorted = |direction| Query {
        sort: by("price", direction),
        ..things.with(range.clone())
    };
    assert_eq!(pages(&things, sorted(Direction::Ascending)).await, "abcgf");
    assert_eq!(pages(&things, sorted(Direction::Descending)).await, "fgcba");
    assert_eq!(pages(&things, things.with(range.clone())).await, "abcfg");
}

async fn pages_of_documents_with_a_condition_have_every_document_once(things: Things) {
    fill(&things).await;
    let red = || things.with([is("colour", Comparison::Equal, "red")]);
    assert_eq!(pages(&things, red()).await, "abcdefg");
    assert_eq!(
        pages(
            &things,
            Query {
                sort: by("price", Direction::Ascending),
                ..red()
            }
        )
        .await,
        "dabcgfe"
    );
    assert_eq!(
        pages(
            &things,
            Query {
                sort: by("price", Direction::Descending),
                ..red()
            }
        )
        .await,
        "efgcbad"
    );
}

async fn pages_of_a_search_have_every_document_once(things: Things) {
    fill(&things).await;
    assert_eq!(pages(&things, things.searching("sock")).await, "abcdefg");
    let sorted = Query {
        sort: by("price", Direction::Descending),
        ..things.searching("so")
    };
    assert_eq!(pages(&things, sorted).await, "efgcbad");
}

async fn an_insertion_before_the_position_moves_no_document(things: Things) {
    fill(&things).await;
    let query = Query {
        sort: by("price", Direction::Ascending),
        limit: 3,
        ..things.query()
    };
    let first = things.documents.find(query.clone()).await.unwrap();
    things
        .insert([
            ("0", json!({"price": 0})),
            ("aa", json!({"price": 2})),
            ("bb", json!({"price": 2})),
        ])
        .await;
    let next = Query {
        after: first.last().map(|last| position(last, &query)),
        ..query
    };
    assert_eq!(things.ids(next).await, ["bb", "c", "g"]);
}

async fn a_position_need_not_be_of_a_document(things: Things) {
    fill(&things).await;
    let after = |value, id: &str| Some(Position { value, id: id.into() });
    assert_eq!(
        things
            .ids(Query {
                after: after(None, "cc"),
                ..things.query()
            })
            .await
            .concat(),
        "defgx"
    );
    let sort = by("price", Direction::Descending);
    let query = Query {
        sort,
        after: after(Some(2.scalar()), "bb"),
        ..things.query()
    };
    assert_eq!(things.ids(query).await.concat(), "bad");
}

async fn a_position_that_does_not_fit_the_sort_is_invalid(things: Things) {
    let after = |value| {
        Some(Position {
            value,
            id: "a".into(),
        })
    };
    let sort = by("price", Direction::Ascending);
    things
        .assert_invalid(Query {
            sort,
            after: after(None),
            ..things.query()
        })
        .await;
    things
        .assert_invalid(Query {
            after: after(Some(1.scalar())),
            ..things.query()
        })
        .await;
}
