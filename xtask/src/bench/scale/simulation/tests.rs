use super::*;
use crate::bench::scale::costs::{OrderCost, Times};

fn costs() -> Costs {
    let cpu = |shop, mongodb| Times {
        shop,
        mongodb,
        ..Times::default()
    };
    Costs {
        requests: Vec::new(),
        order: OrderCost {
            fixed: cpu(900.0, 300.0),
            transaction: cpu(300.0, 1_200.0),
            duration_us: 1_500.0,
            sync_us: 2_000.0,
        },
        idle: Times::default(),
    }
}

fn scenario(processes: usize, products: u32, clients: usize) -> Scenario {
    Scenario {
        processes,
        products,
        clients,
        processors: Processors::Apart {
            process: 4,
            primary: 8,
            network: 0,
        },
        warm_up: 2,
        seconds: 8,
        is_drained: false,
    }
}

#[test]
fn one_client_waits_for_each_part_of_its_order() {
    let outcome = simulate(&costs(), &scenario(1, 1, 1));
    // Two commits: 300 + 100 of the fixed costs, 1,500 of a transaction, and 2,000 for the journal.
    assert!((7.8..11.8).contains(&outcome.p50_ms), "{outcome:?}");
    assert_eq!(outcome.aborted, 0.0);
}

#[test]
fn more_clients_share_transactions() {
    let [few, many] = [1, 64].map(|clients| simulate(&costs(), &scenario(1, 1, clients)));
    assert!((2.5..3.1).contains(&few.transactions), "{few:?}");
    assert!(many.transactions < few.transactions / 4.0, "{many:?}");
    assert!(many.orders_per_second > few.orders_per_second * 10.0, "{many:?}");
}

#[test]
fn processes_conflict_at_a_hot_product_and_not_at_many() {
    let [hot, spread] = [1, 1_000_000].map(|products| simulate(&costs(), &scenario(4, products, 32)));
    assert!(hot.aborted > 0.1, "{hot:?}");
    assert!(spread.aborted < 0.01, "{spread:?}");
    assert!(
        spread.orders_per_second > hot.orders_per_second,
        "{hot:?} {spread:?}"
    );
}

#[test]
fn strangers_on_shared_processors_slow_the_orders_down() {
    let [alone, beside] = [0.0, 1.0].map(|strangers| {
        let shared = Scenario {
            processors: Processors::Shared { count: 2, strangers },
            ..scenario(1, 1, 64)
        };
        simulate(&costs(), &shared).orders_per_second
    });
    assert!(alone > beside * 1.5, "{alone} {beside}");
}
