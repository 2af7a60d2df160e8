//! What each runtime offers to a composition. An interface that is missing here is found when a shop is composed, not
//! when somebody starts it.

use serde::Deserialize;

/// A runtime that compositions are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// The host of this project, in one process.
    Mercato,
    /// A wasmCloud 1.9 host; the services of other components are reached by links.
    Wasmcloud,
    /// Spin 4.0, to components of WASI 0.2.
    Spin,
}

/// Interfaces, or with `/*` whole packages, each with the version up to where releases are compatible.
const MERCATO: [&str; 12] = [
    "mercato:platform/cache@0.1",
    "mercato:platform/config@0.1",
    "mercato:platform/documents@0.1",
    "mercato:platform/http-client@0.1",
    "mercato:platform/mailer@0.1",
    "wasi:cli/*@0.2",
    "wasi:clocks/*@0.2",
    "wasi:filesystem/*@0.2",
    "wasi:http/*@0.2",
    "wasi:io/*@0.2",
    "wasi:random/*@0.2",
    "wasi:sockets/*@0.2",
];

/// What is not `wasi:` is offered by links; `mercato:platform/config` is not, since every value would be a call over the lattice.
const WASMCLOUD: [&str; 13] = [
    "mercato:platform/cache@0.1",
    "mercato:platform/documents@0.1",
    "mercato:platform/http-client@0.1",
    "mercato:platform/mailer@0.1",
    "mercato:shop/*@0.1",
    "wasi:cli/*@0.2",
    "wasi:clocks/*@0.2",
    "wasi:config/runtime@0.2.0-draft",
    "wasi:filesystem/*@0.2",
    "wasi:http/*@0.2",
    "wasi:io/*@0.2",
    "wasi:random/*@0.2",
    "wasi:sockets/*@0.2",
];

/// What is not `wasi:` or Spin's own is filled by adapters. Of `wasi:keyvalue`, `batch` is left out: it reads wrongly from Redis.
const SPIN: [&str; 11] = [
    "fermyon:spin/sqlite@2.0.0",
    "wasi:cli/*@0.2",
    "wasi:clocks/*@0.2",
    "wasi:config/store@0.2.0-draft-2024-09-27",
    "wasi:filesystem/*@0.2",
    "wasi:http/*@0.2",
    "wasi:io/*@0.2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:random/*@0.2",
    "wasi:sockets/*@0.2",
];

impl Runtime {
    /// Whether the runtime offers the interface, such as `wasi:clocks/monotonic-clock@0.2.6`.
    pub fn offers(self, interface: &str) -> bool {
        let offers = match self {
            Self::Mercato => MERCATO.as_slice(),
            Self::Wasmcloud => WASMCLOUD.as_slice(),
            Self::Spin => SPIN.as_slice(),
        };
        offers.iter().any(|offer| covers(offer, interface))
    }

    /// The name as people know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mercato => "mercato",
            Self::Wasmcloud => "wasmcloud",
            Self::Spin => "spin",
        }
    }
}

fn covers(offer: &str, interface: &str) -> bool {
    let (Some((offered, track)), Some((name, version))) = (offer.split_once('@'), interface.split_once('@'))
    else {
        return false;
    };
    let named = match offered.strip_suffix('*') {
        Some(package) => name.starts_with(package),
        None => name == offered,
    };
    let rest = version.strip_prefix(track);
    named && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compatible_version_of_an_offer_is_offered() {
        assert!(Runtime::Mercato.offers("wasi:io/streams@0.2.0"));
        assert!(Runtime::Mercato.offers("wasi:io/streams@0.2.12"));
        assert!(Runtime::Mercato.offers("mercato:platform/documents@0.1.0"));
    }

    #[test]
    fn a_lattice_offers_configuration_in_one_draft_only() {
        assert!(Runtime::Wasmcloud.offers("wasi:config/runtime@0.2.0-draft"));
        assert!(Runtime::Wasmcloud.offers("mercato:shop/catalog@0.1.0"));
        for interface in [
            "wasi:config/runtime@0.2.0-draft2",
            "wasi:config/runtime@0.2.0",
            "wasi:config/store@0.2.0-draft-2024-09-27",
            "mercato:platform/config@0.1.0",
        ] {
            assert!(!Runtime::Wasmcloud.offers(interface), "{interface}");
        }
    }

    #[test]
    fn spin_offers_the_drafts_of_its_release_only() {
        assert!(Runtime::Spin.offers("wasi:keyvalue/store@0.2.0-draft2"));
        assert!(Runtime::Spin.offers("fermyon:spin/sqlite@2.0.0"));
        for interface in [
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/batch@0.2.0-draft2",
            "wasi:logging/logging@0.1.0",
            "wasi:messaging/producer@0.2.0",
            "mercato:platform/documents@0.1.0",
        ] {
            assert!(!Runtime::Spin.offers(interface), "{interface}");
        }
    }

    #[test]
    fn other_versions_packages_and_plain_names_are_not_offered() {
        for interface in [
            "wasi:io/streams@0.3.0",
            "wasi:io/streams@0.20.0",
            "wasi:iota/streams@0.2.0",
            "wasi:keyvalue/store@0.2.0",
            "mercato:platform/documents@0.2.0",
            "mercato:platform/documents-more@0.1.0",
            "wasi:io/streams",
            "run",
        ] {
            assert!(!Runtime::Mercato.offers(interface), "{interface}");
        }
    }
}
