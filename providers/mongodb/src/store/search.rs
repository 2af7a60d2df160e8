//! Translates searches for MongoDB. Each searched field has an array of its tokens, with an index.

use mercato_ports::documents::{Clause, Search, Term};
use mongodb::bson::{Bson, Document, doc};

use super::document::Fields;

/// Returns the path of the tokens of a searched field.
pub(crate) fn path(field: &str) -> String {
    format!("t.{field}")
}

/// Returns the conditions of a checked search. A result meets all of them.
pub(crate) fn conditions(search: &Search, fields: &Fields) -> Vec<Document> {
    let clauses = |clauses: &[Clause]| {
        let clauses = clauses.iter().map(|clause| any_term(clause, fields));
        clauses.collect::<Vec<_>>()
    };
    let mut all = clauses(&search.all);
    if !search.not_all.is_empty() {
        all.push(doc! { "$nor": [{ "$and": clauses(&search.not_all) }] });
    }
    all
}

/// Returns the condition that a term of the clause occurs in its field, or in any searched field.
fn any_term(clause: &Clause, fields: &Fields) -> Document {
    let searched = fields.searched.iter();
    let named = searched.filter(|name| clause.field.as_ref().is_none_or(|field| field == *name));
    let mut any = Vec::new();
    for path in named.map(|name| path(name)) {
        let (prefixes, tokens): (Vec<_>, Vec<_>) = clause.terms.iter().partition(|term| term.prefix);
        if !tokens.is_empty() {
            let tokens = tokens.into_iter().map(|term| Bson::from(&term.text));
            any.push(doc! { &path: { "$in": tokens.collect::<Vec<_>>() } });
        }
        any.extend(prefixes.into_iter().map(|term| prefix(&path, term)));
    }
    match any.pop() {
        Some(only) if any.is_empty() => only,
        last => {
            any.extend(last);
            doc! { "$or": any }
        }
    }
}

/// Returns the condition that an element of an array begins with a term.
fn prefix(path: &str, term: &Term) -> Document {
    let mut range = doc! { "$gte": &term.text };
    if let Some(end) = least_text_after(&term.text) {
        range.insert("$lt", end);
    }
    doc! { path: { "$elemMatch": range } }
}

/// Returns the least text that follows all texts with a prefix. There is none if the prefix has only the last
/// code point.
fn least_text_after(prefix: &str) -> Option<String> {
    let mut chars = prefix.chars();
    while let Some(last) = chars.next_back() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(format!("{}{next}", chars.as_str()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str, prefix: bool) -> Term {
        Term {
            text: text.into(),
            prefix,
        }
    }

    fn fields() -> Fields {
        Fields {
            searched: ["maker", "name"].map(str::to_owned).into(),
            ..Fields::default()
        }
    }

    #[test]
    fn a_clause_without_a_field_searches_all_fields() {
        let clause = Clause {
            field: None,
            terms: vec![term("red", false), term("so", true), term("blue", false)],
        };
        let any = [
            doc! { "t.maker": { "$in": ["red", "blue"] } },
            doc! { "t.maker": { "$elemMatch": { "$gte": "so", "$lt": "sp" } } },
            doc! { "t.name": { "$in": ["red", "blue"] } },
            doc! { "t.name": { "$elemMatch": { "$gte": "so", "$lt": "sp" } } },
        ];
        assert_eq!(any_term(&clause, &fields()), doc! { "$or": any });
    }

    #[test]
    fn leaves_out_documents_that_meet_all_clauses() {
        let clause = |text| Clause {
            field: Some("name".into()),
            terms: vec![term(text, false)],
        };
        let search = Search {
            all: vec![clause("red")],
            not_all: vec![clause("wool"), clause("hat")],
        };
        let left_out = doc! { "$and": [{ "t.name": { "$in": ["wool"] } }, { "t.name": { "$in": ["hat"] } }] };
        assert_eq!(
            conditions(&search, &fields()),
            [doc! { "t.name": { "$in": ["red"] } }, doc! { "$nor": [left_out] }]
        );
    }

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        for (prefix, end) in [
            ("so", Some("sp")),
            ("烤", Some("烥")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(least_text_after(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
