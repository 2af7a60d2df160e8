//! Conditions, order and limits.

use serde_json::{Value, json};

use super::{IntoScalar, TestStore, condition, sort_by};
use crate::conformance::case::cases;
use crate::documents::Comparison::{AtLeast, AtMost, Equal, Greater, Less};
use crate::documents::Direction::{Ascending, Descending};
use crate::documents::{Comparison, MAX_LIMIT, Position, Query};

cases! { TestStore:
    finds_an_equal_value,
    distinguishes_equal_values_of_different_types,
    compares_integers,
    compares_text_by_code_point,
    finds_only_values_of_the_type_of_a_range,
    ignores_documents_without_the_field,
    requires_all_conditions,
    combines_two_conditions_on_one_field,
    sorts_by_id_by_default,
    sorts_equal_values_by_id_in_the_same_direction,
    leaves_documents_without_the_sort_field_out,
    combines_conditions_with_a_sort_on_another_field,
    filters_and_sorts_many_matches,
    follows_replacements_and_deletions,
    returns_at_most_the_limit,
    rejects_a_limit_over_the_maximum,
    rejects_an_undeclared_field,
}

async fn fill(store: &TestStore, field: &str, values: impl IntoIterator<Item = (&str, Value)>) {
    store
        .insert(values.into_iter().map(|(id, value)| (id, json!({field: value}))))
        .await;
}

async fn found(store: &TestStore, field: &str, comparison: Comparison, value: impl IntoScalar) -> String {
    let query = store.matching([condition(field, comparison, value)]);
    store.ids(query).await.concat()
}

async fn finds_an_equal_value(store: TestStore) {
    store
        .insert([
            ("a", json!({"name": "x", "price": 1})),
            ("b", json!({"name": "X", "price": -1})),
        ])
        .await;
    assert_eq!(found(&store, "name", Equal, "x").await, "a");
    assert_eq!(found(&store, "price", Equal, -1).await, "b");
    assert_eq!(found(&store, "name", Equal, "y' OR '1'='1").await, "");
}

async fn distinguishes_equal_values_of_different_types(store: TestStore) {
    let values = [
        ("a", json!("1")),
        ("b", json!(true)),
        ("c", json!([1])),
        ("d", json!({"x": 1})),
        ("e", json!(1)),
    ];
    fill(&store, "price", values).await;
    assert_eq!(found(&store, "price", Equal, 1).await, "e");
    assert_eq!(found(&store, "price", Equal, "1").await, "a");
    assert_eq!(found(&store, "price", Equal, "{\"x\":1}").await, "");
}

async fn compares_integers(store: TestStore) {
    let values = [
        ("a", json!(i64::MIN)),
        ("b", json!(9)),
        ("c", json!(10)),
        ("d", json!(11)),
        ("e", json!(i64::MAX)),
    ];
    fill(&store, "price", values).await;
    assert_eq!(found(&store, "price", Less, 10).await, "ab");
    assert_eq!(found(&store, "price", AtMost, 10).await, "abc");
    assert_eq!(found(&store, "price", Greater, 10).await, "de");
    assert_eq!(found(&store, "price", AtLeast, 10).await, "cde");
    assert_eq!(found(&store, "price", AtLeast, i64::MAX).await, "e");
    assert_eq!(found(&store, "price", Less, i64::MIN).await, "");
}

async fn compares_text_by_code_point(store: TestStore) {
    let values = [
        ("a", json!("")),
        ("b", json!("B")),
        ("c", json!("a")),
        ("d", json!("aa")),
        ("e", json!("é")),
        ("f", json!("😀")),
    ];
    fill(&store, "name", values).await;
    assert_eq!(found(&store, "name", Less, "a").await, "ab");
    assert_eq!(found(&store, "name", AtMost, "a").await, "abc");
    assert_eq!(found(&store, "name", Greater, "a").await, "def");
    assert_eq!(found(&store, "name", AtLeast, "é").await, "ef");
    assert_eq!(found(&store, "name", AtLeast, "").await, "abcdef");
}

async fn finds_only_values_of_the_type_of_a_range(store: TestStore) {
    fill(
        &store,
        "price",
        [
            ("a", json!(5)),
            ("b", json!("5")),
            ("c", json!(null)),
            ("d", json!(false)),
        ],
    )
    .await;
    for (comparison, low, high) in [
        (Greater, 0, "0"),
        (AtLeast, 0, "0"),
        (Less, 9, "9"),
        (AtMost, 9, "9"),
    ] {
        assert_eq!(
            found(&store, "price", comparison, low).await,
            "a",
            "{comparison:?}"
        );
        assert_eq!(
            found(&store, "price", comparison, high).await,
            "b",
            "{comparison:?}"
        );
    }
}

async fn ignores_documents_without_the_field(store: TestStore) {
    store
        .insert([("a", json!({"name": "x"})), ("b", json!({"price": null}))])
        .await;
    for comparison in [Equal, Less, AtMost, Greater, AtLeast] {
        assert_eq!(found(&store, "price", comparison, 0).await, "", "{comparison:?}");
        assert_eq!(found(&store, "price", comparison, "").await, "", "{comparison:?}");
    }
}

async fn requires_all_conditions(store: TestStore) {
    store
        .insert([
            ("a", json!({"colour": "red", "price": 1})),
            ("b", json!({"colour": "red", "price": 2})),
            ("c", json!({"colour": "blue", "price": 1})),
        ])
        .await;
    let query = store.matching([condition("colour", Equal, "red"), condition("price", Equal, 1)]);
    assert_eq!(store.ids(query).await, ["a"]);
    let query = store.matching([
        condition("colour", Equal, "red"),
        condition("colour", Equal, "blue"),
    ]);
    assert_eq!(store.ids(query).await, [""; 0]);
}

async fn combines_two_conditions_on_one_field(store: TestStore) {
    fill(
        &store,
        "price",
        [("a", json!(1)), ("b", json!(2)), ("c", json!(3)), ("d", json!(4))],
    )
    .await;
    let range = [condition("price", Greater, 1), condition("price", AtMost, 3)];
    assert_eq!(store.ids(store.matching(range.clone())).await, ["b", "c"]);
    let sorted = Query {
        sort: sort_by("price", Descending),
        ..store.matching(range)
    };
    assert_eq!(store.ids(sorted).await, ["c", "b"]);
    // No value has both types.
    fill(&store, "price", [("e", json!("1"))]).await;
    let both = [condition("price", AtLeast, 1), condition("price", Less, "x")];
    assert_eq!(store.ids(store.matching(both)).await, [""; 0]);
    let both = [condition("price", Greater, "0"), condition("price", AtMost, 9)];
    assert_eq!(store.ids(store.matching(both)).await, [""; 0]);
}

async fn sorts_by_id_by_default(store: TestStore) {
    fill(
        &store,
        "price",
        [
            ("b", json!(1)),
            ("a", json!(1)),
            ("é", json!(1)),
            ("B", json!(1)),
            ("10", json!(1)),
            ("9", json!(1)),
        ],
    )
    .await;
    let by_id = ["10", "9", "B", "a", "b", "é"];
    assert_eq!(store.ids(store.query()).await, by_id);
    assert_eq!(
        store.ids(store.matching([condition("price", Equal, 1)])).await,
        by_id
    );
    assert_eq!(
        store.ids(store.matching([condition("price", AtLeast, 0)])).await,
        by_id
    );
}

async fn sorts_equal_values_by_id_in_the_same_direction(store: TestStore) {
    fill(
        &store,
        "price",
        [
            ("b", json!(2)),
            ("d", json!(1)),
            ("a", json!(2)),
            ("c", json!(2)),
            ("e", json!(3)),
        ],
    )
    .await;
    let sorted = |direction| Query {
        sort: sort_by("price", direction),
        ..store.query()
    };
    assert_eq!(store.ids(sorted(Ascending)).await.concat(), "dabce");
    assert_eq!(store.ids(sorted(Descending)).await.concat(), "ecbad");
}

async fn leaves_documents_without_the_sort_field_out(store: TestStore) {
    store
        .insert([
            ("a", json!({"price": 1})),
            ("b", json!({"name": "x"})),
            ("c", json!({"price": null})),
        ])
        .await;
    for direction in [Ascending, Descending] {
        assert_eq!(
            store
                .ids(Query {
                    sort: sort_by("price", direction),
                    ..store.query()
                })
                .await,
            ["a"]
        );
    }
}

async fn combines_conditions_with_a_sort_on_another_field(store: TestStore) {
    store
        .insert([
            ("a", json!({"colour": "red", "name": "z", "price": 1})),
            ("b", json!({"colour": "red", "name": "y", "price": 5})),
            ("c", json!({"colour": "red", "name": "x", "price": 9})),
            ("d", json!({"colour": "blue", "name": "w", "price": 5})),
            ("e", json!({"colour": "red", "price": 5})),
        ])
        .await;
    let red = condition("colour", Equal, "red");
    let query = Query {
        sort: sort_by("name", Ascending),
        ..store.matching([red.clone(), condition("price", Less, 9)])
    };
    assert_eq!(store.ids(query).await, ["b", "a"]);
    let query = Query {
        sort: sort_by("name", Descending),
        ..store.matching([red])
    };
    assert_eq!(store.ids(query).await, ["a", "b", "c"]);
}

async fn filters_and_sorts_many_matches(store: TestStore) {
    let ids = (0..1_200).map(|n| format!("{n:04}")).collect::<Vec<_>>();
    let body = |n: i64| json!({"price": n, "colour": if n % 2 == 0 { "red" } else { "blue" }, "name": format!("{}", n % 3)});
    store
        .insert(ids.iter().map(String::as_str).zip((0..).map(body)))
        .await;
    let red = condition("colour", Equal, "red");
    let query = Query {
        sort: sort_by("price", Descending),
        limit: 3,
        ..store.matching([red.clone()])
    };
    assert_eq!(store.ids(query).await, ["1198", "1196", "1194"]);
    let rest = [
        red,
        condition("price", AtLeast, 600),
        condition("price", Less, 606),
    ];
    assert_eq!(store.ids(store.matching(rest)).await, ["0600", "0602", "0604"]);
    let third = [condition("price", AtLeast, 10), condition("name", AtLeast, "1")];
    let query = Query {
        limit: 3,
        ..store.matching(third)
    };
    assert_eq!(store.ids(query).await, ["0010", "0011", "0013"]);
}

async fn follows_replacements_and_deletions(store: TestStore) {
    fill(&store, "price", [("a", json!(1)), ("b", json!(1))]).await;
    store
        .commit([
            store.replacement("a", 1, &json!({"price": 2})),
            store.deletion("b", 1),
        ])
        .await
        .unwrap();
    assert_eq!(found(&store, "price", Equal, 1).await, "");
    assert_eq!(found(&store, "price", Equal, 2).await, "a");
}

async fn returns_at_most_the_limit(store: TestStore) {
    fill(
        &store,
        "price",
        [("a", json!(1)), ("b", json!(2)), ("c", json!(3))],
    )
    .await;
    for (limit, expected) in [(0, ""), (1, "a"), (2, "ab"), (3, "abc"), (MAX_LIMIT, "abc")] {
        assert_eq!(
            store
                .ids(Query {
                    limit,
                    ..store.query()
                })
                .await
                .concat(),
            expected
        );
    }
}

async fn rejects_a_limit_over_the_maximum(store: TestStore) {
    store
        .assert_invalid(Query {
            limit: MAX_LIMIT + 1,
            ..store.query()
        })
        .await;
    store
        .assert_invalid(Query {
            limit: u32::MAX,
            ..store.query()
        })
        .await;
}

async fn rejects_an_undeclared_field(store: TestStore) {
    store.insert([("a", json!({"description": "x"}))]).await;
    for field in ["description", "id", "version", "", "Price", "price'"] {
        store
            .assert_invalid(store.matching([condition(field, Equal, "x")]))
            .await;
        let after = Some(Position {
            value: None,
            id: "a".into(),
        });
        store
            .assert_invalid(Query {
                sort: sort_by(field, Ascending),
                ..store.query()
            })
            .await;
        store
            .assert_invalid(Query {
                sort: sort_by(field, Ascending),
                after,
                ..store.query()
            })
            .await;
    }
}
