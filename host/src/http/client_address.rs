//! The address of a client, told to the shop in a header: components see no connections.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::exit::{Code, Failure};

/// The header that carries it, unless a proxy before the host tells it in another.
pub const HEADER: &str = "x-mercato-client-address";

/// The configuration that names the header to the shop.
pub const SETTING: &str = "CLIENT_ADDRESS_HEADER";

/// The header that carries it by this configuration of the shop.
///
/// # Errors
/// Where that names none.
pub fn header(config: &HashMap<String, String>) -> Result<HeaderName, Failure> {
    let name = config.get(SETTING).map_or(HEADER, String::as_str);
    let unusable = |_| {
        let reason = format!("{SETTING} must be the name of a header, such as x-forwarded-for");
        Failure::new(Code::Config, reason)
    };
    name.parse().map_err(unusable)
}

/// Puts the address into the headers of a request, in place of what its client may have claimed.
pub fn tell(headers: &mut HeaderMap, address: IpAddr) {
    let name = HeaderName::from_static(HEADER);
    match HeaderValue::from_str(&address.to_canonical().to_string()) {
        Ok(value) => headers.insert(name, value),
        Err(_) => headers.remove(name),
    };
}

/// The address of a client, told in this header, as the shop reads it: the last one there, since what stands before it came from the
/// client. None where that is no address.
pub fn told(headers: &HeaderMap, header: &HeaderName) -> Option<IpAddr> {
    let list = headers.get_all(header).iter().next_back()?.to_str().ok()?;
    let last = list.rsplit(',').next()?.trim();
    let with_port = || last.parse().map(|address: SocketAddr| address.ip());
    last.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_claim_no_other_address() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, HeaderValue::from_static("10.0.0.1"));
        headers.append(HEADER, HeaderValue::from_static("10.0.0.2"));
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        tell(&mut headers, "::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(headers.get_all(HEADER).iter().count(), 1);
        assert_eq!(told(&headers, &HeaderName::from_static(HEADER)), Some(address));
    }

    #[test]
    fn the_address_is_what_the_nearest_proxy_wrote() {
        let name = HeaderName::from_static("x-forwarded-for");
        for (values, address) in [
            (&["198.51.100.1", "203.0.113.9, 192.0.2.7"][..], Some("192.0.2.7")),
            (&["192.0.2.7:4711"], Some("192.0.2.7")),
            (&["[2001:db8::1]:80"], Some("2001:db8::1")),
            (&["192.0.2.7, unknown"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(&name, HeaderValue::from_static(value));
            }
            let address = address.map(|address| address.parse().unwrap());
            assert_eq!(told(&headers, &name), address, "{values:?}");
        }
    }
}
