//! The places for streams that are held open: so many in all, and no more than so many for one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The half of an IPv6 address that tells networks apart: whoever has one has all addresses in it (RFC 6177).
const NETWORK: u128 = u128::MAX << 64;

/// The places of a server.
pub struct Places {
    most: usize,
    /// The most of one client.
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Clients that have any.
    by_client: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All(usize),
    /// The client has as many as one may have.
    Client(usize),
}

/// A place that is taken, until it is dropped.
pub struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

impl Places {
    /// So many in all, of which one client may have so many.
    pub fn new(most: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            each,
            taken: Mutex::default(),
        })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    /// Takes one for a client of this address.
    ///
    /// # Errors
    /// Why there is none.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let client = network(address);
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(Full::All(self.most));
        }
        let own = taken.by_client.get(&client).copied().unwrap_or(0);
        if own >= self.each {
            return Err(Full::Client(self.each));
        }
        taken.by_client.insert(client, own.saturating_add(1));
        taken.all = taken.all.saturating_add(1);
        Ok(Place {
            places: Arc::clone(self),
            client,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.by_client.get_mut(&self.client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

/// What stands for a client: its address, of IPv6 the network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, address: &str) -> Result<Place, Full> {
        places.take(address.parse().unwrap())
    }

    #[test]
    fn one_client_leaves_places_for_others() {
        let places = Places::new(4, 2);
        let held = [take(&places, "192.0.2.1").ok(), take(&places, "192.0.2.1").ok()];
        assert_eq!(take(&places, "192.0.2.1").err(), Some(Full::Client(2)));
        assert_eq!(take(&places, "::ffff:192.0.2.1").err(), Some(Full::Client(2)));
        let others = [take(&places, "192.0.2.2").ok(), take(&places, "192.0.2.3").ok()];
        assert!(held.iter().chain(&others).all(Option::is_some));
        assert_eq!(take(&places, "192.0.2.4").err(), Some(Full::All(4)));
        assert_eq!(places.taken(), 4);
    }

    #[test]
    fn a_place_that_is_left_is_free_again() {
        let places = Places::new(2, 1);
        for _ in 0..3 {
            let held = take(&places, "192.0.2.1");
            assert!(held.is_ok() && take(&places, "192.0.2.1").is_err());
        }
        assert_eq!(places.taken(), 0);
        assert!(places.lock().by_client.is_empty(), "who has gone is forgotten");
    }

    #[test]
    fn the_addresses_of_one_network_are_one_client() {
        let places = Places::new(9, 1);
        let held = take(&places, "2001:db8::1");
        assert!(held.is_ok());
        assert_eq!(take(&places, "2001:db8::ffff:2").err(), Some(Full::Client(1)));
        assert!(take(&places, "2001:db8:0:1::1").is_ok());
    }
}
