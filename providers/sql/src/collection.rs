//! One declared collection: its tables, indexes and statements.

use mercato_ports::documents::{Document, Failure};
use mercato_ports::manifest;

use crate::connection::Row;
use crate::fragments::{column, quoted, value};
use crate::full_text::FullText;

/// A declared collection, with its most frequent SQL.
pub struct Collection {
    /// Its name, which is also the name of the table.
    pub name: String,
    /// The indexed fields, which queries may name.
    pub fields: Vec<String>,
    /// The fields of the search.
    pub search: Vec<String>,
    /// The quoted name of the table.
    pub table: String,
    /// The full-text tables, if the collection has searched fields. The first one has all of them.
    pub full_text: Vec<FullText>,
    /// The quoted name of the table of zones, which exists if a full-text table does. See
    /// [`zones`](crate::zones).
    pub zones: String,
    /// The quoted name of the table of tokens, which is a view of the first full-text table.
    pub tokens: String,
    /// Selects `id, version, body` by id.
    pub get: String,
}

impl Collection {
    /// Builds a collection from the declaration of its service.
    #[must_use]
    pub fn new(name: &str, declared: &manifest::Collection) -> Self {
        let table = quoted(name);
        let unique = |fields: &[String]| {
            let mut fields = fields.to_vec();
            fields.sort();
            fields.dedup();
            fields
        };
        Self {
            name: name.to_owned(),
            fields: unique(&declared.fields),
            search: unique(&declared.search),
            get: format!("SELECT id, version, body FROM {table} WHERE id = ?"),
            full_text: FullText::of(name, declared),
            zones: quoted(&format!("{name}/zones")),
            tokens: quoted(&format!("{name}/tokens")),
            table,
        }
    }

    /// Rejects a field that is not declared, because no index serves it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an undeclared field.
    pub fn check_field(&self, field: &str) -> Result<(), Failure> {
        if self.fields.iter().any(|declared| declared == field) {
            return Ok(());
        }
        Err(Failure::Invalid(format!(
            "`{}` declares no field `{field}`",
            self.name
        )))
    }

    /// Returns the name of the index on a field.
    #[must_use]
    pub fn index_name(&self, field: &str) -> String {
        format!("{}/{field}", self.name)
    }

    /// Returns the statement that creates the table.
    #[must_use]
    pub fn create_table(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, \
             version INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
            self.table
        )
    }

    /// Returns the statement that adds the column of a field. The column is computed, and only its index
    /// stores it.
    ///
    /// An index on the expression would not do: SQLite does not use it for the row comparison that continues
    /// a page.
    #[must_use]
    pub fn create_column(&self, field: &str) -> String {
        format!(
            "ALTER TABLE {} ADD COLUMN {} ANY AS ({}) VIRTUAL",
            self.table,
            column(field),
            value(field)
        )
    }

    /// Returns the statement that creates the index on a field, by value and then by id.
    #[must_use]
    pub fn create_index(&self, field: &str) -> String {
        format!(
            "CREATE INDEX {} ON {} ({}, id)",
            quoted(&self.index_name(field)),
            self.table,
            column(field)
        )
    }
}

/// Reads a document from a row of `id, version, body`.
pub(crate) fn document<E>(row: &dyn Row<E>) -> Result<Document, E> {
    Ok(Document {
        id: row.cell(0)?.text(),
        version: row.cell(1)?.integer().cast_unsigned(),
        body: row.cell(2)?.text(),
    })
}
