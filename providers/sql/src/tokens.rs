//! Long prefixes in searches. FTS5 reads and merges all matches of a prefix that has no index before it
//! returns the first one. The matches of a whole token are read one by one. So a prefix that few tokens begin
//! with is replaced by these tokens.

use mercato_ports::documents::{Clause, Search, Term};

use crate::Collection;
use crate::connection::Connection;
use crate::full_text::INDEXED_PREFIX;
use crate::plan::Plan;

/// The most tokens that replace a prefix.
const MAX_TOKENS: usize = 32;

/// Returns a plan that finds the same documents, with the long prefixes of its search replaced where possible.
///
/// # Errors
/// If SQLite fails.
pub fn spell_out<'a, C: Connection>(connection: &C, plan: &Plan<'a>) -> Result<Option<Plan<'a>>, C::Error> {
    let is_long = |term: &Term| term.prefix && term.text.chars().count() > INDEXED_PREFIX;
    let Some(search) = plan.search() else {
        return Ok(None);
    };
    let clauses = |search: &Search| {
        search
            .all
            .iter()
            .chain(&search.not_all)
            .flat_map(|clause| &clause.terms)
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut replaced = Vec::<(String, Vec<String>)>::new();
    for term in clauses(search) {
        if is_long(&term) && replaced.iter().all(|(prefix, _)| *prefix != term.text) {
            let tokens = tokens(connection, plan.collection(), &term.text)?;
            replaced.push((term.text, tokens));
        }
    }
    replaced.retain(|(_, tokens)| (1..=MAX_TOKENS).contains(&tokens.len()));
    if replaced.is_empty() {
        return Ok(None);
    }
    let spell_clause = |clause: &Clause| Clause {
        field: clause.field.clone(),
        terms: clause
            .terms
            .iter()
            .flat_map(|term| spelled(term, &replaced))
            .collect(),
    };
    let spell_out = |clauses: &Vec<Clause>| clauses.iter().map(spell_clause).collect();
    Ok(Some(plan.with_search(&Search {
        all: spell_out(&search.all),
        not_all: spell_out(&search.not_all),
    })))
}

/// Returns the tokens of a prefix, or the term itself.
fn spelled(term: &Term, replaced: &[(String, Vec<String>)]) -> Vec<Term> {
    let whole = |token: &String| Term {
        text: token.clone(),
        prefix: false,
    };
    match replaced
        .iter()
        .find(|(prefix, _)| term.prefix && *prefix == term.text)
    {
        Some((_, tokens)) => tokens.iter().map(whole).collect(),
        None => vec![term.clone()],
    }
}

/// Returns the tokens that begin with a prefix, or one more than [`MAX_TOKENS`] of them.
fn tokens<C: Connection>(
    connection: &C,
    collection: &Collection,
    prefix: &str,
) -> Result<Vec<String>, C::Error> {
    // Each step seeks the next token. A token has no control characters, so none is between a token and
    // itself with one.
    let next = format!("SELECT term FROM {} WHERE term >=", collection.tokens);
    let sql = format!(
        "WITH RECURSIVE token (term) AS (\
         SELECT ({next} ?1 LIMIT 1) \
         UNION ALL SELECT ({next} token.term || char(1) LIMIT 1) FROM token \
         WHERE substr(token.term, 1, length(?1)) = ?1) \
         SELECT term FROM token WHERE substr(term, 1, length(?1)) = ?1 LIMIT {}",
        MAX_TOKENS + 1
    );
    connection.all(&sql, &[prefix.into()], |row| Ok(row.cell(0)?.text()))
}

#[cfg(test)]
mod tests {
    use mercato_ports::documents::{Insertion, Query, Write};
    use mercato_ports::manifest;

    use super::*;
    use crate::fragments::search_query;
    use crate::testing::Memory;
    use crate::{change, schema};

    /// Returns the FTS5 query of a search for a prefix, in a database with these tokens.
    fn spelled_search(tokens: &[String], prefix: &str) -> Option<String> {
        let declared = manifest::Collection {
            fields: Vec::new(),
            search: vec!["name".into()],
        };
        let collection = Collection::new("catalog.products", &declared);
        let connection = Memory::new();
        schema::migrate(&connection, [&collection].into_iter(), &|_| {}).unwrap();
        let writes = tokens.iter().map(|token| {
            Write::Insert(Insertion {
                collection: collection.name.clone(),
                id: token.clone(),
                body: format!(r#"{{"name": "{token}"}}"#),
            })
        });
        let writes: Vec<_> = writes.collect();
        change::apply(&connection, writes.iter().map(|write| (&collection, write))).unwrap();
        let search = |text: &str| Search {
            all: vec![Clause {
                field: None,
                terms: vec![Term {
                    text: text.into(),
                    prefix: true,
                }],
            }],
            not_all: Vec::new(),
        };
        let query = Query {
            search: Some(search(prefix)),
            ..Query::all("catalog.products", 10)
        };
        let plan = Plan::new(&collection, &query).unwrap();
        let spelled = spell_out(&connection, &plan).unwrap();
        let text = spelled.map(|plan| plan.search_text().to_owned());
        assert_ne!(text.as_deref(), Some(search_query(&search(prefix)).as_str()));
        text
    }

    #[test]
    fn a_long_prefix_becomes_the_tokens_that_begin_with_it() {
        let tokens = [
            "garden",
            "gardener",
            "gardeners",
            "garbage",
            "gardenesque",
            "zinc",
            "烤鸭烤鸭烤鸭烤",
        ];
        let tokens = tokens.map(str::to_owned);
        assert_eq!(
            spelled_search(&tokens, "gardene").as_deref(),
            Some(r#"("gardener" OR "gardeners" OR "gardenesque")"#)
        );
        assert_eq!(
            spelled_search(&tokens, "烤鸭烤鸭烤鸭").as_deref(),
            Some(r#"("烤鸭烤鸭烤鸭烤")"#)
        );
        assert_eq!(spelled_search(&tokens, "garde"), None);
        assert_eq!(spelled_search(&tokens, "gardens"), None);
        assert_eq!(spelled_search(&[], "gardens"), None);
    }

    #[test]
    fn a_prefix_of_many_tokens_stays_a_prefix() {
        for (count, is_spelled) in [(MAX_TOKENS, true), (MAX_TOKENS + 1, false)] {
            let tokens: Vec<_> = (0..count).map(|number| format!("garden{number}")).collect();
            assert_eq!(spelled_search(&tokens, "garden").is_some(), is_spelled);
        }
    }
}
