//! `Cart`, its lines, and what has changed about them.

pub mod operations;

use async_graphql::{Context, Enum, ID, Object};
use mercato_shop::carts::{Cart, CartLine, Change, ChangeKind};

use crate::schema::datetime::DateTime;
use crate::schema::nullable::{Nullable, nullable};
use crate::schema::product::{ProductObject, int};
use crate::session::Session;

/// What somebody means to buy.
pub struct CartObject(pub Cart);

/// What somebody means to buy.
#[Object(name = "Cart")]
impl CartObject {
    /// What a guest's cart is used by, as `cartId`. Keep it, and keep it to yourself: it is as good as a password. Null for a user's
    /// cart, which is found by the access token, and where a guest has no cart: the first addition begins one.
    #[graphql(name = "_id")]
    async fn id(&self) -> Option<ID> {
        self.0.id.clone().map(ID)
    }

    /// Null for a guest's cart.
    async fn user_id(&self) -> Option<ID> {
        self.0.user_id.clone().map(ID)
    }

    /// In the order in which they were added.
    #[graphql(complexity = "5 * child_complexity")]
    async fn products(&self) -> Vec<CartProductObject<'_>> {
        self.0.lines.iter().map(CartProductObject).collect()
    }

    /// What has happened to its products. Each is told until its line is added to, or updated, the next time.
    #[graphql(complexity = "5 * child_complexity")]
    async fn changes(&self) -> Vec<CartChangeObject<'_>> {
        self.0.changes.iter().map(CartChangeObject).collect()
    }

    /// What it comes to at the prices of now, without discount and tax and without products that have vanished, in minor units
    /// (cents) of `currency`. Null where nothing in it has a price, prices are in different currencies, or it is too much for
    /// one order.
    async fn total(&self) -> Option<i32> {
        whole(self.0.total.as_ref()?.amount)
    }

    /// ISO 4217, of the total.
    async fn currency(&self) -> Option<&str> {
        self.0.total.as_ref().map(|total| total.currency.as_str())
    }

    /// When it is emptied, unless it is changed before. Null where there is no cart.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }
}

/// One line of a cart.
pub struct CartProductObject<'a>(&'a CartLine);

/// One line of a cart.
#[Object(name = "CartProduct")]
impl CartProductObject<'_> {
    /// The product's id.
    #[graphql(name = "_id")]
    async fn id(&self) -> ID {
        ID(self.0.product_id.clone())
    }

    /// How many of it.
    async fn quantity(&self) -> i32 {
        int(i64::from(self.0.quantity))
    }

    /// The product's name; of one that has vanished, the last one.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The price of one piece now, in minor units (cents) of `currency`; null where the product has vanished.
    async fn unit_price(&self) -> Option<i32> {
        self.0.unit_price.as_ref().map(|price| int(price.amount))
    }

    /// ISO 4217; null where the product has vanished.
    async fn currency(&self) -> Option<&str> {
        self.0.unit_price.as_ref().map(|price| price.currency.as_str())
    }

    /// The price of all its pieces now. Null where the product has vanished, or it is too much for one order.
    async fn total(&self) -> Option<i32> {
        let price = self.0.unit_price.as_ref()?;
        whole(price.amount.saturating_mul(i64::from(self.0.quantity)))
    }

    /// How many can be bought now, in all.
    async fn available(&self) -> i32 {
        int(i64::from(self.0.available))
    }

    /// The product as it is now; null where it has vanished.
    async fn product(&self, context: &Context<'_>) -> Nullable<ProductObject> {
        nullable(async {
            let session = Session::of(context)?;
            let product = session.products.load(&self.0.product_id).await;
            product
                .map(|product| product.map(ProductObject))
                .map_err(|error| session.error(error))
        })
        .await
    }
}

/// What has happened to a product in a cart.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "CartChangeKind", remote = "ChangeKind")]
pub enum CartChangeKind {
    /// `before` and `after` are the price of one piece, in minor units.
    PriceChanged,
    /// There is none left. `before` and `after` are how many could and can be bought.
    OutOfStock,
    /// There are fewer than the cart has. `before` and `after` are how many could and can be bought.
    LessInStock,
    /// It is not sold any more, or by its variants alone.
    Vanished,
}

/// What has happened to a product in a cart.
pub struct CartChangeObject<'a>(&'a Change);

/// What has happened to a product in a cart.
#[Object(name = "CartChange")]
impl CartChangeObject<'_> {
    async fn product_id(&self) -> ID {
        ID(self.0.product_id.clone())
    }

    async fn kind(&self) -> CartChangeKind {
        self.0.kind.into()
    }

    /// As it was when the line was last added to or updated.
    async fn before(&self) -> Option<i32> {
        self.0.before.map(int)
    }

    /// As it is now.
    async fn after(&self) -> Option<i32> {
        self.0.after.map(int)
    }
}

/// An amount that fits GraphQL's Int, as all that an order can come to does.
fn whole(amount: i64) -> Option<i32> {
    i32::try_from(amount).ok()
}
