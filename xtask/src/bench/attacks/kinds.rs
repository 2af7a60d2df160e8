//! The attacks.

use super::documents;
use super::sockets::Slowness;

/// An attack of one anonymous client.
pub struct Attack {
    /// The name, for the table.
    pub name: &'static str,
    /// The number of connections.
    pub connections: u16,
    /// What they do.
    pub kind: Kind,
    /// What the shop needs for the attack.
    pub needs: Needs,
}

/// What attackers do.
pub enum Kind {
    /// Each connection repeats requests with these bodies, and does not wait after an answer.
    Flood(fn() -> Vec<String>),
    /// The connections send or read too little.
    Slow(Slowness),
}

/// What a shop needs for an attack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Whether it has 50,000 products, in place of 1,000.
    pub is_large: bool,
    /// Its settings.
    pub settings: &'static [(&'static str, &'static str)],
    /// The number of its file descriptors, if it is not the usual one.
    pub files: Option<u32>,
}

const NORMAL: Needs = Needs {
    is_large: false,
    settings: &[],
    files: None,
};
const LARGE: Needs = Needs {
    is_large: true,
    ..NORMAL
};
const AUTOMATIC: Needs = Needs {
    settings: &[("PERSISTED_QUERIES", "automatic")],
    ..NORMAL
};
const FEW_FILES: Needs = Needs {
    files: Some(600),
    ..NORMAL
};

/// Returns all attacks. The first one is plain load, for comparison.
pub fn all() -> Vec<Attack> {
    let flood = |connections, name, bodies, needs| Attack {
        name,
        connections,
        kind: Kind::Flood(bodies),
        needs,
    };
    let slow = |connections, name, slowness, needs| Attack {
        name,
        connections,
        kind: Kind::Slow(slowness),
        needs,
    };
    let batch_of_users = documents::batches_of_registrations;
    vec![
        flood(64, "nothing but lists", documents::lists, NORMAL),
        flood(64, "registrations", documents::registrations, NORMAL),
        flood(256, "registrations", documents::registrations, NORMAL),
        flood(256, "sign-ins with wrong passwords", documents::logins, NORMAL),
        flood(
            64,
            "50 registrations in each of ten items",
            batch_of_users,
            NORMAL,
        ),
        flood(64, "nested introspection", documents::introspection, NORMAL),
        flood(64, "10 facets of 50,000 products", documents::facets, LARGE),
        flood(
            64,
            "45 facets in each of ten items",
            documents::batches_of_facets,
            LARGE,
        ),
        flood(
            64,
            "24 counted searches in 50,000 products",
            documents::searches,
            LARGE,
        ),
        flood(64, "20 large pages", documents::large_pages, NORMAL),
        flood(
            64,
            "20 large pages in each of ten items",
            documents::batches_of_pages,
            NORMAL,
        ),
        flood(
            16,
            "persisted queries of 60 kB",
            documents::persisted_queries,
            AUTOMATIC,
        ),
        slow(700, "silent connections, 600 files", Slowness::Silent, FEW_FILES),
        slow(200, "bodies of one byte a second", Slowness::Body, NORMAL),
        slow(60, "answers that are never read", Slowness::Reader, NORMAL),
        slow(
            60,
            "HTTP/2 answers that are never read",
            Slowness::Http2Reader,
            NORMAL,
        ),
    ]
}
