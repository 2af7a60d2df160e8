//! Reads the products of a feed, parents before their variants.

mod candidate;
mod google;
mod shopify;
#[cfg(test)]
mod tests;
mod woocommerce;

use std::collections::{HashMap, VecDeque};
use std::io;

pub use self::candidate::Omission;
use self::candidate::{Candidate, GroupRow, omission, refuse_two_currencies};
use crate::columns::Field;
use crate::groups::{Groups, Key, key};
use crate::layout::Layout;
use crate::product::{Product, RowError, RowParser};
use crate::source::{Rows, Source, Value};

/// A product of a feed, or why it is not imported.
#[derive(Debug)]
pub struct Entry {
    /// The number of its first line.
    pub line: u64,
    /// The number of the line after which it was known. It never decreases from entry to entry.
    pub at: u64,
    /// The number of bytes of the file that were read so far.
    pub end: u64,
    /// Its external id, if it is known.
    pub external_id: String,
    /// The product, or why it is not imported.
    pub outcome: Result<Product, Omission>,
}

/// The products of a feed.
pub struct Products {
    rows: Rows,
    parser: RowParser,
    include_drafts: bool,
    groups: Groups,
    /// The rows of the groups whose last row is still to come.
    open: HashMap<Key, Vec<GroupRow>>,
    ready: VecDeque<Entry>,
    /// The first lines of the external ids.
    seen: HashMap<Key, u64>,
}

impl Products {
    /// Opens the products of a feed.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open(
        source: &Source,
        parser: RowParser,
        groups: Groups,
        include_drafts: bool,
    ) -> io::Result<Self> {
        Ok(Self {
            rows: source.rows()?,
            parser,
            include_drafts,
            groups,
            open: HashMap::new(),
            ready: VecDeque::new(),
            seen: HashMap::new(),
        })
    }

    /// Reads one row, and adds what is ready by it.
    fn read(&mut self, line: u64, end: u64, values: Result<Vec<Value>, String>) {
        let values = match values {
            Ok(values) => values,
            Err(reason) => {
                let refused = Err(RowError::bad_input("", reason).into());
                return self.add(line, end, vec![(line, String::new(), refused)]);
            }
        };
        if values.iter().all(Value::is_blank) {
            return;
        }
        let row = GroupRow { line, values };
        let RowParser { layout, columns, .. } = &self.parser;
        let Some((key, last)) = self.groups.find(*layout, columns, &row.values) else {
            let candidates = self.single(row);
            return self.add(line, end, candidates);
        };
        let open = self.open.entry(key).or_default();
        open.push(row);
        if line >= last {
            let rows = self.open.remove(&key).unwrap_or_default();
            let mut candidates = self.group(&rows);
            if self.parser.layout != Layout::Plain && self.parser.layout != Layout::Table {
                refuse_two_currencies(&mut candidates, self.parser.default_currency().code());
            }
            self.add(line, end, candidates);
        }
    }

    /// Returns the product of a row that belongs to no group.
    fn single(&self, row: GroupRow) -> Vec<Candidate> {
        match self.parser.layout {
            Layout::Woocommerce => woocommerce::products(&self.parser, self.include_drafts, &[row]),
            Layout::Plain | Layout::Table | Layout::Google | Layout::Shopify => vec![self.candidate(&row)],
        }
    }

    /// Returns the products of a group: the parent, and then its variants.
    fn group(&self, rows: &[GroupRow]) -> Vec<Candidate> {
        match self.parser.layout {
            Layout::Shopify => shopify::products(&self.parser, self.include_drafts, rows),
            Layout::Woocommerce => woocommerce::products(&self.parser, self.include_drafts, rows),
            Layout::Google => google::products(&self.parser, rows),
            Layout::Plain | Layout::Table => {
                let is_variant = |row: &&GroupRow| {
                    let parent = self.parser.columns.text(&row.values, Field::Parent);
                    parent.is_ok_and(|parent| parent.is_some_and(|parent| !parent.is_empty()))
                };
                let (variants, parents): (Vec<_>, Vec<_>) = rows.iter().partition(is_variant);
                let mut candidates: Vec<Candidate> =
                    parents.into_iter().map(|row| self.candidate(row)).collect();
                let is_draft = |(.., product): &Candidate| matches!(product, Err(Omission::Draft));
                let is_left_out = !candidates.is_empty() && candidates.iter().all(is_draft);
                candidates.extend(variants.into_iter().map(|row| {
                    let (line, id, product) = self.candidate(row);
                    (
                        line,
                        id,
                        if is_left_out {
                            Err(Omission::Draft)
                        } else {
                            product
                        },
                    )
                }));
                candidates
            }
        }
    }

    fn candidate(&self, row: &GroupRow) -> Candidate {
        let id = self.parser.columns.text(&row.values, Field::ExternalId);
        let id = id.ok().flatten().unwrap_or_default().to_owned();
        let omission = match self.parser.layout {
            Layout::Plain => omission(&self.parser.columns, self.include_drafts, &row.values),
            _ => None,
        };
        let product = match omission {
            Some(omission) => Err(omission),
            None => self.parser.parse(&row.values).map_err(Omission::from),
        };
        (row.line, id, product)
    }

    fn add(&mut self, at: u64, end: u64, candidates: Vec<Candidate>) {
        for (line, external_id, product) in candidates {
            let outcome = product.and_then(|product| self.reject_repeated_id(product, line));
            self.ready.push_back(Entry {
                line,
                at,
                end,
                external_id,
                outcome,
            });
        }
    }

    fn reject_repeated_id(&mut self, product: Product, line: u64) -> Result<Product, Omission> {
        let first = *self.seen.entry(key(&product.external_id)).or_insert(line);
        if first == line {
            return Ok(product);
        }
        Err(Omission::Refused(RowError {
            code: "DUPLICATE".into(),
            field: "externalId".into(),
            message: format!("line {first} has the same external id"),
        }))
    }
}

impl Iterator for Products {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            match self.rows.next()? {
                Ok(row) => self.read(row.line, row.end, row.values),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
