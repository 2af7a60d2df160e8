//! The operator's settings: one reader for each, which the services use. The host checks all settings by them
//! before it starts.
//!
//! A reader gets the settings by name. Its error is one sentence for the operator: the name of the setting
//! and the allowed values. It does not repeat the value, which may be a secret. A blank value counts as not
//! set. `settings.toml` documents the settings.

pub mod choice;
mod config;
pub mod currency;
pub mod hosts;
pub mod number;
pub mod oidc;
pub mod origins;
pub mod payments;
pub mod persisted;
pub mod secret;
pub mod sms;
pub mod tax;
pub mod text;

pub use config::{Config, read, value};

/// Reads a setting only to check it.
type Check = fn(Config<'_>) -> Result<(), String>;

/// The readers, by the names of the settings that they read.
const READERS: [(&[&str], Check); 28] = [
    (&["ACCESS_TOKEN_SECONDS"], |set| {
        number::ACCESS_TOKEN_SECONDS.read(set).map(drop)
    }),
    (&["API_SECRET"], |set| {
        value(set, "API_SECRET").map_or(Ok(()), |secret| secret::check(&secret))
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
    (&["HTTP_CLIENT_HOSTS"], |set| hosts::read(set).map(drop)),
    (&["MERCATO_RUNTIME"], |_| Ok(())),
    (&["HSTS_SECONDS"], |set| number::HSTS_SECONDS.read(set).map(drop)),
    (&["LOW_STOCK"], |set| number::LOW_STOCK.read(set).map(drop)),
    (&["OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_JWKS_URI"], |set| {
        oidc::read(set).map(drop)
    }),
    (&["OPERATOR_EMAIL", "KEEPER_EMAIL"], |set| {
        text::operator_email(set).map(drop)
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
    (&["PASSWORD_RESET_SECONDS"], |set| {
        number::PASSWORD_RESET_SECONDS.read(set).map(drop)
    }),
    (&["PASSWORD_RESET_URL"], |set| {
        text::password_reset_url(set).map(drop)
    }),
    (&["PERSISTED_QUERIES", "PERSISTED_QUERIES_MANIFEST"], |set| {
        persisted::read(set).map(drop)
    }),
    (&["RATE_LIMIT"], |set| number::rate_limit(set).map(drop)),
    (&["REFRESH_TOKEN_SECONDS"], |set| {
        number::REFRESH_TOKEN_SECONDS.read(set).map(drop)
    }),
    (&["REGISTRATION_LIMIT"], |set| {
        number::REGISTRATION_LIMIT.read(set).map(drop)
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

/// Checks all settings of all services. `API_SECRET` may be missing, because a host can generate it.
///
/// # Errors
/// A sentence for the operator about the first invalid setting.
pub fn check(config: Config<'_>) -> Result<(), String> {
    READERS.iter().try_for_each(|(_, check)| check(config))
}

/// Returns the names of all settings that [`check`] reads.
pub fn names() -> impl Iterator<Item = &'static str> {
    READERS.iter().flat_map(|(names, _)| names.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::*;

    fn check_settings(set: &[(&str, &str)]) -> Result<(), String> {
        check(&|name| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_setting_of_a_manifest_has_a_reader() {
        let names: BTreeSet<_> = names().collect();
        let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components");
        let mut count = 0;
        for folder in fs::read_dir(components).unwrap() {
            let Ok(text) = fs::read_to_string(folder.unwrap().path().join("service.toml")) else {
                continue;
            };
            let manifest: toml::Table = text.parse().unwrap();
            for name in manifest["config"].as_array().unwrap() {
                assert!(names.contains(name.as_str().unwrap()), "{name} has no reader");
                count += 1;
            }
        }
        assert!(count > names.len(), "{count}");
    }

    /// Returns the settings that services read, with their defaults, from `settings.toml`.
    fn described() -> BTreeMap<String, Option<String>> {
        let table: toml::Table = include_str!("settings.toml").parse().unwrap();
        let text = |setting: &toml::Value, key| setting.get(key)?.as_str().map(str::to_owned);
        let settings = table["settings"].as_array().unwrap().iter();
        let settings = settings.filter(|setting| setting.get("runtime").is_none());
        settings
            .map(|setting| (text(setting, "name").unwrap(), text(setting, "default")))
            .collect()
    }

    #[test]
    fn settings_toml_describes_the_settings_of_all_readers() {
        let described = described();
        let described: BTreeSet<_> = described.keys().map(String::as_str).collect();
        assert_eq!(described, names().collect());
    }

    #[test]
    fn settings_toml_has_the_defaults_of_the_readers() {
        let described = described();
        assert_eq!(check(&|name| described.get(name)?.clone()), Ok(()));
        let numbers = [
            ("ACCESS_TOKEN_SECONDS", number::ACCESS_TOKEN_SECONDS),
            ("CART_EXPIRY_SECONDS", number::CART_EXPIRY_SECONDS),
            ("PASSWORD_RESET_SECONDS", number::PASSWORD_RESET_SECONDS),
            ("REFRESH_TOKEN_SECONDS", number::REFRESH_TOKEN_SECONDS),
            ("RESERVATION_SECONDS", number::RESERVATION_SECONDS),
            ("SIGN_IN_FAILURES", number::SIGN_IN_FAILURES),
        ];
        for (name, number) in numbers {
            let default = described[name].clone().unwrap();
            assert_eq!(
                number.read(&|_| None).map(|value| value.to_string()),
                Ok(default),
                "{name}"
            );
        }
        let limit = number::REGISTRATION_LIMIT.read(&|_| None);
        let limit = limit.map(|limit| limit.map(|limit| limit.to_string()));
        assert_eq!(limit, Ok(described["REGISTRATION_LIMIT"].clone()));
        assert_eq!(currency::read(&|_| None).ok(), described["CURRENCY"]);
        let hosts = described[hosts::NAME].clone();
        assert_eq!(hosts::read(&|_| None), hosts::read(&|_| hosts.clone()));
    }

    #[test]
    fn no_setting_is_required_and_blank_values_count_as_not_set() {
        assert_eq!(check(&|_| None), Ok(()));
        assert_eq!(check(&|_| Some(" ".into())), Ok(()));
    }

    #[test]
    fn accepts_valid_settings() {
        let valid: [&[(&str, &str)]; 7] = [
            &[
                ("API_SECRET", "0123456789abcdef"),
                ("CURRENCY", "EUR"),
                ("LOW_STOCK", "0"),
            ],
            &[
                ("ACCESS_TOKEN_SECONDS", "1"),
                ("SIGN_IN_FAILURES", " 3 "),
                ("PASSWORD_RESET_URL", "https://shop.example/#/reset?t={token}"),
                ("RATE_LIMIT", "off"),
                ("REGISTRATION_LIMIT", "off"),
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
        for set in valid {
            assert_eq!(check_settings(set), Ok(()), "{set:?}");
        }
    }

    #[test]
    fn names_an_invalid_setting_without_its_value() {
        const VALUE: &str = "what?ever";
        // These allow any text.
        let any_text = [
            "API_SECRET",
            "MERCATO_ENVIRONMENT",
            "MERCATO_RUNTIME",
            "OIDC_AUDIENCE",
            "STRIPE_SECRET_KEY",
            "STRIPE_WEBHOOK_SECRET",
            "TWILIO_AUTH_TOKEN",
            "TWILIO_FROM",
        ];
        let required: [(&str, &[(&str, &str)]); 4] = [
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
        for name in names().filter(|name| !any_text.contains(name)) {
            let others = required.iter().find(|(other, _)| *other == name);
            let mut set = others.map_or(vec![], |(_, others)| others.to_vec());
            set.push((name, VALUE));
            let error = check_settings(&set)
                .err()
                .unwrap_or_else(|| panic!("{name} is accepted"));
            assert!(error.contains(name) && !error.contains(VALUE), "{error}");
        }
    }

    #[test]
    fn names_a_setting_that_is_missing_or_out_of_range() {
        let invalid: [(&[(&str, &str)], &str); 18] = [
            (&[("API_SECRET", "fifteen-letters")], "API_SECRET"),
            (&[("ACCESS_TOKEN_SECONDS", "0")], "ACCESS_TOKEN_SECONDS"),
            (&[("ACCESS_TOKEN_SECONDS", "4294967296")], "ACCESS_TOKEN_SECONDS"),
            (&[("REFRESH_TOKEN_SECONDS", "off")], "REFRESH_TOKEN_SECONDS"),
            (
                &[("PASSWORD_RESET_URL", "https://shop.example/reset")],
                "PASSWORD_RESET_URL",
            ),
            (&[("RATE_LIMIT", "0")], "RATE_LIMIT"),
            (&[("REGISTRATION_LIMIT", "0")], "REGISTRATION_LIMIT"),
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
        for (set, name) in invalid {
            let error = check_settings(set)
                .err()
                .unwrap_or_else(|| panic!("{set:?} is accepted"));
            assert!(error.contains(name), "{error}");
        }
    }
}
