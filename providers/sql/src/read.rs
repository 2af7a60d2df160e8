//! Reads of the newest committed state.

use mercato_ports::documents::Document;

use crate::collection::document;
use crate::connection::{Connection, Value};
use crate::plan::{Driver, NARROW, Plan, Select};
use crate::{Collection, tokens, walk};

/// A search that matches fewer documents than this is read and sorted, also if it could be read in order.
const FEW: i64 = 50;

/// Returns the documents with these ids, in the order of the ids, all from one snapshot.
///
/// # Errors
/// If SQLite fails.
pub fn get_many<C: Connection>(
    connection: &C,
    collection: &Collection,
    ids: &[String],
) -> Result<Vec<Option<Document>>, C::Error> {
    let get = |id: &String| connection.first(&collection.get, &[id.as_str().into()], document);
    // One statement is a snapshot by itself.
    if ids.len() < 2 {
        return ids.iter().map(get).collect();
    }
    connection.execute("BEGIN", &[])?;
    let documents = ids.iter().map(get).collect();
    connection.execute("ROLLBACK", &[])?;
    documents
}

/// Returns the documents that a plan selects, all from one snapshot.
///
/// # Errors
/// If SQLite fails.
pub fn find<C: Connection>(connection: &C, plan: &Plan<'_>) -> Result<Vec<Document>, C::Error> {
    if plan.drivers().is_empty() {
        let Select { sql, values } = plan.select(None, &[]);
        return connection.all(&sql, &values, document);
    }
    connection.execute("BEGIN", &[])?;
    let documents = find_by_drivers(connection, plan);
    connection.execute("ROLLBACK", &[])?;
    documents
}

fn find_by_drivers<C: Connection>(connection: &C, plan: &Plan<'_>) -> Result<Vec<Document>, C::Error> {
    let spelled = tokens::spell_out(connection, plan)?;
    let plan = spelled.as_ref().unwrap_or(plan);
    let by_id = plan.searches_by_id();
    let rows = rows(connection, plan.collection())?;
    let (drivers, limit) = if by_id {
        let Select { sql, values } = plan.first_matches(FEW);
        let found = connection.all(&sql, &values, |row| Ok(row.cell(0)?.integer()))?;
        if found.len() < usize::try_from(FEW).unwrap_or(usize::MAX) {
            let rows = format!("{found:?}");
            let Select { sql, values } = plan.select_rows(&rows);
            return connection.all(&sql, &values, document);
        }
        (plan.fields(), FEW)
    } else {
        (plan.drivers(), NARROW)
    };
    // What matches a quarter of all documents is soon found in sort order.
    let limit = limit.min(rows / 4);
    let filter_limit = Plan::filter_limit(rows).min(rows / 4);
    let mut filters = Vec::new();
    let mut narrowest = None;
    for driver in drivers {
        let count = matches(connection, plan, &driver, filter_limit)?;
        if count < narrowest.as_ref().map_or(limit, |(least, _)| *least) {
            narrowest = Some((count, driver));
        } else if count < filter_limit && matches!(driver, Driver::Field(_)) {
            filters.push(driver);
        }
    }
    if narrowest.is_none() && by_id {
        return walk::find(connection, plan, &filters);
    }
    let Select { sql, values } = match narrowest {
        Some((_, driver)) => plan.select(Some(&driver), &[]),
        None => plan.select(None, &filters),
    };
    connection.all(&sql, &values, document)
}

/// Counts the documents of all pages of a plan.
///
/// # Errors
/// If SQLite fails.
pub fn count<C: Connection>(connection: &C, plan: &Plan<'_>) -> Result<u64, C::Error> {
    let spelled = tokens::spell_out(connection, plan)?;
    let plan = spelled.as_ref().unwrap_or(plan);
    let mut narrowest = None;
    let drivers = if plan.has_one_index() {
        Vec::new()
    } else {
        plan.drivers()
    };
    for driver in &drivers {
        let count = matches(connection, plan, driver, NARROW)?;
        if count < narrowest.as_ref().map_or(NARROW, |(least, _)| *least) {
            narrowest = Some((count, driver));
        }
    }
    let Select { sql, values } = plan.count(narrowest.map(|(_, driver)| driver));
    Ok(integer(connection, &sql, &values)?.cast_unsigned())
}

/// Counts the matches of a driver, up to a limit.
fn matches<C: Connection>(
    connection: &C,
    plan: &Plan<'_>,
    driver: &Driver,
    limit: i64,
) -> Result<i64, C::Error> {
    let Select { sql, values } = plan.probe(driver, limit);
    integer(connection, &sql, &values)
}

/// Returns the approximate number of documents in a collection, at no cost.
fn rows<C: Connection>(connection: &C, collection: &Collection) -> Result<i64, C::Error> {
    integer(
        connection,
        &format!("SELECT max(n) FROM {}", collection.table),
        &[],
    )
}

fn integer<C: Connection>(connection: &C, sql: &str, values: &[Value<'_>]) -> Result<i64, C::Error> {
    let first = connection.first(sql, values, |row| Ok(row.cell(0)?.integer()))?;
    Ok(first.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use mercato_ports::documents::{
        Clause, Comparison, Condition, Direction, Insertion, Position, Query, Scalar, Search, Sort, Term,
        Write,
    };
    use mercato_ports::manifest;

    use super::*;
    use crate::testing::Memory;
    use crate::{change, schema};

    fn at_least(field: &str, value: i64) -> Condition {
        Condition {
            field: field.into(),
            comparison: Comparison::AtLeast,
            value: Scalar::Integer(value),
        }
    }

    fn search(token: &str) -> Option<Search> {
        let term = Term {
            text: token.into(),
            prefix: true,
        };
        let clause = Clause {
            field: None,
            terms: vec![term],
        };
        Some(Search {
            all: vec![clause],
            not_all: Vec::new(),
        })
    }

    /// Returns a database with these documents, each an id and a body.
    fn products(documents: impl Iterator<Item = (String, String)>) -> (Collection, Memory) {
        let declared = manifest::Collection {
            fields: vec!["price".into(), "size".into()],
            search: vec!["name".into()],
        };
        let collection = Collection::new("catalog.products", &declared);
        let connection = Memory::new();
        schema::migrate(&connection, [&collection].into_iter(), &|_| {}).unwrap();
        let insert = |(id, body)| {
            Write::Insert(Insertion {
                collection: "catalog.products".into(),
                id,
                body,
            })
        };
        let writes = documents.map(insert).collect::<Vec<_>>();
        change::apply(&connection, writes.iter().map(|write| (&collection, write))).unwrap();
        (collection, connection)
    }

    /// A value: whether it is a text, and its digit. All integers are before all texts.
    type Value = (bool, i64);

    fn scalar((is_text, digit): Value) -> Scalar {
        if is_text {
            Scalar::Text(digit.to_string())
        } else {
            Scalar::Integer(digit)
        }
    }

    fn json(value: Option<Value>) -> String {
        match value {
            None => "null".into(),
            Some((false, digit)) => digit.to_string(),
            Some((true, digit)) => format!(r#""{digit}""#),
        }
    }

    fn holds(value: Option<Value>, comparison: Comparison, bound: Value) -> bool {
        value.is_some_and(|(is_text, digit)| {
            let (bound_is_text, bound) = bound;
            let holds = match comparison {
                Comparison::Equal => digit == bound,
                Comparison::Less => digit < bound,
                Comparison::AtMost => digit <= bound,
                Comparison::Greater => digit > bound,
                Comparison::AtLeast => digit >= bound,
            };
            is_text == bound_is_text && holds
        })
    }

    #[test]
    fn finds_the_same_as_a_scan_by_the_order_and_by_each_driver() {
        let present = [false, true]
            .into_iter()
            .flat_map(|is_text| (0..3).map(move |digit| Some((is_text, digit))));
        let values: Vec<Option<Value>> = present.chain([None]).collect();
        let pairs = values
            .iter()
            .flat_map(|price| values.iter().map(move |size| [*price, *size]));
        let documents: Vec<_> = pairs
            .enumerate()
            .map(|(n, pair)| (format!("{n:02}"), pair))
            .collect();
        let bodies = documents.iter().map(|(id, [price, size])| {
            (
                id.clone(),
                format!(r#"{{"price": {}, "size": {}}}"#, json(*price), json(*size)),
            )
        });
        let (collection, connection) = products(bodies);
        let comparisons = [
            Comparison::Equal,
            Comparison::Less,
            Comparison::AtMost,
            Comparison::Greater,
            Comparison::AtLeast,
        ];
        let bounds = [(false, 1), (true, 1)];
        let conditions: Vec<_> = [0, 1]
            .into_iter()
            .flat_map(|field| comparisons.map(|comparison| (field, comparison)))
            .flat_map(|(field, comparison)| bounds.map(|bound| (field, comparison, bound)))
            .collect();
        let sorts = [None, Some(Direction::Ascending), Some(Direction::Descending)];
        let (middle, [price, _]) = &documents[documents.len() / 3];
        for first in &conditions {
            for second in &conditions {
                for (sort, pages) in sorts.into_iter().flat_map(|sort| [(sort, 1), (sort, 2)]) {
                    let after = (pages > 1).then(|| Position {
                        value: sort.and(*price).map(scalar),
                        id: middle.clone(),
                    });
                    let query = Query {
                        conditions: [first, second]
                            .map(|(field, comparison, bound)| Condition {
                                field: ["price", "size"][*field].into(),
                                comparison: *comparison,
                                value: scalar(*bound),
                            })
                            .into(),
                        sort: sort.map(|direction| Sort {
                            field: Some("price".into()),
                            direction,
                        }),
                        after,
                        ..Query::all("catalog.products", 100)
                    };
                    let mut expected: Vec<_> = documents
                        .iter()
                        .filter(|(_, pair)| {
                            [first, second]
                                .iter()
                                .all(|(field, comparison, bound)| holds(pair[*field], *comparison, *bound))
                        })
                        .map(|(id, [price, _])| (sort.and(*price), id.as_str()))
                        .filter(|(price, _)| sort.is_none() || price.is_some())
                        .collect();
                    expected.sort_unstable();
                    let position = (sort.and(*price), middle.as_str());
                    match (sort, pages) {
                        (_, 1) => {}
                        (Some(Direction::Descending), _) => expected.retain(|found| *found < position),
                        _ => expected.retain(|found| *found > position),
                    }
                    if sort == Some(Direction::Descending) {
                        expected.reverse();
                    }
                    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id.to_owned()).collect();
                    let plan = Plan::new(&collection, &query).unwrap();
                    let drivers = plan.drivers();
                    let driven = drivers.iter().map(|driver| (Some(driver), &[][..]));
                    for (driver, filters) in driven.chain([(None, &[][..]), (None, &drivers)]) {
                        let Select { sql, values } = plan.select(driver, filters);
                        let found = connection.all(&sql, &values, |row| Ok(row.cell(0)?.text()));
                        assert_eq!(
                            found.unwrap(),
                            expected,
                            "{query:?} by {driver:?}, {filters:?}: {sql}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn counts_the_same_by_all_indexes_and_by_each_driver() {
        let documents = (0..30).map(|n| {
            let price = if n % 10 == 0 { "null".into() } else { n.to_string() };
            let body = format!(
                r#"{{"price": {price}, "size": {}, "name": "red{}"}}"#,
                n % 4,
                n % 2
            );
            (n.to_string(), body)
        });
        let (collection, connection) = products(documents);
        let sort = Some(Sort {
            field: Some("price".into()),
            direction: Direction::Descending,
        });
        let all = || Query::all("catalog.products", 1);
        let queries = [
            (all(), 30),
            (
                Query {
                    sort: sort.clone(),
                    ..all()
                },
                27,
            ),
            (
                Query {
                    conditions: vec![at_least("size", 2), at_least("price", 15)],
                    ..all()
                },
                7,
            ),
            (
                Query {
                    conditions: vec![at_least("size", 2)],
                    search: search("red1"),
                    sort: sort.clone(),
                    ..all()
                },
                7,
            ),
            (
                Query {
                    search: search("red"),
                    sort,
                    ..all()
                },
                27,
            ),
        ];
        for (query, count) in queries {
            let plan = Plan::new(&collection, &query).unwrap();
            let drivers = plan.drivers();
            for driver in drivers.iter().map(Some).chain([None]) {
                let Select { sql, values } = plan.count(driver);
                let found = connection.first(&sql, &values, |row| Ok(row.cell(0)?.integer()));
                assert_eq!(found.unwrap(), Some(count), "{sql}");
            }
        }
    }
}
