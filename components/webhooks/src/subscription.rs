//! Which events there are to subscribe to, and how that is written: a type, all types of a service, or all.

use mercato_shop::types::Error;

/// The shop's public events; the manifest has this service told of them.
pub const PUBLIC: [&str; 14] = [
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

/// Whether an event of this kind is among those that are written so.
pub fn covers(written: &str, kind: &str) -> bool {
    match written.strip_suffix('*') {
        Some("") => true,
        Some(service) => service.ends_with('.') && kind.starts_with(service),
        None => written == kind,
    }
}

/// The subscriptions of an endpoint, each one once.
///
/// # Errors
/// [`Error::Invalid`] where there is none, or one that covers no event.
pub fn checked(events: &[String]) -> Result<Vec<String>, Error> {
    if events.is_empty() {
        return Err(Error::invalid(
            "events",
            "Name the events to be sent, such as mercato.orders.order-paid, or * for all.",
        ));
    }
    let mut checked = Vec::<String>::new();
    for written in events {
        if !PUBLIC.iter().any(|kind| covers(written, kind)) {
            return Err(Error::invalid(
                "events",
                format!(
                    "There is no such event. There are {}; mercato.orders.* is all of orders, and * is all.",
                    PUBLIC.join(", ")
                ),
            ));
        }
        if !checked.contains(written) {
            checked.push(written.clone());
        }
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_a_service_and_everything_can_be_subscribed_to() {
        let paid = "mercato.orders.order-paid";
        for written in [paid, "mercato.orders.*", "mercato.*", "*"] {
            assert!(covers(written, paid), "{written}");
        }
        for written in [
            "mercato.orders.order-pai",
            "mercato.orders.order-*",
            "mercato.order*",
            "mercato.payments.*",
            "",
        ] {
            assert!(!covers(written, paid), "{written}");
        }
    }

    #[test]
    fn what_covers_nothing_is_refused_and_what_comes_twice_is_taken_once() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for wrong in [
            &[][..],
            &["orders.*"],
            &["*", "mercato.webhooks.delivery-due"],
            &["mercato.orders.order-due"],
        ] {
            assert!(
                matches!(checked(&texts(wrong)), Err(Error::Invalid(_))),
                "{wrong:?}"
            );
        }
        assert_eq!(checked(&texts(&["*", "*"])).unwrap(), ["*"]);
    }

    #[test]
    fn the_manifest_subscribes_to_all_of_them() {
        let manifest = include_str!("../service.toml");
        for kind in PUBLIC {
            assert!(manifest.contains(&format!("\"{kind}\"")), "{kind}");
        }
        let handled = manifest.lines().filter(|line| line.starts_with("    \"mercato."));
        assert_eq!(handled.count(), PUBLIC.len() + 1, "and to its own timer");
    }
}
