//! Conditions, order and limits.

use serde_json::{Value, json};

use super::{Things, by, is};
use crate::conformance::cases;
use crate::documents::{Comparison, Condition, Direction, MAX_LIMIT, Position, Query};

cases! { Things:
    an_equal_value_is_found,
    a_value_of_another_type_is_not_equal,
    ranges_of_integers_have_the_right_ends,
    ranges_of_text_go_by_code_point,
    a_range_of_one_type_finds_no_value_of_another,
    a_document_without_the_field_never_matches,
    all_conditions_must_hold,
    two_conditions_on_one_field_are_a_range,
    without_a_sort_documents_come_by_id,
    a_sort_orders_equal_values_by_id_in_its_own_direction,
    a_sort_leaves_out_documents_without_the_field,
    conditions_and_a_sort_on_different_fields_go_together,
    conditions_that_match_many_are_obeyed_too,
    a_query_sees_replacements_and_deletions,
    the_limit_is_obeyed,
    a_limit_over_the_bound_is_invalid,
    an_undeclared_field_is_invalid,
}

async fn fill(things: &Things, field: &str, values: impl IntoIterator<Item = (&str, Value)>) {
    things
        .insert(values.into_iter().map(|(id, value)| (id, json!({field: value}))))
        .await;
}

async fn found(things: &Things, condition: Condition) -> String {
    things.ids(things.with([condition])).await.concat()
}

async fn an_equal_value_is_found(things: Things) {
    things
        .insert([
            ("a", json!({"name": "x", "price": 1})),
            ("b", json!({"name": "X", "price": -1})),
        ])
        .await;
    assert_eq!(found(&things, is("name", Comparison::Equal, "x")).await, "a");
    assert_eq!(found(&things, is("price", Comparison::Equal, -1)).await, "b");
    assert_eq!(
        found(&things, is("name", Comparison::Equal, "y' OR '1'='1")).await,
        ""
    );
}

async fn a_value_of_another_type_is_not_equal(things: Things) {
    let values = [
        ("a", json!("1")),
        ("b", json!(true)),
        ("c", json!([1])),
        ("d", json!({"x": 1})),
        ("e", json!(1)),
    ];
    fill(&things, "price", values).await;
    assert_eq!(found(&things, is("price", Comparison::Equal, 1)).await, "e");
    assert_eq!(found(&things, is("price", Comparison::Equal, "1")).await, "a");
    assert_eq!(
        found(&things, is("price", Comparison::Equal, "{\"x\":1}")).await,
        ""
    );
}

async fn ranges_of_integers_have_the_right_ends(things: Things) {
    let values = [
        ("a", json!(i64::MIN)),
        ("b", json!(9)),
        ("c", json!(10)),
        ("d", json!(11)),
        ("e", json!(i64::MAX)),
    ];
    fill(&things, "price", values).await;
    assert_eq!(found(&things, is("price", Comparison::Less, 10)).await, "ab");
    assert_eq!(found(&things, is("price", Comparison::AtMost, 10)).await, "abc");
    assert_eq!(found(&things, is("price", Comparison::Greater, 10)).await, "de");
    assert_eq!(found(&things, is("price", Comparison::AtLeast, 10)).await, "cde");
    assert_eq!(
        found(&things, is("price", Comparison::AtLeast, i64::MAX)).await,
        "e"
    );
    assert_eq!(found(&things, is("price", Comparison::Less, i64::MIN)).await, "");
}

async fn ranges_of_text_go_by_code_point(things: Things) {
    let values = [
        ("a", json!("")),
        ("b", json!("B")),
        ("c", json!("a")),
        ("d", json!("aa")),
        ("e", json!("é")),
        ("f", json!("😀")),
    ];
    fill(&things, "name", values).await;
    assert_eq!(found(&things, is("name", Comparison::Less, "a")).await, "ab");
    assert_eq!(found(&things, is("name", Comparison::AtMost, "a")).await, "abc");
    assert_eq!(found(&things, is("name", Comparison::Greater, "a")).await, "def");
    assert_eq!(found(&things, is("name", Comparison::AtLeast, "é")).await, "ef");
    assert_eq!(
        found(&things, is("name", Comparison::AtLeast, "")).await,
        "abcdef"
    );
}

async fn a_range_of_one_type_finds_no_value_of_another(things: Things) {
    fill(
        &things,
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
        (Comparison::Greater, 0, "0"),
        (Comparison::AtLeast, 0, "0"),
        (Comparison::Less, 9, "9"),
        (Comparison::AtMost, 9, "9"),
    ] {
        assert_eq!(
            found(&things, is("price", comparison, low)).await,
            "a",
            "{comparison:?}"
        );
        assert_eq!(
            found(&things, is("price", comparison, high)).await,
            "b",
            "{comparison:?}"
        );
    }
}

async fn a_document_without_the_field_never_matches(things: Things) {
    things
        .insert([("a", json!({"name": "x"})), ("b", json!({"price": null}))])
        .await;
    for comparison in [
        Comparison::Equal,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Greater,
        Comparison::AtLeast,
    ] {
        assert_eq!(
            found(&things, is("price", comparison, 0)).await,
            "",
            "{comparison:?}"
        );
        assert_eq!(
            found(&things, is("price", comparison, "")).await,
            "",
            "{comparison:?}"
        );
    }
}

async fn all_conditions_must_hold(things: Things) {
    things
        .insert([
            ("a", json!({"colour": "red", "price": 1})),
            ("b", json!({"colour": "red", "price": 2})),
            ("c", json!({"colour": "blue", "price": 1})),
        ])
        .await;
    let query = things.with([
        is("colour", Comparison::Equal, "red"),
        is("price", Comparison::Equal, 1),
    ]);
    assert_eq!(things.ids(query).await, ["a"]);
    let query = things.with([
        is("colour", Comparison::Equal, "red"),
        is("colour", Comparison::Equal, "blue"),
    ]);
    assert_eq!(things.ids(query).await, [""; 0]);
}

async fn two_conditions_on_one_field_are_a_range(things: Things) {
    fill(
        &things,
        "price",
        [("a", json!(1)), ("b", json!(2)), ("c", json!(3)), ("d", json!(4))],
    )
    .await;
    let range = [
        is("price", Comparison::Greater, 1),
        is("price", Comparison::AtMost, 3),
    ];
    assert_eq!(things.ids(things.with(range.clone())).await, ["b", "c"]);
    let sorted = Query {
        sort: by("price", Direction::Descending),
        ..things.with(range)
    };
    assert_eq!(things.ids(sorted).await, ["c", "b"]);
    // No value is both.
    fill(&things, "price", [("e", json!("1"))]).await;
    let both = [
        is("price", Comparison::AtLeast, 1),
        is("price", Comparison::Less, "x"),
    ];
    assert_eq!(things.ids(things.with(both)).await, [""; 0]);
    let both = [
        is("price", Comparison::Greater, "0"),
        is("price", Comparison::AtMost, 9),
    ];
    assert_eq!(things.ids(things.with(both)).await, [""; 0]);
}

async fn without_a_sort_documents_come_by_id(things: Things) {
    fill(
        &things,
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
    assert_eq!(things.ids(things.query()).await, by_id);
    assert_eq!(
        things.ids(things.with([is("price", Comparison::Equal, 1)])).await,
        by_id
    );
    assert_eq!(
        things
            .ids(things.with([is("price", Comparison::AtLeast, 0)]))
            .await,
        by_id
    );
}

async fn a_sort_orders_equal_values_by_id_in_its_own_direction(things: Things) {
    fill(
        &things,
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
        sort: by("price", direction),
        ..things.query()
    };
    assert_eq!(things.ids(sorted(Direction::Ascending)).await.concat(), "dabce");
    assert_eq!(things.ids(sorted(Direction::Descending)).await.concat(), "ecbad");
}

async fn a_sort_leaves_out_documents_without_the_field(things: Things) {
    things
        .insert([
            ("a", json!({"price": 1})),
            ("b", json!({"name": "x"})),
            ("c", json!({"price": null})),
        ])
        .await;
    for direction in [Direction::Ascending, Direction::Descending] {
        assert_eq!(
            things
                .ids(Query {
                    sort: by("price", direction),
                    ..things.query()
                })
                .await,
            ["a"]
        );
    }
}

async fn conditions_and_a_sort_on_different_fields_go_together(things: Things) {
    things
        .insert([
            ("a", json!({"colour": "red", "name": "z", "price": 1})),
            ("b", json!({"colour": "red", "name": "y", "price": 5})),
            ("c", json!({"colour": "red", "name": "x", "price": 9})),
            ("d", json!({"colour": "blue", "name": "w", "price": 5})),
            ("e", json!({"colour": "red", "price": 5})),
        ])
        .await;
    let red = is("colour", Comparison::Equal, "red");
    let query = Query {
        sort: by("name", Direction::Ascending),
        ..things.with([red.clone(), is("price", Comparison::Less, 9)])
    };
    assert_eq!(things.ids(query).await, ["b", "a"]);
    let query = Query {
        sort: by("name", Direction::Descending),
        ..things.with([red])
    };
    assert_eq!(things.ids(query).await, ["a", "b", "c"]);
}

async fn conditions_that_match_many_are_obeyed_too(things: Things) {
    let ids = (0..1_200).map(|n| format!("{n:04}")).collect::<Vec<_>>();
    let body = |n: i64| json!({"price": n, "colour": if n % 2 == 0 { "red" } else { "blue" }, "name": format!("{}", n % 3)});
    things
        .insert(ids.iter().map(String::as_str).zip((0..).map(body)))
        .await;
    let red = is("colour", Comparison::Equal, "red");
    let query = Query {
        sort: by("price", Direction::Descending),
        limit: 3,
        ..things.with([red.clone()])
    };
    assert_eq!(things.ids(query).await, ["1198", "1196", "1194"]);
    let rest = [
        red,
        is("price", Comparison::AtLeast, 600),
        is("price", Comparison::Less, 606),
    ];
    assert_eq!(things.ids(things.with(rest)).await, ["0600", "0602", "0604"]);
    let third = [
        is("price", Comparison::AtLeast, 10),
        is("name", Comparison::AtLeast, "1"),
    ];
    let query = Query {
        limit: 3,
        ..things.with(third)
    };
    assert_eq!(things.ids(query).await, ["0010", "0011", "0013"]);
}

async fn a_query_sees_replacements_and_deletions(things: Things) {
    fill(&things, "price", [("a", json!(1)), ("b", json!(1))]).await;
    things
        .commit([
            things.replacing("a", 1, &json!({"price": 2})),
            things.deleting("b", 1),
        ])
        .await
        .unwrap();
    assert_eq!(found(&things, is("price", Comparison::Equal, 1)).await, "");
    assert_eq!(found(&things, is("price", Comparison::Equal, 2)).await, "a");
}

async fn the_limit_is_obeyed(things: Things) {
    fill(
        &things,
        "price",
        [("a", json!(1)), ("b", json!(2)), ("c", json!(3))],
    )
    .await;
    for (limit, expected) in [(0, ""), (1, "a"), (2, "ab"), (3, "abc"), (MAX_LIMIT, "abc")] {
        assert_eq!(
            things
                .ids(Query {
                    limit,
                    ..things.query()
                })
                .await
                .concat(),
            expected
        );
    }
}

async fn a_limit_over_the_bound_is_invalid(things: Things) {
    things
        .assert_invalid(Query {
            limit: MAX_LIMIT + 1,
            ..things.query()
        })
        .await;
    things
        .assert_invalid(Query {
            limit: u32::MAX,
            ..things.query()
        })
        .await;
}

async fn an_undeclared_field_is_invalid(things: Things) {
    things.insert([("a", json!({"description": "x"}))]).await;
    for field in ["description", "id", "version", "", "Price", "price'"] {
        things
            .assert_invalid(things.with([is(field, Comparison::Equal, "x")]))
            .await;
        let after = Some(Position {
            value: None,
            id: "a".into(),
        });
        things
            .assert_invalid(Query {
                sort: by(field, Direction::Ascending),
                ..things.query()
            })
            .await;
        things
            .assert_invalid(Query {
                sort: by(field, Direction::Ascending),
                after,
                ..things.query()
            })
            .await;
    }
}
