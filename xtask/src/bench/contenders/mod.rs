//! The contenders: shops that answer the same requests.

mod backends;
mod fleet;
mod lattice;
mod mercato;
mod native;
mod node;
mod setting;
mod spin;

use anyhow::Result;

pub use self::backends::Backends;
pub use self::setting::{Setting, Shop, Start};

/// A way to run a shop.
pub struct Contender {
    /// The name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Whether it is no shop: it answers every request with the same text, and is measured with lists of 20 only.
    pub is_probe: bool,
    /// Builds and installs what it needs. An error is the reason why it is skipped.
    pub prepare: for<'a> fn(&'a Setting) -> Result<Start<'a>>,
}

const SHOP: Contender = Contender {
    name: "",
    about: "",
    is_probe: false,
    prepare: mercato::embedded,
};

/// All contenders, in the order in which they run.
pub const ALL: [Contender; 9] = [
    Contender {
        name: "embedded",
        about: "mercato, one process on its data folder",
        prepare: mercato::embedded,
        ..SHOP
    },
    Contender {
        name: "servers",
        about: "mercato, one process on MongoDB, Kafka and Redis",
        prepare: mercato::servers,
        ..SHOP
    },
    Contender {
        name: "two-processes",
        about: "mercato, two processes on the same servers behind HAProxy",
        prepare: mercato::two_processes,
        ..SHOP
    },
    Contender {
        name: "lattice",
        about: "a lattice of two hosts with services apart (wadm.yaml)",
        prepare: lattice::apart,
        ..SHOP
    },
    Contender {
        name: "lattice-composed",
        about: "a lattice of two hosts with one component (wadm-composed.yaml)",
        prepare: lattice::composed,
        ..SHOP
    },
    Contender {
        name: "lattice-probe",
        about: "a lattice of two hosts with a component that makes one call, the least that a lattice can do",
        prepare: lattice::probe,
        is_probe: true,
    },
    Contender {
        name: "spin",
        about: "the components of spin.toml on the host of the tests",
        prepare: spin::prepare,
        ..SHOP
    },
    Contender {
        name: "native",
        about: "the same domain as native code under axum, on a data folder",
        prepare: native::prepare,
        ..SHOP
    },
    Contender {
        name: "node",
        about: "a shop of four Node.js services on MongoDB, Kafka and Redis",
        prepare: node::prepare,
        ..SHOP
    },
];

/// Returns the names of all contenders.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|contender| contender.name)
}
