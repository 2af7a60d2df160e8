//! Translates queries for MongoDB. Every field that a query may name is indexed together with the id. So
//! MongoDB reads in the order of an index, or sorts the results of a narrower index.

use mercato_ports::documents::{Comparison, Condition, Direction, Failure, MAX_LIMIT, Query, Scalar};
use mongodb::bson::{Bson, Document, doc};

use super::document::Fields;
use super::search;

/// The maximum number of conditions in a query.
const MAX_CONDITIONS: usize = 32;

/// A filter and an order.
#[derive(Debug, PartialEq)]
pub(crate) struct MongoQuery {
    pub filter: Document,
    pub sort: Document,
}

/// Checks and translates a query.
pub(crate) fn select(query: &Query, fields: &Fields) -> Result<MongoQuery, Failure> {
    check(query, fields)?;
    let mut all = query.conditions.iter().map(condition).collect::<Vec<_>>();
    if let Some(search) = &query.search {
        all.extend(search::conditions(search, fields));
    }
    let (after, sort) = sorted(query);
    all.extend(after);
    let filter = match all.len() {
        0 => Document::new(),
        1 => all.pop().unwrap_or_default(),
        _ => doc! { "$and": all },
    };
    Ok(MongoQuery { filter, sort })
}

/// Rejects a query that the collection can't answer.
pub(crate) fn check(query: &Query, fields: &Fields) -> Result<(), Failure> {
    let invalid = |reason: String| Err(Failure::Invalid(reason));
    let collection = &query.collection;
    if query.limit > MAX_LIMIT {
        return invalid(format!(
            "the limit of a query must be at most {MAX_LIMIT} documents"
        ));
    }
    if query.conditions.len() > MAX_CONDITIONS {
        return invalid(format!("a query must have at most {MAX_CONDITIONS} conditions"));
    }
    if let Some(search) = &query.search {
        if fields.searched.is_empty() {
            return invalid(format!("`{collection}` declares no searched fields"));
        }
        search.check(collection, |field| fields.searched.contains(field))?;
    }
    let conditions = query.conditions.iter().map(|condition| &condition.field);
    for field in conditions.chain(sort_field(query)) {
        if !fields.indexed.contains(field) {
            return invalid(format!("`{collection}` declares no field `{field}`"));
        }
    }
    if query
        .after
        .as_ref()
        .is_some_and(|after| after.value.is_some() != sort_field(query).is_some())
    {
        return invalid("a position must have a value if and only if the query sorts by a field".into());
    }
    Ok(())
}

/// Returns the path of a declared field. The field is a text, a 64-bit integer, or missing. MongoDB compares
/// only values of the same type.
pub(crate) fn path(field: &str) -> String {
    format!("f.{field}")
}

fn condition(condition: &Condition) -> Document {
    let operator = match condition.comparison {
        Comparison::Equal => "$eq",
        Comparison::Less => "$lt",
        Comparison::AtMost => "$lte",
        Comparison::Greater => "$gt",
        Comparison::AtLeast => "$gte",
    };
    doc! { path(&condition.field): { operator: bson(&condition.value) } }
}

fn sort_field(query: &Query) -> Option<&String> {
    query.sort.as_ref()?.field.as_ref()
}

/// Returns the filter of the page, and its order. Integers come before texts.
fn sorted(query: &Query) -> (Option<Document>, Document) {
    let direction = query
        .sort
        .as_ref()
        .map_or(Direction::Ascending, |sort| sort.direction);
    let (operator, order) = match direction {
        Direction::Ascending => ("$gt", 1),
        Direction::Descending => ("$lt", -1),
    };
    let after = query.after.as_ref();
    let Some(field) = sort_field(query) else {
        let after = after.map(|after| doc! { "_id": { operator: &after.id } });
        return (after, doc! { "_id": order });
    };
    let key = path(field);
    let order = doc! { &key: order, "_id": order };
    let Some((value, id)) = after.and_then(|after| Some((after.value.as_ref()?, &after.id))) else {
        return (Some(doc! { &key: { "$exists": true } }), order);
    };
    let mut later = vec![
        doc! { &key: { operator: bson(value) } },
        doc! { &key: bson(value), "_id": { operator: id } },
    ];
    match (direction, value) {
        (Direction::Ascending, Scalar::Integer(_)) => later.push(doc! { &key: { "$gte": "" } }),
        (Direction::Descending, Scalar::Text(_)) => later.push(doc! { &key: { "$lte": i64::MAX } }),
        _ => {}
    }
    (Some(doc! { "$or": later }), order)
}

fn bson(scalar: &Scalar) -> Bson {
    match scalar {
        Scalar::Text(text) => Bson::String(text.clone()),
        Scalar::Integer(integer) => Bson::Int64(*integer),
    }
}

#[cfg(test)]
mod tests {
    use mercato_ports::documents::{Clause, Position, Search, Sort, Term};

    use super::*;

    fn translated(query: &Query) -> MongoQuery {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let fields = Fields {
            indexed: set(&["price", "name"]),
            searched: set(&["name"]),
        };
        select(query, &fields).unwrap()
    }

    fn by_price(direction: Direction, after: Option<Scalar>) -> Query {
        Query {
            sort: Some(Sort {
                field: Some("price".into()),
                direction,
            }),
            after: after.map(|value| Position {
                value: Some(value),
                id: "a".into(),
            }),
            ..Query::all("catalog.products", 1)
        }
    }

    #[test]
    fn sorts_by_id_without_a_sort() {
        let all = translated(&Query::all("catalog.products", 1));
        assert_eq!((all.filter, all.sort), (doc! {}, doc! { "_id": 1 }));
    }

    #[test]
    fn a_sorted_page_begins_after_its_position() {
        let page = translated(&by_price(Direction::Descending, Some(Scalar::Integer(5))));
        let later = [
            doc! { "f.price": { "$lt": 5_i64 } },
            doc! { "f.price": 5_i64, "_id": { "$lt": "a" } },
        ];
        assert_eq!(page.filter, doc! { "$or": later });
        assert_eq!(page.sort, doc! { "f.price": -1, "_id": -1 });
    }

    #[test]
    fn values_of_the_other_type_follow_the_last_value_of_one_type() {
        let texts = translated(&by_price(Direction::Ascending, Some(Scalar::Integer(5)))).filter;
        assert_eq!(
            *texts.get_array("$or").unwrap().last().unwrap(),
            Bson::from(doc! { "f.price": { "$gte": "" } })
        );
        let integers = translated(&by_price(Direction::Descending, Some(Scalar::Text("x".into())))).filter;
        assert_eq!(
            *integers.get_array("$or").unwrap().last().unwrap(),
            Bson::from(doc! { "f.price": { "$lte": i64::MAX } })
        );
    }

    #[test]
    fn combines_a_search_with_conditions() {
        let condition = Condition {
            field: "name".into(),
            comparison: Comparison::AtLeast,
            value: Scalar::Text("x".into()),
        };
        let term = Term {
            text: "wool".into(),
            prefix: false,
        };
        let clause = Clause {
            field: None,
            terms: vec![term],
        };
        let query = Query {
            conditions: vec![condition],
            search: Some(Search {
                all: vec![clause],
                not_all: Vec::new(),
            }),
            ..Query::all("catalog.products", 1)
        };
        let filter = translated(&query).filter;
        let all = filter.get_array("$and").unwrap();
        assert_eq!(
            all.first().unwrap(),
            &Bson::from(doc! { "f.name": { "$gte": "x" } })
        );
        assert_eq!(all.len(), 2);
    }
}
