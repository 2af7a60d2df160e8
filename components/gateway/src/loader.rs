//! Batches: fields that each need one thing make one call together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use mercato_shop::types::Error;

type Fetch<V> = Box<dyn Fn(&[String]) -> Vec<Result<V, Error>> + Send + Sync>;

/// Loads values by key, many at a time.
///
/// The executor polls sibling fields one after the other before it polls any of them again. So a field that asks
/// puts its key down and steps back once; the first to be polled again fetches all keys that have been put down by then.
pub struct Loader<V> {
    fetch: Fetch<V>,
    state: Mutex<State<V>>,
}

struct State<V> {
    waiting: Vec<String>,
    loaded: HashMap<String, Option<Result<V, Error>>>,
}

impl<V: Clone> Loader<V> {
    /// A loader whose `fetch` answers one value a key, in the order of the keys.
    pub fn new(fetch: impl Fn(&[String]) -> Vec<Result<V, Error>> + Send + Sync + 'static) -> Self {
        Self {
            fetch: Box::new(fetch),
            state: Mutex::new(State {
                waiting: Vec::new(),
                loaded: HashMap::new(),
            }),
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// What the fetch answered for the key; [`Error::Internal`] where it answered too few values.
    pub async fn load(&self, key: &str) -> Result<V, Error> {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Entry::Vacant(entry) = state.loaded.entry(key.to_owned()) {
                entry.insert(None);
                state.waiting.push(key.to_owned());
            }
        }
        step_back().await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.waiting.is_empty() {
            let keys = std::mem::take(&mut state.waiting);
            let values = (self.fetch)(&keys);
            state
                .loaded
                .extend(keys.into_iter().zip(values.into_iter().map(Some)));
        }
        let unanswered = || Error::Internal("a service answered fewer values than it was asked for".into());
        state
            .loaded
            .get(key)
            .cloned()
            .flatten()
            .unwrap_or_else(|| Err(unanswered()))
    }

    /// Forgets what was loaded, because it may have changed.
    pub fn clear(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .loaded
            .clear();
    }
}

/// Lets the other fields have their turn first.
async fn step_back() {
    let mut stepped = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut stepped, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;
    use futures::future::join_all;

    use super::*;

    #[test]
    fn keys_that_are_asked_for_together_are_fetched_in_one_call() {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&calls);
        let loader = Loader::new(move |keys: &[String]| {
            log.lock().unwrap().push(keys.to_vec());
            keys.iter().map(|key| Ok(format!("{key}!"))).collect()
        });
        // More than 30, so that join_all goes its way for many futures, too.
        let keys: Vec<_> = (0..100).map(|number| (number % 50).to_string()).collect();
        let values = block_on(join_all(keys.iter().map(|key| loader.load(key))));
        assert!(
            values
                .iter()
                .zip(&keys)
                .all(|(value, key)| *value == Ok(format!("{key}!")))
        );
        assert_eq!(calls.lock().unwrap().len(), 1);
        assert_eq!(calls.lock().unwrap()[0].len(), 50);

        assert_eq!(block_on(loader.load("7")).as_deref(), Ok("7!"));
        assert_eq!(calls.lock().unwrap().len(), 1, "what was loaded is remembered");
        loader.clear();
        assert_eq!(block_on(loader.load("7")).as_deref(), Ok("7!"));
        assert_eq!(calls.lock().unwrap().len(), 2, "what was cleared is fetched anew");
    }
}
