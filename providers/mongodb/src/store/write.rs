//! The statements of writes, and the reasons why a write is refused.

use std::sync::Arc;

use mercato_ports::documents::{Adjustment, Change, Failure, RefusalReason, Write};
use mongodb::bson::{Document, RawDocument, doc};

use super::document::{self, escape};
use super::service::Collection;

/// A write and its collection.
pub(crate) struct PendingWrite {
    pub collection: Arc<Collection>,
    pub write: Write,
    /// The condition of an adjustment.
    pub guard: Guard,
}

/// The condition under which an adjustment is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Every field exists and is in its range, at any version of the document.
    Range,
    /// The document still has this version, in which a field is missing. The sums were computed for that
    /// version.
    Version(i64, Vec<i64>),
}

/// A statement for MongoDB. It matches one document, or the write cannot be applied now.
#[derive(Debug, PartialEq)]
pub(crate) enum Statement {
    Insert(Document),
    Replace(Document, Document),
    Update(Document, Document),
    Delete(Document),
}

/// The result of the check whether a write can be applied to the current document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applicability {
    Refused(RefusalReason),
    /// The write can be applied now, with this guard.
    Possible(Guard),
}

impl PendingWrite {
    pub fn statement(&self) -> Result<Statement, Failure> {
        let fields = &self.collection.fields;
        // No document has a version that is larger than MongoDB's integers.
        let at = |id: &str, expected: u64| doc! { "_id": id, "v": i64::try_from(expected).unwrap_or(-1) };
        Ok(match &self.write {
            Write::Insert(insertion) => {
                Statement::Insert(document::encode(&insertion.id, 1, &insertion.body, fields)?)
            }
            Write::Replace(replacement) => {
                let version = i64::try_from(replacement.expected)
                    .unwrap_or(-1)
                    .saturating_add(1);
                let new = document::encode(&replacement.id, version, &replacement.body, fields)?;
                Statement::Replace(at(&replacement.id, replacement.expected), new)
            }
            Write::Delete(deletion) => Statement::Delete(at(&deletion.id, deletion.expected)),
            Write::Adjust(adjustment) => match &self.guard {
                Guard::Range => adjusting(adjustment),
                Guard::Version(version, sums) => setting(adjustment, *version, sums),
            },
        })
    }

    /// Checks this write against the current document.
    pub fn applicability(&self, found: Option<&RawDocument>) -> Result<Applicability, Failure> {
        let refused = |reason| Ok(Applicability::Refused(reason));
        let found = match (&self.write, found) {
            (Write::Insert(_), Some(_)) => return refused(RefusalReason::Exists),
            (Write::Insert(_), None) => return Ok(Applicability::Possible(Guard::Range)),
            (_, None) => return refused(RefusalReason::Missing),
            (_, Some(found)) => found,
        };
        let document = document::decode(found)?;
        match &self.write {
            Write::Replace(_) | Write::Delete(_) if self.expected() != Some(document.version) => {
                refused(RefusalReason::Stale(document.version))
            }
            Write::Adjust(adjustment) => self.adjustment_applicability(adjustment, found, &document),
            _ => Ok(Applicability::Possible(Guard::Range)),
        }
    }

    fn expected(&self) -> Option<u64> {
        match &self.write {
            Write::Replace(replacement) => Some(replacement.expected),
            Write::Delete(deletion) => Some(deletion.expected),
            Write::Insert(_) | Write::Adjust(_) => None,
        }
    }

    fn adjustment_applicability(
        &self,
        adjustment: &Adjustment,
        found: &RawDocument,
        document: &mercato_ports::documents::Document,
    ) -> Result<Applicability, Failure> {
        let body = document::parse_object(&document.body).unwrap_or_default();
        let mut sums = Vec::with_capacity(adjustment.changes.len());
        let mut missing = false;
        for change in &adjustment.changes {
            let invalid = |reason: &str| {
                let (id, collection, field) = (self.write.id(), self.write.collection(), &change.field);
                Failure::Invalid(format!("`{id}` of `{collection}`: its field `{field}` {reason}"))
            };
            let current = match document::integer(found, &change.field) {
                Some(current) => current,
                None if body.contains_key(&change.field) => return Err(invalid("is not a 64-bit integer")),
                None => {
                    missing = true;
                    0
                }
            };
            let sum = current
                .checked_add(change.by)
                .ok_or_else(|| invalid("would exceed the range of a 64-bit integer"))?;
            if change.floor.is_some_and(|floor| sum < floor) {
                return Ok(Applicability::Refused(RefusalReason::UnderFloor(current)));
            }
            sums.push(sum);
        }
        Ok(Applicability::Possible(if missing {
            Guard::Version(document.version.cast_signed(), sums)
        } else {
            Guard::Range
        }))
    }
}

fn path(change: &Change) -> String {
    format!("f.{}", escape(&change.field))
}

fn adjusting(adjustment: &Adjustment) -> Statement {
    let mut filter = doc! { "_id": &adjustment.id };
    let mut sums = doc! { "v": 1_i64 };
    for change in &adjustment.changes {
        let (least, most) = range(change);
        filter.insert(path(change), doc! { "$gte": least, "$lte": most });
        sums.insert(path(change), change.by);
    }
    Statement::Update(filter, doc! { "$inc": sums, "$set": { "a": true } })
}

/// Returns the smallest and the largest value to which a change can be applied. If there is no such value,
/// the smallest is greater than the largest.
fn range(change: &Change) -> (i64, i64) {
    let (by, floor) = (
        i128::from(change.by),
        i128::from(change.floor.unwrap_or(i64::MIN)),
    );
    let least = (floor - by).max(i64::MIN.into());
    let most = (i128::from(i64::MAX) - by).min(i64::MAX.into());
    match (i64::try_from(least), i64::try_from(most)) {
        (Ok(least), Ok(most)) => (least, most),
        _ => (1, 0),
    }
}

fn setting(adjustment: &Adjustment, version: i64, sums: &[i64]) -> Statement {
    let mut set = doc! { "a": true };
    for (change, sum) in adjustment.changes.iter().zip(sums) {
        set.insert(path(change), *sum);
    }
    let filter = doc! { "_id": &adjustment.id, "v": version };
    Statement::Update(filter, doc! { "$inc": { "v": 1_i64 }, "$set": set })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(by: i64, floor: Option<i64>) -> Change {
        Change {
            field: "n".into(),
            by,
            floor,
        }
    }

    #[test]
    fn the_range_of_a_change_excludes_overflow_and_sums_under_the_floor() {
        for (by, floor, expected) in [
            (-6, Some(0), (6, i64::MAX)),
            (1, None, (i64::MIN, i64::MAX - 1)),
            (-1, None, (i64::MIN + 1, i64::MAX)),
            (5, Some(-3), (-8, i64::MAX - 5)),
            (i64::MIN, Some(0), (1, 0)),
            (i64::MIN, None, (0, i64::MAX)),
            (i64::MAX, Some(i64::MIN), (i64::MIN, 0)),
            (-1, Some(i64::MAX), (1, 0)),
        ] {
            assert_eq!(range(&change(by, floor)), expected, "{by} {floor:?}");
        }
    }

    #[test]
    fn escapes_the_fields_of_an_adjustment() {
        let adjustment = Adjustment {
            collection: "c.d".into(),
            id: "x".into(),
            changes: vec![Change {
                field: "$a.b".into(),
                by: -2,
                floor: Some(0),
            }],
        };
        let filter = doc! { "_id": "x", "f.%24a%2Eb": { "$gte": 2_i64, "$lte": i64::MAX } };
        let update = doc! { "$inc": { "v": 1_i64, "f.%24a%2Eb": -2_i64 }, "$set": { "a": true } };
        assert_eq!(adjusting(&adjustment), Statement::Update(filter, update));
    }
}
