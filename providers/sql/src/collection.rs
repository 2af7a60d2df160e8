//! One declared collection: its tables, indexes and statements.

use mercato_ports::documents::Failure;
use mercato_ports::manifest;

use crate::fragments::{column, quoted, search_column, text, value};

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
    /// The quoted name of the full-text table. The table exists only if the collection has searched fields.
    pub search_table: String,
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
            search_table: quoted(&format!("{name}/search")),
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

    /// Returns the statement that creates the full-text table. The table stores no second copy of the texts,
    /// because hits are read from the documents. Its tokenizer separates what
    /// [`tokens`](mercato_ports::documents::tokens) separates.
    #[must_use]
    pub fn create_search(&self) -> String {
        format!(
            "CREATE VIRTUAL TABLE {} USING fts5({}, content='', contentless_delete=1, detail=column, \
             prefix='2 3', tokenize='ascii')",
            self.search_table,
            self.columns()
        )
    }

    /// Returns the statement that indexes the searched fields of the documents that match `condition`. It
    /// replaces their previous entries.
    #[must_use]
    pub fn index_text(&self, condition: &str) -> String {
        let texts = self
            .search
            .iter()
            .map(|field| text(field))
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "INSERT OR REPLACE INTO {} (rowid, {}) SELECT n, {texts} FROM {} WHERE {condition}",
            self.search_table,
            self.columns(),
            self.table
        )
    }

    /// Returns the columns of the full-text table.
    fn columns(&self) -> String {
        self.search
            .iter()
            .map(|field| search_column(field))
            .collect::<Vec<_>>()
            .join(", ")
    }
}
