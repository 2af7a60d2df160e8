//! Plans: the SQL of a query, with its index chosen here rather than by SQLite, which without statistics (they would have it
//! prepare each range query anew) can't tell `price between 10 and 11` from `in stock`.
//!
//! A query that names only the field it sorts by reads no more rows than it returns. For any other, each other field and the
//! search are *drivers*: where one of them is known to match few documents, those are read and sorted; where all match
//! many, the documents are read in order of the sort until enough of them match. A unary `+` keeps SQLite from any
//! other index.

use std::fmt::Write as _;

use mercato_ports::documents::{Comparison, Condition, Direction, Failure, MAX_LIMIT, Query, Scalar};

use crate::Collection;
use crate::connection::Value;
use crate::text::{column, search_query};

/// A driver that matches fewer documents than this is narrow: reading and sorting them all takes a few milliseconds.
pub const NARROW: i64 = 2_000;

/// The most conditions of a query.
const MAX_CONDITIONS: usize = 32;

/// A statement and its values.
#[derive(Debug)]
pub struct Select<'a> {
    /// The statement.
    pub sql: String,
    /// The values of its parameters.
    pub values: Vec<Value<'a>>,
}

/// What may select the documents to be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Driver {
    /// All conditions on a field.
    Field(String),
    /// The search.
    Search,
}

/// A query that its collection can answer.
pub struct Plan<'a> {
    collection: &'a Collection,
    query: &'a Query,
    /// The search as FTS5 reads it, where there are words to search.
    words: Option<String>,
}

impl<'a> Plan<'a> {
    /// Checks a query against its collection.
    ///
    /// # Errors
    /// [`Failure::Invalid`], with what the collection or the port does not allow.
    pub fn new(collection: &'a Collection, query: &'a Query) -> Result<Self, Failure> {
        let invalid = |reason: String| Err(Failure::Invalid(reason));
        if query.limit > MAX_LIMIT {
            return invalid(format!("a query asks for at most {MAX_LIMIT} documents"));
        }
        if query.conditions.len() > MAX_CONDITIONS {
            return invalid(format!("a query has at most {MAX_CONDITIONS} conditions"));
        }
        if query.search.is_some() && collection.search.is_empty() {
            return invalid(format!("`{}` declares no searched fields", collection.name));
        }
        for field in query
            .conditions
            .iter()
            .map(|condition| &condition.field)
            .chain(query.sort.as_ref().map(|s| &s.field))
        {
            collection.check_field(field)?;
        }
        if query
            .after
            .as_ref()
            .is_some_and(|after| after.value.is_some() != query.sort.is_some())
        {
            return invalid("a position has a value exactly where the query sorts by a field".into());
        }
        Ok(Self {
            collection,
            query,
            words: query.search.as_deref().and_then(search_query),
        })
    }

    /// The field whose index gives the documents in the order of the query; by id where there is none.
    fn ordering(&self) -> Option<&str> {
        match &self.query.sort {
            Some(sort) => Some(&sort.field),
            // Among equal values an index is ordered by id.
            None => self
                .query
                .conditions
                .iter()
                .find(|c| c.comparison == Comparison::Equal)
                .map(|c| c.field.as_str()),
        }
    }

    /// What else than the order's index could select the documents.
    #[must_use]
    pub fn drivers(&self) -> Vec<Driver> {
        let mut drivers = Vec::new();
        for condition in &self.query.conditions {
            let driver = Driver::Field(condition.field.clone());
            if self.ordering() != Some(&condition.field) && !drivers.contains(&driver) {
                drivers.push(driver);
            }
        }
        if self.words.is_some() {
            drivers.push(Driver::Search);
        }
        drivers
    }

    /// Counts what a driver matches, up to [`NARROW`].
    #[must_use]
    pub fn probe(&self, driver: &Driver) -> Select<'_> {
        let mut text = Text::default();
        text.push("SELECT count(*) FROM (");
        self.driven(&mut text, driver);
        let _ = write!(text.sql, " LIMIT {NARROW})");
        text.select()
    }

    /// The query by a driver, or in order.
    #[must_use]
    pub fn select(&self, driver: Option<&Driver>) -> Select<'_> {
        let mut text = Text::default();
        text.push(&format!(
            "SELECT id, version, body FROM {} WHERE true",
            self.collection.table
        ));
        if let Some(driver) = driver {
            text.push(" AND n IN (");
            self.driven(&mut text, driver);
            text.push(")");
        }
        for condition in &self.query.conditions {
            if matches!(driver, Some(Driver::Field(field)) if *field == condition.field) {
                continue;
            }
            // A page begins at its position, and not where a condition begins.
            let superseded = |operator: &str| {
                self.query.after.is_some() && operator.starts_with(if self.descending() { '<' } else { '>' })
            };
            let ordering = driver.is_none() && self.ordering() == Some(&condition.field);
            self.condition(&mut text, condition, |operator| ordering && !superseded(operator));
        }
        if let Some(words) = self.words.as_ref().filter(|_| driver != Some(&Driver::Search)) {
            let search = &self.collection.search_table;
            text.push(&format!(
                " AND +n IN (SELECT rowid FROM {search} WHERE {search} MATCH ?)"
            ));
            text.values.push(Value::Text(words));
        }
        self.order(&mut text, if driver.is_some() { "+" } else { "" });
        text.push(" LIMIT ?");
        text.values.push(Value::Integer(self.query.limit.into()));
        text.select()
    }

    /// The numbers of the documents that a driver matches.
    fn driven<'s>(&'s self, text: &mut Text<'s>, driver: &Driver) {
        match driver {
            Driver::Field(field) => {
                text.push(&format!("SELECT n FROM {} WHERE true", self.collection.table));
                for condition in self
                    .query
                    .conditions
                    .iter()
                    .filter(|condition| condition.field == *field)
                {
                    self.condition(text, condition, |_| true);
                }
            }
            Driver::Search => {
                let search = &self.collection.search_table;
                text.push(&format!("SELECT rowid FROM {search} WHERE {search} MATCH ?"));
                text.values.extend(self.words.as_deref().map(Value::Text));
            }
        }
    }

    /// A condition, whose bounds may be sought in an index where `index` says so of their operator.
    fn condition<'s>(&'s self, text: &mut Text<'s>, condition: &'s Condition, index: impl Fn(&str) -> bool) {
        let column = column(&condition.field);
        let operator = operator(condition.comparison);
        let plus = |operator, free| if free && index(operator) { "" } else { "+" };
        text.push(&format!(" AND {}{column} {operator} ?", plus(operator, true)));
        text.values.push(scalar(&condition.value));
        // SQLite orders all numbers before all texts: a bound of one type needs a second one that keeps out the other.
        let (guard, side) = match (condition.comparison, &condition.value) {
            (Comparison::Less | Comparison::AtMost, Scalar::Text(_)) => (">=", '>'),
            (Comparison::Greater | Comparison::AtLeast, Scalar::Integer(_)) => ("<", '<'),
            _ => return,
        };
        // An index is sought from one bound to one other, which should not be this where there is a closer one.
        let mut closer = self.query.conditions.iter().filter(|other| {
            other.field == condition.field && self::operator(other.comparison).starts_with([side, '='])
        });
        let text_or_not = |value: &Scalar| matches!(value, Scalar::Text(_));
        match closer.next() {
            Some(other) if text_or_not(&other.value) == text_or_not(&condition.value) => {}
            other => text.push(&format!(
                " AND {}{column} {guard} ''",
                plus(guard, other.is_none())
            )),
        }
    }

    /// Where the page begins, and the order.
    fn order<'s>(&'s self, text: &mut Text<'s>, plus: &str) {
        let Some(sort) = &self.query.sort else {
            if let Some(after) = &self.query.after {
                text.push(&format!(" AND {plus}id > ?"));
                text.values.push(Value::Text(&after.id));
            }
            text.push(&format!(" ORDER BY {plus}id"));
            return;
        };
        let key = column(&sort.field);
        let (operator, direction) = if self.descending() {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        match self
            .query
            .after
            .as_ref()
            .and_then(|after| after.value.as_ref().map(|value| (value, &after.id)))
        {
            Some((value, id)) => {
                text.push(&format!(" AND ({plus}{key}, {plus}id) {operator} (?, ?)"));
                text.values.extend([scalar(value), Value::Text(id)]);
            }
            // A document without the field has no place in the order; as a bound, this skips them in the index.
            None if self
                .query
                .conditions
                .iter()
                .all(|condition| condition.field != sort.field) =>
            {
                text.push(&format!(" AND {plus}{key} >= -9e999"));
            }
            None => {}
        }
        text.push(&format!(
            " ORDER BY {plus}{key} {direction}, {plus}id {direction}"
        ));
    }

    fn descending(&self) -> bool {
        self.query
            .sort
            .as_ref()
            .is_some_and(|sort| sort.direction == Direction::Descending)
    }
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

/// A statement in the making.
#[derive(Default)]
struct Text<'a> {
    sql: String,
    values: Vec<Value<'a>>,
}

impl<'a> Text<'a> {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn select(self) -> Select<'a> {
        Select {
            sql: self.sql,
            values: self.values,
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_ports::documents::{Position, Sort};
    use mercato_ports::manifest;

    use super::*;
    use crate::Connection as _;
    use crate::schema;
    use crate::testing::Memory;

    /// SQLite's plan of a query in order, or by its only driver.
    fn explain(query: &Query, driven: bool) -> String {
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
        let select = plan.select(drivers.first().filter(|_| driven));
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
            field: "price".into(),
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

    const IN_ORDER: &str = "SEARCH catalog.products USING INDEX catalog.products/price";

    #[test]
    fn a_page_in_order_is_sought_in_the_index_and_not_sorted() {
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
    fn a_page_of_a_range_is_sought_from_its_position() {
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
    fn equal_values_by_id_are_sought_in_their_index() {
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
    fn a_wide_condition_is_checked_in_the_order_of_the_sort() {
        let query = Query {
            conditions: vec![is("size", Comparison::AtLeast)],
            ..sorted(Direction::Descending, None)
        };
        assert_eq!(explain(&query, false), format!("{IN_ORDER} ($price>?)"));
    }

    #[test]
    fn a_narrow_condition_selects_what_is_sorted() {
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
    fn a_wide_search_is_checked_in_the_order_of_the_sort() {
        let query = Query {
            search: Some("wool".into()),
            ..sorted(Direction::Ascending, Some(1))
        };
        let plan = explain(&query, false);
        assert!(
            plan.starts_with(&format!("{IN_ORDER} (($price,id)>(?,?)); ")),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
