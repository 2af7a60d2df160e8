//! What one document may cost before anybody looks at what it says.

use std::collections::HashMap;

use apollo_parser::{Lexer, TokenKind};
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Levels of selections.
pub const DEPTH: usize = 12;
/// Levels of selections below `__schema` and `__type`: what the introspection queries of common tools need.
pub const SCHEMA_DEPTH: usize = 20;
/// Levels of brackets of any kind. The parser's stack is not endless.
const NESTING: usize = 64;
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

/// What of a text is over its limit, before it is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextExcess {
    Tokens,
    Nesting,
}

/// What of a document is over its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentExcess {
    Aliases,
    Depth,
    Size,
}

/// Counts the tokens of a text (GraphQL, section 2.1) and its brackets, no further than the limits.
pub fn check_text(text: &str) -> Result<(), TextExcess> {
    let (mut tokens, mut open) = (0_usize, 0_usize);
    for token in Lexer::new(text).flatten() {
        match token.kind() {
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof => continue,
            TokenKind::LCurly | TokenKind::LBracket | TokenKind::LParen => open += 1,
            TokenKind::RCurly | TokenKind::RBracket | TokenKind::RParen => open = open.saturating_sub(1),
            _ => {}
        }
        tokens += 1;
        if open > NESTING {
            return Err(TextExcess::Nesting);
        }
        if tokens > TOKENS {
            return Err(TextExcess::Tokens);
        }
    }
    Ok(())
}

/// How large a selection is when its fragments are put in place.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    aliases: usize,
    fields: usize,
    depth: usize,
    /// Below `__schema` and `__type`.
    schema_depth: usize,
}

/// Measures selections. Each fragment is measured once, however often it is spread: documents whose fragments
/// spread each other doubled at each step must not take that long here.
struct Measure<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Extent>,
}

/// Whether a document asks for the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Introspects(pub bool);

/// Measures all operations of a document against the limits.
pub fn check_document(document: &ExecutableDocument) -> Result<Introspects, DocumentExcess> {
    let mut measure = Measure {
        document,
        fragments: HashMap::new(),
    };
    let mut introspects = false;
    // Fragments count where they are spread. Those that nothing spreads are refused by validation.
    for (_, operation) in document.operations.iter() {
        let selection_set = &operation.node.selection_set.node;
        let extent = measure.selection_set(selection_set);
        if extent.aliases > ALIASES {
            return Err(DocumentExcess::Aliases);
        }
        if extent.depth > DEPTH || extent.schema_depth > SCHEMA_DEPTH {
            return Err(DocumentExcess::Depth);
        }
        if extent.fields > COMPLEXITY {
            return Err(DocumentExcess::Size);
        }
        introspects |= extent.schema_depth > 0;
    }
    Ok(Introspects(introspects))
}

impl<'a> Measure<'a> {
    fn selection_set(&mut self, selection_set: &'a SelectionSet) -> Extent {
        let mut whole = Extent::default();
        for selection in &selection_set.items {
            let part = match &selection.node {
                Selection::Field(field) => {
                    let below = self.selection_set(&field.node.selection_set.node);
                    let schema = matches!(field.node.name.node.as_str(), "__schema" | "__type");
                    Extent {
                        aliases: below
                            .aliases
                            .saturating_add(usize::from(field.node.alias.is_some())),
                        fields: below.fields.saturating_add(1),
                        depth: if schema { 1 } else { below.depth + 1 },
                        schema_depth: if schema {
                            below.depth + 1
                        } else {
                            below.schema_depth
                        },
                    }
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str()),
            };
            whole.aliases = whole.aliases.saturating_add(part.aliases);
            whole.fields = whole.fields.saturating_add(part.fields);
            whole.depth = whole.depth.max(part.depth);
            whole.schema_depth = whole.schema_depth.max(part.schema_depth);
        }
        whole
    }

    fn fragment(&mut self, name: &'a str) -> Extent {
        if let Some(extent) = self.fragments.get(name) {
            return *extent;
        }
        // Validation refuses fragments that are not there, and those that spread themselves: until then they are empty.
        self.fragments.insert(name, Extent::default());
        let Some(fragment) = self.document.fragments.get(name) else {
            return Extent::default();
        };
        let extent = self.selection_set(&fragment.node.selection_set.node);
        self.fragments.insert(name, extent);
        extent
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn check(text: &str) -> Result<Introspects, DocumentExcess> {
        check_document(&parse_query(text).unwrap())
    }

    fn nested(levels: usize, root: &str) -> String {
        format!(
            "{{ {root} {{ {} }} }}",
            (3..levels).fold("a".to_owned(), |inner, _| format!("a {{ {inner} }}"))
        )
    }

    #[test]
    fn introspection_is_seen_wherever_it_stands() {
        assert_eq!(check("{ users { _id __typename } }"), Ok(Introspects(false)));
        assert_eq!(
            check("query A { a } query B { ...F } fragment F on Query { __schema { types { name } } }"),
            Ok(Introspects(true))
        );
    }

    #[test]
    fn aliases_count_as_often_as_their_fragment_is_spread() {
        let aliases = |count| {
            (0..count)
                .map(|number| format!("a{number}: x "))
                .collect::<String>()
        };
        assert!(check(&format!("{{ {} }}", aliases(ALIASES))).is_ok());
        assert_eq!(
            check(&format!("{{ {} }}", aliases(ALIASES + 1))),
            Err(DocumentExcess::Aliases)
        );
        let spread = format!(
            "{{ b {{ ...F }} c {{ ...F }} }} fragment F on X {{ {} }}",
            aliases(ALIASES / 2 + 1)
        );
        assert_eq!(check(&spread), Err(DocumentExcess::Aliases));
    }

    #[test]
    fn depth_counts_through_fragments_and_is_larger_below_the_schema() {
        assert!(check(&nested(DEPTH + 1, "a")).is_ok());
        assert_eq!(check(&nested(DEPTH + 2, "a")), Err(DocumentExcess::Depth));
        assert!(check(&nested(SCHEMA_DEPTH + 1, "__schema")).is_ok());
        assert_eq!(
            check(&nested(SCHEMA_DEPTH + 2, "__schema")),
            Err(DocumentExcess::Depth)
        );
        let tool = nested(SCHEMA_DEPTH, "a");
        assert!(check(&format!("{{ __schema {{ ...F }} }} fragment F on X {tool}")).is_ok());
        let deep = nested(DEPTH, "a");
        assert_eq!(
            check(&format!("{{ a {{ b {{ ...F }} }} }} fragment F on X {deep}")),
            Err(DocumentExcess::Depth)
        );
    }

    #[test]
    fn fragments_that_double_at_each_step_are_measured_quickly_and_refused() {
        let mut text = "{ ...F0 }".to_owned();
        for number in 0..200 {
            text.push_str(&format!(
                " fragment F{number} on X {{ ...F{0} ...F{0} }}",
                number + 1
            ));
        }
        text.push_str(" fragment F200 on X { a }");
        assert_eq!(check(&text), Err(DocumentExcess::Size));
        assert!(
            check("{ ...F } fragment F on X { a ...F }").is_ok(),
            "validation refuses it"
        );
    }

    #[test]
    fn tokens_and_brackets_are_counted_up_to_their_limits() {
        assert_eq!(check_text(&"a, # b\n".repeat(TOKENS)), Ok(()));
        assert_eq!(check_text(&"a ".repeat(TOKENS + 1)), Err(TextExcess::Tokens));
        assert_eq!(
            check_text(&format!("{}{}", "{[(".repeat(21), ")]}".repeat(21))),
            Ok(())
        );
        assert_eq!(check_text(&"[".repeat(NESTING + 1)), Err(TextExcess::Nesting));
    }
}
