//! The arguments of a document by their positions. async-graphql reports an invalid value by its position only.

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};

/// Returns the name of the argument whose value is at this position.
pub fn at(document: &ExecutableDocument, position: Pos) -> Option<&str> {
    let operations = document.operations.iter();
    let operations = operations.map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values();
    let fragments = fragments.map(|fragment| &fragment.node.selection_set.node);
    operations
        .chain(fragments)
        .find_map(|selections| in_selections(selections, position))
}

fn in_selections(selections: &SelectionSet, position: Pos) -> Option<&str> {
    selections
        .items
        .iter()
        .find_map(|selection| match &selection.node {
            Selection::Field(field) => in_arguments(&field.node.arguments, position)
                .or_else(|| in_directives(&field.node.directives, position))
                .or_else(|| in_selections(&field.node.selection_set.node, position)),
            Selection::InlineFragment(fragment) => in_directives(&fragment.node.directives, position)
                .or_else(|| in_selections(&fragment.node.selection_set.node, position)),
            Selection::FragmentSpread(spread) => in_directives(&spread.node.directives, position),
        })
}

fn in_directives(directives: &[Positioned<Directive>], position: Pos) -> Option<&str> {
    directives
        .iter()
        .find_map(|directive| in_arguments(&directive.node.arguments, position))
}

fn in_arguments<V>(arguments: &[(Positioned<Name>, Positioned<V>)], position: Pos) -> Option<&str> {
    let found = arguments.iter().find(|(_, value)| value.pos == position);
    found.map(|(name, _)| name.node.as_str())
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn finds_the_argument_of_a_value() {
        let text = "{ a(x: 1, y: [2]) { ... @skip(if: 3) { b } } ...F } fragment F on A { c(z: $v) }";
        let document = parse_query(text).unwrap();
        for (value, name) in [("1", "x"), ("[2]", "y"), ("3", "if"), ("$v", "z")] {
            let column = text.find(value).unwrap() + 1;
            assert_eq!(at(&document, Pos { line: 1, column }), Some(name), "{value}");
        }
        assert_eq!(at(&document, Pos { line: 2, column: 1 }), None);
    }
}
