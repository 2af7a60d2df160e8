//! Query plans: the SQL of a query, with its index chosen here and not by SQLite. Without statistics SQLite
//! cannot know that `price between 10 and 11` matches few documents and `in stock` many. With statistics it
//! would prepare each range query again for every call.
//!
//! A query that names only its sort field reads no more rows than it returns. In any other query, each other
//! field and the search are *drivers*, which could select the documents:
//! - If a driver matches few documents, these are read and then sorted.
//! - If all drivers match many, the documents are read in sort order until enough of them match.
//!
//! A unary `+` before a column keeps SQLite from choosing another index.

use std::fmt::Write as _;

use mercato_ports::documents::{
    Comparison, Condition, Direction, Failure, MAX_LIMIT, Position, Query, Scalar,
};

use crate::Collection;
use crate::connection::Value;
use crate::fragments::{column, search_query};

/// A driver that matches fewer documents than this is narrow. To read and sort that many takes a few
/// milliseconds.
pub const NARROW: i64 = 2_000;

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
#[derive(Debug, PartialEq, Eq)]
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
    /// The search as an FTS5 query.
    search: Option<String>,
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
            search: query.search.as_ref().map(search_query),
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

    /// Returns the statement that counts the matches of a driver, up to [`NARROW`].
    #[must_use]
    pub fn probe(&self, driver: &Driver) -> Select<'_> {
        let mut statement = Select::default();
        statement.push("SELECT count(*) FROM (");
        self.push_driver(&mut statement, driver);
        let _ = write!(statement.sql, " LIMIT {NARROW})");
        statement
    }

    /// Returns the statement that reads the documents, by a driver or in sort order.
    #[must_use]
    pub fn select(&self, driver: Option<&Driver>) -> Select<'_> {
        let mut statement = Select::default();
        statement.push(&format!(
            "SELECT id, version, body FROM {} WHERE true",
            self.collection.table
        ));
        self.push_filter(&mut statement, driver);
        let plus = if driver.is_some() { "+" } else { "" };
        self.push_position(&mut statement, plus);
        self.push_order(&mut statement, plus);
        statement.push(" LIMIT ?");
        statement.values.push(Value::Integer(self.query.limit.into()));
        statement
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
            self.push_filter(&mut statement, driver);
            self.push_sorted(&mut statement, "+");
            return statement;
        }
        let mut indexes = self.drivers();
        indexes.extend(self.order_field().map(|field| Driver::Field(field.to_owned())));
        let Some((first, others)) = indexes.split_first() else {
            statement.push(&format!("SELECT count(*) FROM {}", self.collection.table));
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

    /// Appends the driver, all conditions that it does not imply, and the search.
    fn push_filter<'s>(&'s self, statement: &mut Select<'s>, driver: Option<&Driver>) {
        if let Some(driver) = driver {
            statement.push(" AND n IN (");
            self.push_driver(statement, driver);
            statement.push(")");
        }
        for condition in &self.query.conditions {
            if matches!(driver, Some(Driver::Field(field)) if *field == condition.field) {
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
        if let Some(search) = self.search.as_ref().filter(|_| driver != Some(&Driver::Search)) {
            let table = &self.collection.search_table;
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
                let table = &self.collection.search_table;
                statement.push(&format!("SELECT rowid AS n FROM {table} WHERE {table} MATCH ?"));
                statement.values.extend(self.search.as_deref().map(Value::Text));
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

    fn descending(&self) -> bool {
        self.query
            .sort
            .as_ref()
            .is_some_and(|sort| sort.direction == Direction::Descending)
    }
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
mod tests {
    use mercato_ports::documents::{Clause, Search, Sort, Term};
    use mercato_ports::manifest;

    use super::*;
    use crate::Connection as _;
    use crate::schema;
    use crate::testing::Memory;

    /// Returns SQLite's plan of a query, in sort order or by its only driver.
    fn explain(query: &Query, driven: bool) -> String {
        steps(query, |plan, driver| plan.select(driver.filter(|_| driven)))
    }

    fn steps(
        query: &Query,
        statement: impl for<'a> Fn(&'a Plan<'_>, Option<&Driver>) -> Select<'a>,
    ) -> String {
        let declared = manifest::Collection {
            fields: vec!["price".into(), "size".into()],
            search: vec!["name".into()],
        };
        let collection = Collection::new("catalog.products", &declared);
        let connection = Memory::new();
        schema::migrate(&connection, [&collection].into_iter(), &|_| {}).unwrap();
        let plan = Plan::new(&collection, query).unwrap();
        let drivers = plan.drivers();
        assert!(drivers.len() <= 1, "{drivers:?}");
        let select = statement(&plan, drivers.first());
        let sql = format!("EXPLAIN QUERY PLAN {}", select.sql);
        let steps = connection.all(&sql, &select.values, |row| {
            Ok(row.cell(3)?.text().replace('"', ""))
        });
        steps.unwrap().join("; ")
    }

    fn sorted(direction: Direction, after: Option<i64>) -> Query {
        let after = after.map(|value| Position {
            value: Some(Scalar::Integer(value)),
            id: "a".into(),
        });
        let sort = Some(Sort {
            field: Some("price".into()),
            direction,
        });
        Query {
            sort,
            after,
            ..Query::all("catalog.products", 20)
        }
    }

    fn is(field: &str, comparison: Comparison) -> Condition {
        Condition {
            field: field.into(),
            comparison,
            value: Scalar::Integer(1),
        }
    }

    fn search(token: &str) -> Search {
        let term = Term {
            text: token.into(),
            prefix: false,
        };
        Search {
            all: vec![Clause {
                field: None,
                terms: vec![term],
            }],
            not_all: Vec::new(),
        }
    }

    const IN_ORDER: &str = "SEARCH catalog.products USING INDEX catalog.products/price";

    #[test]
    fn a_page_in_sort_order_seeks_the_index_and_is_not_sorted() {
        assert_eq!(
            explain(&sorted(Direction::Ascending, None), false),
            format!("{IN_ORDER} ($price>?)")
        );
        assert_eq!(
            explain(&sorted(Direction::Descending, None), false),
            format!("{IN_ORDER} ($price>?)")
        );
        assert_eq!(
            explain(&sorted(Direction::Ascending, Some(1)), false),
            format!("{IN_ORDER} (($price,id)>(?,?))")
        );
        assert_eq!(
            explain(&sorted(Direction::Descending, Some(1)), false),
            format!("{IN_ORDER} (($price,id)<(?,?))")
        );
    }

    #[test]
    fn a_page_of_a_range_seeks_from_its_position() {
        let conditions = vec![is("price", Comparison::AtLeast), is("price", Comparison::Less)];
        let query = Query {
            conditions: conditions.clone(),
            ..sorted(Direction::Ascending, Some(1))
        };
        assert_eq!(
            explain(&query, false),
            format!("{IN_ORDER} (($price,id)>(?,?) AND $price<?)")
        );
        let query = Query {
            conditions,
            ..sorted(Direction::Descending, Some(1))
        };
        assert_eq!(
            explain(&query, false),
            format!("{IN_ORDER} ($price>? AND ($price,id)<(?,?))")
        );
    }

    #[test]
    fn a_page_of_equal_values_seeks_their_index() {
        let after = Some(Position {
            value: None,
            id: "a".into(),
        });
        let query = Query {
            conditions: vec![is("size", Comparison::Equal)],
            after,
            ..Query::all("catalog.products", 20)
        };
        assert_eq!(
            explain(&query, false),
            "SEARCH catalog.products USING INDEX catalog.products/size ($size=? AND id>?)"
        );
    }

    #[test]
    fn a_wide_condition_is_checked_in_sort_order() {
        let query = Query {
            conditions: vec![is("size", Comparison::AtLeast)],
            ..sorted(Direction::Descending, None)
        };
        assert_eq!(explain(&query, false), format!("{IN_ORDER} ($price>?)"));
    }

    #[test]
    fn a_narrow_condition_selects_the_documents_to_sort() {
        let conditions = vec![is("size", Comparison::AtLeast), is("size", Comparison::AtMost)];
        let query = Query {
            conditions,
            ..sorted(Direction::Descending, None)
        };
        let plan = explain(&query, true);
        assert!(
            plan.starts_with("SEARCH catalog.products USING INTEGER PRIMARY KEY (rowid=?)"),
            "{plan}"
        );
        assert!(
            plan.contains("USING INDEX catalog.products/size ($size>? AND $size<?)"),
            "{plan}"
        );
    }

    #[test]
    fn a_wide_search_is_checked_in_sort_order() {
        let query = Query {
            search: Some(search("wool")),
            ..sorted(Direction::Ascending, Some(1))
        };
        let plan = explain(&query, false);
        assert!(
            plan.starts_with(&format!("{IN_ORDER} (($price,id)>(?,?)); ")),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[test]
    fn a_page_by_descending_ids_is_not_sorted() {
        let sort = Some(Sort {
            field: None,
            direction: Direction::Descending,
        });
        let query = Query {
            sort,
            after: Some(Position {
                value: None,
                id: "a".into(),
            }),
            ..Query::all("catalog.products", 20)
        };
        let plan = explain(&query, false);
        assert!(
            plan.ends_with("(id<?)") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }

    #[test]
    fn a_count_seeks_the_index_of_each_field() {
        let query = Query {
            conditions: vec![is("size", Comparison::AtLeast)],
            ..sorted(Direction::Descending, Some(1))
        };
        let plan = steps(&query, |plan, _| plan.count(None));
        for field in ["size", "price"] {
            let index = format!("SEARCH catalog.products USING INDEX catalog.products/{field} (${field}>?");
            assert!(plan.contains(&index), "{plan}");
        }
    }
}
