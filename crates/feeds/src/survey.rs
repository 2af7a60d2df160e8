//! Reads a whole feed before the import: finds the form of its numbers, and its groups of rows.

use std::io;

use crate::columns::Field;
use crate::groups::Groups;
use crate::layout::Layout;
use crate::number::{Mark, Numeral, shorten, unquote_number};
use crate::price::PriceText;
use crate::product::RowParser;
use crate::source::{Source, Value};
use crate::weight;

/// What a whole feed says.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The number of rows that are not blank.
    pub rows: u64,
    /// What the numbers say about the decimal mark.
    pub numbers: Numbers,
    /// The groups of rows.
    pub groups: Groups,
}

/// The first numbers that say something about the decimal mark.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    point: Option<Example>,
    comma: Option<Example>,
    likely_point: Option<Example>,
    likely_comma: Option<Example>,
    ambiguous: Option<Example>,
}

/// A number in a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its line.
    pub line: u64,
    /// Its text.
    pub text: String,
}

/// The form of the numbers of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The user chose it.
    Chosen(Mark),
    /// All numbers that are not ambiguous have it, such as this one.
    Found(Mark, Example),
    /// Prices with three digits after a mark, in a currency with three decimals, have it.
    Likely(Mark, Example),
    /// The layout always has it.
    OfLayout(Mark),
    /// Some numbers have a decimal point, and some have a decimal comma. Ambiguous ones are refused.
    Mixed(Example, Example),
    /// No number says it. Ambiguous ones, such as the example, are refused.
    Unknown(Option<Example>),
}

impl Form {
    /// Returns the decimal mark, if it is known.
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Chosen(mark) | Self::Found(mark, _) | Self::Likely(mark, _) | Self::OfLayout(mark) => {
                Some(*mark)
            }
            Self::Mixed(..) | Self::Unknown(_) => None,
        }
    }
}

impl Survey {
    /// Reads all rows. Calls `progress` with the number of bytes that were read. Its error stops the survey.
    ///
    /// # Errors
    /// If the feed cannot be read.
    pub fn read(
        source: &Source,
        parser: &RowParser,
        mut progress: impl FnMut(u64) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut survey = Self::default();
        for row in source.rows()? {
            let row = row?;
            progress(row.end)?;
            let Ok(values) = row.values else {
                survey.rows += 1;
                continue;
            };
            if values.iter().all(Value::is_blank) {
                continue;
            }
            survey.rows += 1;
            survey.numbers.add(parser, &values, row.line);
            survey
                .groups
                .add(parser.layout, &parser.columns, &values, row.line);
        }
        survey.groups.finish(parser.layout);
        Ok(survey)
    }
}

impl Numbers {
    fn add(&mut self, parser: &RowParser, row: &[Value], line: u64) {
        // These are cheap to skip, and most feeds have few other numbers.
        if self.point.is_some() && self.comma.is_some() && self.ambiguous.is_some() {
            return;
        }
        let text = |field: Field| match parser.columns.value(row, field) {
            Value::Text(_) => parser.columns.text(row, field).ok().flatten(),
            _ => None,
        };
        for field in [Field::Price, Field::SalePrice, Field::CompareAtPrice] {
            let Some(text) = text(field).filter(|text| !text.is_empty()) else {
                continue;
            };
            let Ok(column) = parser.column_currency(row) else {
                continue;
            };
            if let Ok(price) = PriceText::parse(text, column, parser.default_currency()) {
                self.add_marks(
                    price.mark(),
                    price.likely_mark(),
                    price.is_ambiguous(),
                    line,
                    text,
                );
            }
        }
        for field in [Field::Quantity, Field::Weight] {
            let number = text(field).map(|text| weight::split(text).0);
            if let Some(number) = number.filter(|number| !number.is_empty())
                && let Ok(numeral) = Numeral::parse(unquote_number(number))
            {
                self.add_marks(
                    numeral.mark(),
                    None,
                    numeral.ambiguous_mark().is_some(),
                    line,
                    number,
                );
            }
        }
    }

    fn add_marks(
        &mut self,
        sure: Option<Mark>,
        likely: Option<Mark>,
        is_ambiguous: bool,
        line: u64,
        text: &str,
    ) {
        let add = |slot: &mut Option<Example>| {
            slot.get_or_insert_with(|| Example {
                line,
                text: shorten(text),
            });
        };
        match sure {
            Some(Mark::Point) => add(&mut self.point),
            Some(Mark::Comma) => add(&mut self.comma),
            None => {}
        }
        match likely {
            Some(Mark::Point) => add(&mut self.likely_point),
            Some(Mark::Comma) => add(&mut self.likely_comma),
            None => {}
        }
        if is_ambiguous {
            add(&mut self.ambiguous);
        }
    }

    /// Decides about the form, unless it is chosen.
    pub fn form(&self, chosen: Option<Mark>, layout: Layout) -> Form {
        if let Some(mark) = chosen {
            return Form::Chosen(mark);
        }
        let default = match layout {
            Layout::Table | Layout::Shopify | Layout::Google => Some(Mark::Point),
            Layout::Plain | Layout::Woocommerce => None,
        };
        let found = |slot: &Option<Example>| slot.clone();
        match (found(&self.point), found(&self.comma), default) {
            (_, _, Some(mark)) if layout == Layout::Table => Form::OfLayout(mark),
            (Some(point), Some(comma), _) => Form::Mixed(point, comma),
            (Some(point), None, _) => Form::Found(Mark::Point, point),
            (None, Some(comma), _) => Form::Found(Mark::Comma, comma),
            (None, None, Some(mark)) => Form::OfLayout(mark),
            (None, None, None) => match (found(&self.likely_point), found(&self.likely_comma)) {
                (Some(point), None) => Form::Likely(Mark::Point, point),
                (None, Some(comma)) => Form::Likely(Mark::Comma, comma),
                _ => Form::Unknown(found(&self.ambiguous)),
            },
        }
    }
}
