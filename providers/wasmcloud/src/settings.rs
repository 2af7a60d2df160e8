//! The named configuration of a provider.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::Notify;
use wasmcloud_provider_sdk::load_host_data;

/// The named configuration at the start of the provider.
#[derive(Clone)]
pub struct Settings {
    values: Arc<HashMap<String, String>>,
    changed: Arc<Notify>,
}

impl Settings {
    /// Reads the settings that the host passes to this process.
    ///
    /// # Errors
    /// Fails if no host started this process.
    pub fn load() -> Result<Self> {
        let host = load_host_data().context("a wasmCloud host must start this provider")?;
        Ok(Self::new(host.config.clone()))
    }

    fn new(values: HashMap<String, String>) -> Self {
        Self {
            values: Arc::new(values),
            changed: Arc::default(),
        }
    }

    /// Returns a required value.
    ///
    /// # Errors
    /// Names the value if it is missing.
    pub fn required(&self, key: &str) -> Result<&str> {
        self.get(key).with_context(|| {
            format!("the provider's named configuration must have `{key}`: add it, and the host restarts the provider")
        })
    }

    /// Returns an optional value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Compares the settings with the current configuration. If they differ, [`changed`](Self::changed)
    /// completes.
    pub fn update(&self, values: &HashMap<String, String>) {
        if *values != *self.values {
            self.changed.notify_one();
        }
    }

    /// Completes when the configuration has changed. The process then exits, and its host restarts it.
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
    fn detects_a_changed_configuration() {
        let settings = Settings::new(values("a"));
        settings.update(&values("a"));
        assert!(settings.changed().now_or_never().is_none());
        settings.update(&values("b"));
        assert!(settings.changed().now_or_never().is_some());
    }

    #[test]
    fn names_a_missing_value() {
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
