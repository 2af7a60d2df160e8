//! What was taken from a partition and what of it is finished.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// Where a record stands. A partition that was given away and came back has a new `turn`, so that nothing of the earlier turn
/// counts for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub turn: u64,
}

/// The state of one partition while this process has it.
pub(super) struct Partition {
    pub turn: u64,
    /// Set to true once no further attempt is to begin.
    pub stopped: watch::Sender<bool>,
    /// How many deliveries run or wait for their next attempt.
    pub running: usize,
    pub paused: bool,
    unfinished: BTreeSet<i64>,
    next: i64,
    committed: i64,
}

impl Partition {
    /// A partition whose first record stands at this offset.
    pub fn new(turn: u64, first: i64) -> Self {
        Self {
            turn,
            stopped: watch::Sender::new(false),
            running: 0,
            paused: false,
            unfinished: BTreeSet::new(),
            next: first,
            committed: first,
        }
    }

    /// Notes a record that is to be delivered.
    pub fn take(&mut self, offset: i64) {
        self.unfinished.insert(offset);
        self.next = offset + 1;
    }

    /// Notes a record that is none of the subscriber's.
    pub fn skip(&mut self, offset: i64) {
        self.next = offset + 1;
    }

    /// Notes that a record need not come again.
    pub fn finish(&mut self, offset: i64) {
        self.unfinished.remove(&offset);
    }

    /// How many are taken and not finished.
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// The offset to commit: everything before it is finished. None where it is committed already.
    pub fn to_commit(&self) -> Option<i64> {
        let done = self.unfinished.first().copied().unwrap_or(self.next);
        (done > self.committed).then_some(done)
    }

    /// Notes that an offset was handed over to be committed.
    pub fn committed(&mut self, offset: i64) {
        self.committed = offset;
    }

    /// Notes that it is not known what is committed.
    pub fn uncommitted(&mut self) {
        self.committed = -1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_the_lowest_that_is_not_finished() {
        let mut partition = Partition::new(1, 5);
        assert_eq!(partition.to_commit(), None);
        for offset in [5, 6, 9] {
            partition.take(offset);
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
    fn what_is_skipped_does_not_overtake_what_runs() {
        let mut partition = Partition::new(1, 0);
        partition.take(0);
        partition.skip(1);
        assert_eq!(partition.to_commit(), None);
        partition.finish(0);
        assert_eq!(partition.to_commit(), Some(2));
    }
}
