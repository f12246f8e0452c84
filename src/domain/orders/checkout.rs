//! From a cart to an order, in one short transaction at the primary.

use time::OffsetDateTime;

use super::{Checkout, OrderError, Orders};
use crate::domain::pricing::Priced;
use crate::domain::violation::Violation;
use crate::model::cart::Buyer;
use crate::model::coupon::CouponRefusal;
use crate::model::events::{DomainEvent, Events};
use crate::model::idempotency::{Claimed, KeptAnswer, KeyedRequest};
use crate::model::ids::{OrderId, ProductId};
use crate::model::money::Money;
use crate::model::order::{Order, OrderLine, OrderState};
use crate::model::pricing::Item;
use crate::model::product::{Format, Status};
use crate::model::stock::{StockCause, StockMove, StockReason, stock_events};
use crate::store::WriteTx;
use crate::store::orders::{CheckoutCart, CheckoutLine, Placement};

/// A line that cannot be sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRefusal {
    /// Where it stands in the cart, from 0.
    pub position: usize,
    /// Which book.
    pub product: ProductId,
    /// Its title.
    pub title: String,
    /// Copies that were wanted.
    pub wanted: i32,
    /// Copies that are left; nothing where the book is not sold at all.
    pub available: Option<i32>,
}

/// What became of a checkout.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The order.
    pub order: OrderId,
    /// The answer, the same for each repetition of the request.
    pub answer: KeptAnswer,
    /// Whether this was such a repetition.
    pub replayed: bool,
}

impl Orders {
    /// Places an order for what is in a buyer's cart: reserves the books, takes today's prices, empties the cart. A request
    /// that was done before is answered as it was then.
    ///
    /// # Errors
    /// [`OrderError`]; then nothing has happened.
    pub async fn place(
        &self,
        buyer: &Buyer,
        request: &KeyedRequest,
        checkout: &Checkout,
    ) -> Result<Placed, OrderError> {
        let id = OrderId::generate();
        let email = self.email(buyer, checkout).await?;
        self.retrying(|| self.place_once(id, buyer, request, checkout, &email)).await
    }

    async fn email(&self, buyer: &Buyer, checkout: &Checkout) -> Result<String, OrderError> {
        if let Some(email) = &checkout.email {
            return Ok(email.clone());
        }
        let account = match buyer.user() {
            Some(user) => self.store.account(user).await?,
            None => None,
        };
        let missing =
            || OrderError::Invalid(vec![Violation::new("/email", "is needed for an order without an account")]);
        account.map(|account| account.user.email).ok_or_else(missing)
    }

    async fn place_once(
        &self,
        id: OrderId,
        buyer: &Buyer,
        request: &KeyedRequest,
        checkout: &Checkout,
        email: &str,
    ) -> Result<Placed, OrderError> {
        let now = self.clock.now();
        let mut tx = self.store.begin("orders.place").await?;
        match tx.claim_key(request, id.0, now, now + self.rules.keys_live).await? {
            Claimed::New => {}
            Claimed::Kept(answer) => {
                tx.rollback().await?;
                return Ok(Placed { order: OrderId(answer.resource), answer, replayed: true });
            }
            Claimed::Different => return Err(OrderError::KeyReused),
            Claimed::Running(_) => return Err(OrderError::KeyRunning),
        }
        let cart = tx.checkout_cart(buyer.cart(), now).await?.ok_or(OrderError::EmptyCart)?;
        self.require_sellable(&cart)?;
        let customer = buyer.user().map_or_else(|| email.to_owned(), |user| user.to_string());
        let order = self.price(&mut tx, id, buyer, checkout, email, &customer, &cart, now).await?;
        let rendered = (self.pages.order)(order.clone())?;
        let placement = Placement {
            cart: buyer.cart(),
            cart_version: cart.version,
            customer: &customer,
            request,
            answer: &rendered.body,
        };
        tx.place_order(&order, &placement).await?;
        // Last, since all who want the same book wait for each other from here on.
        let moves: Vec<StockMove> = order
            .lines
            .iter()
            .map(|line| StockMove { product: line.product, on_hand: 0, reserved: line.quantity })
            .collect();
        let cause = StockCause { reason: StockReason::Reserved, order: Some(id), actor: None, note: None };
        let levels = tx.move_stock(&moves, &cause, now).await?;
        if levels.len() != moves.len() {
            let wanted: Vec<ProductId> = moves.iter().map(|one| one.product).collect();
            let left = tx.stock_levels(&wanted).await?;
            tx.rollback().await?;
            let available = |line: &CheckoutLine| {
                left.iter().find(|level| level.product == line.product).map_or(0, |level| level.available())
            };
            return Err(OrderError::Refused(refusals(&cart, |line| Some(available(line)))));
        }
        let mut events = Events::from(DomainEvent::OrderPlaced { order: id, user: order.user })
            .and(DomainEvent::CartChanged { cart: buyer.cart() })
            .and_all(stock_events(&moves, &levels));
        if let Some(code) = &order.coupon {
            events = events.and(DomainEvent::CouponChanged { code: code.clone() });
        }
        if order.total == 0 {
            let (from, to) = (OrderState::Pending, order.state);
            events = events.and(DomainEvent::OrderMoved { order: id, user: order.user, from, to });
            events = events.and_all(super::moves::verify_reviews(&mut tx, &order).await?);
        }
        tx.commit(events).await?;
        let answer = KeptAnswer { resource: id.0, status: 201, body: rendered.body.to_vec() };
        Ok(Placed { order: id, answer, replayed: false })
    }

    /// Refuses what can be refused without a lock on the stock: most of those who come too late.
    fn require_sellable(&self, cart: &CheckoutCart) -> Result<(), OrderError> {
        let is_sold = |line: &CheckoutLine| {
            let in_currency = |(_, currency): &(i64, String)| currency.parse() == Ok(self.pricing.currency());
            line.status == Status::Active && line.price.as_ref().is_some_and(in_currency)
        };
        let refused = refusals(cart, |line| is_sold(line).then_some(line.available));
        if refused.is_empty() { Ok(()) } else { Err(OrderError::Refused(refused)) }
    }

    #[expect(clippy::too_many_arguments, reason = "an order is made of all of these")]
    async fn price(
        &self,
        tx: &mut WriteTx,
        id: OrderId,
        buyer: &Buyer,
        checkout: &Checkout,
        email: &str,
        customer: &str,
        cart: &CheckoutCart,
        now: OffsetDateTime,
    ) -> Result<Order, OrderError> {
        let items: Vec<Item> = cart
            .lines
            .iter()
            .map(|line| Item {
                unit_price: line.price.as_ref().map_or(0, |(amount, _)| *amount),
                quantity: line.quantity,
                digital: line.format.is_some_and(Format::is_digital),
            })
            .collect();
        let goods = items
            .iter()
            .fold(0_i64, |sum, item| sum.saturating_add(item.unit_price.saturating_mul(i64::from(item.quantity))));
        let coupon = match &cart.coupon {
            None => None,
            Some(code) => {
                let refused = |refusal| OrderError::Coupon { code: code.clone(), refusal };
                let coupon = tx.coupon_for_checkout(code).await?.ok_or_else(|| refused(CouponRefusal::Unknown))?;
                if let Some(refusal) = coupon.refusal(now, goods, 0) {
                    return Err(refused(refusal));
                }
                let used = tx.use_coupon(code, customer).await?.ok_or_else(|| refused(CouponRefusal::UsedUp))?;
                if coupon.max_uses_per_customer.is_some_and(|most| used >= i64::from(most)) {
                    return Err(refused(CouponRefusal::UsedUpByYou));
                }
                Some(coupon)
            }
        };
        let Priced { quote, method, .. } = self.pricing.quote(
            &items,
            coupon.as_ref(),
            &checkout.address.country,
            checkout.shipping_method.as_deref(),
        )?;
        let total = Money { amount: quote.total, currency: self.pricing.currency() };
        if checkout.expected_total.is_some_and(|expected| expected != total) {
            return Err(OrderError::PriceChanged { total });
        }
        let lines = cart.lines.iter().zip(items).zip(&quote.lines).map(|((line, item), quoted)| OrderLine {
            product: line.product,
            title: line.title.clone(),
            authors: line.authors.clone(),
            isbn13: line.isbn13.clone(),
            format: line.format,
            quantity: line.quantity,
            unit_price: item.unit_price,
            subtotal: quoted.subtotal,
            discount: quoted.discount,
            tax: quoted.tax,
            total: quoted.total,
        });
        Ok(Order {
            id,
            number: cart.number,
            user: buyer.user(),
            guest: buyer.guest().copied(),
            email: email.to_owned(),
            address: checkout.address.clone(),
            shipping_method: method,
            coupon: coupon.map(|coupon| coupon.code),
            // Where there is nothing to pay, it is paid.
            state: if quote.total == 0 { OrderState::Paid } else { OrderState::Pending },
            currency: self.pricing.currency(),
            lines: lines.collect(),
            subtotal: quote.subtotal,
            discount: quote.discount,
            shipping: quote.shipping,
            tax: quote.tax,
            total: quote.total,
            refunded: 0,
            version: 1,
            placed_at: now,
            updated_at: now,
            expires_at: now + self.rules.reservation,
            tracking: None,
        })
    }
}

/// The lines of which fewer can be had than are wanted; `available` says how many, or nothing for a book that is not sold.
fn refusals(cart: &CheckoutCart, available: impl Fn(&CheckoutLine) -> Option<i32>) -> Vec<LineRefusal> {
    let refused = cart.lines.iter().enumerate().map(|(position, line)| LineRefusal {
        position,
        product: line.product,
        title: line.title.clone(),
        wanted: line.quantity,
        available: available(line).map(|available| available.max(0)),
    });
    refused.filter(|line| line.available.is_none_or(|available| available < line.wanted)).collect()
}
