//! Whole feeds, from their bytes to the products that are sent.

mod faults;
mod shops;
mod texts;
mod values;

use std::io::Write;
use std::path::Path;

use iso_currency::Currency;
use time::OffsetDateTime;

use super::*;
use crate::columns::{Columns, Mapping};
use crate::number::Mark;
use crate::product::to_json;
use crate::source::Choices;
use crate::survey::{Form, Survey};

/// The options of an import.
struct Setup {
    choices: Choices,
    mappings: Vec<Mapping>,
    layout: Option<Layout>,
    decimal: Option<Mark>,
    shop_currency: Currency,
    include_drafts: bool,
    sets_stock: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            choices: Choices::default(),
            mappings: Vec::new(),
            layout: None,
            decimal: None,
            shop_currency: Currency::EUR,
            include_drafts: false,
            sets_stock: false,
        }
    }
}

/// A feed that was read.
struct Read {
    source: Source,
    layout: Layout,
    form: Form,
    entries: Vec<Entry>,
}

impl Read {
    /// Returns the products as JSON.
    fn products(&self) -> Vec<String> {
        let products = self
            .entries
            .iter()
            .filter_map(|entry| entry.outcome.as_ref().ok());
        products.map(|product| to_json(product).unwrap()).collect()
    }

    /// Returns the lines and the reasons of the refused rows.
    fn refused(&self) -> Vec<(u64, String)> {
        let reason = |entry: &Entry| match &entry.outcome {
            Err(Omission::Refused(error)) => {
                Some((entry.line, format!("{}: {}", error.field, error.message)))
            }
            _ => None,
        };
        self.entries.iter().filter_map(reason).collect()
    }

    /// Returns the lines of the drafts.
    fn drafts(&self) -> Vec<u64> {
        let drafts = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.outcome, Err(Omission::Draft)));
        drafts.map(|entry| entry.line).collect()
    }

    /// Returns a member of each product, as JSON.
    fn members(&self, name: &str) -> Vec<String> {
        let member = |json: &String| {
            let product: serde_json::Value = serde_json::from_str(json).unwrap();
            product.get(name).cloned().unwrap_or_default().to_string()
        };
        self.products().iter().map(member).collect()
    }

    /// Fails unless these rows are refused for reasons with these words, and no others.
    fn refuses(&self, expected: &[(u64, &str)]) {
        let refused = self.refused();
        let lines: Vec<u64> = refused.iter().map(|(line, _)| *line).collect();
        let expected_lines: Vec<u64> = expected.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, expected_lines, "{refused:?}");
        for ((_, reason), (line, words)) in refused.iter().zip(expected) {
            assert!(
                reason.contains(words),
                "line {line} should be refused for `{words}`: {reason}"
            );
        }
    }
}

fn read_file(path: &Path, setup: &Setup) -> Read {
    let recognised = |names: &[String]| Columns::count_known(names, &setup.mappings);
    let source = Source::detect(path, &setup.choices, &recognised).unwrap();
    let layout = setup.layout.unwrap_or_else(|| Layout::detect(&source.columns));
    let mut parser = RowParser {
        columns: Columns::find(&source.columns, layout, &setup.mappings).unwrap(),
        layout,
        form: None,
        shop_currency: setup.shop_currency,
        currency: None,
        quantity: None,
        sets_stock: setup.sets_stock,
        allow_zero_price: false,
        now: OffsetDateTime::UNIX_EPOCH,
    };
    let survey = Survey::read(&source, &parser, |_| Ok(())).unwrap();
    let form = survey.numbers.form(setup.decimal, layout);
    parser.form = form.mark();
    let products = Products::open(&source, parser, survey.groups, setup.include_drafts).unwrap();
    let entries = products.map(|entry| entry.unwrap()).collect();
    Read {
        source,
        layout,
        form,
        entries,
    }
}

fn read_with(content: impl AsRef<[u8]>, setup: &Setup) -> Read {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    read_file(file.path(), setup)
}

fn read(content: impl AsRef<[u8]>) -> Read {
    read_with(content, &Setup::default())
}

fn case_with(name: &str, setup: &Setup) -> Read {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/feeds");
    read_file(&folder.join(name), setup)
}

fn case(name: &str) -> Read {
    case_with(name, &Setup::default())
}
