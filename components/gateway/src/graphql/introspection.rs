//! The cost of introspection, by the real lengths of the schema's lists.
//!
//! The schema is a graph of types, fields, arguments and values. A selection costs as many fields as its
//! answer has. So the queries of tools are cheap, and a selection that walks from type to type is expensive.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Pos, Positioned, Value};

/// The query whose answer is the graph. Only named types have a `name` in it.
pub const QUERY: &str = "
    query { __schema {
        types {
            name
            fields(includeDeprecated: true) { args(includeDeprecated: true) { type { ...T } } type { ...T } }
            inputFields(includeDeprecated: true) { type { ...T } }
            interfaces { ...T }
            possibleTypes { ...T }
            enumValues(includeDeprecated: true) { __typename }
        }
        queryType { name } mutationType { name } subscriptionType { name }
        directives { args(includeDeprecated: true) { type { ...T } } }
    } }
    fragment T on __Type { name ofType { name ofType { name ofType { name ofType { name } } } } }";

/// The most fields of an answer: a few times as many as the standard query of tools has.
const MAX_FIELDS: usize = 80_000;

/// The number of fields of introspection that cost as much as one field of the shop. They need no store.
const FIELDS_FOR_ONE: usize = 4;

/// A thing of the schema, and the things that its fields lead to.
type Node = HashMap<String, Vec<usize>>;

/// The things of the schema.
pub struct Graph {
    nodes: Vec<Node>,
    types: HashMap<String, usize>,
    schema: usize,
}

impl Graph {
    /// Returns the graph of the answer to [`QUERY`].
    pub fn new(answer: &Value) -> Self {
        let mut graph = Self {
            nodes: Vec::new(),
            types: HashMap::new(),
            schema: 0,
        };
        let schema = member(answer, "__schema");
        let types = match schema.and_then(|schema| member(schema, "types")) {
            Some(Value::List(types)) => types.as_slice(),
            _ => &[],
        };
        for name in types.iter().filter_map(name) {
            graph.types.insert(name.to_owned(), graph.nodes.len());
            graph.nodes.push(Node::new());
        }
        for (index, ty) in types.iter().enumerate() {
            let node = graph.node(ty);
            if let Some(place) = graph.nodes.get_mut(index) {
                *place = node;
            }
        }
        let root = schema.map_or_else(Node::new, |schema| graph.node(schema));
        graph.schema = graph.nodes.len();
        graph.nodes.push(root);
        graph
    }

    fn node(&mut self, value: &Value) -> Node {
        let Value::Object(members) = value else {
            return Node::new();
        };
        let lists = members.iter().filter_map(|(name, member)| {
            let items = match member {
                Value::List(items) => items.as_slice(),
                Value::Object(_) => std::slice::from_ref(member),
                _ => return None,
            };
            Some((
                name.to_string(),
                items.iter().map(|item| self.add(item)).collect(),
            ))
        });
        lists.collect()
    }

    /// Returns the index of a named type, or adds another thing.
    fn add(&mut self, value: &Value) -> usize {
        if let Some(index) = name(value).and_then(|name| self.types.get(name)) {
            return *index;
        }
        let node = self.node(value);
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(name),
        _ => None,
    }
}

fn name(value: &Value) -> Option<&str> {
    match member(value, "name")? {
        Value::String(name) => Some(name),
        _ => None,
    }
}

/// Returns the cost of a number of fields.
pub const fn cost(fields: usize) -> usize {
    if fields > MAX_FIELDS {
        return usize::MAX;
    }
    fields.div_ceil(FIELDS_FOR_ONE)
}

/// Counts the fields of answers, up to more than [`MAX_FIELDS`]. Each selection counts once for each thing
/// that it is applied to. Otherwise a short document would take exponential time.
pub struct Count<'a> {
    document: &'a ExecutableDocument,
    graph: &'a Graph,
    known: HashMap<(Pos, usize), usize>,
}

impl<'a> Count<'a> {
    pub fn new(document: &'a ExecutableDocument, graph: &'a Graph) -> Self {
        Self {
            document,
            graph,
            known: HashMap::new(),
        }
    }

    /// Returns the number of fields below `__schema`.
    pub fn schema(&mut self, selection: &'a Positioned<SelectionSet>) -> usize {
        self.fields(selection, self.graph.schema)
    }

    /// Returns the number of fields below `__type`. An unknown type has none.
    pub fn named_type(&mut self, selection: &'a Positioned<SelectionSet>, name: &str) -> usize {
        match self.graph.types.get(name) {
            Some(index) => self.fields(selection, *index),
            None => 0,
        }
    }

    fn fields(&mut self, selection: &'a Positioned<SelectionSet>, node: usize) -> usize {
        if selection.node.items.is_empty() {
            return 0;
        }
        let key = (selection.pos, node);
        if let Some(fields) = self.known.get(&key) {
            return *fields;
        }
        // Each entry is at least one field.
        if self.known.len() > MAX_FIELDS {
            return usize::MAX;
        }
        // Validation rejects cycles of fragments. Here they are empty.
        self.known.insert(key, 0);
        let mut fields = 0_usize;
        for item in &selection.node.items {
            let part = match &item.node {
                Selection::Field(field) => {
                    let targets = self.graph.nodes.get(node);
                    let targets = targets.and_then(|node| node.get(field.node.name.node.as_str()));
                    let mut below = 1_usize;
                    for target in targets.into_iter().flatten() {
                        below = below.saturating_add(self.fields(&field.node.selection_set, *target));
                        if below > MAX_FIELDS {
                            break;
                        }
                    }
                    below
                }
                Selection::InlineFragment(fragment) => self.fields(&fragment.node.selection_set, node),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    fragment.map_or(0, |fragment| self.fields(&fragment.node.selection_set, node))
                }
            };
            fields = fields.saturating_add(part);
            if fields > MAX_FIELDS {
                break;
            }
        }
        self.known.insert(key, fields);
        fields
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use futures::executor::block_on;

    use super::*;
    use crate::graphql::schema::{self, ShopSchema};

    /// Returns the number of fields below `__schema`, as counted and in the answer.
    fn count(schema: &ShopSchema, graph: &Graph, text: &str) -> (usize, usize) {
        let document = parse_query(text).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(root) = &operation.node.selection_set.node.items[0].node else {
            panic!("one field");
        };
        let counted = Count::new(&document, graph).schema(&root.node.selection_set);
        let answer = block_on(schema.execute(text));
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        (counted, fields(member(&answer.data, "__schema").unwrap()))
    }

    fn fields(value: &Value) -> usize {
        match value {
            Value::Object(members) => members.len() + members.values().map(fields).sum::<usize>(),
            Value::List(items) => items.iter().map(fields).sum(),
            _ => 0,
        }
    }

    #[test]
    fn counts_the_fields_of_the_answer() {
        let schema = schema::build();
        let graph = Graph::new(&block_on(schema.execute(QUERY)).data);
        for text in [
            QUERY,
            include_str!("../../../../tests/queries/introspection.graphql"),
            include_str!("../../../../tests/queries/introspection-all-options.graphql"),
            "{ __schema { queryType { fields(includeDeprecated: true) { type { name fields(includeDeprecated: true) { name } } } } } }",
            "{ __schema { directives { locations args { name } } types { possibleTypes { interfaces { name } } } } }",
        ] {
            let (counted, real) = count(&schema, &graph, text);
            assert_eq!(counted, real, "{text}");
        }
    }

    #[test]
    fn counts_a_walk_that_doubles_at_each_step_quickly() {
        let schema = schema::build();
        let graph = Graph::new(&block_on(schema.execute(QUERY)).data);
        let mut text = "{ __schema { types { ...F0 } } }".to_owned();
        for step in 0..100 {
            let next = step + 1;
            text.push_str(&format!(
                " fragment F{step} on __Type {{ fields {{ type {{ ...F{next} ofType {{ ...F{next} }} }} }} ...F{next} }}"
            ));
        }
        text.push_str(" fragment F100 on __Type { name }");
        let document = parse_query(&text).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(root) = &operation.node.selection_set.node.items[0].node else {
            panic!("one field");
        };
        assert!(Count::new(&document, &graph).schema(&root.node.selection_set) > MAX_FIELDS);
        assert_eq!(
            Count::new(&document, &graph).named_type(&root.node.selection_set, "Nonsense"),
            0
        );
    }
}
