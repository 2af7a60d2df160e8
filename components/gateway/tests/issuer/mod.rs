//! A fake OpenID provider.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mercato_ports::http_client::{HttpFailure, Response};
use mercato_shop::token_keys::TokenKeys;
use serde_json::{Value, json};

use crate::shop::Shop;

pub const ISSUER: &str = "https://id.example/";
pub const AUDIENCE: &str = "the-shop";

/// The settings of a shop that trusts the provider.
pub const TRUST: [(&str, &str); 2] = [("OIDC_ISSUER", ISSUER), ("OIDC_AUDIENCE", "other, the-shop")];

/// Two Ed25519 keys: the public and the private halves.
pub const ED25519: [[&str; 2]; 2] = [
    [
        "4KnS_Nl9l2GMkoLi6UQbeH8iTmLvUA93qCa255VGKKI",
        "j59mCNsZISkI8c0RxK3MDcPP2zr5RbDVqWXUGvVJKkA",
    ],
    [
        "m9__E-DF8pPBEelQsW65-BeIjevoifHqcc8KL8WkGuE",
        "15aooWfXWd_LkdWzN82tklg2TFlFwzeqsA82Vywip2U",
    ],
];

/// A key of the provider.
#[derive(Clone)]
pub struct Key {
    pub kid: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
    /// The published half.
    pub public: Value,
}

impl Key {
    /// Returns an Ed25519 key with this id.
    pub fn ed25519(kid: &'static str, [x, d]: [&str; 2]) -> Self {
        let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "d": d }] });
        let keys = TokenKeys::parse(&set.to_string()).unwrap();
        Self {
            kid,
            algorithm: Algorithm::EdDSA,
            private: EncodingKey::from_ed_der(&keys.signer().unwrap().pkcs8),
            public: keys.public_set()["keys"][0].clone(),
        }
    }

    /// Returns an RSA key of 2048 bits.
    pub fn rsa(kid: &'static str) -> Self {
        Self::of(
            kid,
            Algorithm::RS256,
            EncodingKey::from_rsa_der(include_bytes!("rsa.der")),
        )
    }

    /// Returns a key on the curve P-256.
    pub fn p256(kid: &'static str) -> Self {
        Self::of(
            kid,
            Algorithm::ES256,
            EncodingKey::from_ec_der(include_bytes!("ec.der")),
        )
    }

    fn of(kid: &'static str, algorithm: Algorithm, private: EncodingKey) -> Self {
        let mut jwk = Jwk::from_encoding_key(&private, algorithm).unwrap();
        jwk.common.key_id = Some(kid.into());
        Self {
            kid,
            algorithm,
            private,
            public: serde_json::to_value(jwk).unwrap(),
        }
    }

    /// Returns an authorization header with a token of these claims.
    pub fn bearer(&self, claims: &Value) -> String {
        self.bearer_with(claims, |_| {})
    }

    /// Returns the same with a changed token header.
    pub fn bearer_with(&self, claims: &Value, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.into());
        change(&mut header);
        format!(
            "Bearer {}",
            jsonwebtoken::encode(&header, claims, &self.private).unwrap()
        )
    }
}

/// Returns the seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Returns the claims of a valid token.
pub fn claims(subject: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now(), "exp": now() + 600,
        "email": format!("{subject}@example.com"), "email_verified": true, "name": "Ada Lovelace",
    })
}

/// The provider.
#[derive(Clone)]
pub struct Provider {
    keys: Arc<Mutex<Option<Vec<Value>>>>,
    requested: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// Returns a provider that answers this shop and publishes these keys.
    pub fn of(shop: &Shop, keys: &[&Key]) -> Self {
        let provider = Self {
            keys: Arc::default(),
            requested: Arc::default(),
        };
        provider.publish(keys);
        let server = provider.clone();
        shop.ports().serve(move |request| server.answer(&request.url));
        provider
    }

    /// Publishes these keys.
    pub fn publish(&self, keys: &[&Key]) {
        *self.keys.lock().unwrap() = Some(keys.iter().map(|key| key.public.clone()).collect());
    }

    /// Stops answering.
    pub fn stop(&self) {
        *self.keys.lock().unwrap() = None;
    }

    /// Returns the URLs of the requests since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requested.lock().unwrap())
    }

    fn answer(&self, url: &str) -> Result<Response, HttpFailure> {
        self.requested.lock().unwrap().push(url.to_owned());
        let keys = self.keys.lock().unwrap();
        let Some(keys) = &*keys else {
            return Err(HttpFailure::NotSent("silence".into()));
        };
        let body = match url {
            "https://id.example/.well-known/openid-configuration" => {
                json!({ "issuer": ISSUER, "jwks_uri": "https://keys.example/jwks" })
            }
            "https://keys.example/jwks" => json!({ "keys": keys }),
            other => panic!("{other} was requested"),
        };
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        })
    }
}
