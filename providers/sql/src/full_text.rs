//! The full-text tables of a collection: one for all its searched fields, and one for the first field alone.
//!
//! A ranked search asks the first field alone before it asks all. In the common table, a word that is frequent
//! in other fields has a long list of matches, and all of it is read to find that the first field lacks the
//! word.

use mercato_ports::documents::{Clause, Search};
use mercato_ports::manifest;

use crate::fragments::{quoted, search_column, search_query, text};

/// The longest prefix that has an index, in characters. Without an index, a search for a prefix reads all
/// matches before it returns the first one.
pub const INDEXED_PREFIX: usize = 5;

/// One full-text table. Its row ids are those of the documents.
pub struct FullText {
    /// Its name.
    pub name: String,
    /// Its quoted name.
    pub table: String,
    /// The fields that it searches.
    fields: Vec<String>,
    /// Whether it has all searched fields of the collection.
    is_common: bool,
}

impl FullText {
    /// Returns the tables of a collection, the one for all fields first.
    #[must_use]
    pub fn of(collection: &str, declared: &manifest::Collection) -> Vec<Self> {
        let mut all = declared.search.clone();
        all.sort();
        all.dedup();
        let table = |name: String, fields, is_common| Self {
            table: quoted(&name),
            name,
            fields,
            is_common,
        };
        let first = declared.search.first().filter(|_| all.len() > 1);
        let first =
            first.map(|first| table(format!("{collection}/search/first"), vec![first.clone()], false));
        let has_fields = !all.is_empty();
        let common = has_fields.then(|| table(format!("{collection}/search"), all, true));
        common.into_iter().chain(first).collect()
    }

    /// Translates a search into an FTS5 query of the smallest table that has its fields.
    pub(crate) fn translate<'a>(tables: &'a [Self], search: &Search) -> Option<(&'a Self, String)> {
        let mut tables = tables.iter().rev();
        tables.find_map(|table| Some((table, table.query(search)?)))
    }

    /// Translates a search into an FTS5 query, if this table has the fields of all its clauses.
    fn query(&self, search: &Search) -> Option<String> {
        if self.is_common {
            return Some(search_query(search));
        }
        let is_of_field = |clause: &Clause| {
            clause
                .field
                .as_ref()
                .is_some_and(|field| self.fields.contains(field))
        };
        if !search.all.iter().chain(&search.not_all).all(is_of_field) {
            return None;
        }
        // A table of one column needs no filter for it.
        let anywhere = |clauses: &Vec<Clause>| {
            let clauses = clauses.iter().map(|clause| Clause {
                field: None,
                ..clause.clone()
            });
            clauses.collect()
        };
        Some(search_query(&Search {
            all: anywhere(&search.all),
            not_all: anywhere(&search.not_all),
        }))
    }

    /// Returns the statement that creates the table. It stores no second copy of the texts, because hits are
    /// read from the documents. Its tokenizer separates what [`tokens`](mercato_ports::documents::tokens)
    /// separates. Prefixes of up to [`INDEXED_PREFIX`] characters have indexes of their own.
    #[must_use]
    pub fn create(&self) -> String {
        let prefixes = (1..=INDEXED_PREFIX).map(|length| length.to_string());
        format!(
            "CREATE VIRTUAL TABLE {} USING fts5({}, content='', contentless_delete=1, detail=column, \
             prefix='{}', tokenize='ascii')",
            self.table,
            self.columns(),
            prefixes.collect::<Vec<_>>().join(" ")
        )
    }

    /// Returns the statement that indexes the texts of the documents that match `condition`. It replaces their
    /// previous entries.
    #[must_use]
    pub fn index(&self, documents: &str, condition: &str) -> String {
        let texts = self.fields.iter().map(|field| text(field)).collect::<Vec<_>>();
        format!(
            "INSERT OR REPLACE INTO {} (rowid, {}) SELECT n, {} FROM {documents} WHERE {condition}",
            self.table,
            self.columns(),
            texts.join(", ")
        )
    }

    fn columns(&self) -> String {
        let columns = self.fields.iter().map(|field| search_column(field));
        columns.collect::<Vec<_>>().join(", ")
    }
}
