//! What the events that are handled tell, and what is told to people because of them.

use mercato_ports::events::Event;
use mercato_shop::notifications::Kind;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

/// A message that somebody wrote could not be sent, and is to be tried again.
pub const WAITS: &str = "mercato.notifications.message-waits";

/// What [`WAITS`] tells.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingMessage {
    pub message_id: String,
}

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver it again, later.
    Retry(String),
    /// It can never be handled.
    Reject(String),
}

impl From<Error> for Failure {
    /// What can pass is tried again; the rest is for a person to see.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(reason) | Error::Conflict(reason) | Error::Internal(reason) => {
                Self::Retry(reason)
            }
            other => Self::Reject(format!("{other:?}")),
        }
    }
}

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Something is to be told. `what` happened once, however often it is heard of.
    Tell { what: String, occasion: Occasion },
    /// A message that waits is to be tried again.
    Send { message_id: String },
    /// What is kept of a user goes.
    Forget { user_id: String },
}

/// What is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody has become a user.
    Welcome {
        user_id: String,
    },
    /// An order has come as far as its kind says.
    Order {
        kind: Kind,
        order_id: String,
        user_id: String,
    },
    LowStock(Scarce),
    /// Somebody wants to prove that a phone is theirs.
    Code(Code),
}

/// A product that runs low.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scarce {
    pub product_id: String,
    pub name: String,
    pub on_hand: i64,
    pub threshold: i64,
}

/// A code for a phone. Accounts tells its text, which is neither stored nor shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Code {
    pub user_id: String,
    pub verification_id: String,
    pub expires_at: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfUser {
    user_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOrder {
    order_id: String,
    user_id: String,
}

/// Understands an event.
///
/// # Errors
/// [`Failure::Reject`] for what can't be read, or is no event of this service's.
pub fn read(event: &Event) -> Result<Request, Failure> {
    let occasion = match event.kind.as_str() {
        WAITS => {
            let WaitingMessage { message_id } = data(event)?;
            return Ok(Request::Send { message_id });
        }
        "mercato.accounts.user-erased" => {
            let OfUser { user_id } = data(event)?;
            return Ok(Request::Forget { user_id });
        }
        // Who registers has no address yet that is proved; one greeting is enough for both.
        "mercato.accounts.user-registered" | "mercato.accounts.contact-verified" => {
            let OfUser { user_id } = data(event)?;
            return Ok(Request::Tell {
                what: format!("welcome/{user_id}"),
                occasion: Occasion::Welcome { user_id },
            });
        }
        "mercato.accounts.verification-requested" => Occasion::Code(data(event)?),
        "mercato.catalog.low-stock" => Occasion::LowStock(data(event)?),
        "mercato.orders.order-placed" => of_order(event, Kind::OrderPlaced)?,
        "mercato.orders.order-paid" => of_order(event, Kind::OrderPaid)?,
        "mercato.orders.order-shipped" => of_order(event, Kind::OrderShipped)?,
        "mercato.orders.order-cancelled" => of_order(event, Kind::OrderCancelled)?,
        other => return Err(Failure::Reject(format!("{other} is no event of this service's"))),
    };
    Ok(Request::Tell {
        what: event.id.clone(),
        occasion,
    })
}

fn of_order(event: &Event, kind: Kind) -> Result<Occasion, Failure> {
    let OfOrder { order_id, user_id } = data(event)?;
    Ok(Occasion::Order {
        kind,
        order_id,
        user_id,
    })
}

fn data<'a, T: Deserialize<'a>>(event: &'a Event) -> Result<T, Failure> {
    // What can't be read is not repeated: it may hold anything.
    serde_json::from_str(&event.data).map_err(|error| {
        Failure::Reject(format!(
            "the data of {} can't be read: {:?}",
            event.kind,
            error.classify()
        ))
    })
}

impl Occasion {
    /// What a notification of it is called.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Welcome { .. } => Kind::Welcome,
            Self::Order { kind, .. } => *kind,
            Self::LowStock(_) => Kind::LowStock,
            Self::Code(_) => Kind::VerificationCode,
        }
    }

    /// Whom it is told.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Welcome { user_id } | Self::Order { user_id, .. } => Some(user_id),
            Self::Code(code) => Some(&code.user_id),
            Self::LowStock(_) => None,
        }
    }

    /// The order that it tells of.
    pub fn order_id(&self) -> Option<&str> {
        match self {
            Self::Order { order_id, .. } => Some(order_id),
            _ => None,
        }
    }

    /// The product that it tells of.
    pub const fn scarce(&self) -> Option<&Scarce> {
        match self {
            Self::LowStock(scarce) => Some(scarce),
            _ => None,
        }
    }
}
