//! A batch: commits that are made in one transaction.
//!
//! Each commit of a batch is made or refused as if it ran alone, in the order of the batch. Several commits
//! may adjust the same document: their sums become one statement. Any other write needs its document alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mercato_ports::documents::{Adjustment, Change, CommitFailure, Refusal, RefusalReason};
use mercato_ports::events::Event;
use mongodb::bson::RawDocumentBuf;
use tokio::sync::oneshot;

use super::adjust::{self, Guard};
use super::service::Service;
use super::write::{Key, PendingWrite, Statement};

/// The maximum number of commits in a batch. It bounds how long the first one waits for the last one.
const MAX_COMMITS: usize = 128;

/// The maximum size of a batch, in bytes of bodies and events.
const MAX_BYTES: usize = 4 << 20;

/// A commit that waits for its transaction.
pub(crate) struct PendingCommit {
    pub writes: Vec<PendingWrite>,
    pub events: Vec<(Arc<Service>, Event)>,
    pub answer: oneshot::Sender<Result<(), CommitFailure>>,
}

impl PendingCommit {
    fn bytes(&self) -> usize {
        let writes: usize = self.writes.iter().map(PendingWrite::bytes).sum();
        let events: usize = self.events.iter().map(|(_, event)| event.data.len()).sum();
        writes + events
    }
}

/// The documents of a batch as they are stored now.
pub(crate) type Found = HashMap<Key, RawDocumentBuf>;

#[derive(Default)]
pub(crate) struct Batch {
    commits: Vec<PendingCommit>,
    /// The failure of each commit that is not part of the transaction.
    failures: Vec<Option<CommitFailure>>,
    /// Whether each document is only adjusted.
    documents: HashMap<Key, bool>,
    /// The conditions of adjusted documents. Those without an entry have [`Guard::Range`].
    guards: HashMap<Key, Guard>,
    bytes: usize,
}

impl Batch {
    /// Adds a commit. Returns it if the batch is full, or if both write the same document.
    ///
    /// # Errors
    /// The commit.
    pub fn add(&mut self, commit: PendingCommit) -> Result<(), PendingCommit> {
        let bytes = commit.bytes();
        let is_full = self.commits.len() >= MAX_COMMITS || self.bytes.saturating_add(bytes) > MAX_BYTES;
        let conflicts = |write: &PendingWrite| {
            let is_adjusted = self.documents.get(&write.key());
            is_adjusted.is_some_and(|is_adjusted| !(*is_adjusted && write.is_adjustment()))
        };
        if !self.commits.is_empty() && (is_full || commit.writes.iter().any(conflicts)) {
            return Err(commit);
        }
        for write in &commit.writes {
            self.documents.insert(write.key(), write.is_adjustment());
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.commits.push(commit);
        self.forget_judgement();
        Ok(())
    }

    /// Removes the commits whose callers have stopped waiting. Nobody would learn that they were made.
    pub fn drop_abandoned(&mut self) {
        if self.commits.iter().any(|commit| commit.answer.is_closed()) {
            self.commits.retain(|commit| !commit.answer.is_closed());
            self.forget_judgement();
        }
    }

    /// Commits are judged together, so a judgement holds for exactly these commits.
    fn forget_judgement(&mut self) {
        self.failures = vec![None; self.commits.len()];
        self.guards.clear();
    }

    /// Returns whether no commit is left to be made.
    pub fn is_decided(&self) -> bool {
        self.failures.iter().all(Option::is_some)
    }

    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// The commits that the transaction makes.
    fn accepted(&self) -> impl Iterator<Item = &PendingCommit> {
        let accepted = self.commits.iter().zip(&self.failures);
        accepted.filter_map(|(commit, failure)| failure.is_none().then_some(commit))
    }

    /// Returns the events of the transaction, in order.
    pub fn events(&self) -> impl Iterator<Item = &(Arc<Service>, Event)> {
        self.accepted().flat_map(|commit| &commit.events)
    }

    /// Returns the statements of the transaction with the collections that they change, in the order of
    /// collections and ids.
    pub fn statements(&self) -> Vec<(&PendingWrite, Statement)> {
        let mut writes = BTreeMap::<Key, Vec<&PendingWrite>>::new();
        for write in self.accepted().flat_map(|commit| &commit.writes) {
            writes.entry(write.key()).or_default().push(write);
        }
        writes
            .iter()
            .filter_map(|(key, writes)| {
                let first = *writes.first()?;
                Some((first, self.statement(key, writes)?))
            })
            .collect()
    }

    /// Returns the statement of all writes of one document.
    fn statement(&self, key: &Key, writes: &[&PendingWrite]) -> Option<Statement> {
        let adjustments: Vec<_> = writes.iter().filter_map(|write| write.adjustment()).collect();
        if adjustments.is_empty() {
            return writes.first()?.statement.clone();
        }
        let guard = self.guards.get(key).unwrap_or(&Guard::Range);
        Some(adjust::statement(&adjustments, guard))
    }

    /// Returns the writes whose documents decide about the batch.
    pub fn writes(&self) -> impl Iterator<Item = &PendingWrite> {
        self.commits.iter().flat_map(|commit| &commit.writes)
    }

    /// Decides which commits are made, by the documents as they are stored now.
    pub fn judge(&mut self, found: &Found) {
        let mut state = State {
            found,
            sums: HashMap::new(),
        };
        let mut adjusted = BTreeMap::<Key, Vec<&Adjustment>>::new();
        let mut failures = Vec::with_capacity(self.commits.len());
        for commit in &self.commits {
            let failure = state.apply(&commit.writes).err();
            if failure.is_none() {
                for write in &commit.writes {
                    if let Some(adjustment) = write.adjustment() {
                        adjusted.entry(write.key()).or_default().push(adjustment);
                    }
                }
            }
            failures.push(failure);
        }
        let guard = |(key, adjustments): (Key, Vec<&Adjustment>)| {
            let guard = state.guard(&key, &adjustments)?;
            Some((key, guard))
        };
        self.guards = adjusted.into_iter().filter_map(guard).collect();
        self.failures = failures;
    }

    /// Answers all callers. `result` is the result of the transaction.
    pub fn answer(self, result: &Result<(), CommitFailure>) {
        for (commit, failure) in self.commits.into_iter().zip(self.failures) {
            // The caller may have stopped waiting.
            let _ = commit.answer.send(failure.map_or_else(|| result.clone(), Err));
        }
    }

    /// Returns the commits.
    pub fn into_commits(self) -> Vec<PendingCommit> {
        self.commits
    }
}

/// Decides about one write alone. Returns the condition under which it can be made.
pub(crate) fn judge(write: &PendingWrite, found: Option<RawDocumentBuf>) -> Result<Guard, CommitFailure> {
    let key = write.key();
    let found = found.map(|found| (key.clone(), found)).into_iter().collect();
    let mut state = State {
        found: &found,
        sums: HashMap::new(),
    };
    state.apply(std::slice::from_ref(write))?;
    let adjustment = write.adjustment();
    let guard = adjustment.and_then(|adjustment| state.guard(&key, &[adjustment]));
    Ok(guard.unwrap_or(Guard::Range))
}

/// The documents while the commits of a batch are applied one after the other.
struct State<'a> {
    found: &'a Found,
    /// The values of adjusted fields.
    sums: HashMap<(Key, String), i64>,
}

impl State<'_> {
    /// Applies the writes of a commit, or none of them.
    fn apply(&mut self, writes: &[PendingWrite]) -> Result<(), CommitFailure> {
        let mut refusals = Vec::new();
        let mut sums = Vec::new();
        for (index, write) in (0..).zip(writes) {
            let key = write.key();
            let found = self.found.get(&key).map(AsRef::as_ref);
            let refused = match (write.adjustment(), found) {
                (Some(adjustment), Some(found)) => {
                    let current = |field: &str| self.sums.get(&(key.clone(), field.to_owned())).copied();
                    let applied = adjust::apply(adjustment, found, current);
                    match applied.map_err(CommitFailure::Failed)? {
                        Ok(new) => {
                            sums.extend(new.into_iter().map(|(field, sum)| ((key.clone(), field), sum)));
                            None
                        }
                        Err(reason) => Some(reason),
                    }
                }
                (Some(_), None) => Some(RefusalReason::Missing),
                (None, found) => write.refusal(found).map_err(CommitFailure::Failed)?,
            };
            refusals.extend(refused.map(|reason| Refusal { write: index, reason }));
        }
        if !refusals.is_empty() {
            return Err(CommitFailure::Refused(refusals));
        }
        self.sums.extend(sums);
        Ok(())
    }

    /// Returns the condition of the adjustments of a document, if it is not [`Guard::Range`].
    fn guard(&self, key: &Key, adjustments: &[&Adjustment]) -> Option<Guard> {
        let found = self.found.get(key)?;
        if adjust::suits_any_version(adjustments, found) {
            return None;
        }
        let changes = adjustments.iter().flat_map(|adjustment| &adjustment.changes);
        let sum = |change: &Change| {
            let sum = self.sums.get(&(key.clone(), change.field.clone()))?;
            Some((change.field.clone(), *sum))
        };
        let version = found.get_i64("v").unwrap_or_default();
        Some(Guard::Version(version, changes.filter_map(sum).collect()))
    }
}
