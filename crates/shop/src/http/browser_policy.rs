//! Response headers for browsers: protection (OWASP, HTTP Security Response Headers) and cross-origin access
//! (the Fetch standard).

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::settings::origins::{self, Origins};
use crate::settings::{Config, number};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The response headers that pages of other origins may read.
const EXPOSED_HEADERS: &str = "allow, etag, idempotency-replayed, location, ratelimit-limit, ratelimit-remaining, \
    ratelimit-reset, retry-after, www-authenticate, x-request-id";

/// The operator's settings for browsers.
#[derive(Clone, Debug, Default)]
pub struct BrowserPolicy {
    /// `CORS_ORIGINS`: the origins whose pages may read responses.
    origins: Option<Origins>,
    /// `HSTS_SECONDS`: how long browsers use only HTTPS.
    hsts_seconds: Option<u32>,
}

impl BrowserPolicy {
    /// Reads the settings.
    ///
    /// # Errors
    /// The allowed values of a setting that is invalid.
    pub fn read(config: Config<'_>) -> Result<Self, String> {
        Ok(Self {
            origins: origins::read(config)?,
            hsts_seconds: number::HSTS_SECONDS.read(config)?,
        })
    }

    /// Returns the value of `Access-Control-Allow-Origin` for a page of this origin, or `None` if it may not
    /// read responses.
    #[must_use]
    pub fn allow_origin(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self.origins.as_ref()? {
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Listed(origins) => {
                let lower_case = origin.to_str().ok()?.to_ascii_lowercase();
                origins.contains(&lower_case).then(|| origin.clone())
            }
        }
    }

    /// Adds the headers to the response to a request with this `Origin`.
    ///
    /// A response that has a content security policy keeps it. Others may load nothing.
    pub fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if matches!(self.origins, Some(Origins::Listed(_))) {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(allowed) = origin.and_then(|origin| self.allow_origin(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED_HEADERS),
            );
        }
        for (name, value) in [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (OPENER_POLICY, "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(
                "default-src 'none'; frame-ancestors 'none'",
            ));
        if let Some(seconds) = self.hsts_seconds
            && let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}"))
        {
            headers.insert(STRICT_TRANSPORT_SECURITY, value);
        }
    }
}
