//! Settings of the operator: a line `NAME=value` for each.

use std::collections::HashMap;

use mercato_gateway::Settings;
use mercato_shop::settings;

/// A shorter value may be a part of any message.
const MIN_SECRET: usize = 16;

/// No message has this text.
const MARK: &str = "~mark~";

/// Checks settings, and lets the gateway read those that are valid.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut set: HashMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
    set.entry("API_SECRET")
        .or_insert("a secret of more than 16 bytes");
    let config = |name: &str| set.get(name).map(|value| (*value).to_owned());
    match settings::check(&config) {
        Ok(()) => {
            // A host makes a secret if none is set.
            let read = Settings::read(config);
            let is_blank = set
                .get("API_SECRET")
                .is_some_and(|secret| secret.trim().is_empty());
            assert!(read.is_ok() || is_blank, "{:?}", read.err());
        }
        Err(reason) => {
            let names_setting = settings::names().any(|name| reason.contains(name));
            assert!(names_setting, "no setting is named: {reason}");
            // A value may be a secret. A message may have the same text as an example.
            let long = set.iter().filter(|(_, value)| value.trim().len() >= MIN_SECRET);
            for (name, value) in long.filter(|(_, value)| reason.contains(value.trim())) {
                let changed = format!("{}{MARK}", value.trim());
                let config = |other: &str| {
                    if other == *name {
                        Some(changed.clone())
                    } else {
                        config(other)
                    }
                };
                let again = settings::check(&config).err().unwrap_or_default();
                assert!(!again.contains(MARK), "a value is repeated: {again}");
            }
        }
    }
}
