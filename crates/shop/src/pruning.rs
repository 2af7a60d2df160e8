//! Removal of expired documents. Requests that add a document also remove expired ones, a few at a time. So a
//! collection stays small without a timer.

use mercato_ports::documents::{CommitFailure, Comparison, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::collection::{Collection, Stored};
use crate::ports::Ports;
use crate::query::{ascending, compare, time};
use crate::types::Error;

/// One of this many additions removes expired documents.
const INTERVAL: u32 = 16;

/// The maximum number of documents that are removed at once. It is larger than [`INTERVAL`], so that removals
/// keep up with additions.
const BATCH: u32 = 50;

/// Finds documents whose time in `field` is before `before`, both in milliseconds since the Unix epoch. The
/// oldest come first.
///
/// # Errors
/// The errors of [`Collection::find`].
pub fn expired<T: Serialize + DeserializeOwned>(
    ports: &(impl Ports + ?Sized),
    collection: &Collection<T>,
    field: &str,
    before: u64,
    limit: u32,
) -> Result<Vec<Stored<T>>, Error> {
    let mut query = collection.query(limit);
    query
        .conditions
        .push(compare(field, Comparison::Less, time(before)));
    query.sort = Some(ascending(field));
    collection.find(ports, &query)
}

/// Removes expired documents that `is_removable` accepts, after the document with the id `added` was added.
///
/// One of 16 calls removes documents. The id selects the call. A failure is logged: a later call repeats the
/// removal.
pub fn prune<T: Serialize + DeserializeOwned>(
    ports: &(impl Ports + ?Sized),
    collection: &Collection<T>,
    (field, before): (&str, u64),
    added: &str,
    is_removable: impl Fn(&T) -> bool,
) {
    if !is_selected(added) {
        return;
    }
    let pruned = expired(ports, collection, field, before, BATCH).and_then(|mut expired| {
        expired.retain(|stored| is_removable(&stored.body));
        let writes: Vec<Write> = expired.iter().map(|stored| collection.delete(stored)).collect();
        if writes.is_empty() {
            return Ok(());
        }
        match ports.commit(&writes, &[]) {
            Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    });
    if let Err(error) = pruned {
        eprintln!("expired documents were not removed: {error:?}");
    }
}

fn is_selected(added: &str) -> bool {
    added.bytes().map(u32::from).sum::<u32>().is_multiple_of(INTERVAL)
}

#[cfg(test)]
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::TestPorts;

    #[derive(Debug, Serialize, Deserialize)]
    struct Thing {
        time: u64,
        in_use: bool,
    }

    const THINGS: Collection<Thing> = Collection::new("things.things");
    /// The sum of its bytes is 96.
    const SELECTED: &str = "00";

    fn ports(times: impl Iterator<Item = u64>) -> TestPorts {
        let manifest = "[collections.\"things.things\"]\nfields = [\"time\"]";
        let ports = TestPorts::new(&[("things", manifest)], &[]);
        let insert = |time| {
            let thing = Thing {
                time,
                in_use: time == 3,
            };
            THINGS.insert(&time.to_string(), &thing).unwrap()
        };
        let writes: Vec<_> = times.map(insert).collect();
        ports.commit(&writes, &[]).unwrap();
        ports
    }

    fn remaining(ports: &TestPorts) -> Vec<u64> {
        let found = THINGS.find(ports, &THINGS.query(1_000)).unwrap();
        let mut times: Vec<_> = found.into_iter().map(|thing| thing.body.time).collect();
        times.sort_unstable();
        times
    }

    fn prune_before(ports: &TestPorts, before: u64, added: &str) {
        prune(ports, &THINGS, ("time", before), added, |thing| !thing.in_use);
    }

    #[test]
    fn removes_expired_documents_that_are_removable() {
        let ports = ports(1..=9);
        prune_before(&ports, 6, SELECTED);
        assert_eq!(remaining(&ports), [3, 6, 7, 8, 9]);
        prune_before(&ports, 0, SELECTED);
        assert_eq!(remaining(&ports), [3, 6, 7, 8, 9]);
    }

    #[test]
    fn removes_a_batch_of_the_oldest_documents() {
        let ports = ports(10..110);
        prune_before(&ports, 100, SELECTED);
        assert_eq!(remaining(&ports), (60..110).collect::<Vec<_>>());
    }

    #[test]
    fn removes_nothing_for_most_additions() {
        let ports = ports(10..20);
        prune_before(&ports, 15, "01");
        assert_eq!(remaining(&ports).len(), 10);
        let selected = (0..1_600).filter(|_| is_selected(&crate::id::new())).count();
        assert!((25..400).contains(&selected), "one of 16: {selected}");
    }

    #[test]
    fn ignores_a_concurrent_removal() {
        let ports = ports(10..20);
        let other = ports.clone();
        ports.before_next_commit(move || prune_before(&other, 12, SELECTED));
        prune_before(&ports, 15, SELECTED);
        assert_eq!(remaining(&ports), (12..20).collect::<Vec<_>>());
        prune_before(&ports, 15, SELECTED);
        assert_eq!(remaining(&ports), (15..20).collect::<Vec<_>>());
    }

    #[test]
    fn ignores_a_field_that_is_not_declared() {
        let ports = ports(10..20);
        prune(&ports, &THINGS, ("unknown", 15), SELECTED, |_| true);
        assert_eq!(remaining(&ports).len(), 10);
    }
}
