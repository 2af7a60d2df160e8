//! Sign-in by an OpenID provider that the test plays, and tokens that are signed with a key pair. The tests
//! configure their shops.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::configured::{Host, configured_trials};
use crate::http::Request;
use crate::listener::Listener;
use crate::process::Home;
use crate::shop::{As, Shop};
use crate::tokens::now;
use crate::values::set;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "oidc",
        portable = [tokens_of_a_trusted_provider_sign_in],
        component = [tokens_are_verified_with_the_published_keys]
    )
}

/// An Ed25519 key: the public half and the private half.
const KEY: [&str; 2] = [
    "4KnS_Nl9l2GMkoLi6UQbeH8iTmLvUA93qCa255VGKKI",
    "j59mCNsZISkI8c0RxK3MDcPP2zr5RbDVqWXUGvVJKkA",
];

/// The prefix of a private key in PKCS #8 (RFC 8410, section 7).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Returns a token with these claims, signed with the key.
fn signed(kid: &str, claims: &Value) -> Result<String> {
    let [_, private] = KEY;
    let der = [PKCS8.to_vec(), URL_SAFE_NO_PAD.decode(private)?].concat();
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(kid.to_owned());
    Ok(jsonwebtoken::encode(
        &header,
        claims,
        &EncodingKey::from_ed_der(&der),
    )?)
}

/// A provider on a local port.
struct Provider(Listener);

impl Provider {
    fn start() -> Result<Self> {
        let [public, _] = KEY;
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": public }] });
        let listener = Listener::start(move |_, request| {
            if request.line == "GET /.well-known/openid-configuration" {
                let issuer = format!("http://{}", request.header("host").unwrap_or_default());
                let keys = format!("{issuer}/keys");
                (200, json!({ "issuer": issuer, "jwks_uri": keys }))
            } else {
                (200, keys.clone())
            }
        })?;
        Ok(Self(listener))
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.0.address)
    }

    fn claims(&self, subject: &str) -> Value {
        json!({ "iss": self.issuer(), "aud": "the-shop", "sub": subject, "iat": now(), "exp": now() + 600,
            "email": format!("{subject}@example.com"), "email_verified": true })
    }
}

/// Returns the id of the token's user, or the code of the refusal.
fn user_of(shop: &Shop, token: &str) -> Result<Result<String, String>> {
    let answer = shop
        .send_as(As::Token(token), Request::query("{ me { _id } }"))?
        .json()?;
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match (text("/data/me/_id"), text("/errors/0/extensions/code")) {
        (Some(id), _) => Ok(Ok(id)),
        (None, code) => Ok(Err(code.context("a refusal has a code")?)),
    }
}

fn tokens_of_a_trusted_provider_sign_in(host: &Host) -> Result<()> {
    let (home, provider) = (Home::new()?, Provider::start()?);
    let settings = [
        ("OIDC_ISSUER", &*provider.issuer()),
        ("OIDC_AUDIENCE", "the-shop"),
        ("HTTP_CLIENT_HOSTS", &provider.0.address),
    ];
    let running = host.start(&home, &settings)?;
    let shop = running.shop();
    let ada = signed("one", &provider.claims("ada"))?;
    let id = user_of(&shop, &ada)?;
    ensure!(id.is_ok(), "the token should sign in: {id:?}");
    ensure!(
        user_of(&shop, &ada)? == id,
        "a second token should sign in to the same account"
    );
    let query = "query ($actor: String) {
        auditLog(filter: { action: SIGN_IN, actor: $actor }) { edges { node { outcome } } } }";
    let log = shop.graphql(As::Key, query, json!({ "actor": id.as_ref().ok() }))?;
    log.has_column("/auditLog/edges", "/node/outcome", ["SUCCESS"])?;
    let grace = user_of(&shop, &signed("one", &provider.claims("grace"))?)?;
    ensure!(
        grace.is_ok() && grace != id,
        "another subject should have another account: {grace:?}"
    );
    let requests = provider.0.received().len();
    ensure!(
        requests == 2,
        "the keys should be fetched once by 2 requests, not {requests}"
    );
    for (name, value) in [
        ("aud", json!("another-shop")),
        ("exp", json!(now() - 120)),
        ("nbf", json!(now() + 120)),
        ("iss", json!("https://evil.example")),
    ] {
        let mut claims = provider.claims("ada");
        set(&mut claims, name, value);
        let refused = user_of(&shop, &signed("one", &claims)?)?;
        ensure!(refused == Err("UNAUTHENTICATED".into()), "{name}: {refused:?}");
    }
    let unknown = user_of(&shop, &signed("two", &provider.claims("ada"))?)?;
    ensure!(
        unknown == Err("UNAUTHENTICATED".into()),
        "a token of an unknown key should be refused: {unknown:?}"
    );
    running.stop()
}

fn tokens_are_verified_with_the_published_keys(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let [x, d] = KEY;
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x, "d": d }] });
    let running = host.start(&home, &[("TOKEN_KEYS", &keys.to_string())])?;
    let shop = running.shop();
    let token = shop.register("ada")?.token;
    let published = shop.get(As::Anonymous, "/.well-known/jwks.json")?;
    published.expect_status(200)?;
    published.expect(
        !published.body().contains(d),
        "the private key should not be published",
    )?;
    let key = DecodingKey::from_ed_components(&published.text("/keys/0/x")?)?;
    jsonwebtoken::decode::<Value>(&token, &key, &Validation::new(Algorithm::EdDSA))?;
    ensure!(
        user_of(&shop, &token)?.is_ok(),
        "the shop should accept the token"
    );
    running.stop()
}
