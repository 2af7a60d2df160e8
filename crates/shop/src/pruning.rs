//! How collections end to grow: what is over goes little by little, taken away by those who add something new. There is no timer, and
//! nothing waits for it: a collection holds what was added within its time, and a little more.

use mercato_ports::documents::{CommitFailure, Comparison, Condition, Direction, Scalar, Sort, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::collection::{Collection, Stored};
use crate::ports::Ports;
use crate::types::Error;

/// One in so many additions looks for what is over.
const TURNS: u32 = 16;

/// How many go at once at the most: more than come from one turn to the next.
const BATCH: u32 = 50;

/// The documents, oldest first and so many at the most, whose time in a declared field, in milliseconds since the Unix epoch, was before
/// this one.
///
/// # Errors
/// As [`Collection::find`].
pub fn over<T: Serialize + DeserializeOwned>(
    ports: &(impl Ports + ?Sized),
    collection: &Collection<T>,
    field: &str,
    before: u64,
    most: u32,
) -> Result<Vec<Stored<T>>, Error> {
    let mut query = collection.query(most);
    query.conditions.push(Condition {
        field: field.into(),
        comparison: Comparison::Less,
        value: Scalar::Integer(i64::try_from(before).unwrap_or(i64::MAX)),
    });
    query.sort = Some(Sort {
        field: field.into(),
        direction: Direction::Ascending,
    });
    collection.find(ports, &query)
}

/// Takes away what is over, as far as `goes` says so, where it is the turn of whoever has just added the document `added`. Where that
/// fails, or another one is faster, it is for the next turn.
pub fn prune<T: Serialize + DeserializeOwned>(
    ports: &(impl Ports + ?Sized),
    collection: &Collection<T>,
    (field, before): (&str, u64),
    added: &str,
    goes: impl Fn(&T) -> bool,
) {
    if !is_turn(added) {
        return;
    }
    let pruned = over(ports, collection, field, before, BATCH).and_then(|mut over| {
        over.retain(|stored| goes(&stored.body));
        let writes: Vec<Write> = over.iter().map(|stored| collection.delete(stored)).collect();
        if writes.is_empty() {
            return Ok(());
        }
        match ports.commit(&writes, &[]) {
            Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    });
    if let Err(error) = pruned {
        eprintln!("what is over is taken away another time: {error:?}");
    }
}

/// Whether this document's addition is one that looks.
fn is_turn(added: &str) -> bool {
    added.bytes().map(u32::from).sum::<u32>().is_multiple_of(TURNS)
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
        held: bool,
    }

    const THINGS: Collection<Thing> = Collection::new("things.things");
    /// The sum of its bytes is 96.
    const TURN: &str = "00";

    fn ports(times: impl Iterator<Item = u64>) -> TestPorts {
        let manifest = "[collections.\"things.things\"]\nfields = [\"time\"]";
        let ports = TestPorts::new(&[("things", manifest)], &[]);
        let insert = |time| {
            let thing = Thing {
                time,
                held: time == 3,
            };
            THINGS.insert(&time.to_string(), &thing).unwrap()
        };
        let writes: Vec<_> = times.map(insert).collect();
        ports.commit(&writes, &[]).unwrap();
        ports
    }

    fn left(ports: &TestPorts) -> Vec<u64> {
        let found = THINGS.find(ports, &THINGS.query(1_000)).unwrap();
        let mut times: Vec<_> = found.into_iter().map(|thing| thing.body.time).collect();
        times.sort_unstable();
        times
    }

    fn prune_before(ports: &TestPorts, before: u64, added: &str) {
        prune(ports, &THINGS, ("time", before), added, |thing| !thing.held);
    }

    #[test]
    fn only_what_is_over_and_may_go_is_taken_away() {
        let ports = ports(1..=9);
        prune_before(&ports, 6, TURN);
        assert_eq!(left(&ports), [3, 6, 7, 8, 9]);
        prune_before(&ports, 0, TURN);
        assert_eq!(left(&ports), [3, 6, 7, 8, 9]);
    }

    #[test]
    fn so_many_go_at_once_the_oldest_first() {
        let ports = ports(10..110);
        prune_before(&ports, 100, TURN);
        assert_eq!(left(&ports), (60..110).collect::<Vec<_>>());
    }

    #[test]
    fn who_is_not_on_turn_does_not_look() {
        let ports = ports(10..20);
        prune_before(&ports, 15, "01");
        assert_eq!(left(&ports).len(), 10);
        let turns = (0..1_600).filter(|_| is_turn(&crate::id::new())).count();
        assert!((25..400).contains(&turns), "one in sixteen: {turns}");
    }

    #[test]
    fn what_another_takes_away_at_the_same_moment_is_no_failure() {
        let ports = ports(10..20);
        let other = ports.clone();
        ports.before_next_commit(move || prune_before(&other, 12, TURN));
        prune_before(&ports, 15, TURN);
        assert_eq!(left(&ports), (12..20).collect::<Vec<_>>(), "the other's turn");
        prune_before(&ports, 15, TURN);
        assert_eq!(left(&ports), (15..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_field_that_no_index_serves_fails_nothing_else() {
        let ports = ports(10..20);
        prune(&ports, &THINGS, ("unknown", 15), TURN, |_| true);
        assert_eq!(left(&ports).len(), 10);
    }
}
