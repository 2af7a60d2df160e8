//! `config put` and `config get`: named configurations.

use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context, Result, bail};

use crate::cli::{Config, Lattice};
use crate::lattice::answer;

/// Runs `config put` or `config get`.
///
/// # Errors
/// If a value cannot be read, or if no host answers.
pub async fn run(lattice: &Lattice, command: Config) -> Result<()> {
    match command {
        Config::Put {
            name,
            values,
            stdin,
            variables,
        } => {
            let mut config = values.into_iter().collect::<HashMap<_, _>>();
            if stdin {
                config.extend(lines(std::io::stdin().lock())?);
            }
            for (key, variable) in variables {
                let value = std::env::var(&variable)
                    .with_context(|| format!("the environment variable {variable} is not set"))?;
                config.insert(key, value);
            }
            if config.is_empty() {
                bail!("the configuration has no values: pass KEY=VALUE, --stdin or --env");
            }
            let failure = format!("cannot write the configuration `{name}`");
            answer(lattice.hosts().await?.put_config(&name, config).await, &failure)?;
            println!("wrote the configuration {name}");
        }
        Config::Get { name } => {
            let failure = format!("cannot read the configuration `{name}`");
            let config = answer(lattice.hosts().await?.get_config(&name).await, &failure)?;
            let config = config.with_context(|| {
                format!("the configuration `{name}` does not exist: write it with `config put`")
            })?;
            let mut keys = config.into_keys().collect::<Vec<_>>();
            keys.sort();
            for key in keys {
                println!("{key}");
            }
        }
    }
    Ok(())
}

fn lines(input: impl BufRead) -> Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .with_context(|| format!("line {} of standard input is not KEY=VALUE", number + 1))?;
        values.push((key.trim().to_owned(), value.to_owned()));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_value_from_each_line() {
        let read = lines("url=mongodb://a?b=c\n\nkey = v\n".as_bytes()).unwrap();
        assert_eq!(
            read,
            [
                ("url".to_owned(), "mongodb://a?b=c".to_owned()),
                ("key".to_owned(), " v".to_owned())
            ]
        );
    }

    #[test]
    fn names_a_malformed_line_without_its_content() {
        let error = lines("url=a\nsecret\n".as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("secret"), "{error}");
    }
}
