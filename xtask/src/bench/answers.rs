//! Comparing the answers of contenders.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The keys of values that differ among contenders: each one makes other ids and tokens.
const IDS: [&str; 3] = ["_id", "id", "productId"];
const TOKEN: &str = "access_token";

/// The answers of the first contender to each workload.
#[derive(Debug, Default)]
pub struct Answers {
    first: BTreeMap<&'static str, (&'static str, Vec<Value>)>,
}

impl Answers {
    /// Compares the answers of a contender with those of the first one. Ids may have other values, but must be equal
    /// where those of the first contender are.
    ///
    /// # Errors
    /// An answer is no JSON, or differs.
    pub fn compare(
        &mut self,
        workload: &'static str,
        contender: &'static str,
        answers: &[Vec<u8>],
    ) -> Result<()> {
        let answers = normalized(answers)?;
        let Some((other, expected)) = self.first.get(workload) else {
            self.first.insert(workload, (contender, answers));
            return Ok(());
        };
        if answers.len() != expected.len() {
            bail!(
                "there are {} answers, but {other} has {}",
                answers.len(),
                expected.len()
            );
        }
        let differing = answers
            .iter()
            .zip(expected)
            .find(|(answer, expected)| answer != expected);
        match differing {
            Some((answer, expected)) => bail!("the answer differs: {answer}\n{other} answers: {expected}"),
            None => Ok(()),
        }
    }
}

/// Parses answers, and replaces each id by a number: the same id has the same number in all answers.
fn normalized(answers: &[Vec<u8>]) -> Result<Vec<Value>> {
    let mut numbers = HashMap::new();
    let parse = |answer: &Vec<u8>| {
        let mut answer = serde_json::from_slice(answer).context("an answer is no JSON")?;
        normalize(&mut answer, &mut numbers);
        Ok(answer)
    };
    answers.iter().map(parse).collect()
}

fn normalize(value: &mut Value, numbers: &mut HashMap<String, usize>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| normalize(item, numbers)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(id) if IDS.contains(&name.as_str()) => {
                        let next = numbers.len();
                        *value = (*numbers.entry(id.clone()).or_insert(next)).into();
                    }
                    Value::String(_) if name == TOKEN => *value = Value::Null,
                    value => normalize(value, numbers),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(answers: &mut Answers, contender: &'static str, texts: &[&str]) -> Result<()> {
        let texts: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        answers.compare("list", contender, &texts)
    }

    #[test]
    fn answers_are_equal_if_only_the_values_of_ids_differ() {
        let mut answers = Answers::default();
        compare(
            &mut answers,
            "a",
            &[r#"{"_id":"x","n":1}"#, r#"{"_id":"x","n":2}"#],
        )
        .unwrap();
        compare(
            &mut answers,
            "b",
            &[r#"{"n":1,"_id":"y"}"#, r#"{"_id":"y","n":2}"#],
        )
        .unwrap();
        for others in [
            [r#"{"_id":"x","n":1}"#, r#"{"_id":"z","n":2}"#].as_slice(),
            &[r#"{"_id":"x","n":1}"#, r#"{"_id":"x","n":3}"#],
            &[r#"{"_id":"x","n":1}"#],
            &["no JSON", r#"{"_id":"x","n":2}"#],
        ] {
            assert!(compare(&mut answers, "c", others).is_err(), "{others:?}");
        }
    }
}
