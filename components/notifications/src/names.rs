//! The names of enum cases in documents.

use mercato_shop::notifications::{Kind, Medium, NotificationStatus as Status};
use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use serde::{Serialize, Serializer};

/// An enum whose cases have names.
pub trait Named: Copy + PartialEq + 'static {
    /// All cases with their names.
    const NAMES: &'static [(Self, &'static str)];

    /// Returns the name of the case.
    fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(case, _)| *case == self);
        found.map_or("", |(_, name)| name)
    }
}

impl Named for Kind {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Welcome, "welcome"),
        (Self::OrderPlaced, "order-placed"),
        (Self::OrderPaid, "order-paid"),
        (Self::OrderShipped, "order-shipped"),
        (Self::OrderCancelled, "order-cancelled"),
        (Self::LowStock, "low-stock"),
        (Self::VerificationCode, "verification-code"),
        (Self::Message, "message"),
    ];
}

impl Named for Medium {
    const NAMES: &'static [(Self, &'static str)] = &[(Self::Email, "email"), (Self::Sms, "sms")];
}

impl Named for Status {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Sending, "sending"),
        (Self::Waiting, "waiting"),
        (Self::Sent, "sent"),
        (Self::Failed, "failed"),
        (Self::Skipped, "skipped"),
    ];
}

/// A case that is stored by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByName<T>(pub T);

impl<T: Named> Serialize for ByName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de, T: Named> Deserialize<'de> for ByName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = T::NAMES.iter().find(|(_, name)| *name == text);
        found
            .map(|(case, _)| Self(*case))
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"the name of a case"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_each_case_by_its_name() {
        for (kind, name) in Kind::NAMES {
            let text = serde_json::to_string(&ByName(*kind)).unwrap();
            assert_eq!(text, format!("\"{name}\""));
            assert_eq!(
                serde_json::from_str::<ByName<Kind>>(&text).unwrap(),
                ByName(*kind)
            );
        }
        assert!(serde_json::from_str::<ByName<Status>>("\"lost\"").is_err());
    }
}
