//! The list of what was sent: filters and pages.

use mercato_ports::documents::{Comparison, Condition, Direction, Scalar, Sort};
use mercato_shop::cursor;
use mercato_shop::notifications::{NotificationEdge, NotificationFilter, NotificationPage};
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Page};

use crate::message::{MESSAGES, to_notification};
use crate::names::Named;

/// The name of the only sort that the list has.
const NEWEST_FIRST: &str = "-created";

/// One page of what a caller may see.
pub fn list(
    ports: &impl Ports,
    caller: &Caller,
    filter: &NotificationFilter,
    page: &Page,
) -> Result<NotificationPage, Error> {
    caller.require_known()?;
    let user = whose(caller, filter.user_id.as_deref())?;
    let conditions = [
        ("userId", user),
        ("kind", filter.kind.map(Named::name)),
        ("medium", filter.medium.map(Named::name)),
        ("status", filter.status.map(Named::name)),
    ];
    let conditions = conditions.into_iter().filter_map(|(field, value)| {
        Some(Condition {
            field: field.into(),
            comparison: Comparison::Equal,
            value: Scalar::Text(value?.into()),
        })
    });
    let mut find = MESSAGES.query(0);
    find.conditions = conditions.collect();
    find.sort = Some(Sort {
        field: "createdAt".into(),
        direction: Direction::Descending,
    });
    cursor::apply(page, NEWEST_FIRST, &mut find)?;
    let mut messages = MESSAGES.find(ports, &find)?;
    let has_next = cursor::split(page, &mut messages);
    let edges = messages.into_iter().map(|stored| {
        let created = i64::try_from(stored.body.created_at).unwrap_or(i64::MAX);
        Ok(NotificationEdge {
            cursor: cursor::encode(NEWEST_FIRST, Some(Scalar::Integer(created)), &stored.id)?,
            notification: to_notification(stored),
        })
    });
    Ok(NotificationPage {
        edges: edges.collect::<Result<_, Error>>()?,
        has_next,
    })
}

/// The user whose notifications are listed; none for everyone's.
fn whose<'a>(caller: &'a Caller, wanted: Option<&'a str>) -> Result<Option<&'a str>, Error> {
    if caller.is_admin() {
        return Ok(wanted);
    }
    let own = caller.user_id();
    if wanted.is_some() && wanted != own {
        return Err(Error::Forbidden(
            "A customer sees only the own notifications.".into(),
        ));
    }
    Ok(own)
}
