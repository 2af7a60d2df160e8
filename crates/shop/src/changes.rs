//! Watching: what has changed since a cursor.
//!
//! No sequence counts the shop's changes. A document tells when it was changed, and that is not the moment at which others can see
//! it: the commit may land up to 15 seconds later, and clocks differ a little. So a scan in the order of time looks back, and leaves out
//! what the cursor remembers to have been told. Nothing is lost; where more than [`REMEMBERED`] things change within that time, some are
//! told twice, which is no harm to who keeps what they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id;
use crate::types::Error;

/// The most documents that one scan reads at once: more than a cursor remembers, so that there is always something new in as many.
pub const PAGE: u32 = 300;

/// How far a scan looks back, in milliseconds: as long as a commit may take, and [`SKEW`].
const LOOK_BACK: u64 = 15_000 + SKEW;

/// How far the clocks of two servers are apart at the most, in milliseconds.
const SKEW: u64 = 5_000;

/// How many changes a cursor remembers.
pub const REMEMBERED: usize = 256;

/// Longer cursors are none, in bytes.
const LONGEST: usize = 8_192;

/// How far somebody who watches has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What is watched.
    kind: &'static str,
    scans: Vec<Scan>,
    seen: Vec<Change>,
}

/// A scan of one collection in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// What changed before this time has been told, whenever its commit lands. In milliseconds since the Unix epoch.
    from: u64,
    /// Where to go on in a scan that is not at its end: the time and the id of the last document that was read.
    after: Option<(u64, String)>,
}

impl Scan {
    /// The time from which on documents are to be read.
    #[must_use]
    pub const fn from(&self) -> u64 {
        self.from
    }

    /// The time and the id after which to go on, if the scan is not at its end.
    #[must_use]
    pub fn after(&self) -> Option<(u64, &str)> {
        self.after.as_ref().map(|(time, id)| (*time, id.as_str()))
    }
}

/// A state of something, by which it is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// 40 bits of a digest of what it is and of its version.
    digest: u64,
    /// A scan from later on can't meet it. In milliseconds since the Unix epoch.
    time: u64,
}

impl Change {
    const DIGEST: u32 = 40;
    /// The bits of a time that are kept, from the earliest scan on: more than four hours.
    const TIME: u32 = 64 - Self::DIGEST;

    /// The state of something that is known by its id and these numbers, the last of which changed at this time.
    #[must_use]
    pub fn new(id: &str, numbers: [u64; 2], time: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(id);
        for number in numbers {
            hash.update(number.to_le_bytes());
        }
        let hash = hash.finalize();
        let first = hash.first_chunk().copied().unwrap_or_default();
        Self {
            digest: u64::from_be_bytes(first) >> Self::TIME,
            time,
        }
    }

    /// As [`new`](Self::new), for what was read now: the last change can't be of a later time.
    #[must_use]
    pub fn read_now(id: &str, numbers: [u64; 2]) -> Self {
        Self::new(id, numbers, id::now() + SKEW)
    }

    fn pack(self, base: u64) -> u64 {
        let time = self.time.saturating_sub(base).min((1 << Self::TIME) - 1);
        self.digest << Self::TIME | time
    }

    const fn unpack(packed: u64, base: u64) -> Self {
        Self {
            digest: packed >> Self::TIME,
            time: base.saturating_add(packed & ((1 << Self::TIME) - 1)),
        }
    }
}

/// A cursor as it is written.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(rename = "k")]
    kind: &'a str,
    #[serde(rename = "s")]
    scans: Vec<Scan>,
}

impl Cursor {
    /// The beginning of a watch that scans so many collections from now on. A scan finds what landed shortly before, too.
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

    /// Reads a cursor of a watch of this kind that scans so many collections.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is none.
    pub fn parse(text: &str, kind: &'static str, scans: usize) -> Result<Self, Error> {
        Self::read(text, kind, scans).ok_or_else(|| {
            Error::invalid(
                "Last-Event-ID",
                "Send the id of an event of the same subscription, or leave it out to begin anew.",
            )
        })
    }

    fn read(text: &str, kind: &'static str, scans: usize) -> Option<Self> {
        let (head, seen) = text.split_once('.').filter(|_| text.len() <= LONGEST)?;
        let head = URL_SAFE_NO_PAD.decode(head).ok()?;
        let written: Written<'_> = serde_json::from_slice(&head).ok()?;
        let seen = URL_SAFE_NO_PAD.decode(seen).ok()?;
        let (seen, rest) = seen.as_chunks();
        let good = written.kind == kind && written.scans.len() == scans && rest.is_empty();
        if !good || seen.len() > REMEMBERED {
            return None;
        }
        let mut cursor = Self {
            kind,
            scans: written.scans,
            seen: Vec::new(),
        };
        let base = cursor.base();
        let unpack = |packed: &[u8; 8]| Change::unpack(u64::from_be_bytes(*packed), base);
        cursor.seen.extend(seen.iter().map(unpack));
        Some(cursor)
    }

    /// The text of it: letters, digits, `-`, `_` and a dot.
    ///
    /// # Errors
    /// A fault of the program, if any.
    pub fn write(&self) -> Result<String, Error> {
        let written = Written {
            kind: self.kind,
            scans: self.scans.clone(),
        };
        let head = serde_json::to_vec(&written)
            .map_err(|error| Error::Internal(format!("a cursor can't be written: {error}")))?;
        let base = self.base();
        let seen: Vec<u8> = self
            .seen
            .iter()
            .flat_map(|change| change.pack(base).to_be_bytes())
            .collect();
        Ok(format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(head),
            URL_SAFE_NO_PAD.encode(seen)
        ))
    }

    /// The scans, in their order.
    #[must_use]
    pub fn scans(&self) -> &[Scan] {
        &self.scans
    }

    /// Remembers a state; whether it was not known before.
    pub fn see(&mut self, change: Change) -> bool {
        if self.seen.iter().any(|seen| seen.digest == change.digest) {
            return false;
        }
        self.seen.push(change);
        if self.seen.len() > REMEMBERED {
            // The look back reaches the oldest ones for the shortest time.
            let oldest = self.seen.iter().enumerate().min_by_key(|(_, seen)| seen.time);
            if let Some((index, _)) = oldest {
                self.seen.remove(index);
            }
        }
        true
    }

    /// Forgets all states but these.
    pub fn keep(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.seen.clear();
        for change in changes {
            self.see(change);
        }
    }

    /// Moves a scan on, by what was read of it: `began` is the time right before, and `last` tells of the last document if
    /// there may be more.
    pub fn advance(&mut self, scan: usize, began: u64, last: Option<(u64, String)>) {
        if let Some(scan) = self.scans.get_mut(scan) {
            let reached = last.as_ref().map_or(u64::MAX, |(time, _)| *time);
            let begun = scan.after.as_ref().map_or(scan.from, |(time, _)| *time);
            // What was read up to here is certain once its commits have had their time; but not across a gap.
            if scan.from >= begun {
                scan.from = scan.from.max(reached.min(began.saturating_sub(LOOK_BACK)));
            }
            scan.after = last;
        }
    }

    /// Forgets what no scan can meet any more.
    pub fn forget(&mut self) {
        let base = self.base();
        self.seen.retain(|seen| seen.time >= base);
    }

    /// The time that all scans look back to.
    fn base(&self) -> u64 {
        self.scans.iter().map(Scan::from).min().unwrap_or(0)
    }
}

/// What has changed, each with the cursor after which it is not told again, and where to go on.
#[derive(Clone, Debug)]
pub struct Changes<T> {
    /// In the order in which they were read: of two of the same thing, the later is the newer.
    pub changes: Vec<(String, T)>,
    /// The cursor behind all of them.
    pub cursor: String,
    /// Whether a scan is not at its end: there is more to be read at once.
    pub more: bool,
}

/// Tells of those that the cursor does not know; `after` is the cursor behind them.
///
/// # Errors
/// A fault of the program, if any.
pub fn tell<T>(
    mut cursor: Cursor,
    read: Vec<(Change, T)>,
    after: impl FnOnce(&mut Cursor),
) -> Result<Changes<T>, Error> {
    let mut changes = Vec::new();
    for (change, item) in read {
        if cursor.see(change) {
            changes.push((cursor.write()?, item));
        }
    }
    after(&mut cursor);
    Ok(Changes {
        changes,
        cursor: cursor.write()?,
        more: cursor.scans.iter().any(|scan| scan.after.is_some()),
    })
}
