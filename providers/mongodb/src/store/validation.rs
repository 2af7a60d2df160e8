//! Checks that need no database.

use std::collections::HashSet;

use mercato_ports::documents::{Adjustment, Failure, Write};
use mercato_ports::events::Event;

use super::document::parse_object;

/// Rejects writes and events that are invalid for every content of the store. Bodies are checked when they
/// are encoded.
pub(crate) fn check(writes: &[Write], events: &[Event]) -> Result<(), Failure> {
    let mut named = HashSet::new();
    for write in writes {
        let (collection, id) = (write.collection(), write.id());
        if !named.insert((collection, id)) {
            return Err(Failure::Invalid(format!(
                "two writes name the document `{id}` of `{collection}`"
            )));
        }
        if let Write::Adjust(adjustment) = write {
            check_adjustment(adjustment)
                .map_err(|reason| Failure::Invalid(format!("`{id}` of `{collection}`: {reason}")))?;
        }
    }
    for event in events {
        let invalid = |reason: &str| {
            Failure::Invalid(format!(
                "the event `{}` of kind `{}`: {reason}",
                event.id, event.kind
            ))
        };
        parse_object(&event.data)
            .map_err(|error| invalid(&format!("its data is not a JSON object: {error}")))?;
        let mut times = [Some(event.time), event.due].into_iter().flatten();
        if times.any(|time| i64::try_from(time).is_err()) {
            return Err(invalid("its time is out of range"));
        }
    }
    Ok(())
}

fn check_adjustment(adjustment: &Adjustment) -> Result<(), &'static str> {
    let mut fields = HashSet::new();
    if !adjustment
        .changes
        .iter()
        .all(|change| fields.insert(&change.field))
    {
        return Err("an adjustment must change each field at most once");
    }
    if fields.is_empty() {
        return Err("an adjustment must change at least one field");
    }
    Ok(())
}
