//! `OIDC_ISSUER`, `OIDC_AUDIENCE` and `OIDC_JWKS_URI`: the OpenID provider whose users can sign in.

use super::config::{Config, value};
use super::text;

/// An OpenID provider that the shop trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The exact value of `iss` in its tokens.
    pub issuer: String,
    /// The allowed values of `aud` in its tokens, at least one.
    pub audience: Vec<String>,
    /// The address of its keys. `None` stands for the address in its discovery document.
    pub jwks_uri: Option<String>,
}

/// Reads the provider, if there is one.
///
/// # Errors
/// The missing setting, or the allowed values.
pub fn read(config: Config<'_>) -> Result<Option<Provider>, String> {
    let audience = value(config, "OIDC_AUDIENCE").unwrap_or_default();
    let audience = audience.split(',').map(str::trim).filter(|part| !part.is_empty());
    let audience: Vec<_> = audience.map(str::to_owned).collect();
    let jwks_uri = text::url(config, "OIDC_JWKS_URI")?;
    let Some(issuer) = text::url(config, "OIDC_ISSUER")? else {
        return match (audience.is_empty(), jwks_uri) {
            (true, None) => Ok(None),
            _ => Err(
                "OIDC_AUDIENCE and OIDC_JWKS_URI need OIDC_ISSUER: the value of `iss` in the provider's tokens"
                    .into(),
            ),
        };
    };
    if audience.is_empty() {
        return Err("OIDC_ISSUER needs OIDC_AUDIENCE: the value of `aud` in tokens for this shop".into());
    }
    Ok(Some(Provider {
        issuer,
        audience,
        jwks_uri,
    }))
}
