//! The slots for open event streams: a limit for all clients, and a limit for each client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client_network;

/// The slots of a server.
pub struct StreamSlots {
    total: usize,
    per_client: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    total: usize,
    /// The clients that use any slot.
    by_client: HashMap<IpAddr, usize>,
}

/// Why no slot is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSlot {
    /// All slots are in use. The limit.
    Total(usize),
    /// The client uses all of its slots. The limit for one client.
    Client(usize),
}

/// A slot in use. Dropping it frees the slot.
pub struct StreamSlot {
    slots: Arc<StreamSlots>,
    client: IpAddr,
}

impl StreamSlots {
    /// Creates slots with a limit for all clients and a limit for each client.
    pub fn new(total: usize, per_client: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            per_client,
            used: Mutex::default(),
        })
    }

    /// Returns the number of slots in use.
    pub fn used(&self) -> usize {
        self.lock().total
    }

    /// Takes a slot for a client with this address.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn acquire(self: &Arc<Self>, address: IpAddr) -> Result<StreamSlot, NoSlot> {
        let client = client_network::of(address);
        let mut used = self.lock();
        if used.total >= self.total {
            return Err(NoSlot::Total(self.total));
        }
        let of_client = used.by_client.get(&client).copied().unwrap_or(0);
        if of_client >= self.per_client {
            return Err(NoSlot::Client(self.per_client));
        }
        used.by_client.insert(client, of_client.saturating_add(1));
        used.total = used.total.saturating_add(1);
        Ok(StreamSlot {
            slots: Arc::clone(self),
            client,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut used = self.slots.lock();
        used.total = used.total.saturating_sub(1);
        if let Some(of_client) = used.by_client.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                used.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(slots: &Arc<StreamSlots>, address: &str) -> Result<StreamSlot, NoSlot> {
        slots.acquire(address.parse().unwrap())
    }

    #[test]
    fn limits_the_slots_of_one_client_and_of_all() {
        let slots = StreamSlots::new(4, 2);
        let held = [
            acquire(&slots, "192.0.2.1").ok(),
            acquire(&slots, "192.0.2.1").ok(),
        ];
        assert_eq!(acquire(&slots, "192.0.2.1").err(), Some(NoSlot::Client(2)));
        assert_eq!(acquire(&slots, "::ffff:192.0.2.1").err(), Some(NoSlot::Client(2)));
        let others = [
            acquire(&slots, "192.0.2.2").ok(),
            acquire(&slots, "192.0.2.3").ok(),
        ];
        assert!(held.iter().chain(&others).all(Option::is_some));
        assert_eq!(acquire(&slots, "192.0.2.4").err(), Some(NoSlot::Total(4)));
        assert_eq!(slots.used(), 4);
    }

    #[test]
    fn a_dropped_slot_is_free_again() {
        let slots = StreamSlots::new(2, 1);
        for _ in 0..3 {
            let held = acquire(&slots, "192.0.2.1");
            assert!(held.is_ok() && acquire(&slots, "192.0.2.1").is_err());
        }
        assert_eq!(slots.used(), 0);
        assert!(
            slots.lock().by_client.is_empty(),
            "a client without slots has no entry"
        );
    }

    #[test]
    fn the_addresses_of_one_network_are_one_client() {
        let slots = StreamSlots::new(9, 1);
        let held = acquire(&slots, "2001:db8::1");
        assert!(held.is_ok());
        assert_eq!(acquire(&slots, "2001:db8::ffff:2").err(), Some(NoSlot::Client(1)));
        assert!(acquire(&slots, "2001:db8:0:1::1").is_ok());
    }
}
