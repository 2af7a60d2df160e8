//! The interfaces that each runtime offers. Composing checks imports against them, so that a missing
//! interface is found before the shop starts.

use serde::Deserialize;

/// A runtime that compositions are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// The host of this project, in one process.
    Mercato,
    /// Spin 4.0, for components of WASI 0.2.
    Spin,
    /// A wasmCloud 1.9 host. Links connect a component to other components.
    Wasmcloud,
}

/// Interfaces, or with `/*` whole packages, each with the part of the version within which releases are
/// compatible.
const MERCATO: [&str; 12] = [
    "mercato:platform/cache@0.1",
    "mercato:platform/config@0.1",
    "mercato:platform/documents@0.1",
    "mercato:platform/http-client@0.1",
    "mercato:platform/mailer@0.1",
    "mercato:platform/passwords@0.1",
    "wasi:cli/*@0.2",
    "wasi:clocks/*@0.2",
    "wasi:filesystem/*@0.2",
    "wasi:io/*@0.2",
    "wasi:random/*@0.2",
    "wasi:sockets/*@0.2",
];

/// The adapters export the ports. `wasi:keyvalue/batch` is missing, because Spin reads wrong values from
/// Redis with it.
const SPIN: [&str; 11] = [
    "fermyon:spin/sqlite@2.0.0",
    "fermyon:spin/variables@2.0.0",
    "wasi:cli/*@0.2",
    "wasi:clocks/*@0.2",
    "wasi:filesystem/*@0.2",
    "wasi:http/*@0.2",
    "wasi:io/*@0.2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:random/*@0.2",
    "wasi:sockets/*@0.2",
];

/// Links offer the interfaces of `mercato`. `mercato:platform/config` is missing, because each value would be
/// a call over the lattice. The adapter for wasmCloud exports it, and `mercato:platform/cache`.
const WASMCLOUD: [&str; 14] = [
    "mercato:lattice/cache@0.1",
    "mercato:platform/documents@0.1",
    "mercato:platform/http-client@0.1",
    "mercato:platform/mailer@0.1",
    "mercato:platform/passwords@0.1",
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

impl Runtime {
    /// Checks whether the runtime offers an interface such as `wasi:clocks/monotonic-clock@0.2.6`.
    pub fn offers(self, interface: &str) -> bool {
        let offers = match self {
            Self::Mercato => MERCATO.as_slice(),
            Self::Spin => SPIN.as_slice(),
            Self::Wasmcloud => WASMCLOUD.as_slice(),
        };
        offers.iter().any(|offer| covers(offer, interface))
    }

    /// Returns the name, as compositions write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mercato => "mercato",
            Self::Spin => "spin",
            Self::Wasmcloud => "wasmcloud",
        }
    }
}

fn covers(offer: &str, interface: &str) -> bool {
    let (Some((offered, compatible)), Some((name, version))) =
        (offer.split_once('@'), interface.split_once('@'))
    else {
        return false;
    };
    let same_name = match offered.strip_suffix('*') {
        Some(package) => name.starts_with(package),
        None => name == offered,
    };
    let rest = version.strip_prefix(compatible);
    same_name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_not_offered(runtime: Runtime, interfaces: &[&str]) {
        for interface in interfaces {
            assert!(!runtime.offers(interface), "{interface}");
        }
    }

    #[test]
    fn offers_every_compatible_version() {
        assert!(Runtime::Mercato.offers("wasi:io/streams@0.2.0"));
        assert!(Runtime::Mercato.offers("wasi:io/streams@0.2.12"));
        assert!(Runtime::Mercato.offers("mercato:platform/documents@0.1.0"));
    }

    #[test]
    fn a_lattice_offers_one_draft_of_configuration() {
        assert!(Runtime::Wasmcloud.offers("wasi:config/runtime@0.2.0-draft"));
        assert!(Runtime::Wasmcloud.offers("mercato:shop/catalog@0.1.0"));
        assert_not_offered(
            Runtime::Wasmcloud,
            &[
                "wasi:config/runtime@0.2.0-draft2",
                "wasi:config/runtime@0.2.0",
                "wasi:config/store@0.2.0-draft-2024-09-27",
                "mercato:platform/config@0.1.0",
            ],
        );
    }

    #[test]
    fn spin_offers_the_drafts_of_its_release() {
        assert!(Runtime::Spin.offers("wasi:keyvalue/store@0.2.0-draft2"));
        assert!(Runtime::Spin.offers("fermyon:spin/sqlite@2.0.0"));
        assert_not_offered(
            Runtime::Spin,
            &[
                "wasi:keyvalue/store@0.2.0-draft",
                "wasi:keyvalue/batch@0.2.0-draft2",
                "wasi:logging/logging@0.1.0",
                "wasi:messaging/producer@0.2.0",
                "mercato:platform/documents@0.1.0",
            ],
        );
    }

    #[test]
    fn does_not_offer_other_versions_packages_and_plain_names() {
        assert_not_offered(
            Runtime::Mercato,
            &[
                "wasi:io/streams@0.3.0",
                "wasi:io/streams@0.20.0",
                "wasi:iota/streams@0.2.0",
                "wasi:keyvalue/store@0.2.0",
                "mercato:platform/documents@0.2.0",
                "mercato:platform/documents-more@0.1.0",
                "wasi:io/streams",
                "run",
            ],
        );
    }
}
