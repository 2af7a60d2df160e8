//! The settings of the gateway.

use std::sync::Arc;

use http::HeaderName;
use mercato_shop::http::BrowserPolicy;
use mercato_shop::settings::number::{self, RateLimit};
use mercato_shop::settings::persisted::PersistedQueries;
use mercato_shop::settings::{Config, choice, currency, oidc, persisted, secret, text};
use mercato_shop::token_keys::TokenKeys;
use serde_json::{Value, json};

use crate::auth::oidc::Oidc;

/// The settings of the gateway.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Settings {
    /// `API_SECRET`: the API key. Without `TOKEN_KEYS`, it also signs access tokens.
    pub(crate) secret: String,
    /// `GRAPHQL_INTROSPECTION`: whether clients may read the schema.
    pub(crate) introspection: bool,
    /// `CLIENT_ADDRESS_HEADER`: the header in which a proxy writes the client's address.
    pub(crate) address_header: Option<HeaderName>,
    /// `CURRENCY`: the currency of amounts without a currency.
    pub(crate) currency: String,
    /// `RATE_LIMIT`: the number of requests per minute and caller.
    pub(crate) rate_limit: RateLimit,
    /// `MERCATO_RUNTIME`: the name of the runtime, for people. `None` for the program `mercato`.
    pub(crate) runtime: Option<String>,
    /// `CORS_ORIGINS` and `HSTS_SECONDS`: headers for browsers.
    pub(crate) browsers: BrowserPolicy,
    /// `PERSISTED_QUERIES` and `PERSISTED_QUERIES_MANIFEST`: the documents that are executed.
    pub(crate) persisted: PersistedQueries,
    /// `STREAMS_HELD`: whether the server in front of the gateway holds event streams. Then only this server
    /// can send the header that continues a stream.
    pub(crate) streams_held: bool,
    /// `TOKEN_KEYS`: the keys that sign access tokens.
    pub(crate) token_keys: Option<Arc<TokenKeys>>,
    /// `OIDC_ISSUER`, `OIDC_AUDIENCE` and `OIDC_JWKS_URI`: an OpenID provider that also signs users in.
    pub(crate) oidc: Option<Arc<Oidc>>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The name of an invalid setting, and its allowed values.
    pub fn read(config: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let config: Config<'_> = &config;
        Ok(Self {
            secret: secret::api_secret(config)?,
            introspection: choice::introspection(config)?,
            address_header: text::address_header(config)?,
            currency: currency::read(config)?,
            rate_limit: number::rate_limit(config)?,
            runtime: text::runtime(config),
            browsers: BrowserPolicy::read(config)?,
            persisted: persisted::read(config)?,
            streams_held: choice::streams_held(config)?,
            token_keys: secret::token_keys(config)?.map(Arc::new),
            oidc: oidc::read(config)?.map(|provider| Arc::new(Oidc::new(provider))),
        })
    }

    /// Returns the public keys of access tokens, as a JSON Web Key Set (RFC 7517). It is empty if the secret
    /// signs them.
    pub(crate) fn public_keys(&self) -> Value {
        match &self.token_keys {
            Some(keys) => keys.public_set(),
            None => json!({ "keys": [] }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Result<Settings, String> {
        Settings::read(|setting| match setting {
            "API_SECRET" => Some("a secret of more than 16 bytes".into()),
            setting => (setting == name).then(|| value.into()),
        })
    }

    #[test]
    fn limits_public_clients_by_default_and_all_clients_if_set() {
        let settings = read("", "").unwrap_or_else(|reason| panic!("{reason}"));
        assert!(settings.introspection);
        assert_eq!(settings.rate_limit, RateLimit::PublicClients(6_000));
        for (value, limit) in [
            ("off", RateLimit::Off),
            (" ", RateLimit::PublicClients(6_000)),
            ("600", RateLimit::AllClients(600)),
        ] {
            let read = read("RATE_LIMIT", value);
            assert!(read.is_ok_and(|settings| settings.rate_limit == limit), "{value}");
        }
        assert!(read("CORS_ORIGINS", "").is_ok());
        assert!(read("HSTS_SECONDS", "31536000").is_ok());
    }

    #[test]
    fn names_an_invalid_setting() {
        for (name, value) in [
            ("GRAPHQL_INTROSPECTION", "yes"),
            ("CLIENT_ADDRESS_HEADER", "a b"),
            ("STREAMS_HELD", "yes"),
            ("RATE_LIMIT", "0"),
            ("RATE_LIMIT", "many"),
            ("HSTS_SECONDS", "-1"),
            ("CORS_ORIGINS", "shop.example"),
            ("CORS_ORIGINS", "https://shop.example/path"),
            ("PERSISTED_QUERIES", "some"),
            ("PERSISTED_QUERIES", "only"),
            ("PERSISTED_QUERIES_MANIFEST", "[]"),
            ("TOKEN_KEYS", "{\"keys\": []}"),
            ("OIDC_ISSUER", "accounts.google.com"),
            ("OIDC_ISSUER", "https://accounts.google.com"),
            ("OIDC_AUDIENCE", "shop"),
        ] {
            let refused = read(name, value).err().unwrap_or_default();
            assert!(refused.contains(name), "{name}={value}: {refused}");
        }
    }
}
