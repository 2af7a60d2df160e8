//! The checks of a request's head that HTTP/1 and HTTP/2 share (RFC 9110, RFC 9112, RFC 9113).

use std::net::Ipv6Addr;

use http::header::{CONTENT_LENGTH, HOST};
use http::{Method, Request, Version};

use super::limits::{MAX_HEADERS, MAX_TARGET};
use super::problem::Problem;

/// Checks the size, the method, the target and the host of a request.
///
/// # Errors
/// If one of them is invalid.
pub fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Err(Problem::TARGET_TOO_LONG);
    }
    if request.headers().len() > MAX_HEADERS {
        return Err(Problem::TOO_MANY_HEADERS);
    }
    if request.headers().get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Problem::LENGTH_REPEATED);
    }
    if !names_one_host(request) {
        return Err(Problem::NO_HOST);
    }
    match *request.method() {
        Method::CONNECT | Method::TRACE => Err(Problem::METHOD),
        Method::OPTIONS => Ok(()),
        _ if uri.path() == "*" => Err(Problem::TARGET_FOR_OPTIONS),
        _ => Ok(()),
    }
}

/// Returns whether a request names one valid host (RFC 9112, section 3.2).
fn names_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() || host.is_some_and(|host| !is_host(host.as_bytes())) {
        return false;
    }
    let Some(authority) = request.uri().authority().map(http::uri::Authority::as_str) else {
        return host.is_some();
    };
    let differs = host.is_some_and(|host| !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()));
    is_host(authority.as_bytes()) && !(differs && request.version() == Version::HTTP_2)
}

/// Returns whether a text is a name or an IP address, with an optional port (RFC 3986, section 3.2.2).
fn is_host(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else {
        return false;
    };
    if let Some(address) = text.strip_prefix('[') {
        return address
            .split_once(']')
            .is_some_and(|(address, port)| address.parse::<Ipv6Addr>().is_ok() && is_port(port));
    }
    let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    (1..=255).contains(&name.len()) && name.bytes().all(is_name_byte) && is_port(port)
}

/// Returns whether a text is empty, or a colon with a port.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(port) => {
            port.bytes().all(|byte| byte.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
        }
        None => text.is_empty(),
    }
}

/// Returns whether a byte may be part of a name. A comma would make it a list.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(method: &str, target: &str, hosts: &[&str]) -> Option<Problem> {
        let mut request = Request::builder().method(method).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        check(&request.body(()).unwrap()).err()
    }

    #[test]
    fn accepts_names_and_addresses_with_ports() {
        for host in [
            "a",
            "A.example",
            "a.example.",
            "a_b:80",
            "127.0.0.1:3000",
            "[::1]",
            "[::1]:80",
            "a:",
            "xn--e1a",
        ] {
            assert_eq!(problem("GET", "/", &[host]), None, "{host}");
        }
        assert_eq!(problem("GET", "http://a.example:80/b", &["c.example"]), None);
        assert_eq!(problem("GET", "http://a.example/b", &[]), None);
    }

    #[test]
    fn refuses_no_host_several_hosts_and_invalid_hosts() {
        for hosts in [
            &[][..],
            &["a", "a"],
            &["a", "b"],
            &["a,b"],
            &["a, b"],
            &[""],
            &[" "],
            &["a b"],
            &["user@a"],
            &["user:password@a"],
            &["a/b"],
            &["http://a"],
            &["a:b"],
            &["a:65536"],
            &["a:1:2"],
            &["a:-1"],
            &[":80"],
            &["[::1"],
            &["[a]"],
            &["[::1]a"],
            &["::1"],
            &["a\\b"],
            &["a?b"],
            &["a#b"],
            &["<a>"],
            &["a\""],
        ] {
            assert_eq!(problem("GET", "/", hosts), Some(Problem::NO_HOST), "{hosts:?}");
        }
        assert_eq!(problem("GET", "http://a/", &["a", "a"]), Some(Problem::NO_HOST));
        assert_eq!(problem("GET", "http://user@a/", &["a"]), Some(Problem::NO_HOST));
    }

    #[test]
    fn refuses_another_host_than_the_authority_of_http_2() {
        let request = |host: &str| {
            let request = Request::builder().version(Version::HTTP_2).uri("http://A/");
            check(&request.header(HOST, host).body(()).unwrap())
        };
        assert_eq!((request("a"), request("b")), (Ok(()), Err(Problem::NO_HOST)));
    }

    #[test]
    fn refuses_tunnels_and_traces() {
        for (method, target, expected) in [
            ("CONNECT", "a.example:443", Some(Problem::METHOD)),
            ("TRACE", "/", Some(Problem::METHOD)),
            ("OPTIONS", "*", None),
            ("GET", "*", Some(Problem::TARGET_FOR_OPTIONS)),
            ("BREW", "/", None),
        ] {
            assert_eq!(
                problem(method, target, &["a.example"]),
                expected,
                "{method} {target}"
            );
        }
    }

    #[test]
    fn limits_target_and_headers() {
        let target = |size: usize| format!("/{}", "a".repeat(size - 1));
        assert_eq!(problem("GET", &target(MAX_TARGET), &["a"]), None);
        assert_eq!(
            problem("GET", &target(MAX_TARGET + 1), &["a"]),
            Some(Problem::TARGET_TOO_LONG)
        );
        let headers = |count: usize| {
            let request = (1..count).fold(Request::builder().header(HOST, "a"), |request, _| {
                request.header("b", "c")
            });
            check(&request.body(()).unwrap())
        };
        assert_eq!(
            (headers(100), headers(101)),
            (Ok(()), Err(Problem::TOO_MANY_HEADERS))
        );
    }
}
