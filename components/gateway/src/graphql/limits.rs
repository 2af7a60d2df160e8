//! Limits of a document, checked before it is executed.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// The largest depth of selections.
pub const DEPTH: usize = 12;
/// The largest depth of selections below `__schema` and `__type`. Common tools need it for introspection.
pub const SCHEMA_DEPTH: usize = 20;
/// The largest depth of brackets. The parser recurses for each of them, and its stack is limited.
const NESTING: usize = 64;
/// The largest number of fields. A field in a list counts several times.
pub const COMPLEXITY: usize = 20_000;
/// The largest number of aliases.
pub const ALIASES: usize = 50;
/// The largest number of tokens: ten times as many as the largest page of a client needs.
pub const TOKENS: usize = 5_000;

/// The limit that a document exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    Tokens,
    Aliases,
    Depth,
    Complexity,
}

/// Counts the tokens of a text (GraphQL, section 2.1) and the depth of its brackets, without parsing it.
///
/// # Errors
/// The first limit that the text exceeds.
pub fn check_text(text: &str) -> Result<(), Excess> {
    let (mut tokens, mut depth) = (0_usize, 0_usize);
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let length = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = after;
                continue;
            }
            b'#' => {
                rest = rest
                    .get(run(rest, |byte| !matches!(byte, b'\n' | b'\r'))..)
                    .unwrap_or_default();
                continue;
            }
            b'"' => string(rest).unwrap_or_else(|| {
                // The search read the whole rest, so it counts as many tokens.
                tokens += TOKENS / 10;
                r#""""#.len()
            }),
            b'.' => run(rest, |byte| byte == b'.').min(3),
            b'-' | b'0'..=b'9' => number(rest),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
            }
            b'{' | b'[' | b'(' => {
                depth += 1;
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
        rest = rest.get(length..).unwrap_or_default();
        tokens += 1;
        if depth > NESTING {
            return Err(Excess::Depth);
        }
        if tokens > TOKENS {
            return Err(Excess::Tokens);
        }
    }
    Ok(())
}

/// Returns the number of leading bytes that match.
fn run(bytes: &[u8], matches: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| matches(**byte)).count()
}

/// Returns the length of the number at the beginning. The parser allows numbers without a space between them,
/// so `00` and `1-1` are two numbers.
fn number(bytes: &[u8]) -> usize {
    let digits = |index: usize| {
        let rest = bytes.get(index..).unwrap_or_default();
        index + run(rest, |byte| byte.is_ascii_digit())
    };
    let sign = usize::from(bytes.starts_with(b"-"));
    let mut end = match bytes.get(sign) {
        Some(b'0') => sign + 1,
        _ => digits(sign),
    };
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(exponent) > exponent {
            end = digits(exponent);
        }
    }
    end
}

/// Returns the length of the string at the beginning, with its quotes. A string without an end extends to the
/// end of the line. Returns none for a block string without an end: for the parser it is an empty string
/// before another string.
fn string(bytes: &[u8]) -> Option<usize> {
    let quote: &[u8] = if bytes.starts_with(br#"""""#) {
        br#"""""#
    } else {
        b"\""
    };
    let is_block = quote.len() > 1;
    let mut index = quote.len();
    while let Some(rest) = bytes.get(index..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quote) {
            return Some(index + quote.len());
        }
        index += match rest {
            [b'\\', b'"', b'"', b'"', ..] if is_block => 4,
            [b'\\', _, ..] if !is_block => 2,
            [b'\n' | b'\r', ..] if !is_block => return Some(index),
            _ => 1,
        };
    }
    (!is_block).then_some(bytes.len())
}

/// The size of a selection, including its fragments.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    aliases: usize,
    fields: usize,
    depth: usize,
    /// The depth below `__schema` and `__type`.
    schema_depth: usize,
}

/// Measures selections. Each fragment is measured once. Otherwise fragments that spread each other twice
/// would take exponential time.
struct Measure<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Extent>,
}

/// Checks all operations of a document. Returns whether one of them reads the schema.
///
/// # Errors
/// The first limit that an operation exceeds.
pub fn check_document(document: &ExecutableDocument) -> Result<bool, Excess> {
    let mut measure = Measure {
        document,
        fragments: HashMap::new(),
    };
    let mut introspects = false;
    // Validation rejects fragments that nothing spreads.
    for (_, operation) in document.operations.iter() {
        let extent = measure.selection_set(&operation.node.selection_set.node);
        if extent.aliases > ALIASES {
            return Err(Excess::Aliases);
        }
        if extent.depth > DEPTH || extent.schema_depth > SCHEMA_DEPTH {
            return Err(Excess::Depth);
        }
        if extent.fields > COMPLEXITY {
            return Err(Excess::Complexity);
        }
        introspects |= extent.schema_depth > 0;
    }
    Ok(introspects)
}

impl<'a> Measure<'a> {
    fn selection_set(&mut self, selection_set: &'a SelectionSet) -> Extent {
        let mut whole = Extent::default();
        for selection in &selection_set.items {
            let part = match &selection.node {
                Selection::Field(field) => {
                    let below = self.selection_set(&field.node.selection_set.node);
                    let is_schema = matches!(field.node.name.node.as_str(), "__schema" | "__type");
                    let alias = usize::from(field.node.alias.is_some());
                    Extent {
                        aliases: below.aliases.saturating_add(alias),
                        fields: below.fields.saturating_add(1),
                        depth: if is_schema { 1 } else { below.depth + 1 },
                        schema_depth: if is_schema {
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
        // Validation rejects unknown fragments and cycles. Here they are empty.
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

    fn check(text: &str) -> Result<bool, Excess> {
        check_document(&parse_query(text).unwrap())
    }

    fn nested(levels: usize, root: &str) -> String {
        let inner = (3..levels).fold("a".to_owned(), |inner, _| format!("a {{ {inner} }}"));
        format!("{{ {root} {{ {inner} }} }}")
    }

    #[test]
    fn finds_introspection_anywhere() {
        assert_eq!(check("{ users { _id __typename } }"), Ok(false));
        let fragment = "query A { a } query B { ...F } fragment F on Query { __schema { types { name } } }";
        assert_eq!(check(fragment), Ok(true));
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
        assert_eq!(check(&text), Err(Excess::Complexity));
        let cycle = "{ ...F } fragment F on X { a ...F }";
        assert!(check(cycle).is_ok(), "validation rejects it");
    }

    #[test]
    fn counts_tokens_and_brackets() {
        assert_eq!(check_text(&"a, # b {\n".repeat(TOKENS)), Ok(()));
        assert_eq!(check_text(&"a ".repeat(TOKENS + 1)), Err(Excess::Tokens));
        let balanced = format!("{}{}", "{[(".repeat(21), ")]}".repeat(21));
        assert_eq!(check_text(&balanced), Ok(()));
        assert_eq!(check_text(&"[".repeat(NESTING + 1)), Err(Excess::Depth));
    }

    #[test]
    fn counts_each_kind_of_token_once() {
        for token in [
            "name",
            "_0",
            "-1.5e+3",
            "...",
            "$",
            r#""a \" { b""#,
            r#""""#,
            "\"\"\"a \" { \\\"\"\" \n b\"\"\"",
        ] {
            let text = format!("{token} ");
            assert_eq!(check_text(&text.repeat(TOKENS)), Ok(()), "{token}");
            assert_eq!(
                check_text(&text.repeat(TOKENS + 1)),
                Err(Excess::Tokens),
                "{token}"
            );
        }
    }

    #[test]
    fn counts_numbers_without_a_space_between_them() {
        for number in ["0", "-1", "-1.5", "-2e3", "0.5e-1-7"] {
            let text = number.repeat(TOKENS + 1);
            assert_eq!(check_text(&text), Err(Excess::Tokens), "{number}");
        }
    }

    #[test]
    fn measures_the_depth_after_a_block_string_without_an_end() {
        let text = format!("[\"\"\"{{\" {}", "[".repeat(NESTING));
        assert_eq!(check_text(&text), Err(Excess::Depth));
    }

    #[test]
    fn ends_at_a_string_without_an_end() {
        for text in ["\"", "\"a\\", "\"\"\"a", "\"\"\"\\", "\"a\n{"] {
            assert_eq!(check_text(text), Ok(()), "{text}");
        }
    }
}
