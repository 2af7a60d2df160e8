//! Limits of the text of a document, checked before it is parsed.

/// The largest depth of brackets. The parser recurses for each of them, and its stack is limited.
const NESTING: usize = 64;
/// The longest name, in bytes. An alias in a list is in the answer once for each item.
pub const NAME: usize = 255;
/// The largest number of tokens: ten times as many as the largest page of a client needs.
pub const TOKENS: usize = 5_000;

/// The limit that a text exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextExcess {
    Tokens,
    Nesting,
    Name,
}

/// Counts the tokens of a text (GraphQL, section 2.1) and the depth of its brackets, without parsing it.
///
/// # Errors
/// The first limit that the text exceeds.
pub fn check_text(text: &str) -> Result<(), TextExcess> {
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
                let length = run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if length > NAME {
                    return Err(TextExcess::Name);
                }
                length
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
            return Err(TextExcess::Nesting);
        }
        if tokens > TOKENS {
            return Err(TextExcess::Tokens);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_tokens_and_brackets() {
        assert_eq!(check_text(&"a, # b {\n".repeat(TOKENS)), Ok(()));
        assert_eq!(check_text(&"a ".repeat(TOKENS + 1)), Err(TextExcess::Tokens));
        let balanced = format!("{}{}", "{[(".repeat(21), ")]}".repeat(21));
        assert_eq!(check_text(&balanced), Ok(()));
        assert_eq!(check_text(&"[".repeat(NESTING + 1)), Err(TextExcess::Nesting));
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
                Err(TextExcess::Tokens),
                "{token}"
            );
        }
    }

    #[test]
    fn counts_numbers_without_a_space_between_them() {
        for number in ["0", "-1", "-1.5", "-2e3", "0.5e-1-7"] {
            let text = number.repeat(TOKENS + 1);
            assert_eq!(check_text(&text), Err(TextExcess::Tokens), "{number}");
        }
    }

    #[test]
    fn measures_the_depth_after_a_block_string_without_an_end() {
        let text = format!("[\"\"\"{{\" {}", "[".repeat(NESTING));
        assert_eq!(check_text(&text), Err(TextExcess::Nesting));
    }

    #[test]
    fn ends_at_a_string_without_an_end() {
        for text in ["\"", "\"a\\", "\"\"\"a", "\"\"\"\\", "\"a\n{"] {
            assert_eq!(check_text(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn refuses_a_long_name_and_no_long_text() {
        for text in [
            "a".repeat(NAME),
            format!("\"{}\"", "a".repeat(10_000)),
            format!("#{}", "a".repeat(10_000)),
        ] {
            assert_eq!(check_text(&text), Ok(()));
        }
        assert_eq!(
            check_text(&format!("{{ {}: name }}", "a".repeat(NAME + 1))),
            Err(TextExcess::Name)
        );
    }
}
