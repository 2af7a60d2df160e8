//! An export of products, as lines of JSON, put into a shop: this one again, or another one.
//!
//! It tells more than a feed: prices in minor units, SKUs, variants, and the categories with those above them, which are made where the
//! shop lacks them. A product is known by its external id; one without has its `_id` as that in the other shop. First come the products
//! that are sold by themselves, then the variants, when their parents are there.

mod target;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use mercato_feeds::export::Line;
use mercato_feeds::product::{self, Refusal};
use mercato_feeds::source::Format;
use serde::Deserialize;
use serde_json::{Value, json};

use self::target::Target;
use super::Options;
use super::client::{Error, Outcome};
use super::sender::Sender;
use crate::exit::{Code, Failure};

const PRODUCT: &str = "mutation($input: CreateProductInput!) { made: createProduct(input: $input) { _id } }";

const VARIANT: &str = "mutation($parent: ID!, $options: [AttributeInput!]!, $input: CreateProductInput!) { \
    made: createVariant(parentId: $parent, options: $options, input: $input) { _id } }";

/// The longest line that is looked at to find out what a file is, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// What is made by either mutation.
#[derive(Deserialize)]
struct Data {
    made: Option<Made>,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "_id")]
    id: String,
}

/// Whether the file is an export, as is told or as its first line shows.
///
/// # Errors
/// Where it can't be read.
pub fn is_one(options: &Options) -> io::Result<bool> {
    match options.format {
        Some(format) => return Ok(format == Format::Export),
        None if !options.map.is_empty() => return Ok(false),
        None => {}
    }
    let mut reader = BufReader::new(File::open(&options.file)?.take(LONGEST));
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        first.clear();
        if reader.read_until(b'\n', &mut first)? == 0 {
            return Ok(false);
        }
    }
    Ok(Line::read(&first).is_ok())
}

/// Puts an export into the shop.
///
/// # Errors
/// Where it can't be read, or the shop can't be talked to. Refused lines are no error.
pub fn restore(
    options: &Options,
    sender: &mut Sender,
    interrupted: &AtomicBool,
    unreadable: &dyn Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let target = Target::read(&sender.client);
    let target = target.map_err(|error| sender.stopped(Code::Unavailable, &error.to_string(), 1))?;
    let mut restore = Restore {
        sender,
        target,
        parents: HashMap::new(),
        interrupted,
    };
    restore.pass(&options.file, options.from_line, unreadable)?;
    restore.variants(&options.file, unreadable)
}

/// One run.
struct Restore<'a> {
    sender: &'a mut Sender,
    target: Target,
    /// How the shop knows the products that may have variants, by the ids that they have in the export.
    parents: HashMap<String, String>,
    interrupted: &'a AtomicBool,
}

impl Restore<'_> {
    /// Puts in the products that are sold by themselves, from this line on.
    fn pass(
        &mut self,
        file: &Path,
        from: u64,
        unreadable: &dyn Fn(io::Error) -> Failure,
    ) -> Result<(), Failure> {
        self.each(file, unreadable, |restore, number, line| match line {
            Ok(line) if line.parent_id.is_some() => Ok(()),
            Ok(line) => {
                let known_as = line.known_as().to_owned();
                restore.parents.insert(line.id.clone(), known_as);
                if number < from {
                    return Ok(());
                }
                restore.product(number, &line)
            }
            Err(why) if number >= from => restore.refuse(number, "", Refusal::bad_input("", why)),
            Err(_) => Ok(()),
        })
    }

    /// Puts in the variants: all of them, wherever the products before were begun with, since none was put in before the last of those.
    fn variants(&mut self, file: &Path, unreadable: &dyn Fn(io::Error) -> Failure) -> Result<(), Failure> {
        let read = self.target.read_products(&self.sender.client);
        read.map_err(|error| self.stopped(&error, 1))?;
        self.each(file, unreadable, |restore, number, line| match line {
            Ok(line) if line.parent_id.is_some() => restore.product(number, &line),
            _ => Ok(()),
        })
    }

    /// Goes through the lines that are not blank, and sends what is left in the end.
    fn each(
        &mut self,
        file: &Path,
        unreadable: &dyn Fn(io::Error) -> Failure,
        mut work: impl FnMut(&mut Self, u64, Result<Line, String>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut reader = BufReader::new(File::open(file).map_err(unreadable)?);
        let (mut number, mut text) = (0_u64, Vec::new());
        while reader.read_until(b'\n', &mut text).map_err(unreadable)? > 0 {
            number += 1;
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(self.sender.stopped(Code::Unavailable, "interrupted", number));
            }
            if !text.trim_ascii().is_empty() {
                work(self, number, Line::read(&text))?;
            }
            text.clear();
        }
        self.sender.send()
    }

    fn product(&mut self, number: u64, line: &Line) -> Result<(), Failure> {
        let known_as = line.known_as();
        if line.external_id.is_none() && self.target.is_nameless(&line.id) {
            let message =
                "the product is in this shop already, and has no external id by which it could be imported";
            return self.refuse(number, known_as, Refusal::bad_input("externalId", message));
        }
        let category = self.target.category(&self.sender.client, line);
        let category = match category.map_err(|error| self.stopped(&error, number))? {
            Ok(category) => category,
            Err(refusal) => return self.refuse(number, known_as, refusal),
        };
        let is_known = self.target.id_of(known_as).is_some();
        if is_known || (line.parent_id.is_none() && line.sku.is_none()) {
            return match product::to_json(&line.as_row(category.as_deref())) {
                Ok(json) => self.sender.put(number, known_as.to_owned(), json),
                Err(refusal) => self.refuse(number, known_as, refusal),
            };
        }
        let input = line.as_new(category.as_deref());
        let (query, variables) = match &line.parent_id {
            None => (PRODUCT, json!({ "input": input })),
            Some(parent) => {
                let Some(parent) = self.parent(parent) else {
                    let message = "its parent is not in the export, or was refused";
                    return self.refuse(number, known_as, Refusal::bad_input("parentId", message));
                };
                let variables = json!({ "parent": parent, "options": line.options, "input": input });
                (VARIANT, variables)
            }
        };
        self.make(number, known_as, query, &variables)
    }

    fn make(&mut self, number: u64, known_as: &str, query: &str, variables: &Value) -> Result<(), Failure> {
        let made = self.sender.client.ask::<Data>(query, variables);
        match made.map_err(|error| self.stopped(&error, number))? {
            Ok(data) => {
                if let Some(made) = data.made {
                    self.target.know(known_as, made.id);
                }
                self.sender.tell(number, known_as, &Outcome::Created)
            }
            Err(refusal) => self.refuse(number, known_as, refusal),
        }
    }

    /// The id that a parent has in the shop, by the one that it has in the export.
    fn parent(&self, id: &str) -> Option<String> {
        let known_as = self.parents.get(id)?;
        let same = || self.target.is_nameless(id).then_some(id);
        self.target.id_of(known_as).or_else(same).map(str::to_owned)
    }

    fn refuse(&mut self, number: u64, known_as: &str, refusal: Refusal) -> Result<(), Failure> {
        self.sender.tell(number, known_as, &Outcome::Refused(refusal))
    }

    fn stopped(&self, error: &Error, number: u64) -> Failure {
        self.sender.stopped(Code::Unavailable, &error.to_string(), number)
    }
}
