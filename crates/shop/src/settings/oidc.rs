//! `OIDC_ISSUER`, `OIDC_AUDIENCE` and `OIDC_JWKS_URI`: whose tokens sign in, too.

use super::{Config, given, text};

/// An OpenID provider that the shop trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// What its tokens have as `iss`, to the letter.
    pub issuer: String,
    /// What they may have as `aud`; at least one.
    pub audience: Vec<String>,
    /// Where its keys are; found by discovery where this is none.
    pub jwks_uri: Option<String>,
}

/// The provider; none where there is none.
///
/// # Errors
/// How it is to be written.
pub fn read(config: Config<'_>) -> Result<Option<Provider>, String> {
    let audience = given(config, "OIDC_AUDIENCE").unwrap_or_default();
    let audience = audience.split(',').map(str::trim).filter(|part| !part.is_empty());
    let audience: Vec<_> = audience.map(str::to_owned).collect();
    let jwks_uri = text::url(config, "OIDC_JWKS_URI")?;
    let Some(issuer) = text::url(config, "OIDC_ISSUER")? else {
        return match (audience.is_empty(), jwks_uri) {
            (true, None) => Ok(None),
            _ => Err(
                "OIDC_AUDIENCE and OIDC_JWKS_URI need OIDC_ISSUER: what tokens of the provider have as `iss`"
                    .into(),
            ),
        };
    };
    if audience.is_empty() {
        return Err("OIDC_ISSUER needs OIDC_AUDIENCE: what tokens for this shop have as `aud`".into());
    }
    Ok(Some(Provider {
        issuer,
        audience,
        jwks_uri,
    }))
}
