//! The named configuration of a provider.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::Notify;
use wasmcloud_provider_sdk::load_host_data;

/// What the provider's named configuration held when it started.
#[derive(Clone)]
pub struct Settings {
    values: Arc<HashMap<String, String>>,
    changed: Arc<Notify>,
}

impl Settings {
    /// The settings that the host gave to this process.
    ///
    /// # Errors
    /// No host started this process.
    pub fn load() -> Result<Self> {
        let host = load_host_data().context("this is a provider: a wasmCloud host starts it")?;
        Ok(Self::new(host.config.clone()))
    }

    fn new(values: HashMap<String, String>) -> Self {
        Self {
            values: Arc::new(values),
            changed: Arc::default(),
        }
    }

    /// A value that the provider can't do without.
    ///
    /// # Errors
    /// It is missing; a sentence that names it.
    pub fn required(&self, key: &str) -> Result<&str> {
        self.get(key).with_context(|| {
            format!("the provider's named configuration has no `{key}`: put it there, then the host starts the provider again")
        })
    }

    /// A value that has a default.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Looks at the configuration as it is now. If it is another, [`changed`](Self::changed) completes.
    pub fn update(&self, values: &HashMap<String, String>) {
        if *values != *self.values {
            self.changed.notify_one();
        }
    }

    /// Completes when the configuration has changed: then the process ends, and its host starts it with the new one.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn values(value: &str) -> HashMap<String, String> {
        [("url".to_owned(), value.to_owned())].into()
    }

    #[test]
    fn only_another_configuration_is_a_change() {
        let settings = Settings::new(values("a"));
        settings.update(&values("a"));
        assert!(settings.changed().now_or_never().is_none());
        settings.update(&values("b"));
        assert!(settings.changed().now_or_never().is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        let settings = Settings::new(values("a"));
        assert_eq!(settings.required("url").unwrap(), "a");
        assert!(
            settings
                .required("brokers")
                .unwrap_err()
                .to_string()
                .contains("`brokers`")
        );
    }
}
