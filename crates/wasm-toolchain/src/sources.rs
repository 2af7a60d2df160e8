//! The machine's sources of Debian packages, and the same archive's newer suite.

use std::fmt::Write as _;

/// A list of package sources for apt, in one of its two formats.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceList {
    /// The file name; its extension names the format.
    pub file_name: &'static str,
    /// The content of the file.
    pub text: String,
}

/// The names that a machine may use for its suite, besides the code name of the release.
const ALIASES: [&str; 5] = ["stable", "oldstable", "testing", "unstable", "sid"];

/// Returns a source list with the same archive and signing key as `list`, but with another suite. `deb822` is
/// the format of `*.sources`, the other one that of `*.list`. Returns `None` if `list` does not name the
/// archive of the release `codename`.
pub fn with_suite(list: &str, deb822: bool, codename: &str, suite: &str) -> Option<SourceList> {
    if deb822 {
        from_deb822(list, codename, suite)
    } else {
        from_lines(list, codename, suite)
    }
}

fn names_release<'a>(mut suites: impl Iterator<Item = &'a str>, codename: &str) -> bool {
    suites.any(|suite| suite == codename || ALIASES.contains(&suite))
}

/// Parses the fields of a deb822 paragraph. A value keeps its continuation lines, which an inline key has.
fn fields(paragraph: &str) -> Vec<(String, String)> {
    let mut fields = Vec::<(String, String)>::new();
    for line in paragraph.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    fields
}

fn from_deb822(list: &str, codename: &str, suite: &str) -> Option<SourceList> {
    // An empty line ends a paragraph, a comment does not.
    list.split("\n\n").map(fields).find_map(|fields| {
        let value = |field: &str| {
            let mut named = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field));
            named.next().map_or("", |(_, value)| value.as_str())
        };
        let usable = value("Types").split_whitespace().any(|kind| kind == "deb")
            && value("Components")
                .split_whitespace()
                .any(|component| component == "main")
            && !value("Enabled").eq_ignore_ascii_case("no")
            && names_release(value("Suites").split_whitespace(), codename);
        if !usable {
            return None;
        }
        let mut text = String::new();
        for (name, value) in &fields {
            let value = match name.to_ascii_lowercase().as_str() {
                "types" => "deb",
                "suites" => suite,
                "components" => "main",
                _ => value,
            };
            writeln!(text, "{name}: {value}").ok()?;
        }
        Some(SourceList {
            file_name: "newer.sources",
            text,
        })
    })
}

fn from_lines(list: &str, codename: &str, suite: &str) -> Option<SourceList> {
    list.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb")?;
        let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (options, rest) = bracketed.split_once(']')?;
                (format!("[{options}] "), rest)
            }
            None => (String::new(), rest),
        };
        let mut words = rest.split_whitespace();
        let (address, named) = (words.next()?, words.next()?);
        let usable = names_release(std::iter::once(named), codename) && words.any(|word| word == "main");
        let text = format!("deb {options}{address} {suite} main\n");
        usable.then_some(SourceList {
            file_name: "newer.list",
            text,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "Types: deb
# a remark
URIs: http://security.example/debian
Suites: bookworm-security
Components: main
Signed-By: /k/security.gpg

Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
";

    #[test]
    fn keeps_the_archive_and_its_key_and_replaces_the_suite() {
        let made = with_suite(DEB822, true, "bookworm", "forky").unwrap();
        assert_eq!(
            made.text,
            "Types: deb\nURIs: http://archive.example/debian\nSuites: forky\nComponents: main\nSigned-By: \n \
             -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
        );
        assert_eq!(made.file_name, "newer.sources");
    }

    #[test]
    fn keeps_the_options_of_a_one_line_list() {
        let list = "# deb http://old.example/debian bookworm main\n\
                    deb-src http://archive.example/debian bookworm main\n\
                    deb http://security.example/debian bookworm-security main\n\
                    deb [arch=amd64 signed-by=/k/a.gpg] http://archive.example/debian bookworm contrib main\n";
        let made = with_suite(list, false, "bookworm", "forky").unwrap();
        assert_eq!(
            made.text,
            "deb [arch=amd64 signed-by=/k/a.gpg] http://archive.example/debian forky main\n"
        );
        assert_eq!(made.file_name, "newer.list");
    }

    #[test]
    fn skips_other_archives_and_disabled_sources() {
        assert_eq!(
            with_suite(
                "deb http://other.example/deb nodistro main",
                false,
                "bookworm",
                "forky"
            ),
            None
        );
        let disabled = DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb");
        assert_eq!(with_suite(&disabled, true, "bookworm", "forky"), None);
    }

    #[test]
    fn finds_an_archive_by_an_alias_of_its_suite() {
        let made = with_suite(
            "deb http://archive.example/debian stable main",
            false,
            "trixie",
            "forky",
        );
        assert_eq!(
            made.unwrap().text,
            "deb http://archive.example/debian forky main\n"
        );
    }
}
