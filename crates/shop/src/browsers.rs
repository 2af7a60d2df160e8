//! What each answer tells browsers: what it is not to be used for (OWASP, HTTP Security Response Headers), and whether the page that asked may
//! read it (the Fetch standard). The gateway's answers have it, and those that a host gives in its place.

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::settings::origins::{self, Origins};
use crate::settings::{Config, number};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The headers of answers that pages of other origins may read.
const TOLD: &str = "etag, idempotency-replayed, location, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, \
    x-request-id";

/// What operators have set for browsers.
#[derive(Clone, Debug, Default)]
pub struct Browsers {
    /// `CORS_ORIGINS`: the pages that may read answers.
    origins: Option<Origins>,
    /// `HSTS_SECONDS`: for how long browsers shall use nothing but HTTPS.
    hsts: Option<u32>,
}

impl Browsers {
    /// Reads the settings.
    ///
    /// # Errors
    /// How one of them is to be written.
    pub fn read(config: Config<'_>) -> Result<Self, String> {
        Ok(Self {
            origins: origins::read(config)?,
            hsts: number::HSTS_SECONDS.read(config)?,
        })
    }

    /// What a page of this origin is told; none where it may not read.
    #[must_use]
    pub fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self.origins.as_ref()? {
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::These(origins) => {
                let asked = origin.to_str().ok()?.to_ascii_lowercase();
                origins.contains(&asked).then(|| origin.clone())
            }
        }
    }

    /// Puts the headers on the answer to a request that came from a page of this origin, if it says so. A page has its own policy for what it
    /// loads; everything else loads nothing.
    pub fn mark(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        if matches!(self.origins, Some(Origins::These(_))) {
            answer.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(told) = origin.and_then(|origin| self.allowed(origin)) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, told);
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(TOLD));
        }
        for (name, value) in [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (OPENER_POLICY, "same-origin"),
        ] {
            answer.insert(name, HeaderValue::from_static(value));
        }
        answer
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(
                "default-src 'none'; frame-ancestors 'none'",
            ));
        if let Some(seconds) = self.hsts
            && let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}"))
        {
            answer.insert(STRICT_TRANSPORT_SECURITY, value);
        }
    }
}
