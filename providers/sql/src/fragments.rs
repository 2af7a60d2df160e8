//! Fragments of SQL. Names come from a checked manifest and are quoted nevertheless. Values from callers are
//! always bound as parameters, never part of a fragment.

use mercato_ports::documents::{Clause, Search, Term};

/// Quotes an identifier.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the quoted column of a declared field. The `$` distinguishes it from the other columns.
pub fn column(field: &str) -> String {
    quoted(&format!("${field}"))
}

/// Returns the expression for the value of a declared field: its text or integer, or NULL for any other type.
/// Without this rule a search for 1 would find `true`.
pub fn value(field: &str) -> String {
    format!(
        "CASE WHEN json_type(body, '$.{field}') IN ('text', 'integer') \
         THEN json_extract(body, '$.{field}') END"
    )
}

/// Returns the expression for the text of a declared field, or NULL for any other type.
pub fn text(field: &str) -> String {
    format!("(CASE json_type(body, '$.{field}') WHEN 'text' THEN json_extract(body, '$.{field}') END)")
}

/// Returns the quoted full-text column of a searched field. The prefix is there because FTS5 reserves `rank`
/// and `rowid`.
pub fn search_column(field: &str) -> String {
    quoted(&format!("in_{field}"))
}

/// Translates a checked search into an FTS5 query. Every term is quoted, so no term is an operator.
pub fn search_query(search: &Search) -> String {
    let all = conjunction(&search.all);
    if search.not_all.is_empty() {
        all
    } else {
        format!("({all}) NOT ({})", conjunction(&search.not_all))
    }
}

fn conjunction(clauses: &[Clause]) -> String {
    clauses.iter().map(any_term).collect::<Vec<_>>().join(" AND ")
}

fn any_term(clause: &Clause) -> String {
    let term = |term: &Term| format!("{}{}", quoted(&term.text), if term.prefix { "*" } else { "" });
    let terms = clause.terms.iter().map(term).collect::<Vec<_>>().join(" OR ");
    match &clause.field {
        Some(field) => format!("{} : ({terms})", search_column(field)),
        None => format!("({terms})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(field: Option<&str>, terms: &[(&str, bool)]) -> Clause {
        let term = |&(text, prefix): &(&str, bool)| Term {
            text: text.into(),
            prefix,
        };
        Clause {
            field: field.map(Into::into),
            terms: terms.iter().map(term).collect(),
        }
    }

    #[test]
    fn translates_clauses_and_their_terms() {
        let mut search = Search {
            all: vec![
                clause(None, &[("red", false), ("or", true)]),
                clause(Some("name"), &[("烤鸭", false)]),
            ],
            not_all: Vec::new(),
        };
        let all = r#"("red" OR "or"*) AND "in_name" : ("烤鸭")"#;
        assert_eq!(search_query(&search), all);
        search.not_all = vec![clause(None, &[("wool", false)]), clause(None, &[("hat", false)])];
        assert_eq!(
            search_query(&search),
            format!(r#"({all}) NOT (("wool") AND ("hat"))"#)
        );
    }
}
