//! Adjustments: numbers that change inside the store.

use serde_json::json;
use tokio::task::JoinSet;

use super::{Things, assert_invalid_commit, is, refusals};
use crate::conformance::cases;
use crate::documents::{Comparison, RefusalReason};

cases! { Things:
    an_adjustment_adds_to_the_field_and_leaves_the_others,
    an_adjustment_counts_the_version_up,
    exactly_to_the_floor_is_enough,
    under_the_floor_is_refused_and_tells_the_value,
    a_field_that_is_missing_counts_as_zero,
    the_changes_of_an_adjustment_are_made_all_or_none,
    a_field_that_is_no_integer_is_invalid,
    a_sum_over_the_range_is_invalid,
    a_field_named_twice_is_invalid,
    an_adjusted_value_is_found_by_queries,
    of_200_buyers_of_50_pieces_50_succeed,
}

async fn an_adjustment_adds_to_the_field_and_leaves_the_others(things: Things) {
    things
        .insert([("a", json!({"n": 5, "other": [0.5, "x", null], "name": "sock"}))])
        .await;
    things
        .commit([things.adjusting("a", &[("n", -7, None)])])
        .await
        .unwrap();
    assert_eq!(
        things.body("a").await.unwrap(),
        json!({"n": -2, "other": [0.5, "x", null], "name": "sock"})
    );
}

async fn an_adjustment_counts_the_version_up(things: Things) {
    things.insert([("a", json!({"n": 5}))]).await;
    things
        .commit([things.adjusting("a", &[("n", 1, None)])])
        .await
        .unwrap();
    assert_eq!(things.version("a").await, 2);
    let stale = things.commit([things.replacing("a", 1, &json!({}))]).await;
    assert_eq!(refusals(stale), [(0, RefusalReason::Stale(2))]);
}

async fn exactly_to_the_floor_is_enough(things: Things) {
    things.insert([("a", json!({"stock": 5, "debt": -3}))]).await;
    things
        .commit([things.adjusting("a", &[("stock", -5, Some(0)), ("debt", -1, Some(-4))])])
        .await
        .unwrap();
    assert_eq!(things.body("a").await.unwrap(), json!({"stock": 0, "debt": -4}));
}

async fn under_the_floor_is_refused_and_tells_the_value(things: Things) {
    things.insert([("a", json!({"stock": 5}))]).await;
    let answer = things
        .commit([things.adjusting("a", &[("stock", -6, Some(0))])])
        .await;
    assert_eq!(refusals(answer), [(0, RefusalReason::UnderFloor(5))]);
    assert_eq!(
        (things.version("a").await, things.body("a").await),
        (1, Some(json!({"stock": 5})))
    );
}

async fn a_field_that_is_missing_counts_as_zero(things: Things) {
    things.insert([("a", json!({}))]).await;
    let answer = things
        .commit([things.adjusting("a", &[("stock", -1, Some(0))])])
        .await;
    assert_eq!(refusals(answer), [(0, RefusalReason::UnderFloor(0))]);
    things
        .commit([things.adjusting("a", &[("stock", 2, Some(0))])])
        .await
        .unwrap();
    assert_eq!(things.body("a").await.unwrap(), json!({"stock": 2}));
}

async fn the_changes_of_an_adjustment_are_made_all_or_none(things: Things) {
    things.insert([("a", json!({"stock": 5, "reserved": 1}))]).await;
    things
        .commit([things.adjusting("a", &[("stock", -2, Some(0)), ("reserved", 2, None)])])
        .await
        .unwrap();
    let answer = things
        .commit([things.adjusting("a", &[("reserved", 4, None), ("stock", -4, Some(0))])])
        .await;
    assert_eq!(refusals(answer), [(0, RefusalReason::UnderFloor(3))]);
    assert_eq!(
        things.body("a").await.unwrap(),
        json!({"stock": 3, "reserved": 3})
    );
}

async fn a_field_that_is_no_integer_is_invalid(things: Things) {
    for (id, value) in [
        ("a", json!("5")),
        ("b", json!(0.5)),
        ("c", json!(null)),
        ("d", json!([5])),
        ("e", json!(true)),
    ] {
        things.insert([(id, json!({"n": value}))]).await;
        assert_invalid_commit(&things.commit([things.adjusting(id, &[("n", 1, None)])]).await);
        assert_eq!(things.body(id).await.unwrap(), json!({"n": value}));
    }
}

async fn a_sum_over_the_range_is_invalid(things: Things) {
    things
        .insert([("a", json!({"high": i64::MAX, "low": i64::MIN}))])
        .await;
    assert_invalid_commit(&things.commit([things.adjusting("a", &[("high", 1, None)])]).await);
    assert_invalid_commit(&things.commit([things.adjusting("a", &[("low", -1, None)])]).await);
    things
        .commit([things.adjusting("a", &[("high", -1, None), ("low", 1, None)])])
        .await
        .unwrap();
    assert_eq!(
        things.body("a").await.unwrap(),
        json!({"high": i64::MAX - 1, "low": i64::MIN + 1})
    );
}

async fn a_field_named_twice_is_invalid(things: Things) {
    things.insert([("a", json!({"n": 1}))]).await;
    assert_invalid_commit(
        &things
            .commit([things.adjusting("a", &[("n", 1, None), ("n", 1, None)])])
            .await,
    );
    assert_eq!(things.body("a").await.unwrap(), json!({"n": 1}));
}

async fn an_adjusted_value_is_found_by_queries(things: Things) {
    things
        .insert([("a", json!({"price": 5, "name": "wool sock"}))])
        .await;
    things
        .commit([things.adjusting("a", &[("price", 2, None)])])
        .await
        .unwrap();
    assert_eq!(
        things.ids(things.with([is("price", Comparison::Equal, 7)])).await,
        ["a"]
    );
    assert_eq!(
        things.ids(things.with([is("price", Comparison::Equal, 5)])).await,
        [""; 0]
    );
    assert_eq!(things.ids(things.searching("wool")).await, ["a"]);
}

async fn of_200_buyers_of_50_pieces_50_succeed(things: Things) {
    things.insert([("a", json!({"stock": 50, "sold": 0}))]).await;
    let mut buyers = JoinSet::new();
    for _ in 0..200 {
        let things = things.clone();
        buyers.spawn(async move {
            things
                .commit([things.adjusting("a", &[("stock", -1, Some(0)), ("sold", 1, None)])])
                .await
        });
    }
    let (sold, refused) = buyers
        .join_all()
        .await
        .into_iter()
        .partition::<Vec<_>, _>(Result::is_ok);
    assert_eq!((sold.len(), refused.len()), (50, 150));
    for answer in refused {
        assert_eq!(refusals(answer), [(0, RefusalReason::UnderFloor(0))]);
    }
    assert_eq!(things.body("a").await.unwrap(), json!({"stock": 0, "sold": 50}));
}
