//! The tables of `docs/scale.md`. They stand between `<!-- begin NAME -->` and `<!-- end NAME -->`.

use anyhow::{Context, Result};

use super::costs::{Costs, Times};
use super::inputs::{Inputs, Sample};
use super::plan::{self, NETWORK_US, Plan, RATES};
use super::simulation::{Outcome, Processors, Scenario, simulate};

/// The path of the page in the project.
pub const FILE: &str = "docs/scale.md";

/// The simulated seconds of each scenario.
const SECONDS: u64 = 6;

/// The processes that sell one product.
const SELLERS: [usize; 5] = [1, 2, 4, 8, 16];

/// The products that are sold at the same time.
const MANY: u32 = 10_000;

/// The requests of each process that run at a time.
const CLIENTS: usize = 64;

/// A table and its name in the page.
pub type Table = (&'static str, String);

/// Computes all tables.
///
/// # Errors
/// An input is missing.
pub fn tables(inputs: &Inputs) -> Result<Vec<Table>> {
    let costs = Costs::derive(inputs)?;
    Ok(vec![
        ("machine", machine(inputs)),
        ("costs", cost_table(&costs)),
        ("check", check(inputs, &costs)),
        ("limits", limits(&costs)?),
        ("hot", hot(&costs)),
        ("assumptions", assumptions()),
        ("plan", plan_table(&costs)?),
    ])
}

/// Replaces the tables of a page.
///
/// # Errors
/// A mark is missing.
pub fn fill(page: &str, tables: &[Table]) -> Result<String> {
    let mut page = page.to_owned();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
        let (before, rest) = page
            .split_once(&begin)
            .with_context(|| format!("{FILE} has no `{begin}`"))?;
        let (_, after) = rest
            .split_once(&end)
            .with_context(|| format!("{FILE} has no `{end}` after `{begin}`"))?;
        page = format!("{before}{begin}\n{table}\n{end}{after}");
    }
    Ok(page)
}

/// Formats a table of Markdown. All columns but the first are numbers.
fn markdown<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let mut rule = vec!["---:".to_owned(); COLUMNS];
    if let Some(first) = rule.first_mut() {
        "---".clone_into(first);
    }
    let mut lines = vec![line(&head.map(str::to_owned)), line(&rule)];
    lines.extend(rows.into_iter().map(|row| line(&row)));
    lines.join("\n")
}

/// Formats a whole number.
fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let count = digits.len();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (count - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with three significant digits.
fn number(value: f64) -> String {
    match value {
        value if value >= 1_000.0 => {
            let unit = 10_f64.powf(value.log10().floor() - 2.0);
            whole((value / unit).round() * unit)
        }
        value if value >= 100.0 => whole(value),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value > 0.0 => format!("{value:.2}"),
        _ => "0".to_owned(),
    }
}

fn machine(inputs: &Inputs) -> String {
    format!("Measured on {} on {}.", inputs.machine, inputs.date)
}

fn cost_table(costs: &Costs) -> String {
    let row = |name: &str, times: &Times, requests: Option<f64>| {
        [
            name.to_owned(),
            number(times.shop),
            number(times.mongodb),
            number(times.kafka),
            number(times.redis),
            requests.map_or_else(|| "–".to_owned(), number),
        ]
    };
    let requests = costs.requests.iter();
    let mut rows: Vec<_> = requests
        .map(|cost| row(&cost.name, &cost.times, Some(cost.store_requests)))
        .collect();
    rows.push(row("order: each", &costs.order.fixed, None));
    rows.push(row("order: each transaction", &costs.order.transaction, None));
    rows.push(row("one process at rest, each second", &costs.idle, None));
    markdown(
        [
            "µs of a processor",
            "shop",
            "mongod",
            "Kafka",
            "Redis",
            "requests to MongoDB",
        ],
        rows,
    )
}

/// Simulates a measurement.
fn repeat(inputs: &Inputs, costs: &Costs, sample: &Sample) -> Outcome {
    let scenario = Scenario {
        processes: sample.processes,
        products: u32::try_from(sample.products).unwrap_or(u32::MAX),
        clients: sample.connections,
        processors: Processors::Shared {
            count: inputs.processors,
            strangers: sample.strangers,
        },
        warm_up: 0,
        seconds: SECONDS,
        is_drained: true,
    };
    simulate(costs, &scenario)
}

fn check(inputs: &Inputs, costs: &Costs) -> String {
    let rows = inputs.orders.iter().map(|sample| {
        let predicted = repeat(inputs, costs, sample);
        let pair = |predicted: f64, measured: f64| format!("{} / {}", number(predicted), number(measured));
        let store = sample.store;
        [
            format!(
                "{} × {} clients, {}",
                sample.processes,
                sample.connections / sample.processes.max(1),
                products_of(sample.products)
            ),
            pair(predicted.orders_per_second, sample.answers_per_second()),
            pair(
                predicted.settled_per_second,
                sample.answers as f64 / sample.settled,
            ),
            pair(predicted.p50_ms, sample.p50_ms),
            pair(predicted.transactions, sample.per_answer(store.committed as f64)),
            pair(predicted.aborted, sample.per_answer(store.aborted as f64)),
        ]
    });
    markdown(
        [
            "processes (predicted / measured)",
            "orders a second",
            "with their events",
            "p50, ms",
            "transactions an order",
            "aborted an order",
        ],
        rows,
    )
}

fn limits(costs: &Costs) -> Result<String> {
    let many = selling(costs, 1, MANY);
    let hot = selling(costs, 1, 1).orders_per_second;
    let one = |name: &str, units: fn(&Plan) -> f64| -> Result<(f64, String)> {
        // Enough processes for all events, which have a row of their own.
        Ok((plan::limit(costs, f64::INFINITY, units)?, name.to_owned()))
    };
    let requests = |orders: f64| orders * 60.0 / plan::ORDERS;
    let planned = requests(many.settled_per_second * plan::UTILISATION);
    let mut rows = vec![
        one("the cores of a process: 8", |plan| plan.processes)?,
        one("the cores of a primary: 16", |plan| plan.shards)?,
        one("a server of Redis", |plan| plan.caches)?,
        one("the cores of a broker: 4", |plan| plan.brokers)?,
        (planned, "the events of a process".to_owned()),
        (
            requests(many.orders_per_second),
            "64 orders at a time in a process".to_owned(),
        ),
        (
            requests(hot) * 10.0,
            "one product with 10 % of all orders".to_owned(),
        ),
    ];
    rows.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let rows = rows
        .into_iter()
        .map(|(limit, name)| [name, number(limit), number(limit / 60.0 * plan::ORDERS)]);
    Ok(markdown(
        ["one of these", "is full at requests a minute", "orders a second"],
        rows,
    ))
}

/// Simulates orders on hosts that are apart.
fn selling(costs: &Costs, processes: usize, products: u32) -> Outcome {
    let scenario = Scenario {
        processes,
        products,
        clients: CLIENTS * processes,
        processors: Processors::Apart {
            process: plan::PROCESS_CORES,
            primary: plan::PRIMARY_CORES,
            network: NETWORK_US,
        },
        warm_up: 6,
        seconds: SECONDS,
        is_drained: false,
    };
    simulate(costs, &scenario)
}

fn hot(costs: &Costs) -> String {
    let rows = [1, MANY].into_iter().flat_map(|products| {
        SELLERS.map(|processes| {
            let outcome = selling(costs, processes, products);
            [
                format!("{processes}, {}", products_of(products as usize)),
                number(outcome.orders_per_second),
                number(outcome.settled_per_second),
                number(outcome.p50_ms),
                number(outcome.transactions),
                number(outcome.aborted),
            ]
        })
    });
    markdown(
        [
            "processes",
            "orders a second",
            "settled a second",
            "p50, ms",
            "transactions an order",
            "aborted an order",
        ],
        rows,
    )
}

fn products_of(count: usize) -> String {
    match count {
        1 => "one product".to_owned(),
        count => format!("{} products", whole(count as f64)),
    }
}

fn assumptions() -> String {
    let percent = |part: f64| format!("{} %", number(part * 100.0));
    let rows = [
        ("requests: lists of 20", percent(plan::LISTS)),
        ("requests: products by id", percent(plan::PRODUCTS)),
        ("requests: additions to carts", percent(plan::CARTS)),
        ("requests: orders of one line", percent(plan::ORDERS)),
        ("different lists and products", whole(plan::DISTINCT)),
        ("products that orders are spread over", whole(plan::SOLD)),
        (
            "busy part of the cores of a host, on average",
            percent(plan::UTILISATION),
        ),
        ("a call to a server in the network", format!("{NETWORK_US} µs")),
        ("stored bytes of an order", whole(plan::ORDER_BYTES)),
    ];
    markdown(
        ["assumption", "value"],
        rows.map(|(name, value)| [name.to_owned(), value]),
    )
}

fn plan_table(costs: &Costs) -> Result<String> {
    let settled = selling(costs, 1, MANY).settled_per_second;
    let plans = RATES
        .iter()
        .map(|rate| Plan::at(costs, settled, *rate))
        .collect::<Result<Vec<_>>>()?;
    let row = |name: &str, value: &dyn Fn(&Plan) -> String| -> [String; 4] {
        let mut cells = plans.iter().map(value);
        let mut next = || cells.next().unwrap_or_default();
        [name.to_owned(), next(), next(), next()]
    };
    let numbers = |value: fn(&Plan) -> f64| move |plan: &Plan| number(value(plan));
    let counts = |value: fn(&Plan) -> f64| move |plan: &Plan| whole(value(plan));
    let bought =
        |index: usize| move |plan: &Plan| plan.bought().get(index).copied().map(whole).unwrap_or_default();
    let head = RATES.map(|rate| format!("{} a minute", number(rate)));
    let [first, second, third] = head.each_ref().map(String::as_str);
    Ok(markdown(
        ["", first, second, third],
        [
            row("orders a second", &numbers(|plan| plan.orders)),
            row("answers from the cache, %", &numbers(|plan| plan.cached * 100.0)),
            row("commits in a transaction", &numbers(|plan| plan.merged)),
            row("busy cores: shop", &numbers(|plan| plan.cores.shop)),
            row("busy cores: primaries", &numbers(|plan| plan.cores.mongodb)),
            row("busy cores: Kafka", &numbers(|plan| plan.cores.kafka)),
            row("busy cores: Redis", &numbers(|plan| plan.cores.redis)),
            row("processes of 8 cores", &counts(|plan| plan.processes)),
            row("shards of three members of 16 cores", &counts(|plan| plan.shards)),
            row("brokers of 4 cores", &counts(|plan| plan.brokers.max(3.0))),
            row("servers of Redis", &counts(|plan| plan.caches)),
            row("partitions of a topic", &counts(|plan| plan.partitions)),
            row("answers, Mbit a second", &numbers(|plan| plan.bytes * 8.0 / 1e6)),
            row("new orders, GB a day", &numbers(|plan| plan.bytes_a_day() / 1e9)),
            row("cores to buy: shop", &bought(0)),
            row("cores to buy: MongoDB", &bought(1)),
            row("cores to buy: Kafka", &bought(2)),
            row("cores to buy: Redis", &bought(3)),
            row("cores to buy, in all", &counts(|plan| plan.bought().iter().sum())),
            row(
                "requests a minute for each core",
                &numbers(|plan| plan.rate / plan.bought().iter().sum::<f64>()),
            ),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.123, 1.234, 12.34, 123.4, 1_234.0, 12_345_678.0].map(number);
        assert_eq!(shown, ["0", "0.12", "1.23", "12.3", "123", "1,230", "12,300,000"]);
    }

    #[test]
    fn replaces_the_text_between_marks() {
        let page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb";
        let filled = fill(page, &[("x", "new".to_owned())]).unwrap();
        assert_eq!(filled, "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb");
        assert!(fill(page, &[("y", String::new())]).is_err());
    }

    #[test]
    fn the_page_shows_what_the_model_computes() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = std::fs::read_to_string(root.join(FILE)).unwrap();
        let inputs = std::fs::read_to_string(root.join(crate::bench::scale::inputs::FILE)).unwrap();
        let tables = tables(&Inputs::parse(&inputs).unwrap()).unwrap();
        let current = fill(&page, &tables).unwrap();
        assert!(page == current, "{FILE} is stale: run `cargo xtask scale`");
    }

    #[test]
    fn the_simulation_is_near_the_measurements() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let inputs = std::fs::read_to_string(root.join(crate::bench::scale::inputs::FILE)).unwrap();
        let inputs = Inputs::parse(&inputs).unwrap();
        let costs = Costs::derive(&inputs).unwrap();
        for sample in &inputs.orders {
            let predicted = repeat(&inputs, &costs, sample).orders_per_second;
            let ratio = predicted / sample.answers_per_second();
            assert!((0.5..2.0).contains(&ratio), "{sample:?}: {predicted}");
        }
    }
}
