//! What operators set, as README's table of settings has it: one reader for each, which services use and hosts check with before they start.
//!
//! A reader takes what was set by name. Its error is one sentence for the operator, which names the setting and how it is to be written, and
//! repeats nothing of what was set: that may be a secret. What is set to nothing but white space counts as not set.

pub mod choice;
pub mod currency;
pub mod number;
pub mod oidc;
pub mod origins;
pub mod payments;
pub mod persisted;
pub mod secret;
pub mod sms;
pub mod tax;
pub mod text;

use crate::ports::Ports;
use crate::types::Error;

/// What is set, by name.
pub type Config<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What becomes of a reader's value where only its error matters.
type Check = fn(Config<'_>) -> Result<(), String>;

/// The readers, by the names of what they read.
const READERS: [(&[&str], Check); 23] = [
    (&["ACCESS_TOKEN_SECONDS"], |set| {
        number::ACCESS_TOKEN_SECONDS.read(set).map(drop)
    }),
    (&["API_SECRET"], |set| {
        given(set, "API_SECRET").map_or(Ok(()), |secret| secret::check(&secret))
    }),
    (&["CART_EXPIRY_SECONDS"], |set| {
        number::CART_EXPIRY_SECONDS.read(set).map(drop)
    }),
    (&["CLIENT_ADDRESS_HEADER"], |set| {
        text::address_header(set).map(drop)
    }),
    (&["CORS_ORIGINS"], |set| origins::read(set).map(drop)),
    (&["CURRENCY"], |set| currency::read(set).map(drop)),
    (&["GRAPHQL_INTROSPECTION"], |set| {
        choice::introspection(set).map(drop)
    }),
    (&["HSTS_SECONDS"], |set| number::HSTS_SECONDS.read(set).map(drop)),
    (&["KEEPER_EMAIL"], |set| text::keeper(set).map(drop)),
    (&["LOW_STOCK"], |set| number::LOW_STOCK.read(set).map(drop)),
    (&["OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_JWKS_URI"], |set| {
        oidc::read(set).map(drop)
    }),
    (&["ORDER_EXPIRY_SECONDS"], |set| {
        number::ORDER_EXPIRY_SECONDS.read(set).map(drop)
    }),
    (
        &[
            "PAYMENT_GATEWAY",
            "MERCATO_ENVIRONMENT",
            "STRIPE_SECRET_KEY",
            "STRIPE_API_BASE",
        ],
        |set| payments::gateway(set).map(drop),
    ),
    (&["PERSISTED_QUERIES", "PERSISTED_QUERIES_MANIFEST"], |set| {
        persisted::read(set).map(drop)
    }),
    (&["RATE_LIMIT"], |set| number::RATE_LIMIT.read(set).map(drop)),
    (&["REFRESH_TOKEN_SECONDS"], |set| {
        number::REFRESH_TOKEN_SECONDS.read(set).map(drop)
    }),
    (&["RESERVATION_SECONDS"], |set| {
        number::RESERVATION_SECONDS.read(set).map(drop)
    }),
    (&["SIGN_IN_FAILURES"], |set| {
        number::SIGN_IN_FAILURES.read(set).map(drop)
    }),
    (&["STREAMS_HELD"], |set| choice::streams_held(set).map(drop)),
    (&["STRIPE_WEBHOOK_SECRET"], |set| {
        payments::webhook_secret(set).map(drop)
    }),
    (&["TAX_RATES"], |set| tax::read(set).map(drop)),
    (&["TOKEN_KEYS"], |set| secret::signing_key(set).map(drop)),
    (
        &[
            "TWILIO_ACCOUNT_SID",
            "TWILIO_AUTH_TOKEN",
            "TWILIO_FROM",
            "TWILIO_API_BASE",
        ],
        |set| sms::read(set).map(drop),
    ),
];

/// Reads everything, for all services at once. `API_SECRET` may be missing, since a host may make one.
///
/// # Errors
/// What is wrong with one of them: a sentence for the operator.
pub fn check(config: Config<'_>) -> Result<(), String> {
    READERS.iter().try_for_each(|(_, check)| check(config))
}

/// The names of all that [`check`] reads.
pub fn names() -> impl Iterator<Item = &'static str> {
    READERS.iter().flat_map(|(names, _)| names.iter().copied())
}

/// What is set by this name; none where that is nothing but white space.
pub fn given(config: Config<'_>, name: &str) -> Option<String> {
    config(name).filter(|value| !value.trim().is_empty())
}

/// What a service's platform has set, as a reader reads it.
///
/// # Errors
/// [`Error::Internal`] with the reader's sentence, which the log shows and clients don't see.
pub fn of<T>(ports: &impl Ports, read: impl FnOnce(Config<'_>) -> Result<T, String>) -> Result<T, Error> {
    read(&|name| ports.config(name)).map_err(Error::Internal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    fn check_these(set: &[(&str, &str)]) -> Result<(), String> {
        check(&|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_services_may_read_is_known() {
        let known: BTreeSet<_> = names().collect();
        let mut seen = 0;
        for folder in fs::read_dir(root().join("components")).unwrap() {
            let Ok(text) = fs::read_to_string(folder.unwrap().path().join("service.toml")) else {
                continue;
            };
            let manifest: toml::Table = text.parse().unwrap();
            for name in manifest["config"].as_array().unwrap() {
                assert!(known.contains(name.as_str().unwrap()), "{name} has no reader");
                seen += 1;
            }
        }
        assert!(seen > known.len(), "{seen}");
    }

    #[test]
    fn what_is_known_is_in_the_table_of_settings() {
        let readme = fs::read_to_string(root().join("README.md")).unwrap();
        let rows = readme.lines().filter_map(|line| line.strip_prefix("| `"));
        let told: BTreeSet<_> = rows
            .filter_map(|row| row.split(" | ").next())
            .flat_map(|names| names.split(", "))
            .map(|name| name.trim_matches('`'))
            .collect();
        let untold: Vec<_> = names().filter(|name| !told.contains(name)).collect();
        assert_eq!(untold, [""; 0]);
    }

    #[test]
    fn nothing_has_to_be_set_and_nothing_is_as_good_as_white_space() {
        assert_eq!(check(&|_| None), Ok(()));
        assert_eq!(check(&|_| Some(" ".into())), Ok(()));
    }

    #[test]
    fn what_is_written_as_the_table_says_is_taken() {
        let right: [&[(&str, &str)]; 7] = [
            &[
                ("API_SECRET", "0123456789abcdef"),
                ("CURRENCY", "EUR"),
                ("LOW_STOCK", "0"),
            ],
            &[
                ("ACCESS_TOKEN_SECONDS", "1"),
                ("SIGN_IN_FAILURES", " 3 "),
                ("RATE_LIMIT", "off"),
            ],
            &[
                ("ORDER_EXPIRY_SECONDS", "off"),
                ("TAX_RATES", "US-CA=7.25,DE=19,*=0"),
            ],
            &[
                ("PAYMENT_GATEWAY", "test"),
                ("MERCATO_ENVIRONMENT", "development"),
            ],
            &[("PAYMENT_GATEWAY", "stripe"), ("STRIPE_SECRET_KEY", "sk_test_1")],
            &[
                ("OIDC_ISSUER", "https://accounts.google.com"),
                ("OIDC_AUDIENCE", "a, b"),
            ],
            &[
                ("PERSISTED_QUERIES", "only"),
                ("PERSISTED_QUERIES_MANIFEST", "{}"),
            ],
        ];
        for set in right {
            assert_eq!(check_these(set), Ok(()), "{set:?}");
        }
    }

    #[test]
    fn what_can_not_be_taken_is_named_and_not_repeated() {
        const VALUE: &str = "what?ever";
        // Anything is a secret or a name there.
        let free = [
            "API_SECRET",
            "MERCATO_ENVIRONMENT",
            "OIDC_AUDIENCE",
            "STRIPE_SECRET_KEY",
            "STRIPE_WEBHOOK_SECRET",
            "TWILIO_AUTH_TOKEN",
            "TWILIO_FROM",
        ];
        let company: [(&str, &[(&str, &str)]); 4] = [
            (
                "STRIPE_API_BASE",
                &[("PAYMENT_GATEWAY", "stripe"), ("STRIPE_SECRET_KEY", "sk_1")],
            ),
            (
                "OIDC_JWKS_URI",
                &[("OIDC_ISSUER", "https://a.example"), ("OIDC_AUDIENCE", "a")],
            ),
            (
                "TWILIO_API_BASE",
                &[
                    ("TWILIO_ACCOUNT_SID", "AC1"),
                    ("TWILIO_AUTH_TOKEN", "t"),
                    ("TWILIO_FROM", "Shop"),
                ],
            ),
            ("PERSISTED_QUERIES_MANIFEST", &[("PERSISTED_QUERIES", "only")]),
        ];
        for name in names().filter(|name| !free.contains(name)) {
            let others = company.iter().find(|(whose, _)| *whose == name);
            let mut set = others.map_or(vec![], |(_, others)| others.to_vec());
            set.push((name, VALUE));
            let refused = check_these(&set)
                .err()
                .unwrap_or_else(|| panic!("{name} is taken"));
            assert!(refused.contains(name) && !refused.contains(VALUE), "{refused}");
        }
    }

    #[test]
    fn what_is_missing_or_out_of_range_is_named() {
        let wrong: [(&[(&str, &str)], &str); 16] = [
            (&[("API_SECRET", "fifteen-letters")], "API_SECRET"),
            (&[("ACCESS_TOKEN_SECONDS", "0")], "ACCESS_TOKEN_SECONDS"),
            (&[("ACCESS_TOKEN_SECONDS", "4294967296")], "ACCESS_TOKEN_SECONDS"),
            (&[("REFRESH_TOKEN_SECONDS", "off")], "REFRESH_TOKEN_SECONDS"),
            (&[("RATE_LIMIT", "0")], "RATE_LIMIT"),
            (&[("LOW_STOCK", "-1")], "LOW_STOCK"),
            (&[("CURRENCY", "eur")], "CURRENCY"),
            (&[("CURRENCY", "QQQ")], "CURRENCY"),
            (&[("TAX_RATES", "DE=19,FR")], "TAX_RATES"),
            (&[("PAYMENT_GATEWAY", "test")], "MERCATO_ENVIRONMENT"),
            (&[("PAYMENT_GATEWAY", "stripe")], "STRIPE_SECRET_KEY"),
            (&[("PERSISTED_QUERIES", "only")], "PERSISTED_QUERIES_MANIFEST"),
            (&[("OIDC_ISSUER", "https://a.example")], "OIDC_AUDIENCE"),
            (&[("OIDC_AUDIENCE", "a")], "OIDC_ISSUER"),
            (
                &[("TWILIO_ACCOUNT_SID", "AC1"), ("TWILIO_FROM", "Shop")],
                "TWILIO_AUTH_TOKEN",
            ),
            (&[("TOKEN_KEYS", "{")], "TOKEN_KEYS"),
        ];
        for (set, name) in wrong {
            let refused = check_these(set)
                .err()
                .unwrap_or_else(|| panic!("{set:?} is taken"));
            assert!(refused.contains(name), "{refused}");
        }
    }
}
