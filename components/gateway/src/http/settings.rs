//! What the gateway is configured with.

use std::sync::Arc;

use http::HeaderName;
use mercato_shop::browsers::Browsers;
use mercato_shop::settings::persisted::Persisted;
use mercato_shop::settings::{Config, choice, number, oidc, persisted, secret, text};
use mercato_shop::token_keys::TokenKeys;
use serde_json::{Value, json};

use crate::oidc::Oidc;

/// What the gateway is configured with.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Settings {
    /// `API_SECRET`: the API key, and the key of the tokens' signature.
    pub secret: String,
    /// `GRAPHQL_INTROSPECTION`: whether clients may ask for the schema.
    pub introspection: bool,
    /// `CLIENT_ADDRESS_HEADER`: where a proxy before the gateway tells the client's address.
    pub address_header: Option<HeaderName>,
    /// `RATE_LIMIT`: how many requests each caller may send in a minute.
    pub(crate) rate_limit: Option<u32>,
    /// `CORS_ORIGINS` and `HSTS_SECONDS`: what answers tell browsers.
    pub(crate) browsers: Browsers,
    /// `PERSISTED_QUERIES` and `PERSISTED_QUERIES_MANIFEST`: which documents are executed.
    pub(crate) persisted: Persisted,
    /// `STREAMS_HELD`: whether the server before the gateway holds the streams of those who watch, and is the only one who can say
    /// that a request goes on with one.
    pub(crate) streams_held: bool,
    /// `TOKEN_KEYS`: the keys of the tokens' signature, if it is not the secret.
    pub(crate) token_keys: Option<Arc<TokenKeys>>,
    /// `OIDC_ISSUER`, `OIDC_AUDIENCE` and `OIDC_JWKS_URI`: whose tokens sign in, too.
    pub(crate) oidc: Option<Arc<Oidc>>,
}

impl Settings {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The name of a value that can't be taken, and what would be right.
    pub fn read(config: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let config: Config<'_> = &config;
        Ok(Self {
            secret: secret::api_secret(config)?,
            introspection: choice::introspection(config)?,
            address_header: text::address_header(config)?,
            rate_limit: number::RATE_LIMIT.read(config)?,
            browsers: Browsers::read(config)?,
            persisted: persisted::read(config)?,
            streams_held: choice::streams_held(config)?,
            token_keys: secret::token_keys(config)?.map(Arc::new),
            oidc: oidc::read(config)?.map(|provider| Arc::new(Oidc::new(provider))),
        })
    }

    /// The public halves of the keys of access tokens, as a JSON Web Key Set (RFC 7517); none where a secret signs them.
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
        Settings::read(|asked| match asked {
            "API_SECRET" => Some("a secret of more than 16 bytes".into()),
            asked => (asked == name).then(|| value.into()),
        })
    }

    #[test]
    fn nothing_is_limited_or_opened_unless_it_is_said() {
        let settings = read("", "").unwrap_or_else(|reason| panic!("{reason}"));
        assert!(settings.introspection);
        assert!(settings.rate_limit.is_none());
        for (name, value) in [("RATE_LIMIT", "off"), ("RATE_LIMIT", ""), ("CORS_ORIGINS", "")] {
            assert!(
                read(name, value).is_ok_and(|settings| settings.rate_limit.is_none()),
                "{name}={value}"
            );
        }
        assert!(read("RATE_LIMIT", "600").is_ok_and(|settings| settings.rate_limit == Some(600)));
        assert!(read("HSTS_SECONDS", "31536000").is_ok());
    }

    #[test]
    fn what_can_not_be_taken_is_named() {
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
