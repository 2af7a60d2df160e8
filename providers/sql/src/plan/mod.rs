//! Query plans: the SQL of a query, with its index chosen here and not by SQLite. Without statistics SQLite
//! cannot know that `price between 10 and 11` matches few documents and `in stock` many. With statistics it
//! would prepare each range query again for every call.
//!
//! A query that names only its sort field reads no more rows than it returns. In any other query, each other
//! field and the search are *drivers*, which could select the documents:
//! - If a driver matches few documents, these are read and then sorted.
//! - If all drivers match many, the documents are read in sort order until enough of them match. A driver that
//!   does not match very many is a *filter*: its index is read first, and only documents that match are read.
//! - A search that matches many documents is read in the order of the full-text table if the query sorts by
//!   id. See [`walk`](crate::walk).
//!
//! A unary `+` before a column keeps SQLite from choosing another index.

mod search;

use std::fmt::Write as _;

use mercato_ports::documents::{
    Comparison, Condition, Direction, Failure, MAX_LIMIT, Position, Query, Scalar,
};

use crate::Collection;
use crate::connection::Value;
use crate::fragments::column;
use crate::full_text::FullText;

/// A driver that matches fewer documents than this is narrow. To read and sort that many takes a few
/// milliseconds.
pub const NARROW: i64 = 2_000;

/// The most matches of a filter. To read so many entries of an index takes about one millisecond.
const MAX_FILTER: i64 = 5_000;

/// The maximum number of conditions in a query.
const MAX_CONDITIONS: usize = 32;

/// A statement and its parameters.
#[derive(Debug, Default)]
pub struct Select<'a> {
    /// The statement.
    pub sql: String,
    /// The parameters, in order.
    pub values: Vec<Value<'a>>,
}

/// A part of a query that can select the documents to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driver {
    /// All conditions on one field.
    Field(String),
    /// The full-text search.
    Search,
}

/// A checked query on a collection.
pub struct Plan<'a> {
    collection: &'a Collection,
    query: &'a Query,
    /// The search as an FTS5 query of a full-text table.
    search: Option<(&'a FullText, String)>,
}

impl<'a> Plan<'a> {
    /// Checks a query against its collection.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an undeclared field or an invalid search. Also for a position that does not fit the sort, or a limit over the maximum.
    pub fn new(collection: &'a Collection, query: &'a Query) -> Result<Self, Failure> {
        let invalid = |reason: String| Err(Failure::Invalid(reason));
        if query.limit > MAX_LIMIT {
            return invalid(format!(
                "the limit of a query must be at most {MAX_LIMIT} documents"
            ));
        }
        if query.conditions.len() > MAX_CONDITIONS {
            return invalid(format!("a query must have at most {MAX_CONDITIONS} conditions"));
        }
        if let Some(search) = &query.search {
            if collection.search.is_empty() {
                return invalid(format!("`{}` declares no searched fields", collection.name));
            }
            search.check(&collection.name, |field| {
                collection.search.iter().any(|searched| searched == field)
            })?;
        }
        for field in query
            .conditions
            .iter()
            .map(|condition| &condition.field)
            .chain(sort_field(query))
        {
            collection.check_field(field)?;
        }
        if query
            .after
            .as_ref()
            .is_some_and(|after| after.value.is_some() != sort_field(query).is_some())
        {
            return invalid("a position must have a value if and only if the query sorts by a field".into());
        }
        Ok(Self {
            collection,
            query,
            search: query
                .search
                .as_ref()
                .and_then(|search| FullText::translate(&collection.full_text, search)),
        })
    }

    /// Returns the field whose index yields the documents in the order of the query. `None` means the order
    /// of ids.
    fn order_field(&self) -> Option<&str> {
        match sort_field(self.query) {
            Some(field) => Some(field),
            // Entries of equal value are in the order of their ids.
            None => self
                .query
                .conditions
                .iter()
                .find(|c| c.comparison == Comparison::Equal)
                .map(|c| c.field.as_str()),
        }
    }

    /// Returns the drivers: whatever could select the documents besides the index of the order.
    #[must_use]
    pub fn drivers(&self) -> Vec<Driver> {
        let mut drivers = Vec::new();
        for condition in &self.query.conditions {
            let driver = Driver::Field(condition.field.clone());
            if self.order_field() != Some(&condition.field) && !drivers.contains(&driver) {
                drivers.push(driver);
            }
        }
        if self.search.is_some() {
            drivers.push(Driver::Search);
        }
        drivers
    }

    /// Returns the collection of the query.
    pub(crate) fn collection(&self) -> &'a Collection {
        self.collection
    }

    /// Returns the maximum number of documents.
    pub(crate) fn limit(&self) -> u32 {
        self.query.limit
    }

    /// Returns the id after which the page begins.
    pub(crate) fn after(&self) -> Option<&'a str> {
        self.query.after.as_ref().map(|after| after.id.as_str())
    }

    /// Returns whether one index alone yields the documents of all pages, so that it also counts them.
    pub(crate) fn has_one_index(&self) -> bool {
        self.drivers().len() + usize::from(self.order_field().is_some()) == 1
    }

    /// Returns a driver for each field with a condition.
    pub(crate) fn fields(&self) -> Vec<Driver> {
        let mut fields = Vec::new();
        for condition in &self.query.conditions {
            let driver = Driver::Field(condition.field.clone());
            if !fields.contains(&driver) {
                fields.push(driver);
            }
        }
        fields
    }

    /// Returns the most matches of a filter, for a table of this many rows. In a small table, it is cheaper to
    /// read some more documents than to read the index of a filter.
    pub(crate) fn filter_limit(rows: i64) -> i64 {
        rows.saturating_mul(256).isqrt().clamp(NARROW, MAX_FILTER)
    }

    /// Returns the statement that counts the matches of a driver, up to a limit.
    #[must_use]
    pub fn probe(&self, driver: &Driver, limit: i64) -> Select<'_> {
        let mut statement = Select::default();
        statement.push("SELECT count(*) FROM (");
        self.push_driver(&mut statement, driver);
        let _ = write!(statement.sql, " LIMIT {limit})");
        statement
    }

    /// Returns the statement that reads the documents, by a driver or in sort order.
    #[must_use]
    pub fn select(&self, driver: Option<&Driver>, filters: &[Driver]) -> Select<'_> {
        let mut statement = Select::default();
        statement.push(&format!(
            "SELECT id, version, body FROM {} WHERE true",
            self.collection.table
        ));
        self.push_filter(&mut statement, driver, filters);
        let plus = if driver.is_some() { "+" } else { "" };
        self.push_position(&mut statement, plus);
        self.push_order(&mut statement, plus);
        statement.push(" LIMIT ?");
        statement.values.push(Value::Integer(self.query.limit.into()));
        statement
    }

    /// Appends the conditions that no filter implies, to be checked on the documents.
    fn push_conditions<'s>(&'s self, statement: &mut Select<'s>, filters: &[Driver]) {
        for condition in &self.query.conditions {
            if !is_filtered(condition, filters) {
                self.push_condition(statement, condition, |_| false);
            }
        }
    }

    /// Returns the statement that counts the documents of all pages. Without a driver, it counts the rows that
    /// all indexes have. SQLite then reads no document, because an index has the number of the row.
    #[must_use]
    pub fn count(&self, driver: Option<&Driver>) -> Select<'_> {
        let mut statement = Select::default();
        if driver.is_some() {
            statement.push(&format!(
                "SELECT count(*) FROM {} WHERE true",
                self.collection.table
            ));
            self.push_filter(&mut statement, driver, &[]);
            self.push_sorted(&mut statement, "+");
            return statement;
        }
        let mut indexes = self.drivers();
        indexes.extend(self.order_field().map(|field| Driver::Field(field.to_owned())));
        let Some((first, others)) = indexes.split_first() else {
            self.push_count_of_all(&mut statement);
            return statement;
        };
        statement.push("SELECT count(*) FROM (");
        self.push_driver(&mut statement, first);
        statement.push(") WHERE true");
        for other in others {
            statement.push(" AND +n IN (");
            self.push_driver(&mut statement, other);
            statement.push(")");
        }
        statement
    }

    /// Appends the statement that counts all documents. The zones know their numbers.
    fn push_count_of_all(&self, statement: &mut Select<'_>) {
        let Collection {
            search, zones, table, ..
        } = self.collection;
        statement.push(&if search.is_empty() {
            format!("SELECT count(*) FROM {table}")
        } else {
            format!("SELECT sum(documents) FROM {zones}")
        });
    }

    /// Appends the driver, all conditions that it does not imply, and the search.
    fn push_filter<'s>(&'s self, statement: &mut Select<'s>, driver: Option<&Driver>, filters: &[Driver]) {
        if let Some(driver) = driver {
            statement.push(" AND n IN (");
            self.push_driver(statement, driver);
            statement.push(")");
        }
        for filter in filters {
            statement.push(" AND +n IN (");
            self.push_driver(statement, filter);
            statement.push(")");
        }
        for condition in &self.query.conditions {
            if matches!(driver, Some(Driver::Field(field)) if *field == condition.field)
                || is_filtered(condition, filters)
            {
                continue;
            }
            // The index is sought from the position of the page, so the same bound of a condition must not
            // use it.
            let superseded = |operator: &str| {
                self.query.after.is_some() && operator.starts_with(if self.descending() { '<' } else { '>' })
            };
            let in_order = driver.is_none() && self.order_field() == Some(&condition.field);
            self.push_condition(statement, condition, |operator| in_order && !superseded(operator));
        }
        if let Some((FullText { table, .. }, search)) =
            self.search.as_ref().filter(|_| driver != Some(&Driver::Search))
        {
            statement.push(&format!(
                " AND +n IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
            ));
            statement.values.push(Value::Text(search));
        }
    }

    /// Appends a subquery for the row ids of the documents that a driver matches.
    fn push_driver<'s>(&'s self, statement: &mut Select<'s>, driver: &Driver) {
        match driver {
            Driver::Field(field) => {
                statement.push(&format!("SELECT n FROM {} WHERE true", self.collection.table));
                for condition in self
                    .query
                    .conditions
                    .iter()
                    .filter(|condition| condition.field == *field)
                {
                    self.push_condition(statement, condition, |_| true);
                }
                if sort_field(self.query) == Some(field) {
                    self.push_sorted(statement, "");
                }
            }
            Driver::Search => {
                if let Some((FullText { table, .. }, search)) = &self.search {
                    statement.push(&format!("SELECT rowid AS n FROM {table} WHERE {table} MATCH ?"));
                    statement.values.push(Value::Text(search));
                }
            }
        }
    }

    /// Appends a condition. A bound may use the index if `index` returns true for its operator.
    fn push_condition<'s>(
        &'s self,
        statement: &mut Select<'s>,
        condition: &'s Condition,
        index: impl Fn(&str) -> bool,
    ) {
        let column = column(&condition.field);
        let operator = operator(condition.comparison);
        let plus = |operator, free| if free && index(operator) { "" } else { "+" };
        statement.push(&format!(" AND {}{column} {operator} ?", plus(operator, true)));
        statement.values.push(scalar(&condition.value));
        // SQLite orders all numbers before all texts. So a bound of one type needs a guard against the other
        // type.
        let (guard, side) = match (condition.comparison, &condition.value) {
            (Comparison::Less | Comparison::AtMost, Scalar::Text(_)) => (">=", '>'),
            (Comparison::Greater | Comparison::AtLeast, Scalar::Integer(_)) => ("<", '<'),
            _ => return,
        };
        // SQLite seeks an index between two bounds. The guard must not be one of them if the query has a
        // closer bound.
        let mut closer = self.query.conditions.iter().filter(|other| {
            other.field == condition.field && self::operator(other.comparison).starts_with([side, '='])
        });
        let is_text = |value: &Scalar| matches!(value, Scalar::Text(_));
        match closer.next() {
            Some(other) if is_text(&other.value) == is_text(&condition.value) => {}
            other => statement.push(&format!(
                " AND {}{column} {guard} ''",
                plus(guard, other.is_none())
            )),
        }
    }

    /// Appends the position of the page, or the bound of its sort.
    fn push_position<'s>(&'s self, statement: &mut Select<'s>, plus: &str) {
        let operator = if self.descending() { "<" } else { ">" };
        match (sort_field(self.query), &self.query.after) {
            (
                Some(field),
                Some(Position {
                    value: Some(value),
                    id,
                }),
            ) => {
                let key = column(field);
                statement.push(&format!(" AND ({plus}{key}, {plus}id) {operator} (?, ?)"));
                statement.values.extend([scalar(value), Value::Text(id)]);
            }
            (_, Some(after)) => {
                statement.push(&format!(" AND {plus}id {operator} ?"));
                statement.values.push(Value::Text(&after.id));
            }
            (_, None) => self.push_sorted(statement, plus),
        }
    }

    /// Appends the bound of the sort. Documents without its field are not in the order, and the bound skips
    /// them in the index. A condition on the field skips them too.
    fn push_sorted(&self, statement: &mut Select<'_>, plus: &str) {
        let conditions = &self.query.conditions;
        if let Some(field) = sort_field(self.query)
            && conditions.iter().all(|condition| condition.field != *field)
        {
            statement.push(&format!(" AND {plus}{} >= -9e999", column(field)));
        }
    }

    fn push_order(&self, statement: &mut Select<'_>, plus: &str) {
        let direction = if self.descending() { "DESC" } else { "ASC" };
        statement.push(" ORDER BY ");
        if let Some(field) = sort_field(self.query) {
            statement.push(&format!("{plus}{} {direction}, ", column(field)));
        }
        statement.push(&format!("{plus}id {direction}"));
    }

    pub(crate) fn descending(&self) -> bool {
        self.query
            .sort
            .as_ref()
            .is_some_and(|sort| sort.direction == Direction::Descending)
    }
}

/// Returns whether one of the filters implies a condition.
fn is_filtered(condition: &Condition, filters: &[Driver]) -> bool {
    let is_of = |filter: &Driver| matches!(filter, Driver::Field(field) if *field == condition.field);
    filters.iter().any(is_of)
}

fn sort_field(query: &Query) -> Option<&String> {
    query.sort.as_ref()?.field.as_ref()
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::Greater => ">",
        Comparison::AtLeast => ">=",
    }
}

fn scalar(scalar: &Scalar) -> Value<'_> {
    match scalar {
        Scalar::Text(text) => Value::Text(text),
        Scalar::Integer(integer) => Value::Integer(*integer),
    }
}

impl Select<'_> {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }
}

#[cfg(test)]
mod tests;
