//! Finds the columns of a feed for the fields of a product.

mod field;

pub use field::Field;
use iso_currency::Currency;

use crate::currency;
use crate::layout::{Layout, normalize};
use crate::number::shorten;
use crate::row_error::RowError;
use crate::source::Value;
use crate::weight;

/// A mapping of a field to a column, chosen by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The field.
    pub field: Field,
    /// The name of the column. An empty name says that the feed has no column for the field.
    pub column: String,
}

impl std::str::FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = "write FIELD=COLUMN, such as name=title";
        let (field, column) = text.split_once('=').ok_or(advice)?;
        let field = Field::ALL
            .into_iter()
            .find(|candidate| normalize(candidate.name()) == normalize(field));
        let names = || Field::ALL.map(Field::name).join(", ");
        let field = field.ok_or_else(|| format!("this field does not exist; the fields are {}", names()))?;
        Ok(Self {
            field,
            column: column.trim().to_owned(),
        })
    }
}

/// The columns of each field.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    fields: [Option<usize>; Field::ALL.len()],
    names: Vec<String>,
    normalized: Vec<String>,
    /// The columns of fields, and further columns with the same name.
    duplicates: Vec<(Field, usize, usize)>,
    /// The currency that the name of the price column has.
    pub price_currency: Option<Currency>,
    /// How many grams the unit of the weight column has.
    pub grams: f64,
}

impl Columns {
    /// Finds the columns: by the mappings, or else by their names.
    ///
    /// # Errors
    /// If a mapped or required column is missing. The message lists the columns of the feed.
    pub fn find(names: &[String], layout: Layout, mappings: &[Mapping]) -> Result<Self, String> {
        let mut columns = Self {
            fields: [None; Field::ALL.len()],
            names: names.to_owned(),
            normalized: names.iter().map(|name| normalize(name)).collect(),
            duplicates: Vec::new(),
            price_currency: None,
            grams: 1.0,
        };
        for (index, field) in Field::ALL.into_iter().enumerate() {
            let mapping = mappings.iter().find(|mapping| mapping.field == field);
            let column = match mapping {
                Some(mapping) if mapping.column.is_empty() => None,
                Some(mapping) => Some(mapped(names, mapping)?),
                None => columns.known(field, layout),
            };
            if column.is_none() && field.is_required() && mapping.is_none() {
                let field = field.name();
                let found = names.join(", ");
                return Err(format!(
                    "no column is recognised as `{field}`: name it with --map {field}=COLUMN, or write --map \
                     {field}= if the feed has none. The columns are: {found}"
                ));
            }
            if let Some(slot) = columns.fields.get_mut(index) {
                *slot = column;
            }
        }
        columns.price_currency = columns.name(Field::Price).and_then(currency::in_column_name);
        columns.grams = columns.name(Field::Weight).and_then(unit).unwrap_or(1.0);
        columns.duplicates = columns.find_duplicates();
        Ok(columns)
    }

    /// Counts the columns with known names.
    pub fn count_known(names: &[String], mappings: &[Mapping]) -> usize {
        let layout = Layout::detect(names);
        let columns = Self {
            fields: [None; Field::ALL.len()],
            names: names.to_owned(),
            normalized: names.iter().map(|name| normalize(name)).collect(),
            duplicates: Vec::new(),
            price_currency: None,
            grams: 1.0,
        };
        let known = Field::ALL
            .into_iter()
            .filter(|field| columns.known(*field, layout).is_some());
        let is_mapped = |mapping: &&Mapping| names.contains(&mapping.column);
        known.count() + mappings.iter().filter(is_mapped).count()
    }

    /// Returns the column of a field by its known names: as a whole, or else before a comma or a bracket.
    fn known(&self, field: Field, layout: Layout) -> Option<usize> {
        let aliases = field.aliases(layout);
        let position = |names: &[String]| {
            let index = |alias: &&str| names.iter().position(|name| name == alias);
            aliases.iter().find_map(index)
        };
        let whole = position(&self.normalized);
        // `weight` alone has no unit, except in the table of a shop.
        let whole = whole.filter(|index| {
            let is_weight = self.normalized.get(*index).is_some_and(|name| name == "weight");
            !is_weight
                || layout == Layout::Table
                || self.names.get(*index).and_then(|name| unit(name)).is_some()
        });
        let beginnings = || -> Vec<String> {
            let beginning = |name: &String| name.split([',', '(', '[', '/', ':']).next().map(normalize);
            self.names
                .iter()
                .map(|name| beginning(name).unwrap_or_default())
                .collect()
        };
        match layout {
            Layout::Plain if field != Field::Weight => whole.or_else(|| position(&beginnings())),
            _ => whole,
        }
    }

    /// Returns the name of the column of a field.
    pub fn name(&self, field: Field) -> Option<&str> {
        self.index(field)
            .and_then(|index| self.names.get(index))
            .map(String::as_str)
    }

    /// Returns whether the feed has a column for a field.
    pub fn has(&self, field: Field) -> bool {
        self.index(field).is_some()
    }

    /// Returns the columns that are used for fields, with the fields, in the order of the fields.
    pub fn used(&self) -> Vec<(&str, &'static str)> {
        let pair = |field: Field| Some((self.name(field)?, field.name()));
        Field::ALL.into_iter().filter_map(pair).collect()
    }

    /// Returns the index of a column by its normalized name.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.normalized.iter().position(|other| other == name)
    }

    /// Returns whether a column is used for a field.
    pub fn is_used(&self, index: usize) -> bool {
        self.fields.contains(&Some(index))
    }

    /// Rejects a row with different values in two columns of the same name. Nothing says which one is right.
    ///
    /// # Errors
    /// If a column of a field has another value than its duplicate.
    pub fn reject_conflicts(&self, row: &[Value]) -> Result<(), RowError> {
        for (field, first, second) in &self.duplicates {
            let value = |index: &usize| text(row.get(*index).unwrap_or(&Value::Missing));
            let (one, two) = (value(first), value(second));
            if one.as_ref().ok().copied().flatten().unwrap_or_default()
                != two.as_ref().ok().copied().flatten().unwrap_or_default()
            {
                let quote =
                    |text: Result<Option<&str>, String>| shorten(text.ok().flatten().unwrap_or_default());
                let message = format!(
                    "the feed has two columns `{}`, with the values `{}` and `{}`: rename or remove one of them",
                    self.name(*field).unwrap_or_default(),
                    quote(one),
                    quote(two)
                );
                return Err(RowError::bad_input(field.name(), message));
            }
        }
        Ok(())
    }

    /// Returns the columns of fields that have another column with the same name.
    fn find_duplicates(&self) -> Vec<(Field, usize, usize)> {
        let mut duplicates = Vec::new();
        for field in Field::ALL {
            let Some(first) = self.index(field) else { continue };
            let name = self.name(field).unwrap_or_default().trim().to_lowercase();
            for (second, other) in self.names.iter().enumerate() {
                if second != first && !self.is_used(second) && other.trim().to_lowercase() == name {
                    duplicates.push((field, first, second));
                }
            }
        }
        duplicates
    }

    /// Returns the index of the column of a field.
    pub fn index(&self, field: Field) -> Option<usize> {
        let at = Field::ALL.iter().position(|other| *other == field)?;
        self.fields.get(at).copied().flatten()
    }

    /// Returns the value of a field. It is [`Value::Missing`] if the feed does not name the field.
    pub fn value<'a>(&self, row: &'a [Value], field: Field) -> &'a Value {
        let value = self.index(field).and_then(|index| row.get(index));
        value.unwrap_or(&Value::Missing)
    }

    /// Returns the text of a field without outer spaces: none if the feed does not name the field, and an empty
    /// text if the cell is empty.
    ///
    /// # Errors
    /// If the value is not a text or a number.
    pub fn text<'a>(&self, row: &'a [Value], field: Field) -> Result<Option<&'a str>, RowError> {
        text(self.value(row, field)).map_err(|reason| RowError::bad_input(field.name(), reason))
    }

    /// Returns the text of a column. It is empty if there is no such column.
    pub fn text_of<'a>(&self, row: &'a [Value], name: &str) -> &'a str {
        let value = self.named(name).and_then(|index| row.get(index));
        value
            .and_then(|value| text(value).ok().flatten())
            .unwrap_or_default()
    }
}

/// Returns a value as text without outer spaces. `="00123"` is how a spreadsheet keeps the zeros of a text.
fn text(value: &Value) -> Result<Option<&str>, String> {
    match value {
        Value::Missing => Ok(None),
        Value::Number(number) => Ok(Some(number)),
        Value::Text(text) => {
            let text = text.trim();
            let inner = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
            Ok(Some(inner.filter(|inner| !inner.contains('"')).unwrap_or(text)))
        }
        Value::Boolean(value) => Err(format!("it is {value}, and not a text")),
        Value::List(_) => Err("it is a list, and not a text".into()),
        Value::Invalid(reason) => Err(reason.clone()),
    }
}

/// Returns the grams of the unit at the end of the name of a column, such as `Weight (kg)`.
fn unit(name: &str) -> Option<f64> {
    let words = name.split(|character: char| !character.is_alphanumeric());
    words
        .rev()
        .find(|word| !word.is_empty())
        .and_then(weight::grams_of)
}

fn mapped(names: &[String], mapping: &Mapping) -> Result<usize, String> {
    let exact = names.iter().position(|name| *name == mapping.column);
    let similar = || {
        names
            .iter()
            .position(|name| normalize(name) == normalize(&mapping.column))
    };
    let missing = || {
        let columns = names.join(", ");
        format!(
            "the feed has no column `{}`: the columns are {columns}",
            mapping.column
        )
    };
    exact.or_else(similar).ok_or_else(missing)
}

#[cfg(test)]
mod tests;
