//! Collections: the tables, indexes and statements of one declared collection.

use mercato_ports::documents::Failure;
use mercato_ports::manifest;

use crate::text::{column, quoted, text, value};

/// A declared collection, with the SQL that it needs most.
pub struct Collection {
    /// Its name, which is also the table's.
    pub name: String,
    /// The fields that queries may name.
    pub fields: Vec<String>,
    /// The fields that a search looks into.
    pub search: Vec<String>,
    /// The table, quoted.
    pub table: String,
    /// The full-text table, quoted; it exists only where fields are searched.
    pub search_table: String,
    /// Selects `id, version, body` by id.
    pub get: String,
}

impl Collection {
    /// A collection as its service declares it.
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

    /// Refuses a field that no index serves.
    ///
    /// # Errors
    /// [`Failure::Invalid`].
    pub fn check_field(&self, field: &str) -> Result<(), Failure> {
        if self.fields.iter().any(|declared| declared == field) {
            return Ok(());
        }
        Err(Failure::Invalid(format!(
            "`{}` declares no field `{field}`",
            self.name
        )))
    }

    /// The name of the index on a field.
    #[must_use]
    pub fn index_name(&self, field: &str) -> String {
        format!("{}/{field}", self.name)
    }

    /// Creates the table.
    #[must_use]
    pub fn create_table(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, \
             body TEXT NOT NULL) STRICT",
            self.table
        )
    }

    /// Adds the column of a field. It is computed, and stored in its index alone. (An index on the expression itself
    /// would not serve the comparison of rows by which pages go on.)
    #[must_use]
    pub fn create_column(&self, field: &str) -> String {
        format!(
            "ALTER TABLE {} ADD COLUMN {} ANY AS ({}) VIRTUAL",
            self.table,
            column(field),
            value(field)
        )
    }

    /// Creates the index on a field: by its value, and among equal ones by id.
    #[must_use]
    pub fn create_index(&self, field: &str) -> String {
        format!(
            "CREATE INDEX {} ON {} ({}, id)",
            quoted(&self.index_name(field)),
            self.table,
            column(field)
        )
    }

    /// Creates the full-text table. It holds no second copy of the texts: hits are read from the documents.
    #[must_use]
    pub fn create_search(&self) -> String {
        format!(
            "CREATE VIRTUAL TABLE {} USING fts5({}, content='', contentless_delete=1, prefix='2 3', \
             tokenize='unicode61 remove_diacritics 2')",
            self.search_table,
            self.columns()
        )
    }

    /// Puts the searched fields of documents into the full-text table, in place of what it had of them.
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

    /// The columns of the full-text table; prefixed, because FTS5 keeps `rank` and `rowid` for itself.
    fn columns(&self) -> String {
        self.search
            .iter()
            .map(|field| quoted(&format!("in_{field}")))
            .collect::<Vec<_>>()
            .join(", ")
    }
}
