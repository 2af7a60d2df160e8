//! The network address of a client, which a proxy or the host writes into a header.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that the host writes.
pub const HEADER: HeaderName = HeaderName::from_static("x-mercato-client-address");

/// The setting that names the header, where a proxy in front of the shop writes another one.
pub const SETTING: &str = "CLIENT_ADDRESS_HEADER";

/// The maximum length of an address, in bytes.
const MAX_LENGTH: usize = 64;

/// Returns the address that the nearest proxy wrote, without its port: each connection has another one.
///
/// This is the last address of the header: the client can send the ones before it. It need not be an IP
/// address.
#[must_use]
pub fn text(headers: &HeaderMap, header: &HeaderName) -> Option<String> {
    let list = headers.get_all(header).iter().next_back()?.to_str().ok()?;
    let last = list.rsplit(',').next()?.trim();
    if !(1..=MAX_LENGTH).contains(&last.len()) {
        return None;
    }
    Some(last.parse().map_or_else(
        |_| last.to_owned(),
        |address: SocketAddr| address.ip().to_string(),
    ))
}

/// Returns [`text`] as an IP address, or `None` if it is not one.
#[must_use]
pub fn ip(headers: &HeaderMap, header: &HeaderName) -> Option<IpAddr> {
    text(headers, header)?.parse().ok()
}

/// Returns whether an address is public: neither of this machine, nor of a private or a carrier's network,
/// nor link-local.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let is_shared = matches!(address.octets(), [100, 64..=127, ..]);
            !(address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || is_shared)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_unspecified())
        }
    }
}

/// Returns the network of one client: the address itself, or the first 64 bits of an IPv6 address. A client
/// chooses the others.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Writes the address of a connection into [`HEADER`], and removes values that the client sent.
pub fn set(headers: &mut HeaderMap, address: IpAddr) {
    match HeaderValue::from_str(&address.to_canonical().to_string()) {
        Ok(value) => headers.insert(HEADER, value),
        Err(_) => headers.remove(HEADER),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn replaces_addresses_that_the_client_sent() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, HeaderValue::from_static("10.0.0.1"));
        headers.append(HEADER, HeaderValue::from_static("10.0.0.2"));
        set(&mut headers, "::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(headers.get_all(HEADER).iter().count(), 1);
        assert_eq!(ip(&headers, &HEADER), Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn returns_the_last_address_without_its_port() {
        for (values, address) in [
            (&["198.51.100.1", "203.0.113.9, 192.0.2.7"][..], "192.0.2.7"),
            (&["192.0.2.7:4711"], "192.0.2.7"),
            (&["[2001:db8::1]:80"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
        ] {
            let headers = headers(values);
            assert_eq!(text(&headers, &FORWARDED).as_deref(), Some(address));
            assert_eq!(ip(&headers, &FORWARDED), address.parse().ok());
        }
    }

    #[test]
    fn returns_no_address_that_is_empty_or_too_long() {
        assert_eq!(text(&headers(&[]), &FORWARDED), None);
        for value in ["", "192.0.2.7,", &"1".repeat(MAX_LENGTH + 1)] {
            assert_eq!(text(&headers(&[value]), &FORWARDED), None, "{value}");
        }
    }

    #[test]
    fn tells_public_addresses_from_others() {
        for address in [
            "203.0.113.9",
            "8.8.8.8",
            "100.128.0.1",
            "2001:db8::1",
            "::ffff:203.0.113.9",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:192.168.1.1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn names_the_network_of_a_client() {
        for (address, network) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(super::network(address.parse().unwrap()), network);
        }
    }

    #[test]
    fn returns_a_name_only_as_text() {
        let headers = headers(&["192.0.2.7, unknown"]);
        assert_eq!(text(&headers, &FORWARDED).as_deref(), Some("unknown"));
        assert_eq!(ip(&headers, &FORWARDED), None);
    }
}
