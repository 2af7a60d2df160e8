//! The progress of a partition: the received and the finished records.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// The position of a record. A partition that is revoked and assigned again has a new `assignment` number, so
/// that deliveries of the previous assignment do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub assignment: u64,
}

/// The state of one partition while it is assigned to this process.
pub(super) struct Partition {
    pub assignment: u64,
    /// Set to true when no further attempt may begin.
    pub stopped: watch::Sender<bool>,
    /// The number of deliveries that run or wait for their next attempt.
    pub running: usize,
    pub paused: bool,
    unfinished: BTreeSet<i64>,
    next: i64,
    committed: i64,
}

impl Partition {
    /// Creates the state of a partition whose first record has this offset.
    pub fn new(assignment: u64, first: i64) -> Self {
        Self {
            assignment,
            stopped: watch::Sender::new(false),
            running: 0,
            paused: false,
            unfinished: BTreeSet::new(),
            next: first,
            committed: first,
        }
    }

    /// Adds a record that is to be delivered.
    pub fn add(&mut self, offset: i64) {
        self.unfinished.insert(offset);
        self.next = offset + 1;
    }

    /// Skips a record that is not for this subscriber.
    pub fn skip(&mut self, offset: i64) {
        self.next = offset + 1;
    }

    /// Marks a record as finished.
    pub fn finish(&mut self, offset: i64) {
        self.unfinished.remove(&offset);
    }

    /// Returns the number of unfinished records.
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// Returns the offset to commit, or `None` if it is committed already. All records before it are
    /// finished.
    pub fn to_commit(&self) -> Option<i64> {
        let offset = self.unfinished.first().copied().unwrap_or(self.next);
        (offset > self.committed).then_some(offset)
    }

    /// Records that an offset is being committed.
    pub fn committed(&mut self, offset: i64) {
        self.committed = offset;
    }

    /// Records that a commit has failed, so that the offset is committed again.
    pub fn commit_failed(&mut self) {
        self.committed = -1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_the_lowest_unfinished_offset() {
        let mut partition = Partition::new(1, 5);
        assert_eq!(partition.to_commit(), None);
        for offset in [5, 6, 9] {
            partition.add(offset);
        }
        assert_eq!(partition.to_commit(), None);
        partition.finish(6);
        assert_eq!(partition.to_commit(), None);
        partition.finish(5);
        assert_eq!(partition.to_commit(), Some(9));
        partition.committed(9);
        assert_eq!(partition.to_commit(), None);
        partition.finish(9);
        partition.skip(10);
        assert_eq!((partition.to_commit(), partition.unfinished()), (Some(11), 0));
    }

    #[test]
    fn does_not_commit_a_skipped_record_before_an_unfinished_one() {
        let mut partition = Partition::new(1, 0);
        partition.add(0);
        partition.skip(1);
        assert_eq!(partition.to_commit(), None);
        partition.finish(0);
        assert_eq!(partition.to_commit(), Some(2));
    }
}
