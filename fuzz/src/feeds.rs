//! Product feeds. A first line `#!` has choices of the user, such as `#! encoding=utf-16le decimal=comma`.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use iso_currency::Currency;
use mercato_feeds::columns::Columns;
use mercato_feeds::export::ExportedProduct;
use mercato_feeds::layout::Layout;
use mercato_feeds::number::Mark;
use mercato_feeds::price::MAX_AMOUNT;
use mercato_feeds::product::RowParser;
use mercato_feeds::products::{Entry, Omission, Products};
use mercato_feeds::source::{Choices, Container, Source};
use mercato_feeds::survey::Survey;
use tempfile::NamedTempFile;
use time::OffsetDateTime;

use crate::request;

/// The largest JSON of a product, in bytes, so that it fits into a request.
const MAX_PRODUCT: usize = 512 * 1024;

thread_local! {
    static FILE: RefCell<Option<NamedTempFile>> = const { RefCell::new(None) };
}

/// Reads a feed as `mercato import` does: detects its form, surveys it, and parses its products.
pub fn run(data: &[u8]) {
    let (first, rest) = request::split(data, b"\n");
    let (choices, feed) = match first.strip_prefix(b"#!") {
        Some(choices) => (String::from_utf8_lossy(choices).into_owned(), rest),
        None => (String::new(), data),
    };
    for line in feed.split(|byte| *byte == b'\n') {
        export_line(line);
    }
    FILE.with_borrow_mut(|file| {
        let file = file.get_or_insert_with(|| NamedTempFile::new().expect("a temporary file"));
        fs::write(file.path(), feed).expect("a temporary file");
        let first = read(file.path(), &choices);
        assert_eq!(first, read(file.path(), &choices), "two readings differ");
    });
}

/// Removes the file of this thread.
pub fn close() {
    FILE.with_borrow_mut(|file| drop(file.take()));
}

fn export_line(line: &[u8]) {
    if let Ok(product) = ExportedProduct::parse(line) {
        let input = serde_json::to_vec(&product.input(None, None)).expect("JSON");
        // A control character needs six bytes in JSON, and a shorter escape may be replaced by a longer one.
        assert!(input.len() <= line.len() * 6 + 256);
    }
}

/// Returns what a feed says, one line for each entry.
fn read(path: &Path, choices: &str) -> Vec<String> {
    let named = |name: &str| {
        let mut pairs = choices.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(other, _)| *other == name).map(|(_, value)| value)
    };
    let container = named("container").map(|name| match name {
        "jsonl" => Container::JsonLines,
        "json" => Container::JsonArray,
        _ => Container::Table,
    });
    let choices = Choices {
        container,
        encoding: named("encoding").and_then(|name| name.parse().ok()),
        separator: named("separator").and_then(|name| name.parse().ok()),
    };
    let recognised = |names: &[String]| Columns::count_known(names, &[]);
    let source = match Source::detect(path, &choices, &recognised) {
        Ok(source) => source,
        Err(error) => return vec![refusal(&error.to_string())],
    };
    let layout = match named("layout") {
        Some("table") => Layout::Table,
        Some("shopify") => Layout::Shopify,
        Some("woocommerce") => Layout::Woocommerce,
        Some("google") => Layout::Google,
        _ => Layout::detect(&source.columns),
    };
    let columns = match Columns::find(&source.columns, layout, &[]) {
        Ok(columns) => columns,
        Err(reason) => return vec![refusal(&reason)],
    };
    let mut parser = RowParser {
        columns,
        layout,
        form: None,
        shop_currency: Currency::EUR,
        currency: named("currency").and_then(mercato_feeds::currency_from_code),
        quantity: named("quantity").and_then(|count| count.parse().ok()),
        sets_stock: named("stock") == Some("set"),
        allow_zero_price: named("zero") == Some("allowed"),
        now: OffsetDateTime::UNIX_EPOCH,
    };
    let survey = match Survey::read(&source, &parser, |_| Ok(())) {
        Ok(survey) => survey,
        Err(error) => return vec![refusal(&error.to_string())],
    };
    let chosen = match named("decimal") {
        Some("point") => Some(Mark::Point),
        Some("comma") => Some(Mark::Comma),
        _ => None,
    };
    parser.form = survey.numbers.form(chosen, layout).mark();
    let drafts = named("drafts") == Some("included");
    let products =
        Products::open(&source, parser, survey.groups, drafts).expect("the feed can be read twice");
    let mut at = 0;
    products
        .map(|entry| match entry {
            Ok(entry) => {
                assert!(entry.at >= at && entry.line <= entry.at, "{entry:?} after {at}");
                assert!(entry.end <= source.length, "{entry:?} of {}", source.length);
                at = entry.at;
                describe(&entry)
            }
            Err(error) => refusal(&error.to_string()),
        })
        .collect()
}

fn refusal(reason: &str) -> String {
    assert!(!reason.is_empty(), "a refusal has no reason");
    reason.to_owned()
}

fn describe(entry: &Entry) -> String {
    match &entry.outcome {
        Ok(product) => {
            let json = serde_json::to_string(product).expect("JSON");
            assert!(!product.external_id.is_empty(), "{json}");
            assert!(json.len() <= MAX_PRODUCT, "{} bytes", json.len());
            let amounts = [product.price_amount, product.compare_at_price];
            let is_amount = |amount: &i64| (0..=MAX_AMOUNT).contains(amount);
            assert!(amounts.iter().flatten().all(is_amount), "{json}");
            assert!(product.quantity.is_none_or(|quantity| quantity >= 0), "{json}");
            format!("{}: {json}", entry.line)
        }
        Err(Omission::Draft) => format!("{}: a draft", entry.line),
        Err(Omission::Refused(error)) => {
            assert!(!error.code.is_empty() && !error.message.is_empty(), "{error:?}");
            format!("{}: {}", entry.line, error.message)
        }
    }
}
