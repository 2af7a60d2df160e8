//! Where deliveries may go, as far as a URL tells. Which hosts may be called is for the operator to say (`HTTP_CLIENT_HOSTS`), and is
//! found out by each attempt.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use mercato_shop::ports::Ports;
use mercato_shop::settings::choice;
use mercato_shop::types::Error;

/// The longest URL, in bytes.
const LONGEST: usize = 2_048;

/// A URL that deliveries can be sent to: `https`, or in development `http` to this machine. It is answered as it is called, so that every
/// runtime reads the same host out of it: the scheme in lower case, a path after the authority, and no port that is none.
///
/// # Errors
/// [`Error::Invalid`], with what would be right.
pub fn checked(ports: &impl Ports, url: &str) -> Result<String, Error> {
    let refused = |message: &str| Error::invalid("url", message);
    let shape = || {
        refused("Give an absolute URL such as https://example.com/webhooks, without a user or a fragment.")
    };
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic());
    if url.len() > LONGEST || !printable || url.contains(['#', '\\']) {
        return Err(shape());
    }
    let uri: Uri = url.parse().map_err(|_| shape())?;
    let authority = uri.authority().ok_or_else(shape)?;
    let whole = authority.as_str();
    let reachable = whole == authority.host() || authority.port_u16().is_some_and(|port| port > 0);
    if whole.contains('@') || authority.host().is_empty() || !reachable {
        return Err(shape());
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri.to_string()),
        Some("http") => {
            let development = choice::is_development(&|name| ports.config(name));
            if development && is_loopback(authority.host()) {
                Ok(uri.to_string())
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
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(bare) => bare
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercato_shop::testing::TestPorts;

    fn ports(environment: &str) -> TestPorts {
        TestPorts::new(
            &[("webhooks", include_str!("../service.toml"))],
            &[("MERCATO_ENVIRONMENT", environment)],
        )
    }

    #[test]
    fn deliveries_go_by_https_and_in_development_to_this_machine() {
        let (production, development) = (ports(""), ports("development"));
        // Which hosts may be called is not for a URL to say.
        for url in [
            "https://example.com/",
            "https://example.com:8443/a?b=c",
            "https://127.0.0.1/",
            "https://[::ffff:169.254.169.254]/latest",
            "https://xn--bcher-kva.example/in?to=a%40b",
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
    fn a_url_is_kept_as_it_is_called() {
        let production = ports("");
        for (url, kept) in [
            ("https://example.com", "https://example.com/"),
            ("HTTPS://example.com/In", "https://example.com/In"),
            ("https://example.com?a=b", "https://example.com/?a=b"),
            ("https://example.com:8443?a=/b", "https://example.com:8443/?a=/b"),
        ] {
            assert_eq!(checked(&production, url).unwrap(), kept);
        }
    }

    #[test]
    fn no_other_writing_of_an_address_passes_for_this_machine() {
        let development = ports("development");
        for host in [
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
            "169.254.169.254",
            "10.0.0.1",
            "localhost.",
            "[127.0.0.1]",
            "127.0.0.1.",
        ] {
            let answer = checked(&development, &format!("http://{host}/"));
            assert!(matches!(answer, Err(Error::Invalid(_))), "{host}: {answer:?}");
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
            "https://example.com#@evil.example/",
            "https://example.com\\@evil.example/",
            "https://evil.example\\.example.com/",
            "https://@example.com/",
            "https://example.com:/",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://example.com:443:443/",
            "https://example.com:443@evil.example/",
            "https://example.com/\r\nHost: evil.example",
            "https://example.com/a b",
            "https://example.com\t/",
            "https://example\0.com/",
            "https://exämple.com/",
            "https://example.com/ä",
            " https://example.com/",
            "https:example.com/",
            "//example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "https://[::1/",
            "https://::1/",
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
