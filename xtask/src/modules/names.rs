//! The paths in a piece of code, also within macros.

use proc_macro2::{TokenStream, TokenTree};

/// Returns all paths of two or more segments, such as `crate::orders::Order`.
pub fn paths(tokens: TokenStream) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(tokens, &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<Vec<String>>) {
    let mut path = Vec::new();
    let mut colons = 0;
    let mut finish = |path: &mut Vec<String>| {
        if path.len() > 1 {
            found.push(std::mem::take(path));
        }
        path.clear();
    };
    let mut groups = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    finish(&mut path);
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && colons < 2 => colons += 1,
            TokenTree::Group(group) => {
                finish(&mut path);
                groups.push(group.stream());
                colons = 0;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {
                finish(&mut path);
                colons = 0;
            }
        }
    }
    finish(&mut path);
    for group in groups {
        collect(group, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_paths_in_expressions_types_and_macros() {
        let code = "fn f(x: a::T<b::U>) -> c::V { vec![d::e::<g::W>(1), h]; x.i::<j::X>() }";
        let found = paths(code.parse().unwrap());
        let expected = ["a::T", "b::U", "c::V", "d::e", "g::W", "j::X"];
        let mut found: Vec<_> = found.into_iter().map(|path| path.join("::")).collect();
        found.sort();
        assert_eq!(found, expected);
    }
}
