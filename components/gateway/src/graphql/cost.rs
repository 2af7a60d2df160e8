//! Measures a document before it is executed: its cost, its depth, its aliases and its root fields.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned, Variables};

use crate::graphql::arguments::Arguments;
use crate::graphql::introspection::{self, Count, Graph};
use crate::graphql::weights::{self, Length};

/// The largest depth of selections.
pub const DEPTH: usize = 12;
/// The largest depth of selections below `__schema` and `__type`. Common tools need it for introspection.
pub const SCHEMA_DEPTH: usize = 20;
/// The largest number of aliases.
pub const ALIASES: usize = 50;
/// The largest number of fields, each counted once for each time that its fragment is spread. Validation
/// visits each of them.
pub const FIELDS: usize = 20_000;
/// The largest page of a connection. A larger one is refused when it is resolved.
const MAX_PAGE: usize = 100;
/// The page of a connection without `first` and `last`.
const DEFAULT_PAGE: usize = 20;
/// The number of bytes of an argument that cost 1. Each use of a variable copies its value.
const BYTES_FOR_ONE: usize = 1_024;

/// The limit that a document exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    Aliases,
    Depth,
    Fields,
}

/// The measures of an operation and its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// The cost of the operation.
    pub cost: usize,
    /// The number of root fields, if the operation is a mutation.
    pub mutations: usize,
    /// Whether an operation of the document reads the schema.
    pub introspects: bool,
}

/// Measures an operation of a document, and checks the limits of all its operations. Without the graph of the
/// schema, introspection costs no more than other fields.
///
/// # Errors
/// The first limit that an operation exceeds.
pub fn measure(
    document: &ExecutableDocument,
    operation: Option<&OperationDefinition>,
    variables: &Variables,
    graph: Option<&Graph>,
) -> Result<Measures, Excess> {
    let definitions = operation.map_or(&[][..], |operation| &operation.variable_definitions);
    let mut measure = Measure {
        document,
        arguments: Arguments::new(variables, definitions),
        count: graph.map(|graph| Count::new(document, graph)),
        fragments: HashMap::new(),
    };
    let mut measures = Measures::default();
    // Validation rejects fragments that nothing spreads.
    for (_, other) in document.operations.iter() {
        let extent = measure.selection_set(&other.node.selection_set.node, true);
        if extent.aliases > ALIASES {
            return Err(Excess::Aliases);
        }
        if extent.depth > DEPTH || extent.schema_depth > SCHEMA_DEPTH {
            return Err(Excess::Depth);
        }
        if extent.fields > FIELDS {
            return Err(Excess::Fields);
        }
        measures.introspects |= extent.schema_depth > 0;
        if operation.is_some_and(|operation| std::ptr::eq(operation, &raw const other.node)) {
            measures.cost = extent.cost;
            if other.node.ty == OperationType::Mutation {
                measures.mutations = extent.width;
            }
        }
    }
    Ok(measures)
}

/// The size of a selection, including its fragments.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    aliases: usize,
    /// The fields and directives, each counted once.
    fields: usize,
    depth: usize,
    /// The depth below `__schema` and `__type`.
    schema_depth: usize,
    /// The number of fields directly in the selection, apart from those of introspection.
    width: usize,
    /// The cost, apart from the items of a page.
    cost: usize,
    /// The cost of one item of the page, if the selection is of a connection.
    item_cost: usize,
}

impl Extent {
    fn add(&mut self, part: Self) {
        self.aliases = self.aliases.saturating_add(part.aliases);
        self.fields = self.fields.saturating_add(part.fields);
        self.depth = self.depth.max(part.depth);
        self.schema_depth = self.schema_depth.max(part.schema_depth);
        self.width = self.width.saturating_add(part.width);
        self.cost = self.cost.saturating_add(part.cost);
        self.item_cost = self.item_cost.saturating_add(part.item_cost);
    }
}

/// Measures selections. Each fragment is measured once. Otherwise fragments that spread each other twice
/// would take exponential time.
struct Measure<'a> {
    document: &'a ExecutableDocument,
    arguments: Arguments<'a>,
    /// Counts the fields of introspection.
    count: Option<Count<'a>>,
    fragments: HashMap<&'a str, Extent>,
}

impl<'a> Measure<'a> {
    /// Measures a selection. `is_root` tells that it is of a root type.
    fn selection_set(&mut self, selection_set: &'a SelectionSet, is_root: bool) -> Extent {
        let mut whole = Extent::default();
        for selection in &selection_set.items {
            let (mut part, directives) = match &selection.node {
                Selection::Field(field) => (self.field(&field.node, is_root), &field.node.directives),
                Selection::InlineFragment(fragment) => {
                    let fragment = &fragment.node;
                    let is_root = fragment.type_condition.as_ref().map_or(is_root, is_root_type);
                    (
                        self.selection_set(&fragment.selection_set.node, is_root),
                        &fragment.directives,
                    )
                }
                Selection::FragmentSpread(spread) => (
                    self.fragment(&spread.node.fragment_name.node),
                    &spread.node.directives,
                ),
            };
            part.fields = part.fields.saturating_add(directives.len());
            part.cost = part.cost.saturating_add(directives.len());
            whole.add(part);
        }
        whole
    }

    fn fragment(&mut self, name: &'a Name) -> Extent {
        if let Some(extent) = self.fragments.get(name.as_str()) {
            return *extent;
        }
        // Validation rejects unknown fragments and cycles. Here they are empty.
        self.fragments.insert(name, Extent::default());
        let Some(Positioned { node: fragment, .. }) = self.document.fragments.get(name) else {
            return Extent::default();
        };
        let FragmentDefinition {
            type_condition,
            selection_set,
            ..
        } = fragment;
        let extent = self.selection_set(&selection_set.node, is_root_type(type_condition));
        self.fragments.insert(name, extent);
        extent
    }

    fn field(&mut self, field: &'a Field, is_root: bool) -> Extent {
        let name = field.name.node.as_str();
        let below = self.selection_set(&field.selection_set.node, false);
        let is_schema = matches!(name, "__schema" | "__type");
        let mut extent = Extent {
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            fields: below.fields.saturating_add(1),
            depth: if is_schema { 1 } else { below.depth + 1 },
            schema_depth: if is_schema {
                below.depth + 1
            } else {
                below.schema_depth
            },
            width: usize::from(!name.starts_with("__")),
            cost: self.arguments.bytes(field) / BYTES_FOR_ONE + 1,
            item_cost: 0,
        };
        if is_schema && let Some(count) = &mut self.count {
            let fields = match name {
                "__schema" => count.schema(&field.selection_set),
                _ => self
                    .arguments
                    .text(field, "name")
                    .map_or(0, |name| count.named_type(&field.selection_set, name)),
            };
            let cost = introspection::cost(fields);
            extent.cost = extent.cost.saturating_add(cost);
            return extent;
        }
        let weight = if is_root {
            weights::of_root(name)
        } else {
            weights::of(name)
        };
        let times = match weight.length {
            Length::Items(items) => items,
            Length::Ids(default) => self.arguments.length(field, "ids").unwrap_or(default),
            Length::Page | Length::PageItems => 1,
        };
        let items = match weight.length {
            Length::Page => {
                let size = self
                    .arguments
                    .number(field, "first")
                    .or_else(|| self.arguments.number(field, "last"));
                size.map_or(DEFAULT_PAGE, |size| size.clamp(1, MAX_PAGE))
            }
            _ => 1,
        };
        let search = if self.arguments.has(field, "filter", "search") {
            weights::SEARCH
        } else {
            0
        };
        let child = below.cost.saturating_add(below.item_cost.saturating_mul(items));
        let cost = child.saturating_mul(times.max(1));
        let cost = cost
            .saturating_add(weight.own + search)
            .saturating_add(extent.cost);
        match weight.length {
            Length::PageItems => (extent.cost, extent.item_cost) = (0, cost),
            _ => extent.cost = cost,
        }
        extent
    }
}

fn is_root_type(condition: &Positioned<TypeCondition>) -> bool {
    matches!(
        condition.node.on.node.as_str(),
        "Query" | "Mutation" | "Subscription"
    )
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::DocumentOperations;
    use serde_json::json;

    use super::*;

    fn measure_with(text: &str, variables: &Variables) -> Result<Measures, Excess> {
        let document = parse_query(text).unwrap();
        let operation = match &document.operations {
            DocumentOperations::Single(operation) => Some(&operation.node),
            DocumentOperations::Multiple(operations) => operations.get("A").map(|operation| &operation.node),
        };
        measure(&document, operation, variables, None)
    }

    fn check(text: &str) -> Result<Measures, Excess> {
        measure_with(text, &Variables::default())
    }

    fn cost(text: &str) -> usize {
        check(text).unwrap().cost
    }

    fn cost_with(text: &str, variables: serde_json::Value) -> usize {
        measure_with(text, &Variables::from_json(variables)).unwrap().cost
    }

    fn nested(levels: usize, root: &str) -> String {
        let inner = (3..levels).fold("a".to_owned(), |inner, _| format!("a {{ {inner} }}"));
        format!("{{ {root} {{ {inner} }} }}")
    }

    #[test]
    fn a_field_counts_once_for_each_item_of_the_lists_above_it() {
        for (text, cost_of_it) in [
            ("{ me { name email } }", 3),
            ("{ products { name price } }", 1 + 1_000 * 2),
            (
                "{ orders { lines { name } products { name } } }",
                1 + 100 * (11 + 11),
            ),
            (
                "{ productFacets { total manufacturers { value } } }",
                2_901 + 1 + 51,
            ),
            ("{ productConnection { nodes { name } } }", 1 + 20 * 2),
            (
                "{ productConnection(first: 3) { edges { node { name } } pageInfo { endCursor } } }",
                1 + 3 * 3 + 2,
            ),
            (
                "{ productConnection(last: 7) { totalCount nodes { variants { name } } } }",
                1 + 501 + 7 * (1 + 6),
            ),
            ("{ nodes(ids: [1, 2, 3]) { id } }", 6 + 3),
            ("{ nodes(ids: []) { id } }", 6 + 1),
            ("{ exportProducts { data } }", 1_001 + 1),
            ("subscription { orderChanged { status } }", 1 + 20),
        ] {
            assert_eq!(cost(text), cost_of_it, "{text}");
        }
    }

    #[test]
    fn a_page_is_at_least_one_item_and_at_most_the_largest_page() {
        let page = |first: &str| {
            cost(&format!(
                "{{ productConnection(first: {first}) {{ nodes {{ name }} }} }}"
            ))
        };
        assert_eq!(
            ["0", "1", "100", "101", "2147483647"].map(page),
            [3, 3, 201, 201, 201]
        );
        assert_eq!(page("-1"), page("20"), "it is refused later");
        assert_eq!(page("\"9\""), page("20"), "it is refused later");
    }

    #[test]
    fn variables_and_their_defaults_count_as_literals_do() {
        let page = "query ($n: Int = 7) { productConnection(first: $n) { nodes { name } } }";
        assert_eq!(cost_with(page, json!({ "n": 100 })), 201);
        assert_eq!(cost(page), 15);
        let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        assert_eq!(cost_with(nodes, json!({ "ids": vec!["a"; 50] })), 6 + 50);
        assert_eq!(cost(nodes), 6 + 100, "a missing list counts as a full one");
        let fragment =
            "query ($n: Int) { ...F } fragment F on Query { productConnection(last: $n) { nodes { name } } }";
        assert_eq!(cost_with(fragment, json!({ "n": 50 })), 101);
    }

    #[test]
    fn a_search_weighs_more_than_a_list() {
        let list = |filter: &str| {
            cost(&format!(
                "{{ productConnection(filter: {filter}) {{ totalCount }} }}"
            ))
        };
        assert_eq!(
            list("{search: \"sock\"}") - list("{sku: \"sock\"}"),
            weights::SEARCH
        );
        assert_eq!(list("{search: null}"), list("{}"));
        let variable = "query ($f: ProductFilter) { productConnection(filter: $f) { totalCount } }";
        let of = |filter| cost_with(variable, json!({ "f": filter }));
        assert_eq!(
            of(json!({ "search": "sock" })) - of(json!({ "sku": "sock" })),
            weights::SEARCH
        );
    }

    #[test]
    fn fragments_of_root_types_have_the_weights_of_roots() {
        let inline = "{ ... on Query { products { name } } ... { products { name } } }";
        assert_eq!(cost(inline), 2 * 1_001);
        assert_eq!(cost("{ ...F } fragment F on Query { products { name } }"), 1_001);
        assert_eq!(
            cost("{ me { ...F } } fragment F on Cart { products { name } }"),
            1 + 11
        );
        let page = "{ productConnection(first: 50) { ...F } } fragment F on ProductConnection { nodes { name } totalCount }";
        assert_eq!(cost(page), 1 + 50 * 2 + 501);
    }

    #[test]
    fn directives_cost_and_never_lower_a_cost() {
        let skipped = "{ products @skip(if: true) { name @include(if: false) } }";
        assert_eq!(cost(skipped), 1 + 1 + 1_000 * 2);
        assert_eq!(cost("{ ... @skip(if: true) { me { name } } }"), 3);
    }

    #[test]
    fn long_values_cost_wherever_they_are_copied() {
        let text = "x".repeat(10 * BYTES_FOR_ONE);
        let variable = "query ($id: ID!) { a: product(id: $id) { name } b: product(id: $id) { name } }";
        assert_eq!(cost_with(variable, json!({ "id": text })), 2 * (10 + 2));
        let literal = format!("{{ ...F ...F }} fragment F on Query {{ product(id: \"{text}\") {{ name }} }}");
        assert_eq!(cost(&literal), 2 * (10 + 2));
        let list = "query ($in: [A]) { a(in: [{b: $in}]) }";
        assert_eq!(
            cost_with(list, json!({ "in": vec![json!({ "c": text }); 3] })),
            1 + 30
        );
    }

    #[test]
    fn counts_the_mutations_of_the_operation() {
        let mutations = |text: &str| check(text).unwrap().mutations;
        assert_eq!(mutations("mutation { a { b c } b: a { b } __typename }"), 2);
        let fragments = "mutation { ...F ... { b } ...F } fragment F on Mutation { a c: a }";
        assert_eq!(mutations(fragments), 5);
        assert_eq!(mutations("query A { a } mutation B { a b }"), 0);
        assert_eq!(mutations("query B { a } mutation A { a b }"), 2);
        assert_eq!(mutations("{ a b }"), 0);
    }

    #[test]
    fn measures_the_operation_that_is_executed() {
        assert_eq!(cost("query A { me { name } } query B { products { name } }"), 2);
        assert_eq!(
            cost("query B { me { name } } query A { products { name } }"),
            1_001
        );
    }

    #[test]
    fn finds_introspection_anywhere() {
        let introspects = |text| check(text).unwrap().introspects;
        assert!(!introspects("{ users { _id __typename } }"));
        assert!(introspects(
            "query A { a } query B { ...F } fragment F on Query { __schema { types { name } } }"
        ));
    }

    #[test]
    fn counts_the_aliases_of_a_fragment_each_time_it_is_spread() {
        let aliases = |count| {
            (0..count)
                .map(|number| format!("a{number}: x "))
                .collect::<String>()
        };
        assert!(check(&format!("{{ {} }}", aliases(ALIASES))).is_ok());
        let too_many = format!("{{ {} }}", aliases(ALIASES + 1));
        assert_eq!(check(&too_many), Err(Excess::Aliases));
        let half = aliases(ALIASES / 2 + 1);
        let spread = format!("{{ b {{ ...F }} c {{ ...F }} }} fragment F on X {{ {half} }}");
        assert_eq!(check(&spread), Err(Excess::Aliases));
    }

    #[test]
    fn measures_depth_through_fragments_and_allows_more_below_the_schema() {
        assert!(check(&nested(DEPTH + 1, "a")).is_ok());
        assert_eq!(check(&nested(DEPTH + 2, "a")), Err(Excess::Depth));
        assert!(check(&nested(SCHEMA_DEPTH + 1, "__schema")).is_ok());
        assert_eq!(check(&nested(SCHEMA_DEPTH + 2, "__schema")), Err(Excess::Depth));
        let tool = nested(SCHEMA_DEPTH, "a");
        assert!(check(&format!("{{ __schema {{ ...F }} }} fragment F on X {tool}")).is_ok());
        let deep = nested(DEPTH, "a");
        let spread = format!("{{ a {{ b {{ ...F }} }} }} fragment F on X {deep}");
        assert_eq!(check(&spread), Err(Excess::Depth));
    }

    #[test]
    fn measures_fragments_that_double_at_each_step_quickly() {
        let mut text = "{ ...F0 }".to_owned();
        for number in 0..200 {
            let next = number + 1;
            text.push_str(&format!(" fragment F{number} on X {{ ...F{next} ...F{next} }}"));
        }
        text.push_str(" fragment F200 on X { a }");
        assert_eq!(check(&text), Err(Excess::Fields));
        let cycle = "{ ...F } fragment F on X { a ...F }";
        assert!(check(cycle).is_ok(), "validation rejects it");
    }
}
