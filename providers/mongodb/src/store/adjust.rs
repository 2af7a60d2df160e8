//! Adjustments: sums of integer fields with their floors.

use std::collections::BTreeMap;

use mercato_ports::documents::{Adjustment, Failure, RefusalReason};
use mongodb::bson::{RawDocument, doc};

use super::document::{self, escape};
use super::write::Statement;

/// The condition under which the adjustments of a document are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Every field exists and is in its range, at any version of the document.
    Range,
    /// The document still has this version. The sums were computed for it, because a field is missing or the
    /// change is no 64-bit integer.
    Version(i64, BTreeMap<String, i64>),
}

/// Returns the statement that makes all these adjustments of one document, one after the other.
pub(crate) fn statement(adjustments: &[&Adjustment], guard: &Guard) -> Statement {
    let id = adjustments.first().map_or("", |adjustment| &adjustment.id);
    let versions = i64::try_from(adjustments.len()).unwrap_or(i64::MAX);
    match guard {
        Guard::Range => {
            let mut filter = doc! { "_id": id };
            let mut sums = doc! { "v": versions };
            for (field, range) in ranges(adjustments) {
                let (least, most, sum) = range.limits();
                filter.insert(path(field), doc! { "$gte": least, "$lte": most });
                sums.insert(path(field), sum);
            }
            Statement::Update(filter, doc! { "$inc": sums, "$set": { "a": true } })
        }
        Guard::Version(version, sums) => {
            let mut set = doc! { "a": true };
            set.extend(sums.iter().map(|(field, sum)| (path(field), (*sum).into())));
            let filter = doc! { "_id": id, "v": *version };
            Statement::Update(filter, doc! { "$inc": { "v": versions }, "$set": set })
        }
    }
}

fn path(field: &str) -> String {
    format!("f.{}", escape(field))
}

/// The values of a field for which a sequence of changes can be made.
#[derive(Clone, Copy)]
struct Range {
    least: i128,
    most: i128,
    sum: i128,
}

impl Range {
    const ALL: Self = Self {
        least: i64::MIN as i128,
        most: i64::MAX as i128,
        sum: 0,
    };

    fn then(self, by: i64, floor: Option<i64>) -> Self {
        let sum = self.sum.saturating_add(by.into());
        let floor = i128::from(floor.unwrap_or(i64::MIN));
        Self {
            least: self.least.max(floor.saturating_sub(sum)),
            most: self.most.min(i128::from(i64::MAX).saturating_sub(sum)),
            sum,
        }
    }

    /// Returns the smallest and the largest value, and the sum of the changes. If there is no such value, the
    /// smallest is greater than the largest.
    fn limits(self) -> (i64, i64, i64) {
        match (
            i64::try_from(self.least),
            i64::try_from(self.most),
            i64::try_from(self.sum),
        ) {
            (Ok(least), Ok(most), Ok(sum)) => (least, most, sum),
            _ => (1, 0, 0),
        }
    }
}

fn ranges<'a>(adjustments: &[&'a Adjustment]) -> BTreeMap<&'a str, Range> {
    let mut ranges = BTreeMap::new();
    for change in adjustments.iter().flat_map(|adjustment| &adjustment.changes) {
        let range = ranges.entry(change.field.as_str()).or_insert(Range::ALL);
        *range = range.then(change.by, change.floor);
    }
    ranges
}

/// Returns the new values of the fields, or why the adjustment is refused. `current` is the value of a field
/// after earlier adjustments.
///
/// # Errors
/// If a field is no integer, or would exceed its range.
pub(crate) fn apply(
    adjustment: &Adjustment,
    found: &RawDocument,
    current: impl Fn(&str) -> Option<i64>,
) -> Result<Result<Vec<(String, i64)>, RefusalReason>, Failure> {
    let mut sums = Vec::with_capacity(adjustment.changes.len());
    for change in &adjustment.changes {
        let invalid = |reason: &str| {
            let Adjustment { collection, id, .. } = adjustment;
            Failure::Invalid(format!(
                "`{id}` of `{collection}`: its field `{}` {reason}",
                change.field
            ))
        };
        let current = match current(&change.field).or_else(|| document::integer(found, &change.field)) {
            Some(current) => current,
            None if document::has_field(found, &change.field)? => {
                return Err(invalid("is not a 64-bit integer"));
            }
            None => 0,
        };
        let sum = current
            .checked_add(change.by)
            .ok_or_else(|| invalid("would exceed the range of a 64-bit integer"))?;
        if change.floor.is_some_and(|floor| sum < floor) {
            return Ok(Err(RefusalReason::UnderFloor(current)));
        }
        sums.push((change.field.clone(), sum));
    }
    Ok(Ok(sums))
}

/// Returns whether one statement can make the adjustments at any version of a document: all fields exist, and
/// each sum is a 64-bit integer.
pub(crate) fn suits_any_version(adjustments: &[&Adjustment], found: &RawDocument) -> bool {
    ranges(adjustments)
        .iter()
        .all(|(field, range)| document::integer(found, field).is_some() && i64::try_from(range.sum).is_ok())
}

#[cfg(test)]
mod tests {
    use mercato_ports::documents::Change;

    use super::*;

    fn limits(changes: &[(i64, Option<i64>)]) -> (i64, i64) {
        let range = changes
            .iter()
            .fold(Range::ALL, |range, (by, floor)| range.then(*by, *floor));
        let (least, most, _) = range.limits();
        (least, most)
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
            assert_eq!(limits(&[(by, floor)]), expected, "{by} {floor:?}");
        }
    }

    #[test]
    fn the_range_of_a_sequence_holds_each_floor_on_the_way() {
        let floor = Some(0);
        assert_eq!(limits(&[(-2, floor), (-3, floor)]), (5, i64::MAX));
        assert_eq!(limits(&[(-5, floor), (4, floor)]), (5, i64::MAX));
        assert_eq!(limits(&[(4, floor), (-5, floor)]), (1, i64::MAX - 4));
        // -1 is possible on the way, but no statement adds so much at once.
        let (least, most) = limits(&[(i64::MAX, None), (i64::MAX, None)]);
        assert!(least > most);
    }

    #[test]
    fn sums_the_adjustments_of_a_document_and_escapes_their_fields() {
        let adjustment = |by| Adjustment {
            collection: "c.d".into(),
            id: "x".into(),
            changes: vec![Change {
                field: "$a.b".into(),
                by,
                floor: Some(0),
            }],
        };
        let (first, second) = (adjustment(-2), adjustment(-1));
        let filter = doc! { "_id": "x", "f.%24a%2Eb": { "$gte": 3_i64, "$lte": i64::MAX } };
        let update = doc! { "$inc": { "v": 2_i64, "f.%24a%2Eb": -3_i64 }, "$set": { "a": true } };
        assert_eq!(
            statement(&[&first, &second], &Guard::Range),
            Statement::Update(filter, update)
        );
    }
}
