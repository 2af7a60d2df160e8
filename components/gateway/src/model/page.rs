//! Lists, page by page.

use mercato_shop::{accounts, catalog, discounts, notifications, orders, webhooks};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::audit::AuditEntry;
use crate::model::convert::Convert;
use crate::model::discount::Discount;
use crate::model::notification::Notification;
use crate::model::order::Order;
use crate::model::product::Product;
use crate::model::stock::StockMovement;
use crate::model::user::User;
use crate::model::webhook::Delivery;

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// Whether more items follow.
    pub page_info: PageInfo,
    /// The cursor of each item.
    #[serde(skip)]
    pub cursors: Vec<String>,
    #[serde(skip)]
    pub has_previous_page: bool,
    /// The number of items on all pages, if the request counts them.
    #[serde(skip)]
    pub total: Option<u64>,
}

/// Where a page ends.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// Whether another page follows.
    pub has_next_page: bool,
    /// Send it as `after` to read the next page.
    pub end_cursor: Option<String>,
}

/// Converts the pages of the services, whose edges have a cursor and a record.
macro_rules! pages {
    ($($from:ty: $record:ident => $to:ty),+ $(,)?) => {
        $(impl Convert<Page<$to>> for $from {
            fn convert(self) -> Page<$to> {
                let edges = self.edges.into_iter().map(|edge| (edge.cursor, edge.$record.convert()));
                let (cursors, items): (Vec<String>, _) = edges.unzip();
                Page {
                    items,
                    page_info: PageInfo {
                        has_next_page: self.has_next,
                        end_cursor: cursors.last().cloned(),
                    },
                    cursors,
                    has_previous_page: self.has_previous,
                    total: self.total,
                }
            }
        })+
    };
}

pages!(
    accounts::UserPage: user => User,
    accounts::AuditPage: entry => AuditEntry,
    catalog::ProductPage: product => Product,
    catalog::MovementPage: movement => StockMovement,
    discounts::DiscountPage: discount => Discount,
    notifications::NotificationPage: notification => Notification,
    orders::OrderPage: order => Order,
    webhooks::DeliveryPage: delivery => Delivery,
);
