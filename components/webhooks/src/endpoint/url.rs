//! Rules for the URLs of endpoints. Which hosts may be called is the operator's decision
//! (`HTTP_CLIENT_HOSTS`). The runtime checks it again in each attempt.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Authority;
use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, choice, hosts};
use mercato_shop::types::Error;

/// In bytes.
const MAX_URL: usize = 2_048;

/// Checks a URL: `https` to an allowed host, or in development also `http` to this machine. Returns it in the form in which
/// every runtime parses the same host: with a scheme in lower case and a path.
///
/// # Errors
/// [`Error::Invalid`] if deliveries can't be sent there.
pub fn check(ports: &impl Ports, url: &str) -> Result<String, Error> {
    let malformed = || {
        let message =
            "`url` must be an absolute URL such as https://example.com/webhooks, without user and fragment.";
        Error::invalid("url", message)
    };
    let is_printable = url.bytes().all(|byte| byte.is_ascii_graphic());
    if url.len() > MAX_URL || !is_printable || url.contains(['#', '\\']) {
        return Err(malformed());
    }
    let uri: Uri = url.parse().map_err(|_| malformed())?;
    let authority = uri.authority().filter(|authority| is_valid(authority));
    let host = authority.ok_or_else(malformed)?.host();
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if choice::is_development(&|name| ports.config(name)) && is_loopback(host) => {}
        Some("http") => {
            return Err(Error::invalid(
                "url",
                "`url` must begin with https. \
             With MERCATO_ENVIRONMENT=development, it may be http to this machine.",
            ));
        }
        _ => return Err(malformed()),
    }
    let url = uri.to_string();
    let allowed = settings::read(ports, hosts::read)?;
    allowed.check(&url).map_err(|_| {
        let authority = uri.authority().map_or("", Authority::as_str);
        let message = format!(
            "The shop may not call {authority}. Its operator allows hosts with the setting {}.",
            hosts::NAME
        );
        Error::invalid("url", message)
    })?;
    Ok(url)
}

/// Whether an authority is a host, or a host with a port.
fn is_valid(authority: &Authority) -> bool {
    let (text, host) = (authority.as_str(), authority.host());
    let has_port = authority.port_u16().is_some_and(|port| port > 0);
    !text.contains('@') && !host.is_empty() && (text == host || has_port)
}

fn is_loopback(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(host) => host
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

    const HOSTS: &str = "example.com,example.com:8443,127.0.0.1,127.0.0.1:9000,localhost:80,[::1]:9000,\
        [::ffff:169.254.169.254],xn--bcher-kva.example";

    fn ports(environment: &str) -> TestPorts {
        TestPorts::new(
            &[("webhooks", include_str!("../../service.toml"))],
            &[("MERCATO_ENVIRONMENT", environment), ("HTTP_CLIENT_HOSTS", HOSTS)],
        )
    }

    #[test]
    fn accepts_https_and_in_development_http_to_this_machine() {
        let (production, development) = (ports(""), ports("development"));
        for url in [
            "https://example.com/",
            "https://example.com:8443/a?b=c",
            "https://127.0.0.1/",
            "https://[::ffff:169.254.169.254]/latest",
            "https://xn--bcher-kva.example/in?to=a%40b",
        ] {
            assert_eq!(check(&production, url).unwrap(), url);
        }
        for url in [
            "http://127.0.0.1:9000/in",
            "http://localhost/",
            "http://[::1]:9000/",
        ] {
            assert!(check(&production, url).is_err(), "{url}");
            assert_eq!(check(&development, url).unwrap(), url);
        }
    }

    #[test]
    fn names_the_setting_for_a_host_that_may_not_be_called() {
        for (environment, url, host) in [
            ("", "https://other.example/in", "other.example"),
            ("", "https://example.com:9443/in", "example.com:9443"),
            (
                "",
                "https://example.com.other.example/",
                "example.com.other.example",
            ),
            ("development", "http://127.0.0.1:9001/in", "127.0.0.1:9001"),
        ] {
            match check(&ports(environment), url) {
                Err(Error::Invalid(violation)) => {
                    assert_eq!(violation.field, "url");
                    let message = format!(
                        "The shop may not call {host}. Its operator allows hosts with the setting HTTP_CLIENT_HOSTS."
                    );
                    assert_eq!(violation.message, message);
                }
                other => panic!("{url}: {other:?}"),
            }
        }
    }

    #[test]
    fn returns_a_url_in_the_form_that_is_called() {
        let production = ports("");
        for (url, kept) in [
            ("https://example.com", "https://example.com/"),
            ("HTTPS://example.com/In", "https://example.com/In"),
            ("https://example.com?a=b", "https://example.com/?a=b"),
            ("https://example.com:8443?a=/b", "https://example.com:8443/?a=/b"),
        ] {
            assert_eq!(check(&production, url).unwrap(), kept);
        }
    }

    #[test]
    fn rejects_other_spellings_of_loopback_addresses() {
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
            let answer = check(&development, &format!("http://{host}/"));
            assert!(matches!(answer, Err(Error::Invalid(_))), "{host}: {answer:?}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_url_of_a_server() {
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
            &format!("https://example.com/{}", "a".repeat(MAX_URL)),
        ] {
            assert!(
                matches!(check(&development, url), Err(Error::Invalid(_))),
                "{url}"
            );
        }
    }
}
