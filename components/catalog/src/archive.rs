//! Products that are no longer sold. They move to a collection of their own, so that no list, search or reservation
//! can meet them, and none has to leave them out.

use mercato_ports::documents::{CommitFailure, Direction, Scalar, Sort, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::{Product, ProductEdge, ProductPage};
use mercato_shop::collection::{Stored, event};
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{cursor, id};

use crate::product::{ARCHIVED, PRODUCTS, ProductBody, to_product};
use crate::service::{self, TRIES, missing};
use crate::variants;

/// The only order of the list.
const SORT: &str = "-archived";

/// Ends the sale of a product that is still at this revision.
pub fn archive(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    revision: u64,
) -> Result<Product, Error> {
    for _ in 0..TRIES {
        let found = get_ever(ports, &[id.to_owned()])?.pop().flatten();
        let stored = found.ok_or_else(|| missing(id))?;
        let is_archived = stored.body.archived_at.is_some();
        if is_archived && stored.body.revision == revision.saturating_add(1) {
            // A repetition is told the same again.
            return Ok(to_product(stored));
        }
        if is_archived {
            return Err(missing(id));
        }
        if stored.body.revision != revision {
            return Err(Error::StaleVersion(stored.body.revision));
        }
        let mut archived = stored.clone();
        let now = id::now();
        archived.body.archived_at = Some(now);
        archived.body.category_path = None;
        archived.body.updated_at = now;
        archived.body.revision += 1;
        if !stored.body.variant_ids.is_empty() {
            return Err(Error::Conflict(
                "This product has variants. Delete those first.".into(),
            ));
        }
        let mut writes = vec![PRODUCTS.delete(&stored), ARCHIVED.insert(id, &archived.body)?];
        writes.extend(variants::leave(ports, &stored)?);
        let event = event(
            "mercato.catalog.product-archived",
            service::subject(id),
            &service::happened(id, &archived.body),
        )?;
        let act = service::act(caller, AuditAction::ProductDelete, id, None)?;
        match service::commit(ports, &writes, &[event, act]) {
            Ok(()) => return Ok(to_product(archived)),
            // Its stock has moved, or somebody was faster: the next look tells which.
            Err(CommitFailure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Error::Unavailable(
        "This product sells too fast to be archived right now. Try again in a moment.".into(),
    ))
}

/// The writes and the event that sell an archived product again, as `body` has it.
pub fn restore(stored: &Stored<ProductBody>, body: &ProductBody) -> Result<([Write; 2], Event), Error> {
    let writes = [ARCHIVED.delete(stored), PRODUCTS.insert(&stored.id, body)?];
    let event = event(
        "mercato.catalog.product-restored",
        service::subject(&stored.id),
        &service::happened(&stored.id, body),
    )?;
    Ok((writes, event))
}

/// The products of these ids, sold or archived, in the order of the ids. One that is restored between the first two looks is found by the
/// third.
pub fn get_ever(ports: &impl Ports, ids: &[String]) -> Result<Vec<Option<Stored<ProductBody>>>, Error> {
    let mut products = PRODUCTS.get_many(ports, ids)?;
    for collection in [ARCHIVED, PRODUCTS] {
        let (missing, places): (Vec<_>, Vec<_>) = ids
            .iter()
            .zip(&mut products)
            .filter(|(_, product)| product.is_none())
            .map(|(id, place)| (id.clone(), place))
            .unzip();
        for (place, found) in places.into_iter().zip(collection.get_many(ports, &missing)?) {
            *place = found;
        }
    }
    Ok(products)
}

/// One page of the archived products, last archived first.
pub fn list(ports: &impl Ports, page: &Page) -> Result<ProductPage, Error> {
    let mut find = ARCHIVED.query(0);
    find.sort = Some(Sort {
        field: "archivedAt".into(),
        direction: Direction::Descending,
    });
    cursor::apply(page, SORT, &mut find)?;
    let mut products = ARCHIVED.find(ports, &find)?;
    let has_next = cursor::split(page, &mut products);
    let edge = |stored: Stored<ProductBody>| {
        let at = stored.body.archived_at.and_then(|at| i64::try_from(at).ok());
        Ok(ProductEdge {
            cursor: cursor::encode(SORT, at.map(Scalar::Integer), &stored.id)?,
            product: to_product(stored),
        })
    };
    Ok(ProductPage {
        edges: products.into_iter().map(edge).collect::<Result<_, Error>>()?,
        has_next,
    })
}
