//! What one document may cost before anybody looks at what it says.

use apollo_parser::Lexer;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Levels of selections.
pub const DEPTH: usize = 12;
/// Fields, each counted as often as it may come at the most (lists count as estimates).
pub const COMPLEXITY: usize = 20_000;
/// Fields with an alias.
pub const ALIASES: usize = 50;
/// Lexical tokens; ten times what the largest page of a client asks for.
pub const TOKENS: usize = 4_000;
/// Requests in one batch.
pub const BATCH: usize = 10;
/// Bytes of a request's body: 1 MiB.
pub const BODY: usize = 1 << 20;

/// How many of the limited things a document has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub aliases: usize,
    /// Whether it asks for the schema (`__schema`, `__type`).
    pub introspects: bool,
}

/// Whether a text has more tokens than allowed. Only as much of it is read as is needed to tell.
pub fn has_too_many_tokens(text: &str) -> bool {
    Lexer::new(text).take(TOKENS + 2).count() > TOKENS + 1
}

/// Counts in all operations and fragments of a document. Each selection is counted where it is written: the limit on
/// complexity sees to fragments that are spread many times.
pub fn count(document: &ExecutableDocument) -> Count {
    let mut count = Count::default();
    let operations = document
        .operations
        .iter()
        .map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document
        .fragments
        .values()
        .map(|fragment| &fragment.node.selection_set.node);
    for selection_set in operations.chain(fragments) {
        walk(selection_set, &mut count);
    }
    count
}

fn walk(selection_set: &SelectionSet, count: &mut Count) {
    for selection in &selection_set.items {
        match &selection.node {
            Selection::Field(field) => {
                count.aliases += usize::from(field.node.alias.is_some());
                count.introspects |= matches!(field.node.name.node.as_str(), "__schema" | "__type");
                walk(&field.node.selection_set.node, count);
            }
            Selection::InlineFragment(fragment) => walk(&fragment.node.selection_set.node, count),
            Selection::FragmentSpread(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn aliases_and_introspection_are_counted_wherever_they_stand() {
        let text = "query A { a: users { ...F } } query B { ... on Query { b: users { c: _id } __schema { types { name } } } } fragment F on User { d: _id }";
        assert_eq!(
            count(&parse_query(text).unwrap()),
            Count {
                aliases: 4,
                introspects: true
            }
        );
        assert_eq!(
            count(&parse_query("{ users { _id __typename } }").unwrap()),
            Count::default()
        );
    }

    #[test]
    fn tokens_are_counted_up_to_the_limit() {
        assert!(!has_too_many_tokens(&"a ".repeat(TOKENS / 2)));
        assert!(has_too_many_tokens(&"a ".repeat(TOKENS + 1)));
    }
}
