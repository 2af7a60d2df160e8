//! Adjustments: additions inside the store.

use serde_json::json;
use tokio::task::JoinSet;

use super::{TestStore, assert_invalid_commit, condition, refusals};
use crate::conformance::case::cases;
use crate::documents::Comparison::Equal;
use crate::documents::RefusalReason;

cases! { TestStore:
    adds_to_a_field_and_leaves_other_fields_unchanged,
    increments_the_version_with_an_adjustment,
    allows_an_adjustment_down_to_its_floor,
    refuses_an_adjustment_under_its_floor_with_the_current_value,
    treats_a_missing_field_as_zero,
    applies_all_changes_of_an_adjustment_or_none,
    rejects_an_adjustment_of_a_field_that_is_not_an_integer,
    rejects_a_sum_that_is_out_of_range,
    rejects_an_adjustment_that_names_a_field_twice,
    finds_an_adjusted_value,
    sells_50_units_to_50_of_200_concurrent_buyers,
}

async fn adds_to_a_field_and_leaves_other_fields_unchanged(store: TestStore) {
    store
        .insert([("a", json!({"n": 5, "other": [0.5, "x", null], "name": "sock"}))])
        .await;
    store
        .commit([store.adjustment("a", &[("n", -7, None)])])
        .await
        .unwrap();
    assert_eq!(
        store.body("a").await.unwrap(),
        json!({"n": -2, "other": [0.5, "x", null], "name": "sock"})
    );
}

async fn increments_the_version_with_an_adjustment(store: TestStore) {
    store.insert([("a", json!({"n": 5}))]).await;
    store
        .commit([store.adjustment("a", &[("n", 1, None)])])
        .await
        .unwrap();
    assert_eq!(store.version("a").await, 2);
    let stale = store.commit([store.replacement("a", 1, &json!({}))]).await;
    assert_eq!(refusals(stale), [(0, RefusalReason::Stale(2))]);
}

async fn allows_an_adjustment_down_to_its_floor(store: TestStore) {
    store.insert([("a", json!({"stock": 5, "debt": -3}))]).await;
    store
        .commit([store.adjustment("a", &[("stock", -5, Some(0)), ("debt", -1, Some(-4))])])
        .await
        .unwrap();
    assert_eq!(store.body("a").await.unwrap(), json!({"stock": 0, "debt": -4}));
}

async fn refuses_an_adjustment_under_its_floor_with_the_current_value(store: TestStore) {
    store.insert([("a", json!({"stock": 5}))]).await;
    let result = store
        .commit([store.adjustment("a", &[("stock", -6, Some(0))])])
        .await;
    assert_eq!(refusals(result), [(0, RefusalReason::UnderFloor(5))]);
    assert_eq!(
        (store.version("a").await, store.body("a").await),
        (1, Some(json!({"stock": 5})))
    );
}

async fn treats_a_missing_field_as_zero(store: TestStore) {
    store.insert([("a", json!({}))]).await;
    let result = store
        .commit([store.adjustment("a", &[("stock", -1, Some(0))])])
        .await;
    assert_eq!(refusals(result), [(0, RefusalReason::UnderFloor(0))]);
    store
        .commit([store.adjustment("a", &[("stock", 2, Some(0))])])
        .await
        .unwrap();
    assert_eq!(store.body("a").await.unwrap(), json!({"stock": 2}));
}

async fn applies_all_changes_of_an_adjustment_or_none(store: TestStore) {
    store.insert([("a", json!({"stock": 5, "reserved": 1}))]).await;
    store
        .commit([store.adjustment("a", &[("stock", -2, Some(0)), ("reserved", 2, None)])])
        .await
        .unwrap();
    let result = store
        .commit([store.adjustment("a", &[("reserved", 4, None), ("stock", -4, Some(0))])])
        .await;
    assert_eq!(refusals(result), [(0, RefusalReason::UnderFloor(3))]);
    assert_eq!(store.body("a").await.unwrap(), json!({"stock": 3, "reserved": 3}));
}

async fn rejects_an_adjustment_of_a_field_that_is_not_an_integer(store: TestStore) {
    for (id, value) in [
        ("a", json!("5")),
        ("b", json!(0.5)),
        ("c", json!(null)),
        ("d", json!([5])),
        ("e", json!(true)),
    ] {
        store.insert([(id, json!({"n": value}))]).await;
        assert_invalid_commit(&store.commit([store.adjustment(id, &[("n", 1, None)])]).await);
        assert_eq!(store.body(id).await.unwrap(), json!({"n": value}));
    }
}

async fn rejects_a_sum_that_is_out_of_range(store: TestStore) {
    store
        .insert([("a", json!({"high": i64::MAX, "low": i64::MIN}))])
        .await;
    assert_invalid_commit(&store.commit([store.adjustment("a", &[("high", 1, None)])]).await);
    assert_invalid_commit(&store.commit([store.adjustment("a", &[("low", -1, None)])]).await);
    store
        .commit([store.adjustment("a", &[("high", -1, None), ("low", 1, None)])])
        .await
        .unwrap();
    assert_eq!(
        store.body("a").await.unwrap(),
        json!({"high": i64::MAX - 1, "low": i64::MIN + 1})
    );
}

async fn rejects_an_adjustment_that_names_a_field_twice(store: TestStore) {
    store.insert([("a", json!({"n": 1}))]).await;
    assert_invalid_commit(
        &store
            .commit([store.adjustment("a", &[("n", 1, None), ("n", 1, None)])])
            .await,
    );
    assert_eq!(store.body("a").await.unwrap(), json!({"n": 1}));
}

async fn finds_an_adjusted_value(store: TestStore) {
    store
        .insert([("a", json!({"price": 5, "name": "wool sock"}))])
        .await;
    store
        .commit([store.adjustment("a", &[("price", 2, None)])])
        .await
        .unwrap();
    assert_eq!(
        store.ids(store.matching([condition("price", Equal, 7)])).await,
        ["a"]
    );
    assert_eq!(
        store.ids(store.matching([condition("price", Equal, 5)])).await,
        [""; 0]
    );
    assert_eq!(store.ids(store.searching("wool")).await, ["a"]);
}

async fn sells_50_units_to_50_of_200_concurrent_buyers(store: TestStore) {
    store.insert([("a", json!({"stock": 50, "sold": 0}))]).await;
    let mut buyers = JoinSet::new();
    for _ in 0..200 {
        let store = store.clone();
        buyers.spawn(async move {
            store
                .commit([store.adjustment("a", &[("stock", -1, Some(0)), ("sold", 1, None)])])
                .await
        });
    }
    let (sold, refused) = buyers
        .join_all()
        .await
        .into_iter()
        .partition::<Vec<_>, _>(Result::is_ok);
    assert_eq!((sold.len(), refused.len()), (50, 150));
    for result in refused {
        assert_eq!(refusals(result), [(0, RefusalReason::UnderFloor(0))]);
    }
    assert_eq!(store.body("a").await.unwrap(), json!({"stock": 0, "sold": 50}));
}
