//! Subscriptions: a kind of event (`mercato.orders.order-paid`), all kinds of a service (`mercato.orders.*`),
//! or all kinds (`*`).

use mercato_shop::types::Error;

/// The events that can be subscribed to. The service's manifest lists them too.
pub const PUBLIC_EVENTS: [&str; 14] = [
    "mercato.catalog.low-stock",
    "mercato.catalog.product-archived",
    "mercato.catalog.product-created",
    "mercato.catalog.product-restored",
    "mercato.catalog.product-updated",
    "mercato.orders.order-cancelled",
    "mercato.orders.order-delivered",
    "mercato.orders.order-paid",
    "mercato.orders.order-placed",
    "mercato.orders.order-processing",
    "mercato.orders.order-refunded",
    "mercato.orders.order-shipped",
    "mercato.payments.payment-refunded",
    "mercato.payments.payment-succeeded",
];

/// Whether a subscription covers a kind of event.
pub fn covers(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => prefix.ends_with('.') && kind.starts_with(prefix),
        None => pattern == kind,
    }
}

/// Checks the subscriptions of an endpoint, and removes duplicates.
///
/// # Errors
/// [`Error::Invalid`] if there are none, or if one covers no event.
pub fn check(events: &[String]) -> Result<Vec<String>, Error> {
    if events.is_empty() {
        return Err(Error::invalid(
            "events",
            "`events` must not be empty. Name events such as mercato.orders.order-paid, or * for all.",
        ));
    }
    let mut checked = Vec::<String>::new();
    for pattern in events {
        if !PUBLIC_EVENTS.iter().any(|kind| covers(pattern, kind)) {
            let message = format!(
                "`events` must be from {}. \
                 Use mercato.orders.* for all events of orders, and * for all events.",
                PUBLIC_EVENTS.join(", ")
            );
            return Err(Error::invalid("events", message));
        }
        if !checked.contains(pattern) {
            checked.push(pattern.clone());
        }
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_a_kind_a_service_and_everything() {
        let paid = "mercato.orders.order-paid";
        for pattern in [paid, "mercato.orders.*", "mercato.*", "*"] {
            assert!(covers(pattern, paid), "{pattern}");
        }
        for pattern in [
            "mercato.orders.order-pai",
            "mercato.orders.order-*",
            "mercato.order*",
            "mercato.payments.*",
            "",
        ] {
            assert!(!covers(pattern, paid), "{pattern}");
        }
    }

    #[test]
    fn rejects_subscriptions_that_cover_nothing_and_removes_duplicates() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for wrong in [
            &[][..],
            &["orders.*"],
            &["*", "mercato.webhooks.delivery-due"],
            &["mercato.orders.order-due"],
        ] {
            assert!(
                matches!(check(&texts(wrong)), Err(Error::Invalid(_))),
                "{wrong:?}"
            );
        }
        assert_eq!(check(&texts(&["*", "*"])).unwrap(), ["*"]);
    }

    #[test]
    fn lists_all_public_events_in_the_manifest() {
        let manifest = include_str!("../../service.toml");
        let (handles, batches) = manifest.split_once("batches = [").unwrap();
        for (list, others) in [(handles, &["mercato.webhooks.delivery-due"][..]), (batches, &[])] {
            let lines = list
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("\"mercato."));
            let kinds: Vec<_> = lines.map(|line| line.trim_matches(['"', ','])).collect();
            assert_eq!(kinds, [&PUBLIC_EVENTS[..], others].concat());
        }
    }
}
