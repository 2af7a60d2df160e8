//! The network of a client. Limits for each client count by it.

use std::net::{IpAddr, Ipv6Addr};

/// The network part of an IPv6 address. One client owns all addresses of its network (RFC 6177).
const NETWORK: u128 = u128::MAX << 64;

/// Returns the key of a client: its IPv4 address, or its IPv6 network.
pub fn of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> IpAddr {
        of(address.parse().unwrap())
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_client() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }

    #[test]
    fn each_ipv4_address_is_a_client() {
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
