//! Runs each target on its corpus, and on random mutations of it. The seed is fixed, so a failure is repeatable.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod mutation;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use mercato_fuzz::*;
use mutation::Mutator;

const SEED: u64 = 20_261_121;

/// The largest file of a corpus, in bytes.
const MAX_FILE: usize = 16 * 1024;

/// Removes what a target keeps for its next input.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        shop::close();
        feeds::close();
    }
}

fn folder(name: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join(target)
}

/// Returns the names and the contents of the files of a corpus.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder("corpus", target)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files
}

fn check(target: &str, run: fn(&[u8]), mutations: usize) {
    let _cleanup = Cleanup;
    let files = corpus(target);
    for (name, input) in &files {
        assert!(
            input.len() <= MAX_FILE,
            "{target}/{name} has {} bytes",
            input.len()
        );
        try_input(target, name, run, input);
    }
    let mut mutator = Mutator::new(SEED, files.into_iter().map(|(_, input)| input).collect());
    for number in 0..mutations {
        let input = mutator.next();
        try_input(target, &format!("mutation-{number}-of-seed-{SEED}"), run, &input);
    }
}

/// Runs a target. If it panics, writes the input where `cargo fuzz` writes it too.
fn try_input(target: &str, name: &str, run: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| run(input))).is_err() {
        let folder = folder("artifacts", target);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        fs::write(&file, input).unwrap();
        panic!("{target} fails on {name}, written to {}", file.display());
    }
}

macro_rules! targets {
    ($($test:ident: $target:ident, $mutations:expr;)*) => {
        $(
            #[test]
            fn $test() {
                check(stringify!($target), $target::run, $mutations);
            }
        )*
    };
}

targets! {
    events_on_the_wire_keep_their_attributes: cloud_events, 20_000;
    cursors_decode_to_what_they_encode: cursors, 200;
    feeds_are_read_or_refused_with_a_reason: feeds, 1_500;
    graphql_documents_are_answered_or_refused: graphql, 250;
    only_listed_hosts_are_called: hosts, 20_000;
    mails_have_no_injected_headers: mails, 3_000;
    prices_of_feeds_are_exact: prices, 20_000;
    rest_requests_are_answered_or_refused: rest, 500;
    settings_are_valid_or_named: settings, 3_000;
    stripe_webhooks_need_the_secret: stripe_webhooks, 200;
    only_issued_credentials_are_accepted: tokens, 200;
}

/// Returns the parts of a path, with `*` for parameters.
fn parts(path: &str) -> Vec<&str> {
    let is_parameter = |part: &str| part.starts_with('{') || part.starts_with("%3C");
    path.split('/')
        .map(|part| if is_parameter(part) { "*" } else { part })
        .collect()
}

#[test]
fn the_corpus_has_a_request_to_each_operation_of_rest() {
    let document = mercato_gateway::Gateway::openapi();
    let files = corpus("rest");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else {
                continue;
            };
            let (_, text) = files
                .iter()
                .find(|(file, _)| file == name)
                .unwrap_or_else(|| panic!("corpus/rest/{name} is missing: {method} {path}"));
            let text = String::from_utf8_lossy(text)
                .replace('<', "%3C")
                .replace('>', "%3E");
            let request = request::parse(text.as_bytes()).unwrap();
            assert_eq!(request.method().as_str(), method.to_uppercase(), "{name}");
            assert_eq!(parts(request.uri().path()), parts(path), "{name}");
        }
    }
}

#[test]
fn the_corpus_has_a_document_for_each_root_field_of_graphql() {
    let documents: Vec<_> = corpus("graphql")
        .into_iter()
        .map(|(_, text)| String::from_utf8_lossy(&text).into_owned())
        .collect();
    let sdl = mercato_gateway::Gateway::sdl();
    let mut count = 0;
    for root in ["Query", "Mutation", "Subscription"] {
        let (_, body) = sdl.split_once(&format!("type {root} {{\n")).unwrap();
        let (body, _) = body.split_once("\n}\n").unwrap();
        for line in body
            .lines()
            .filter_map(|line| line.strip_prefix('\t').or(line.strip_prefix("  ")))
        {
            let name: String = line
                .chars()
                .take_while(|char| char.is_alphanumeric() || *char == '_')
                .collect();
            let is_field = line[name.len()..].starts_with(['(', ':']) && !name.is_empty();
            if is_field {
                let has_field = documents.iter().any(|document| document.contains(&name));
                assert!(has_field, "no document of corpus/graphql has {root}.{name}");
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}
