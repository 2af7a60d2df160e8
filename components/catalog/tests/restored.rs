//! Products that are archived or brought back while somebody looks for them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::sync::{Arc, Mutex};

use mercato_catalog::CatalogService;
use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::{ImportOutcome, NewProduct, ProductDetails};
use mercato_shop::ports::Ports;
use mercato_shop::services::Catalog;
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::Error;

type Interference = Box<dyn FnOnce()>;

/// Ports where something happens right after the next read of documents by their ids that finds none of them.
#[derive(Clone)]
struct Interrupted {
    ports: TestPorts,
    interference: Arc<Mutex<Option<Interference>>>,
}

impl Interrupted {
    fn after_the_next_miss(&self, interference: impl FnOnce() + 'static) {
        *self.interference.lock().unwrap() = Some(Box::new(interference));
    }
}

impl Ports for Interrupted {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        let found = self.ports.get_many(collection, ids)?;
        if found.iter().all(Option::is_none) {
            let interference = self.interference.lock().unwrap().take();
            interference.into_iter().for_each(|interfere| interfere());
        }
        Ok(found)
    }

    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
        self.ports.find(query)
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        self.ports.commit(writes, events)
    }

    fn config(&self, name: &str) -> Option<String> {
        self.ports.config(name)
    }
}

impl Cache for Interrupted {
    fn cached(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        self.ports.cached(keys)
    }

    fn keep(&self, key: &str, value: &[u8], ttl: u64) {
        self.ports.keep(key, value, ttl);
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        self.ports.increment(key, by, ttl)
    }
}

fn sock() -> NewProduct {
    NewProduct {
        name: "Sock".into(),
        description: None,
        manufacturer: None,
        external_id: Some("feed/sock".into()),
        price: 100,
        currency: None,
        quantity: 9,
        details: ProductDetails::default(),
    }
}

/// A shop with an archived product, which a feed brings back right after somebody's first look has missed it.
fn restored_at_the_next_look() -> (CatalogService<Interrupted>, String) {
    let ports = Interrupted {
        ports: TestPorts::new(&[("catalog", include_str!("../service.toml"))], &[]),
        interference: Arc::default(),
    };
    let catalog = CatalogService::new(ports.clone());
    let id = catalog.create(&admin(), sock()).unwrap().id;
    catalog.archive(&admin(), &id, 1).unwrap();
    let feed = CatalogService::new(ports.ports.clone());
    ports.after_the_next_miss(move || {
        assert_eq!(
            feed.import_many(&admin(), vec![sock()]).unwrap(),
            [Ok(ImportOutcome::Updated)]
        );
    });
    (catalog, id)
}

#[test]
fn a_product_that_is_brought_back_between_two_looks_is_found() {
    let (catalog, id) = restored_at_the_next_look();
    let ids = ["unknown".to_owned(), id.clone(), "none".to_owned()];
    let found = catalog.get_ever_many(&ids).unwrap();
    let told: Vec<_> = found
        .into_iter()
        .map(|product| product.map(|product| (product.id, product.version, product.archived_at)))
        .collect();
    assert_eq!(told, [None, Some((id, 3, None)), None]);

    let (catalog, id) = restored_at_the_next_look();
    let stock = catalog.stock_many(&admin(), &[id]).unwrap();
    assert_eq!(stock[0].as_ref().map(|stock| stock.on_hand), Some(9));

    let (catalog, id) = restored_at_the_next_look();
    assert!(catalog.changes(Some(&[id]), None).is_ok());
}

#[test]
fn who_archives_a_product_that_is_brought_back_is_told_its_version() {
    let (catalog, id) = restored_at_the_next_look();
    assert_eq!(catalog.archive(&admin(), &id, 1), Err(Error::StaleVersion(3)));
    assert!(catalog.archive(&admin(), &id, 3).unwrap().archived_at.is_some());
}
