//! Where a request comes from: told to those who sign in, and counted when they fail to.

use std::net::SocketAddr;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName};
use mercato_shop::accounts::Client;

/// The longest text that passes for an address.
const ADDRESS: usize = 64;

/// The client of a request with these headers. Its address is in the header that the proxy before the gateway is trusted to write:
/// the last one there, since what stands before it came from the client.
pub fn of(headers: &HeaderMap, address_header: Option<&HeaderName>) -> Client {
    let address = address_header
        .and_then(|name| headers.get_all(name).iter().next_back()?.to_str().ok())
        .and_then(|list| list.rsplit(',').next())
        .map(str::trim)
        .filter(|address| (1..=ADDRESS).contains(&address.len()));
    // Some write the port as well, which is another one for each connection.
    let address = address.map(|address| {
        address.parse().map_or_else(
            |_| address.to_owned(),
            |address: SocketAddr| address.ip().to_string(),
        )
    });
    Client {
        address,
        user_agent: headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_the_nearest_proxy_wrote() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        headers.append("x-forwarded-for", "203.0.113.9, 192.0.2.7".parse().unwrap());
        headers.append("user-agent", "curl/8".parse().unwrap());
        let header = HeaderName::from_static("x-forwarded-for");
        let client = of(&headers, Some(&header));
        assert_eq!(client.address.as_deref(), Some("192.0.2.7"));
        assert_eq!(client.user_agent.as_deref(), Some("curl/8"));
        assert_eq!(of(&headers, None).address, None, "nobody is trusted to say");
    }

    #[test]
    fn the_port_of_a_connection_is_no_part_of_the_address() {
        let header = HeaderName::from_static("spin-client-addr");
        for (value, address) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(&header, value.parse().unwrap());
            assert_eq!(of(&headers, Some(&header)).address.as_deref(), Some(address));
        }
    }

    #[test]
    fn what_can_be_no_address_is_none() {
        let header = HeaderName::from_static("x-forwarded-for");
        for value in ["", "192.0.2.7,", &"1".repeat(65)] {
            let mut headers = HeaderMap::new();
            headers.append(&header, value.parse().unwrap());
            assert_eq!(of(&headers, Some(&header)).address, None, "{value}");
        }
    }
}
