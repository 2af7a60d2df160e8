//! Which value becomes null because of a field that failed (GraphQL, section 6.4.4).
//!
//! async-graphql leaves out a non-null field that failed, and does not make its object null.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, OperationType, Selection, SelectionSet};
use async_graphql::{ContextSelectionSet, Name, PathSegment, Positioned};

/// The fragments of a document, by name.
type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Selections of fields, with the type that has the fields.
type Selected<'a> = Vec<(&'a str, &'a SelectionSet)>;

/// Returns how many segments of a failed field's path lead to the innermost value that can be null. 0 means
/// that only the whole data can be null.
pub fn depth(context: &ContextSelectionSet<'_>, path: &[PathSegment]) -> usize {
    let (registry, query) = (&context.schema_env.registry, &context.query_env);
    let operation = &query.operation.node;
    let root = match operation.ty {
        OperationType::Query => Some(registry.query_type.as_str()),
        OperationType::Mutation => registry.mutation_type.as_deref(),
        OperationType::Subscription => registry.subscription_type.as_deref(),
    };
    let mut depth = 0;
    let mut selected: Selected<'_> = Vec::from_iter(root.map(|root| (root, &operation.selection_set.node)));
    let mut kind = "";
    for (index, segment) in path.iter().enumerate() {
        match segment {
            PathSegment::Index(_) => {
                let list = kind.trim_end_matches('!');
                kind = list
                    .strip_prefix('[')
                    .and_then(|item| item.strip_suffix(']'))
                    .unwrap_or(list);
            }
            PathSegment::Field(key) => {
                let mut fields = Vec::new();
                for (on, set) in selected {
                    find(&query.fragments, set, on, key, &mut fields);
                }
                let of = |on: &str, field: &Field| {
                    let parent = registry.types.get(on)?;
                    Some(parent.field_by_name(&field.name.node)?.ty.as_str())
                };
                kind = fields
                    .iter()
                    .find_map(|(on, field)| of(on, field))
                    .unwrap_or_default();
                let inner = kind.trim_matches(['[', ']', '!']);
                selected = fields
                    .into_iter()
                    .map(|(_, field)| (inner, &field.selection_set.node))
                    .collect();
            }
        }
        if !kind.ends_with('!') {
            depth = index + 1;
        }
    }
    depth
}

/// Finds the fields with a response key, and the types that they are selected on.
fn find<'a>(
    fragments: &'a Fragments,
    set: &'a SelectionSet,
    on: &'a str,
    key: &str,
    found: &mut Vec<(&'a str, &'a Field)>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.response_key().node == *key => {
                found.push((on, &field.node));
            }
            Selection::Field(_) => {}
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                find(fragments, &fragment.node.selection_set.node, on, key, found);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    find(fragments, &fragment.node.selection_set.node, on, key, found);
                }
            }
        }
    }
}
