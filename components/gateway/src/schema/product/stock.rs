//! The stock of products, and its ledger.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use mercato_shop::catalog::{MovementKind, Stock, StockMovement as Movement};

use crate::schema::connection::{page, page_size, to_connection};
use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, change, read};
use crate::schema::product::{ProductObject, int};
use crate::session::valid_id;

/// Where all pieces of a product are: received = onHand + reserved + sold + writtenOff.
#[derive(SimpleObject)]
#[graphql(name = "Stock")]
pub struct StockObject {
    received: i32,
    on_hand: i32,
    reserved: i32,
    sold: i32,
    /// Lost, broken or miscounted.
    written_off: i32,
    /// The product's own threshold for telling that it runs low; null where it has the shop's.
    low_stock_at: Option<i32>,
}

impl From<Stock> for StockObject {
    fn from(stock: Stock) -> Self {
        Self {
            received: int(stock.received),
            on_hand: int(stock.on_hand),
            reserved: int(stock.reserved),
            sold: int(stock.sold),
            written_off: int(stock.written_off),
            low_stock_at: stock.low_stock_at.map(int),
        }
    }
}

/// What moved stock.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "StockMovementKind", remote = "MovementKind")]
pub enum StockMovementKind {
    /// New pieces came on hand.
    Received,
    /// A keeper of the shop added pieces, or wrote them off.
    Adjusted,
    /// A keeper of the shop has counted; the difference was added or written off.
    Set,
    /// An order took pieces from what is on hand.
    Reserved,
    /// An order gave back what it had reserved.
    Released,
    /// What an order had reserved was sold.
    Sold,
    /// What an order had bought came back on hand.
    Restocked,
}

/// One line of a product's stock ledger.
pub struct StockMovement(Movement);

/// One line of a product's stock ledger. Lines are added, and never changed.
#[Object]
impl StockMovement {
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    async fn time(&self) -> DateTime {
        DateTime(self.0.time)
    }

    async fn product_id(&self) -> ID {
        ID(self.0.product_id.clone())
    }

    async fn kind(&self) -> StockMovementKind {
        self.0.kind.into()
    }

    /// How many pieces moved.
    async fn pieces(&self) -> i32 {
        int(self.0.pieces)
    }

    /// By how much it changed what is on hand; 0 where what is sold was reserved before. They add up to `onHand`.
    async fn delta(&self) -> i32 {
        int(self.0.on_hand)
    }

    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Who did it: a user's id or `api-key`; null for what an order did.
    async fn actor(&self) -> Option<&str> {
        self.0.actor.as_deref()
    }

    async fn order_id(&self) -> Option<ID> {
        self.0.order_id.clone().map(ID)
    }
}

/// What can be read of the stock.
#[derive(Default)]
pub struct StockQuery;

#[Object]
impl StockQuery {
    /// Every movement of a product's stock, newest first. For an ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn stock_movements(
        &self,
        context: &Context<'_>,
        product_id: ID,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<Connection<String, StockMovement, EmptyFields, EmptyFields>> {
        read(context, |session| {
            session.caller().require_admin()?;
            valid_id("productId", &product_id)?;
            let page = page(first, after)?;
            let ledger = session
                .services
                .catalog
                .stock_movements(session.caller(), &product_id, &page)?;
            let edges = ledger
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, StockMovement(edge.movement)));
            Ok(to_connection(page.after.is_some(), ledger.has_next, edges))
        })
    }
}

/// What can be changed of the stock.
#[derive(Default)]
pub struct StockMutation;

#[Object]
impl StockMutation {
    /// Adds pieces to a product's stock, or writes them off where `delta` is negative; OUT_OF_STOCK where fewer are on
    /// hand. For an ADMIN or the API key.
    async fn adjust_stock(
        &self,
        context: &Context<'_>,
        id: ID,
        delta: i32,
        #[graphql(desc = "Why, for the ledger")] reason: String,
    ) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let catalog = &session.services.catalog;
            let product = catalog.adjust_stock(session.caller(), &id, i64::from(delta), &reason);
            Ok(ProductObject(product?))
        })
    }

    /// Makes so many pieces be on hand, as somebody has counted; what orders hold is not touched. For an ADMIN or the
    /// API key.
    async fn set_stock(
        &self,
        context: &Context<'_>,
        id: ID,
        quantity: i32,
        #[graphql(desc = "Why, for the ledger")] reason: Option<String>,
    ) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let catalog = &session.services.catalog;
            let product = catalog.set_stock(session.caller(), &id, i64::from(quantity), reason.as_deref());
            Ok(ProductObject(product?))
        })
    }
}
