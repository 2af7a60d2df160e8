//! Loaders: fields that each need one value share one call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mercato_shop::types::Error;

type Fetch<V> = Box<dyn Fn(&[String]) -> Vec<Result<V, Error>> + Send + Sync>;

/// Loads values by key, in batches.
///
/// The executor polls all sibling fields before it polls one of them again. So a field adds its key and
/// yields once. The first field that is polled again fetches all keys.
pub struct Loader<V> {
    fetch: Fetch<V>,
    state: Mutex<State<V>>,
}

struct State<V> {
    waiting: Vec<String>,
    loaded: HashMap<String, Option<Result<V, Error>>>,
}

impl<V: Clone> Loader<V> {
    /// Returns a loader. `fetch` must return one value per key, in the order of the keys.
    pub fn new(fetch: impl Fn(&[String]) -> Vec<Result<V, Error>> + Send + Sync + 'static) -> Self {
        Self {
            fetch: Box::new(fetch),
            state: Mutex::new(State {
                waiting: Vec::new(),
                loaded: HashMap::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value of a key.
    ///
    /// # Errors
    /// The error that `fetch` returned for the key. [`Error::Internal`] if it returned too few values.
    pub async fn load(&self, key: &str) -> Result<V, Error> {
        {
            let mut state = self.state();
            if let Entry::Vacant(entry) = state.loaded.entry(key.to_owned()) {
                entry.insert(None);
                state.waiting.push(key.to_owned());
            }
        }
        yield_once().await;
        let mut state = self.state();
        if !state.waiting.is_empty() {
            let keys = std::mem::take(&mut state.waiting);
            let values = (self.fetch)(&keys).into_iter().map(Some);
            state.loaded.extend(keys.into_iter().zip(values));
        }
        let missing = || Error::Internal("a service returned fewer values than keys".into());
        let loaded = state.loaded.get(key).cloned().flatten();
        loaded.unwrap_or_else(|| Err(missing()))
    }

    /// Removes all values, because they may have changed.
    pub fn clear(&self) {
        self.state().loaded.clear();
    }
}

/// Lets the executor poll the other fields first.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
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
    fn fetches_concurrent_keys_in_one_call() {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&calls);
        let loader = Loader::new(move |keys: &[String]| {
            log.lock().unwrap().push(keys.to_vec());
            keys.iter().map(|key| Ok(format!("{key}!"))).collect()
        });
        // More than 30 futures, for which join_all takes another path.
        let keys: Vec<_> = (0..100).map(|number| (number % 50).to_string()).collect();
        let values = block_on(join_all(keys.iter().map(|key| loader.load(key))));
        let expected: Vec<_> = keys.iter().map(|key| Ok(format!("{key}!"))).collect();
        assert_eq!(values, expected);
        assert_eq!(calls.lock().unwrap().len(), 1);
        assert_eq!(calls.lock().unwrap()[0].len(), 50);

        assert_eq!(block_on(loader.load("7")).as_deref(), Ok("7!"));
        assert_eq!(calls.lock().unwrap().len(), 1, "loaded values are kept");
        loader.clear();
        assert_eq!(block_on(loader.load("7")).as_deref(), Ok("7!"));
        assert_eq!(calls.lock().unwrap().len(), 2, "cleared values are fetched again");
    }
}
