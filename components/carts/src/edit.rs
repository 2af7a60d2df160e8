//! Changes of a cart: read, changed, and written at the version that was read, again where somebody else was faster.

use mercato_shop::carts::{Cart, Whose};
use mercato_shop::ports::Ports;
use mercato_shop::services::Placement;
use mercato_shop::types::{Caller, Error};

use crate::cart::CartBody;
use crate::holder::Holder;
use crate::products::{ProductSource, Products};
use crate::service::CartsService;
use crate::store::{Saved, TRIES, busy};
use crate::view::show;

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    /// Makes a change of a cart, which somebody makes to the line of this product, if of any. The answer names what had changed until
    /// then; from now on, the line is known as it is now.
    pub(crate) fn edit(
        &self,
        caller: &Caller,
        whose: &Whose,
        touched: Option<&str>,
        change: impl Fn(&mut CartBody, &Products) -> Result<(), Error>,
    ) -> Result<Cart, Error> {
        let holder = Holder::of(caller, whose)?;
        let act = holder
            .as_ref()
            .map(|holder| holder.act(caller))
            .transpose()?
            .flatten();
        let mut products = Products::default();
        for attempt in 0..TRIES {
            let mut cart = self.load(holder.as_ref())?;
            let lines = cart.body.lines.iter().map(|line| line.product_id.as_str());
            products.fetch(&self.catalog, lines.chain(touched))?;
            let before = cart.body.clone();
            change(&mut cart.body, &products)?;
            let mut answer = show(&cart, &products);
            if let Some(id) = touched
                && let (Some(line), Some(product)) = (cart.body.line_mut(id), products.get(id))
            {
                line.seen = product.into();
            }
            if cart.body == before {
                return Ok(answer);
            }
            cart.body.checkout = cart.body.checkout.filter(|checkout| !checkout.done);
            if self.save(&mut cart, Vec::new(), act.as_slice(), attempt == 0)? == Saved::Yes {
                let written = show(&cart, &products);
                answer.id = written.id;
                answer.expires_at = written.expires_at;
                return Ok(answer);
            }
        }
        Err(busy())
    }
}
