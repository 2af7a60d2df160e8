//! Sign-in by an OpenID provider, and tokens by keys that others can verify with: in shops that are configured for it, with a
//! provider that this test plays.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call, Shop};
use crate::configured::{Host, configured_trials};
use crate::listener::Listener;
use crate::own::Home;
use crate::tokens::now;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "oidc",
        [
            tokens_of_a_trusted_provider_sign_in,
            tokens_by_keys_are_verified_by_anybody,
        ]
    )
}

/// An Ed25519 key: the public half, the private one.
const KEY: [&str; 2] = [
    "4KnS_Nl9l2GMkoLi6UQbeH8iTmLvUA93qCa255VGKKI",
    "j59mCNsZISkI8c0RxK3MDcPP2zr5RbDVqWXUGvVJKkA",
];

/// What stands before the private half in PKCS #8 (RFC 8410, section 7).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

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

/// A provider on a port of this machine.
struct Provider(Listener);

impl Provider {
    fn start() -> Result<Self> {
        let [public, _] = KEY;
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": public }] });
        let listener = Listener::start(move |_, request| {
            if request.line == "GET /.well-known/openid-configuration" {
                let issuer = format!("http://{}", request.header("host").unwrap_or_default());
                (
                    200,
                    json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }),
                )
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

/// Whose token it is, or the code of the refusal.
fn whose(shop: &Shop, token: &str) -> Result<Result<String, String>> {
    let call = Call::post(&json!({ "query": "{ me { _id } }" }));
    let answer = shop.send_as(As::Token(token), call)?.json()?;
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
    let id = whose(&shop, &ada)?;
    ensure!(id.is_ok(), "the token should sign in: {id:?}");
    ensure!(whose(&shop, &ada)? == id, "it should be the same account");
    let query = "query ($actor: String) { auditLog(filter: { action: SIGN_IN, actor: $actor }) { edges { node { outcome } } } }";
    let log = shop.graphql(As::Key, query, json!({ "actor": id.as_ref().ok() }))?;
    ensure!(
        log.column("/auditLog/edges", "/node/outcome")? == [json!("SUCCESS")],
        "one sign-in should be logged, whatever came with its token"
    );
    let grace = whose(&shop, &signed("one", &provider.claims("grace"))?)?;
    ensure!(
        grace.is_ok() && grace != id,
        "another subject is another account: {grace:?}"
    );
    let asked = provider.0.received().len();
    ensure!(
        asked == 2,
        "the keys should be fetched once, not by {asked} requests"
    );
    for (name, value) in [
        ("aud", json!("another-shop")),
        ("exp", json!(now() - 120)),
        ("nbf", json!(now() + 120)),
        ("iss", json!("https://evil.example")),
    ] {
        let mut claims = provider.claims("ada");
        claims
            .as_object_mut()
            .context("claims are an object")?
            .insert(name.into(), value);
        let refused = whose(&shop, &signed("one", &claims)?)?;
        ensure!(refused == Err("UNAUTHENTICATED".into()), "{name}: {refused:?}");
    }
    let unknown = whose(&shop, &signed("two", &provider.claims("ada"))?)?;
    ensure!(
        unknown == Err("UNAUTHENTICATED".into()),
        "an unknown key: {unknown:?}"
    );
    running.stop()
}

fn tokens_by_keys_are_verified_by_anybody(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let [x, d] = KEY;
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x, "d": d }] });
    let running = host.start(&home, &[("TOKEN_KEYS", &set.to_string())])?;
    let shop = running.shop();
    let input = json!({ "username": "ada", "password": "a long password" });
    let call = Call::new("POST", "/api/users/register")
        .header("content-type", "application/json")
        .body(input.to_string());
    let signed_in = shop.send(call)?.expect_status(201)?.json()?;
    let token = signed_in
        .pointer("/access_token")
        .and_then(Value::as_str)
        .context("a sign-in has a token")?;
    let published = shop.send(Call::new("GET", "/.well-known/jwks.json"))?;
    published.expect_status(200)?;
    published.expect(!published.text().contains(d), || {
        "nothing private is published".into()
    })?;
    let published = published.json()?;
    let x = published
        .pointer("/keys/0/x")
        .and_then(Value::as_str)
        .context("a key")?;
    let key = DecodingKey::from_ed_components(x)?;
    jsonwebtoken::decode::<Value>(token, &key, &Validation::new(Algorithm::EdDSA))?;
    ensure!(whose(&shop, token)?.is_ok(), "the shop should take it as well");
    running.stop()
}
