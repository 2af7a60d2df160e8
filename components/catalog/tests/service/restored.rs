//! Products that are restored while a request reads them.

use std::sync::{Arc, Mutex};

use mercato_catalog::CatalogService;
use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::ImportOutcome;
use mercato_shop::ports::Ports;
use mercato_shop::services::Catalog;
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::Error;

use crate::support::{catalog, import, row};

type Interference = Box<dyn FnOnce() + Send>;

/// Ports that interfere after the next read by ids that finds nothing.
#[derive(Clone)]
struct Interrupted {
    ports: TestPorts,
    interference: Arc<Mutex<Option<Interference>>>,
}

impl Ports for Interrupted {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        let found = Ports::get_many(&self.ports, collection, ids)?;
        if found.iter().all(Option::is_none) {
            let interference = self.interference.lock().unwrap().take();
            interference.into_iter().for_each(|interfere| interfere());
        }
        Ok(found)
    }

    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
        self.ports.find(query)
    }

    fn count(&self, query: &Query) -> Result<u64, Failure> {
        self.ports.count(query)
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        self.ports.commit(writes, events)
    }

    fn config(&self, name: &str) -> Option<String> {
        self.ports.config(name)
    }
}

impl Cache for Interrupted {
    fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        Cache::get_many(&self.ports, keys)
    }

    fn set(&self, key: &str, value: &[u8], ttl: u64) {
        self.ports.set(key, value, ttl);
    }

    fn delete(&self, keys: &[String]) {
        self.ports.delete(keys);
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        self.ports.increment(key, by, ttl)
    }
}

/// A catalog with an archived product. A feed restores it after the next read that does not find it.
fn restored_after_next_miss() -> (CatalogService<Interrupted>, String) {
    let (ports, feed) = catalog();
    let id = feed.create(&admin(), &row("sock")).unwrap().id;
    feed.archive(&admin(), &id, 1).unwrap();
    let restore = move || {
        let outcomes = import(&feed, &[row("sock")]).unwrap();
        assert_eq!(outcomes, [Ok(ImportOutcome::Updated)]);
    };
    let interrupted = Interrupted {
        ports,
        interference: Arc::new(Mutex::new(Some(Box::new(restore)))),
    };
    (CatalogService::new(interrupted), id)
}

#[test]
fn finds_a_product_that_is_restored_between_two_reads() {
    let (catalog, id) = restored_after_next_miss();
    let ids = ["unknown".to_owned(), id.clone(), "none".to_owned()];
    let found = catalog.get_many_including_archived(&ids).unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|product| product.map(|product| (product.id, product.version, product.archived_at)))
        .collect();
    assert_eq!(found, [None, Some((id, 3, None)), None]);

    let (catalog, id) = restored_after_next_miss();
    let stock = catalog.get_stock_many(&admin(), &[id]).unwrap();
    assert_eq!(stock[0].as_ref().map(|stock| stock.on_hand), Some(9));

    let (catalog, id) = restored_after_next_miss();
    assert!(catalog.changes(Some(&[id]), None).is_ok());
}

#[test]
fn archiving_a_product_that_is_restored_returns_its_version() {
    let (catalog, id) = restored_after_next_miss();
    assert_eq!(catalog.archive(&admin(), &id, 1), Err(Error::StaleVersion(3)));
    assert!(catalog.archive(&admin(), &id, 3).unwrap().archived_at.is_some());
}
