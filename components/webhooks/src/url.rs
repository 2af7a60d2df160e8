//! Where deliveries may go, as far as a URL tells. Which hosts may be called is for the operator to say (`HTTP_CLIENT_HOSTS`), and is
//! found out by each attempt.

use std::net::IpAddr;

use http::Uri;
use mercato_common::ports::Ports;
use mercato_common::types::Error;

/// The longest URL, in bytes.
const LONGEST: usize = 2_048;

/// A URL that deliveries can be sent to: `https`, or in development `http` to this machine.
///
/// # Errors
/// [`Error::Invalid`], with what would be right.
pub fn checked(ports: &impl Ports, url: &str) -> Result<String, Error> {
    let refused = |message: &str| Error::invalid("url", message);
    let shape = || {
        refused("Give an absolute URL such as https://example.com/webhooks, without a user or a fragment.")
    };
    if url.len() > LONGEST || url.contains('#') {
        return Err(shape());
    }
    let uri: Uri = url.parse().map_err(|_| shape())?;
    let authority = uri.authority().ok_or_else(shape)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(shape());
    }
    match uri.scheme_str() {
        Some("https") => Ok(url.into()),
        Some("http") => {
            let development = ports.config("MERCATO_ENVIRONMENT").as_deref() == Some("development");
            if development && is_loopback(authority.host()) {
                Ok(url.into())
            } else {
                Err(refused(
                    "Deliveries go by https. By http they go to this machine only, where MERCATO_ENVIRONMENT=development.",
                ))
            }
        }
        _ => Err(shape()),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercato_common::testing::TestPorts;

    fn ports(environment: &str) -> TestPorts {
        TestPorts::new(
            &[("webhooks", include_str!("../service.toml"))],
            &[("MERCATO_ENVIRONMENT", environment)],
        )
    }

    #[test]
    fn deliveries_go_by_https_and_in_development_to_this_machine() {
        let (production, development) = (ports(""), ports("development"));
        for url in [
            "https://example.com",
            "https://example.com:8443/a?b=c",
            "https://127.0.0.1/",
        ] {
            assert_eq!(checked(&production, url).unwrap(), url);
        }
        for url in [
            "http://127.0.0.1:9000/in",
            "http://localhost/",
            "http://[::1]:9000/",
        ] {
            assert!(checked(&production, url).is_err(), "{url}");
            assert_eq!(checked(&development, url).unwrap(), url);
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        let development = ports("development");
        for url in [
            "",
            "example.com",
            "/webhooks",
            "ftp://example.com/",
            "https://",
            "https:///a",
            "https://user:password@example.com/",
            "https://example.com/#part",
            "https://exa mple.com/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            &format!("https://example.com/{}", "a".repeat(LONGEST)),
        ] {
            assert!(
                matches!(checked(&development, url), Err(Error::Invalid(_))),
                "{url}"
            );
        }
    }
}
