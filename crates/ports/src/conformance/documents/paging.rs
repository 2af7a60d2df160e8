//! Pages: queries that continue after a position.

use serde_json::json;

use super::{IntoScalar, TestStore, condition, sort_by};
use crate::conformance::case::cases;
use crate::documents::Comparison::{AtLeast, Equal, Less};
use crate::documents::Direction::{Ascending, Descending};
use crate::documents::{Condition, Document, Position, Query, Scalar, Sort};

cases! { TestStore:
    pages_by_id_without_gaps_or_repeats,
    counts_the_documents_of_all_pages,
    pages_in_sort_order_without_gaps_or_repeats,
    pages_through_a_range_without_gaps_or_repeats,
    pages_through_matches_of_a_condition_without_gaps_or_repeats,
    pages_through_a_search_without_gaps_or_repeats,
    continues_after_a_position_despite_insertions_before_it,
    continues_after_a_position_without_a_document,
    rejects_a_position_that_does_not_match_the_sort,
}

/// Inserts seven documents, some with equal prices. The order of their ids differs from the order of their
/// prices.
async fn fill(store: &TestStore) {
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
    store.insert(prices.map(|(id, price)| (id, body(price)))).await;
    store.insert([("x", json!({"colour": "blue"}))]).await;
}

fn position(document: &Document, query: &Query) -> Position {
    let body = serde_json::from_str::<serde_json::Value>(&document.body).unwrap();
    let value = query
        .sort
        .as_ref()
        .and_then(|sort| Some(Scalar::Integer(body[sort.field.as_ref()?].as_i64().unwrap())));
    Position {
        value,
        id: document.id.clone(),
    }
}

/// Reads all pages of two documents, and returns the ids, which are as many as the store counts on each page.
async fn pages(store: &TestStore, query: Query) -> String {
    let count = store.count(query.clone()).await;
    let mut query = Query { limit: 2, ..query };
    let mut ids = String::new();
    loop {
        let page = store.documents.find(query.clone()).await.unwrap();
        ids.extend(page.iter().map(|document| document.id.as_str()));
        assert!(page.len() <= 2 && ids.len() < 20, "{ids}");
        match page.last() {
            Some(last) => query.after = Some(position(last, &query)),
            None => {
                assert_eq!(count, ids.len() as u64);
                assert_eq!(count, store.count(query).await);
                return ids;
            }
        }
    }
}

async fn pages_by_id_without_gaps_or_repeats(store: TestStore) {
    fill(&store).await;
    assert_eq!(pages(&store, store.query()).await, "abcdefgx");
    let by_id = |direction| Query {
        sort: Some(Sort {
            field: None,
            direction,
        }),
        ..store.query()
    };
    assert_eq!(pages(&store, by_id(Ascending)).await, "abcdefgx");
    assert_eq!(pages(&store, by_id(Descending)).await, "xgfedcba");
    let red = Query {
        conditions: vec![condition("colour", Equal, "red")],
        ..by_id(Descending)
    };
    assert_eq!(pages(&store, red).await, "gfedcba");
}

async fn counts_the_documents_of_all_pages(store: TestStore) {
    assert_eq!(store.count(store.query()).await, 0);
    fill(&store).await;
    let sorted = |conditions: &[Condition]| Query {
        sort: sort_by("price", Descending),
        limit: 1,
        ..store.matching(conditions.iter().cloned())
    };
    let red = condition("colour", Equal, "red");
    let blue = condition("colour", Equal, "blue");
    let cheap = condition("price", Less, 3);
    for (query, count) in [
        (store.query(), 8),
        (store.matching([blue.clone()]), 1),
        (store.matching([red.clone(), blue.clone()]), 0),
        (store.matching([cheap.clone(), red.clone()]), 5),
        // The blue document has no price, so it is not in this order.
        (sorted(&[]), 7),
        (sorted(&[blue]), 0),
        (sorted(std::slice::from_ref(&cheap)), 5),
        (sorted(&[cheap, red, condition("price", AtLeast, 2)]), 4),
    ] {
        assert_eq!(store.count(query.clone()).await, count, "{query:?}");
    }
}

async fn pages_in_sort_order_without_gaps_or_repeats(store: TestStore) {
    fill(&store).await;
    let sorted = |direction| Query {
        sort: sort_by("price", direction),
        ..store.query()
    };
    assert_eq!(pages(&store, sorted(Ascending)).await, "dabcgfe");
    assert_eq!(pages(&store, sorted(Descending)).await, "efgcbad");
}

async fn pages_through_a_range_without_gaps_or_repeats(store: TestStore) {
    fill(&store).await;
    let range = [condition("price", AtLeast, 2), condition("price", Less, 4)];
    let sorted = |direction| Query {
        sort: sort_by("price", direction),
        ..store.matching(range.clone())
    };
    assert_eq!(pages(&store, sorted(Ascending)).await, "abcgf");
    assert_eq!(pages(&store, sorted(Descending)).await, "fgcba");
    assert_eq!(pages(&store, store.matching(range.clone())).await, "abcfg");
}

async fn pages_through_matches_of_a_condition_without_gaps_or_repeats(store: TestStore) {
    fill(&store).await;
    let red = || store.matching([condition("colour", Equal, "red")]);
    assert_eq!(pages(&store, red()).await, "abcdefg");
    assert_eq!(
        pages(
            &store,
            Query {
                sort: sort_by("price", Ascending),
                ..red()
            }
        )
        .await,
        "dabcgfe"
    );
    assert_eq!(
        pages(
            &store,
            Query {
                sort: sort_by("price", Descending),
                ..red()
            }
        )
        .await,
        "efgcbad"
    );
}

async fn pages_through_a_search_without_gaps_or_repeats(store: TestStore) {
    fill(&store).await;
    assert_eq!(pages(&store, store.searching("sock")).await, "abcdefg");
    let sorted = Query {
        sort: sort_by("price", Descending),
        ..store.searching("so*")
    };
    assert_eq!(pages(&store, sorted).await, "efgcbad");
}

async fn continues_after_a_position_despite_insertions_before_it(store: TestStore) {
    fill(&store).await;
    let query = Query {
        sort: sort_by("price", Ascending),
        limit: 3,
        ..store.query()
    };
    let first = store.documents.find(query.clone()).await.unwrap();
    store
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
    assert_eq!(store.ids(next).await, ["bb", "c", "g"]);
}

async fn continues_after_a_position_without_a_document(store: TestStore) {
    fill(&store).await;
    let after = |value, id: &str| Some(Position { value, id: id.into() });
    assert_eq!(
        store
            .ids(Query {
                after: after(None, "cc"),
                ..store.query()
            })
            .await
            .concat(),
        "defgx"
    );
    let sort = sort_by("price", Descending);
    let query = Query {
        sort,
        after: after(Some(2.scalar()), "bb"),
        ..store.query()
    };
    assert_eq!(store.ids(query).await.concat(), "bad");
}

async fn rejects_a_position_that_does_not_match_the_sort(store: TestStore) {
    let after = |value| {
        Some(Position {
            value,
            id: "a".into(),
        })
    };
    let sort = sort_by("price", Ascending);
    store
        .assert_invalid(Query {
            sort,
            after: after(None),
            ..store.query()
        })
        .await;
    store
        .assert_invalid(Query {
            after: after(Some(1.scalar())),
            ..store.query()
        })
        .await;
}
