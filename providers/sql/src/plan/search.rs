//! The statements of searches.

use std::fmt::Write as _;

use mercato_ports::documents::Search;

use super::{Driver, Plan, Select, sort_field};
use crate::connection::Value;
use crate::full_text::FullText;

impl<'a> Plan<'a> {
    /// Returns the same plan with another search that finds the same documents.
    pub(crate) fn with_search(&self, search: &Search) -> Self {
        Self {
            search: FullText::translate(&self.collection.full_text, search),
            ..*self
        }
    }

    /// Returns the search of the query, if it has one.
    pub(crate) fn search(&self) -> Option<&'a Search> {
        self.query.search.as_ref()
    }

    /// Returns the search as an FTS5 query.
    #[cfg(test)]
    pub(crate) fn search_text(&self) -> &str {
        self.search
            .as_ref()
            .map(|(_, search)| search.as_str())
            .unwrap_or_default()
    }

    /// Returns whether the query searches and sorts by id.
    pub(crate) fn searches_by_id(&self) -> bool {
        self.search.is_some() && sort_field(self.query).is_none()
    }

    /// Returns the statement that reads the rows of the first matches of the search.
    pub(crate) fn first_matches(&self, limit: i64) -> Select<'_> {
        let mut statement = Select::default();
        self.push_driver(&mut statement, &Driver::Search);
        let _ = write!(statement.sql, " LIMIT {limit}");
        statement
    }

    /// Returns the statement that reads the documents in these rows, a JSON array, that meet all conditions.
    pub(crate) fn select_rows<'s>(&'s self, rows: &'s str) -> Select<'s> {
        let mut statement = Select::default();
        statement.push(&format!(
            "SELECT id, version, body FROM {} WHERE n IN (SELECT value FROM json_each(?))",
            self.collection.table
        ));
        statement.values.push(Value::Text(rows));
        self.push_conditions(&mut statement, &[]);
        self.push_position(&mut statement, "+");
        self.push_order(&mut statement, "+");
        statement.push(" LIMIT ?");
        statement.values.push(Value::Integer(self.query.limit.into()));
        statement
    }

    /// Returns the statement that reads the ids of the search's matches between two rows.
    pub(crate) fn matches(&self, rows: (i64, i64), filters: &[Driver]) -> Select<'_> {
        let mut statement = Select::default();
        let Some((FullText { table: matches, .. }, search)) = &self.search else {
            return statement;
        };
        statement.push(&format!(
            "SELECT id FROM {matches} CROSS JOIN {} ON n = {matches}.rowid \
             WHERE {matches} MATCH ? AND {matches}.rowid BETWEEN ? AND ?",
            self.collection.table
        ));
        statement.values.push(Value::Text(search));
        statement
            .values
            .extend([Value::Integer(rows.0), Value::Integer(rows.1)]);
        for filter in filters {
            statement.push(&format!(" AND +{matches}.rowid IN ("));
            self.push_driver(&mut statement, filter);
            statement.push(")");
        }
        self.push_conditions(&mut statement, filters);
        if let Some(after) = self.after() {
            let operator = if self.descending() { "<" } else { ">" };
            statement.push(&format!(" AND +id {operator} ?"));
            statement.values.push(Value::Text(after));
        }
        statement
    }
}
