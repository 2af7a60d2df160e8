//! Tests of searches in the order of ids, against a scan of all documents.

use std::cell::Cell;
use std::collections::BTreeMap;

use mercato_ports::documents::{
    Clause, Comparison, Condition, Deletion, Direction, Insertion, Position, Query, Scalar, Search, Sort,
    Term, Write,
};
use mercato_ports::manifest;

use crate::connection::{OnRow, Value};
use crate::plan::Plan;
use crate::testing::Memory;
use crate::{Collection, Connection, change, read, schema};

/// The documents of a database, each with its size, the words of its name, and its other words.
type Documents = BTreeMap<String, (i64, [Vec<&'static str>; 2])>;

/// Pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Counts the rows that a database returns.
struct Counted(Memory, Cell<usize>);

impl Connection for Counted {
    type Error = rusqlite::Error;

    fn run(
        &self,
        sql: &str,
        values: &[Value<'_>],
        on_row: &mut OnRow<'_, Self::Error>,
    ) -> Result<(), Self::Error> {
        self.0.run(sql, values, &mut |row| {
            self.1.set(self.1.get() + 1);
            on_row(row)
        })
    }
}

fn collection() -> Collection {
    let declared = manifest::Collection {
        fields: vec!["price".into(), "size".into()],
        search: vec!["name".into(), "aside".into()],
    };
    Collection::new("catalog.products", &declared)
}

fn database() -> (Collection, Memory) {
    let (collection, connection) = (collection(), Memory::new());
    schema::migrate(&connection, [&collection].into_iter(), &|_| {}).unwrap();
    (collection, connection)
}

fn insert(collection: &Collection, connection: &Memory, id: &str, size: i64, words: &[Vec<&str>; 2]) {
    let insertion = Write::Insert(Insertion {
        collection: collection.name.clone(),
        id: id.into(),
        body: format!(
            r#"{{"size": {size}, "name": "{}", "aside": "{}"}}"#,
            words[0].join(" "),
            words[1].join(" ")
        ),
    });
    change::apply(connection, [(collection, &insertion)]).unwrap();
}

fn delete(collection: &Collection, connection: &Memory, id: &str) {
    let deletion = Write::Delete(Deletion {
        collection: collection.name.clone(),
        id: id.into(),
        expected: 1,
    });
    change::apply(connection, [(collection, &deletion)]).unwrap();
}

/// Returns a database whose rows are nearly in the order of their ids. One in `old` ids is much older than
/// its neighbours, and some documents are deleted.
fn shop(old: u64) -> (Collection, Memory, Documents) {
    let (collection, connection) = database();
    let (mut documents, mut random) = (Documents::new(), Random(7));
    connection.execute("BEGIN", &[]).unwrap();
    for n in 0..2_000 {
        let number = match random.below(old) {
            0 => random.below(2_000),
            _ => n + random.below(20),
        };
        let id = format!("{number:05}-{n:05}");
        let mut words = [vec!["all"], vec!["text"]];
        for (word, one_in) in [
            ("half", 2),
            ("tenth", 10),
            ("warranties", 5),
            ("warrantor", 9),
            ("rare", 500),
        ] {
            for field in &mut words {
                if random.below(one_in) == 0 {
                    field.push(word);
                }
            }
        }
        let size = i64::try_from(random.below(4)).unwrap();
        insert(&collection, &connection, &id, size, &words);
        documents.insert(id, (size, words));
    }
    let ids: Vec<_> = documents
        .keys()
        .filter(|_| random.below(9) == 0)
        .cloned()
        .collect();
    for id in ids {
        delete(&collection, &connection, &id);
        documents.remove(&id);
    }
    connection.execute("COMMIT", &[]).unwrap();
    (collection, connection, documents)
}

/// Returns a clause of a word, of the name only if the word begins with a colon.
fn clause(text: &str, prefix: bool) -> Clause {
    let name = text.strip_prefix(':');
    let term = Term {
        text: name.unwrap_or(text).into(),
        prefix,
    };
    Clause {
        field: name.map(|_| "name".into()),
        terms: vec![term],
    }
}

fn search(all: &[(&str, bool)], not_all: &[(&str, bool)]) -> Search {
    let clauses = |terms: &[(&str, bool)]| terms.iter().map(|(text, prefix)| clause(text, *prefix)).collect();
    Search {
        all: clauses(all),
        not_all: clauses(not_all),
    }
}

fn by_id(search: Search, direction: Direction, after: Option<&str>, limit: u32) -> Query {
    let position = |id: &str| Position {
        value: None,
        id: id.into(),
    };
    Query {
        search: Some(search),
        sort: Some(Sort {
            field: None,
            direction,
        }),
        after: after.map(position),
        ..Query::all("catalog.products", limit)
    }
}

fn find(
    collection: &Collection,
    connection: &impl Connection<Error = rusqlite::Error>,
    query: &Query,
) -> Vec<String> {
    let plan = Plan::new(collection, query).unwrap();
    let found = read::find(connection, &plan).unwrap();
    found.into_iter().map(|document| document.id).collect()
}

/// Returns what a scan of all documents finds.
fn scan(documents: &Documents, query: &Query) -> Vec<String> {
    let has = |words: &[Vec<&str>; 2], clause: &Clause| {
        let term = &clause.terms[0];
        let fields = if clause.field.is_some() {
            &words[..1]
        } else {
            &words[..]
        };
        let is_term = |word: &&str| *word == term.text || (term.prefix && word.starts_with(&term.text));
        fields.iter().flatten().any(is_term)
    };
    let search = query.search.as_ref().unwrap();
    let mut found: Vec<_> = documents
        .iter()
        .filter(|(_, (size, words))| {
            let is_excluded =
                !search.not_all.is_empty() && search.not_all.iter().all(|clause| has(words, clause));
            search.all.iter().all(|clause| has(words, clause))
                && !is_excluded
                && query
                    .conditions
                    .iter()
                    .all(|condition| condition.value == Scalar::Integer(*size))
        })
        .map(|(id, _)| id.clone())
        .collect();
    if query.sort.as_ref().unwrap().direction == Direction::Descending {
        found.reverse();
        found.retain(|id| query.after.as_ref().is_none_or(|after| *id < after.id));
    } else {
        found.retain(|id| query.after.as_ref().is_none_or(|after| *id > after.id));
    }
    found.truncate(query.limit as usize);
    found
}

#[test]
fn finds_the_same_as_a_scan_whatever_the_order_of_the_rows() {
    let (collection, connection, documents) = shop(50);
    let searches = [
        search(&[("all", false)], &[]),
        search(&[("half", false)], &[]),
        search(&[("half", false), ("tenth", true)], &[]),
        search(&[("tenth", false)], &[("half", false)]),
        search(&[("warrant", true)], &[]),
        search(&[("all", false)], &[("warrant", true), ("half", true)]),
        search(&[("rare", true)], &[]),
        search(&[("nothing", true)], &[]),
        search(&[(":half", false)], &[]),
        search(&[(":warrant", true), (":half", false)], &[(":tenth", true)]),
        search(&[("warrant", true)], &[(":warrant", true)]),
        search(&[(":text", true)], &[]),
    ];
    let size = |value| Condition {
        field: "size".into(),
        comparison: Comparison::Equal,
        value: Scalar::Integer(value),
    };
    let mut ids: Vec<_> = documents
        .keys()
        .step_by(997)
        .map(|id| Some(id.as_str()))
        .collect();
    ids.extend([None, Some(""), Some("~")]);
    for search in &searches {
        for direction in [Direction::Ascending, Direction::Descending] {
            for after in &ids {
                for (limit, conditions) in [(1, vec![]), (20, vec![]), (500, vec![]), (20, vec![size(2)])] {
                    let query = Query {
                        conditions,
                        ..by_id(search.clone(), direction, *after, limit)
                    };
                    assert_eq!(
                        find(&collection, &connection, &query),
                        scan(&documents, &query),
                        "{query:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_page_of_a_large_result_reads_a_small_part_of_it() {
    let (collection, connection, documents) = shop(1_000);
    let connection = Counted(connection, Cell::new(0));
    let middle = documents.keys().nth(documents.len() / 2).unwrap();
    for direction in [Direction::Ascending, Direction::Descending] {
        for after in [None, Some(middle.as_str())] {
            connection.1.set(0);
            let query = by_id(search(&[("all", false)], &[]), direction, after, 20);
            assert_eq!(find(&collection, &connection, &query).len(), 20);
            assert!(
                connection.1.get() < documents.len() / 2,
                "{direction:?} {after:?} {}",
                connection.1.get()
            );
        }
    }
}

#[test]
fn counts_all_documents_by_their_zones() {
    let (collection, connection, documents) = shop(50);
    let query = Query::all("catalog.products", 0);
    let plan = Plan::new(&collection, &query).unwrap();
    assert_eq!(read::count(&connection, &plan).unwrap(), documents.len() as u64);
    let (empty, nothing) = database();
    assert_eq!(
        read::count(&nothing, &Plan::new(&empty, &query).unwrap()).unwrap(),
        0
    );
}

#[test]
fn a_database_without_zones_gets_them_and_an_undeclared_search_drops_them() {
    let (collection, connection, documents) = shop(50);
    for kind in ["insert", "delete"] {
        let drop = format!("DROP TRIGGER \"catalog.products/zones/{kind}\"");
        connection.execute(&drop, &[]).unwrap();
    }
    connection
        .execute("DROP TABLE \"catalog.products/zones\"", &[])
        .unwrap();
    schema::migrate(&connection, [&collection].into_iter(), &|_| {}).unwrap();
    let query = by_id(search(&[("half", false)], &[]), Direction::Ascending, None, 100);
    assert_eq!(find(&collection, &connection, &query), scan(&documents, &query));
    let unsearched = Collection::new("catalog.products", &manifest::Collection::default());
    schema::migrate(&connection, [&unsearched].into_iter(), &|_| {}).unwrap();
    insert(&unsearched, &connection, "new", 0, &[vec![], vec![]]);
    let rest = connection
        .all("SELECT name FROM sqlite_schema WHERE name LIKE '%/zones%' OR name LIKE '%/search%' OR name LIKE '%/tokens%'", &[], |row| {
            Ok(row.cell(0)?.text())
        })
        .unwrap();
    assert_eq!(rest, Vec::<String>::new());
}
