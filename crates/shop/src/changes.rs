//! Watches: the changes since a cursor.
//!
//! The store does not number all changes. A document has the time of its last change. But its commit may
//! become visible up to 15 seconds later, and the clocks of servers differ. So a scan in the order of time
//! starts in the past, and skips the revisions that the cursor has seen.
//!
//! No change is lost. If more than [`MAX_SEEN`] items change within that time, some are returned twice. That
//! is harmless, because a change contains the present state.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id;
use crate::types::Error;

/// The maximum number of documents that one scan reads at once. It is larger than [`MAX_SEEN`], so that a
/// full page has a new document.
pub const PAGE: u32 = 300;

/// How far a scan looks back, in milliseconds: the maximum duration of a commit, and [`CLOCK_SKEW`].
const LOOK_BACK: u64 = 15_000 + CLOCK_SKEW;

/// The maximum difference between the clocks of two servers, in milliseconds.
const CLOCK_SKEW: u64 = 5_000;

/// The maximum number of revisions in a cursor.
pub const MAX_SEEN: usize = 256;

/// The maximum length of a cursor, in bytes.
const MAX_LENGTH: usize = 8_192;

/// The progress of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What is watched.
    kind: &'static str,
    scans: Vec<Scan>,
    seen: Vec<Revision>,
}

/// A scan of one collection in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// All changes before this time were returned. In milliseconds since the Unix epoch.
    from: u64,
    /// The time and the id of the last document of a full page: the scan continues after it.
    after: Option<(u64, String)>,
}

impl Scan {
    /// Returns the time of the first documents to read.
    #[must_use]
    pub const fn from(&self) -> u64 {
        self.from
    }

    /// Returns the time and the id after which an unfinished scan continues.
    #[must_use]
    pub fn after(&self) -> Option<(u64, &str)> {
        self.after.as_ref().map(|(time, id)| (*time, id.as_str()))
    }
}

/// A revision of an item, by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// 40 bits of a digest of the item's id and version.
    digest: u64,
    /// A scan that starts after this time can't find the revision. In milliseconds since the Unix epoch.
    time: u64,
}

impl Revision {
    const DIGEST_BITS: u32 = 40;
    /// The stored bits of a time, relative to the earliest scan: more than four hours.
    const TIME_BITS: u32 = 64 - Self::DIGEST_BITS;

    /// Returns the revision of an item with this id and these version numbers, which changed at this time.
    #[must_use]
    pub fn new(id: &str, versions: [u64; 2], time: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(id);
        for version in versions {
            hash.update(version.to_le_bytes());
        }
        let hash = hash.finalize();
        let first = hash.first_chunk().copied().unwrap_or_default();
        Self {
            digest: u64::from_be_bytes(first) >> Self::TIME_BITS,
            time,
        }
    }

    /// Returns the revision of an item that was read just now. Its last change is not later.
    #[must_use]
    pub fn read_now(id: &str, versions: [u64; 2]) -> Self {
        Self::new(id, versions, id::now() + CLOCK_SKEW)
    }

    fn pack(self, base: u64) -> u64 {
        let time = self.time.saturating_sub(base).min((1 << Self::TIME_BITS) - 1);
        self.digest << Self::TIME_BITS | time
    }

    const fn unpack(packed: u64, base: u64) -> Self {
        Self {
            digest: packed >> Self::TIME_BITS,
            time: base.saturating_add(packed & ((1 << Self::TIME_BITS) - 1)),
        }
    }
}

/// The part of a cursor that is JSON.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    #[serde(rename = "k")]
    kind: &'a str,
    #[serde(rename = "s")]
    scans: Vec<Scan>,
}

impl Cursor {
    /// Returns the cursor of a watch that starts now, and scans this number of collections. The scans also
    /// find the latest changes from before.
    #[must_use]
    pub fn start(kind: &'static str, scans: usize) -> Self {
        let scan = Scan {
            from: id::now().saturating_sub(LOOK_BACK),
            after: None,
        };
        Self {
            kind,
            scans: vec![scan; scans],
            seen: Vec::new(),
        }
    }

    /// Parses a cursor of a watch of this kind, which scans this number of collections.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the text is not such a cursor.
    pub fn parse(text: &str, kind: &'static str, scans: usize) -> Result<Self, Error> {
        Self::decode(text, kind, scans).ok_or_else(|| {
            Error::invalid(
                "Last-Event-ID",
                "`Last-Event-ID` must be the id of an event of the same subscription. Leave it out to start a new one.",
            )
        })
    }

    fn decode(text: &str, kind: &'static str, scans: usize) -> Option<Self> {
        let (head, seen) = text.split_once('.').filter(|_| text.len() <= MAX_LENGTH)?;
        let head = URL_SAFE_NO_PAD.decode(head).ok()?;
        let head: Head<'_> = serde_json::from_slice(&head).ok()?;
        let seen = URL_SAFE_NO_PAD.decode(seen).ok()?;
        let (seen, rest) = seen.as_chunks();
        let is_valid = head.kind == kind && head.scans.len() == scans && rest.is_empty();
        if !is_valid || seen.len() > MAX_SEEN {
            return None;
        }
        let mut cursor = Self {
            kind,
            scans: head.scans,
            seen: Vec::new(),
        };
        let base = cursor.base();
        let unpack = |packed: &[u8; 8]| Revision::unpack(u64::from_be_bytes(*packed), base);
        cursor.seen.extend(seen.iter().map(unpack));
        Some(cursor)
    }

    /// Returns the cursor as text: letters, digits, `-`, `_` and one dot.
    ///
    /// # Errors
    /// [`Error::Internal`] if the cursor can't be written as JSON.
    pub fn encode(&self) -> Result<String, Error> {
        let head = Head {
            kind: self.kind,
            scans: self.scans.clone(),
        };
        let head = serde_json::to_vec(&head)
            .map_err(|error| Error::Internal(format!("a cursor can't be written as JSON: {error}")))?;
        let base = self.base();
        let seen: Vec<u8> = self
            .seen
            .iter()
            .flat_map(|revision| revision.pack(base).to_be_bytes())
            .collect();
        Ok(format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(head),
            URL_SAFE_NO_PAD.encode(seen)
        ))
    }

    /// Returns the scans, in their order.
    #[must_use]
    pub fn scans(&self) -> &[Scan] {
        &self.scans
    }

    /// Marks a revision as seen. Returns whether it was not seen before.
    fn see(&mut self, revision: Revision) -> bool {
        if self.seen.iter().any(|seen| seen.digest == revision.digest) {
            return false;
        }
        self.seen.push(revision);
        if self.seen.len() > MAX_SEEN {
            // Scans can find the oldest revision for the shortest time.
            let oldest = self.seen.iter().enumerate().min_by_key(|(_, seen)| seen.time);
            if let Some((index, _)) = oldest {
                self.seen.remove(index);
            }
        }
        true
    }

    /// Marks exactly these revisions as seen.
    pub fn set_seen(&mut self, revisions: impl IntoIterator<Item = Revision>) {
        self.seen.clear();
        for revision in revisions {
            self.see(revision);
        }
    }

    /// Moves a scan on after a read. `began` is the time right before the read. `last` is the last document
    /// of a full page.
    pub fn advance(&mut self, scan: usize, began: u64, last: Option<(u64, String)>) {
        if let Some(scan) = self.scans.get_mut(scan) {
            let reached = last.as_ref().map_or(u64::MAX, |(time, _)| *time);
            let start = scan.after.as_ref().map_or(scan.from, |(time, _)| *time);
            // Changes before `began - LOOK_BACK` are visible. The scan can skip them if this read covered all
            // times since `from`.
            if scan.from >= start {
                scan.from = scan.from.max(reached.min(began.saturating_sub(LOOK_BACK)));
            }
            scan.after = last;
        }
    }

    /// Removes the seen revisions that no scan can find again.
    pub fn prune(&mut self) {
        let base = self.base();
        self.seen.retain(|seen| seen.time >= base);
    }

    /// Returns the earliest time that a scan reads.
    fn base(&self) -> u64 {
        self.scans.iter().map(Scan::from).min().unwrap_or(0)
    }
}

/// Changes since a cursor.
#[derive(Clone, Debug)]
pub struct Changes<T> {
    /// The changes, each with the cursor after it. If two have the same item, the later one is newer.
    pub changes: Vec<(String, T)>,
    /// The cursor after all of them.
    pub cursor: String,
    /// Whether a scan is unfinished, so that more changes can be read at once.
    pub more: bool,
}

/// Returns the items whose revision the cursor has not seen. `advance` moves the cursor on after them.
///
/// # Errors
/// [`Error::Internal`] if a cursor can't be written as JSON.
pub fn unseen<T>(
    mut cursor: Cursor,
    items: Vec<(Revision, T)>,
    advance: impl FnOnce(&mut Cursor),
) -> Result<Changes<T>, Error> {
    let mut changes = Vec::new();
    for (revision, item) in items {
        if cursor.see(revision) {
            changes.push((cursor.encode()?, item));
        }
    }
    advance(&mut cursor);
    Ok(Changes {
        changes,
        cursor: cursor.encode()?,
        more: cursor.scans.iter().any(|scan| scan.after.is_some()),
    })
}
