//! A limit of the bytes that are held for slow clients. Beyond it, the slowest clients are cut.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::limits::WRITE_TIMEOUT;

/// Ends a slow client.
pub type Cut = Box<dyn FnOnce() + Send>;

/// The bytes that are held for all clients.
pub struct HeldBytes {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    total: usize,
    next_id: u64,
    by_id: HashMap<u64, Entry>,
}

struct Entry {
    bytes: usize,
    /// When the client last made progress.
    since: Instant,
    /// `None` after the cut.
    cut: Option<Cut>,
}

/// Bytes that are held for one request or response. Dropping it gives them back.
pub struct Hold {
    bytes: Arc<HeldBytes>,
    id: u64,
}

impl HeldBytes {
    /// Creates a limit in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: Mutex::default(),
        })
    }

    /// Holds bytes. Beyond the limit, it cuts the entries that have been without progress for the longest time.
    pub fn hold(self: &Arc<Self>, bytes: usize, cut: Cut) -> Hold {
        let mut held = self.lock();
        let id = held.next_id;
        held.next_id += 1;
        let entry = Entry {
            bytes: 0,
            since: Instant::now(),
            cut: Some(cut),
        };
        held.by_id.insert(id, entry);
        held.add(id, bytes, self.limit);
        Hold {
            bytes: Arc::clone(self),
            id,
        }
    }

    /// Cuts entries whose clients have made no progress for [`WRITE_TIMEOUT`].
    pub fn check(&self, now: Instant) {
        let mut held = self.lock();
        let old: Vec<_> = held
            .by_id
            .iter()
            .filter(|(_, entry)| now.saturating_duration_since(entry.since) >= WRITE_TIMEOUT)
            .map(|(id, _)| *id)
            .collect();
        for id in old {
            held.cut(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn add(&mut self, id: u64, bytes: usize, limit: usize) {
        let Some(entry) = self.by_id.get_mut(&id).filter(|entry| entry.cut.is_some()) else {
            return;
        };
        entry.bytes = entry.bytes.saturating_add(bytes);
        self.total = self.total.saturating_add(bytes);
        while self.total > limit {
            let held = self.by_id.iter().filter(|(_, entry)| entry.bytes > 0);
            let Some((oldest, _)) = held.min_by_key(|(_, entry)| entry.since) else {
                return;
            };
            self.cut(*oldest);
        }
    }

    /// Cuts an entry. Its bytes no longer count, since its owner drops them at once.
    fn cut(&mut self, id: u64) {
        let Some(entry) = self.by_id.get_mut(&id) else {
            return;
        };
        self.total = self.total.saturating_sub(std::mem::take(&mut entry.bytes));
        if let Some(cut) = entry.cut.take() {
            cut();
        }
    }
}

impl Hold {
    /// Holds more bytes.
    pub fn add(&self, bytes: usize) {
        self.bytes.lock().add(self.id, bytes, self.bytes.limit);
    }

    /// Records that the client has made progress.
    pub fn renew(&self) {
        if let Some(entry) = self.bytes.lock().by_id.get_mut(&self.id) {
            entry.since = Instant::now();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.bytes.lock();
        if let Some(entry) = held.by_id.remove(&self.id) {
            held.total = held.total.saturating_sub(entry.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    /// Holds bytes for a new client. Also returns whether the client is cut.
    fn hold(bytes: &Arc<HeldBytes>, count: usize) -> (Hold, Arc<AtomicBool>) {
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        let hold = bytes.hold(count, Box::new(move || cut.store(true, Ordering::Relaxed)));
        (hold, is_cut)
    }

    #[test]
    fn cuts_the_client_without_progress_beyond_the_limit() {
        let bytes = HeldBytes::new(100);
        let (read, first) = hold(&bytes, 40);
        let (unread, second) = hold(&bytes, 40);
        read.renew();
        let (newest, third) = hold(&bytes, 20);
        let are_cut = || [&first, &second, &third].map(|cut| cut.load(Ordering::Relaxed));
        assert_eq!(are_cut(), [false; 3], "the limit itself is allowed");
        newest.add(1);
        assert_eq!(are_cut(), [false, true, false]);
        assert_eq!(bytes.lock().total, 61);
        unread.add(100);
        assert_eq!(bytes.lock().total, 61, "a client that is cut holds nothing more");
        drop((read, unread, newest));
        assert_eq!(bytes.lock().total, 0);
        assert!(bytes.lock().by_id.is_empty());
    }

    #[test]
    fn cuts_clients_that_make_no_progress() {
        let bytes = HeldBytes::new(100);
        let (held, is_cut) = hold(&bytes, 1);
        let now = Instant::now();
        bytes.check(now + WRITE_TIMEOUT - Duration::from_secs(1));
        assert!(!is_cut.load(Ordering::Relaxed));
        bytes.check(now + WRITE_TIMEOUT + Duration::from_secs(1));
        assert!(is_cut.load(Ordering::Relaxed));
        drop(held);
    }
}
