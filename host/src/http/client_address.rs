//! The address of a client, told to the shop in a header: components see no connections.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it, unless a proxy before the host tells it in another.
pub const HEADER: &str = "x-mercato-client-address";

/// The configuration that names the header to the shop.
pub const SETTING: &str = "CLIENT_ADDRESS_HEADER";

/// Puts the address into the headers of a request, in place of what its client may have claimed.
pub fn tell(headers: &mut HeaderMap, address: IpAddr) {
    let name = HeaderName::from_static(HEADER);
    match HeaderValue::from_str(&address.to_canonical().to_string()) {
        Ok(value) => headers.insert(name, value),
        Err(_) => headers.remove(name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_claim_no_other_address() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, HeaderValue::from_static("10.0.0.1"));
        headers.append(HEADER, HeaderValue::from_static("10.0.0.2"));
        tell(&mut headers, "::ffff:192.0.2.7".parse().unwrap());
        let told: Vec<_> = headers.get_all(HEADER).iter().collect();
        assert_eq!(told, ["192.0.2.7"]);
    }
}
