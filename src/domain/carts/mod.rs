//! Carts: what guests and customers are about to buy.
//!
//! A cart is read from the cache, by its owner's key: nobody looks its id up, which follows from who the owner is. It is
//! written by one statement, and then read again at the primary and rendered as for the cache, so that the answer to a write
//! and the next read are the same. That answer does not go through the cache, which could not keep it: the floor of a write is
//! a position that the primary has yet to flush.

mod error;
mod merge;
mod view;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use time::OffsetDateTime;

pub use error::CartError;
pub use merge::{CapReason, Capped};
pub use view::{CartView, Choice, CouponView, LineView, Notice};

use super::access::Token;
use super::coupons;
use super::pricing::{Pricing, PricingError};
use super::violation::Violation;
use crate::config;
use crate::model::answer::{Answer, Render, Source};
use crate::model::cart::{Buyer, Cart};
use crate::model::clock::Clock;
use crate::model::coupon::CouponRefusal;
use crate::model::events::{DomainEvent, Events};
use crate::model::ids::{ProductId, UserId};
use crate::model::product::Status;
use crate::model::representation::Representation;
use crate::model::tags::Tag;
use crate::store::carts::{CartLimits, Found, Put, Stamps};
use crate::store::{Family, Key, Rendered, Store, StoreError, Truth};

/// How many carts that have expired are removed at once.
const PURGE_BATCH: i64 = 500;

/// How often a write is tried again that others of the same cart were faster than.
const ATTEMPTS: u32 = 5;

/// Longest time that a sign-in waits for the guest's cart to be taken over.
const MERGE_PATIENCE: Duration = Duration::from_secs(2);

/// How often a cart is looked at anew whose time has come, in one read: it has few such moments.
const LOOKS: u32 = 4;

/// What became of a guest's cart when its owner signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// There was none, or nothing in it.
    Nothing,
    /// It was merged into the person's own; these books are fewer than both had together.
    Merged(Vec<Capped>),
    /// That could not be done. The guest's cart is as it was, and the next sign-in tries again.
    Failed,
}

/// The service for carts.
#[derive(Clone)]
pub struct Carts {
    store: Store,
    clock: Arc<dyn Clock>,
    pricing: Pricing,
    limits: CartLimits,
    lifetime: Duration,
    render: Render<CartView>,
}

impl Carts {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        pricing: Pricing,
        settings: &config::Cart,
        render: Render<CartView>,
    ) -> Self {
        let limits = CartLimits {
            max_quantity: i32::try_from(settings.max_quantity).unwrap_or(i32::MAX),
            max_lines: i64::from(settings.max_lines),
            currency: pricing.currency(),
        };
        Self { store, clock, pricing, limits, lifetime: settings.lifetime, render }
    }

    /// The cart of a buyer; nothing where they have none.
    ///
    /// # Errors
    /// [`CartError::Pricing`] where the choice is none that the shop offers, or the database's.
    pub async fn get(&self, buyer: &Buyer, choice: &Choice) -> Result<Option<Answer>, CartError> {
        self.check(choice)?;
        let mut tags = vec![Tag::cart(buyer.cart())];
        tags.extend(buyer.user().map(Tag::user));
        // What is shown changes at some moments without any event: what is known of the time after such a moment is another
        // entry than what was known before.
        let mut since = None;
        for _ in 0..LOOKS {
            let answer = self.store.cached(&key(buyer, choice, since), &tags, self.load(*buyer, choice)).await?;
            let until = answer.as_ref().and_then(|answer| answer.representation.particulars.valid_until);
            if until.is_none_or(|until| until > micros(self.clock.now())) {
                return Ok(answer);
            }
            since = until;
        }
        Ok(None)
    }

    /// The cart as its buyer has just left it; nothing where they have none.
    ///
    /// # Errors
    /// The database's.
    pub async fn written(&self, buyer: &Buyer) -> Result<Option<Answer>, CartError> {
        let choice = Choice::default();
        match self.store.truth(self.load(*buyer, &choice)).await? {
            Truth::Known(content) => Ok(content.map(from_origin)),
            // The primary has gone since.
            Truth::Unknown => self.get(buyer, &choice).await,
        }
    }

    fn load(
        &self,
        buyer: Buyer,
        choice: &Choice,
    ) -> impl Fn(Store) -> BoxFuture<'static, Result<Rendered, CartError>> + Clone + Send + Sync + 'static {
        let (clock, pricing, render, choice) =
            (Arc::clone(&self.clock), self.pricing.clone(), self.render, choice.clone());
        move |store: Store| {
            let (clock, pricing, choice) = (Arc::clone(&clock), pricing.clone(), choice.clone());
            Box::pin(async move {
                let now = clock.now();
                let Some(cart) = store.cart(buyer.cart(), now).await? else { return Ok(Rendered::absent()) };
                let mut tags: Vec<Tag> = cart.coupon.iter().map(|coupon| Tag::coupon(&coupon.code)).collect();
                for line in &cart.lines {
                    tags.extend([Tag::book(line.product), Tag::stock(line.product)]);
                }
                let rendered = Rendered::found(render(CartView::of(cart, &pricing, &choice, now)?)?);
                Ok(tags.into_iter().fold(rendered, Rendered::depends_on))
            })
        }
    }

    /// Whether the shop sells where somebody says that a cart goes.
    fn check(&self, choice: &Choice) -> Result<(), CartError> {
        let country = choice.country.as_deref().unwrap_or(self.pricing.country());
        if self.pricing.tax(country).is_none() {
            return Err(PricingError::UnknownCountry.into());
        }
        let mut offered = self.pricing.methods(country, 0).into_iter().map(|offer| offer.method);
        match &choice.method {
            Some(method) if !offered.any(|offer| offer == *method) => {
                let offered = self.pricing.methods(country, 0).into_iter().map(|offer| offer.method).collect();
                Err(PricingError::UnknownMethod { offered }.into())
            }
            _ => Ok(()),
        }
    }

    /// A cart without anything, for whoever has none.
    ///
    /// # Errors
    /// As [`Carts::get`].
    pub fn empty(&self, buyer: Option<&Buyer>, choice: &Choice) -> Result<CartView, CartError> {
        self.check(choice)?;
        let now = self.clock.now();
        let cart = Cart {
            id: buyer.map_or(Buyer::Guest([0; 32]).cart(), Buyer::cart),
            version: 0,
            updated_at: now,
            expires_at: now,
            coupon: None,
            coupon_uses: 0,
            lines: Vec::new(),
        };
        Ok(CartView::of(cart, &self.pricing, choice, now)?)
    }

    /// The token of a new guest.
    ///
    /// # Errors
    /// [`CartError::Random`].
    pub fn new_guest() -> Result<Token, CartError> {
        Token::generate().map_err(|error| {
            tracing::error!(%error, "no token for a guest");
            CartError::Random
        })
    }

    /// Puts copies of a book into a buyer's cart, or adds them to those that are there. Gives the cart as it is then, unless it
    /// has to be read by itself.
    ///
    /// # Errors
    /// [`CartError`].
    pub async fn put(
        &self,
        buyer: &Buyer,
        product: ProductId,
        quantity: i64,
        adds: bool,
    ) -> Result<Option<Answer>, CartError> {
        let too_many = || {
            let rule = format!("must be from 1 to {}", self.limits.max_quantity);
            CartError::Invalid(vec![Violation::new("/quantity", rule)])
        };
        let most = self.limits.max_quantity;
        let quantity =
            i32::try_from(quantity).ok().filter(|quantity| (1..=most).contains(quantity)).ok_or_else(too_many)?;
        let put = Put { product, quantity, adds };
        for _ in 0..ATTEMPTS {
            let (found, cart) = self
                .store
                .retrying(StoreError::is_collision, || async {
                    self.store.put_cart_item(buyer, &put, &self.limits, &self.stamps()).await
                })
                .await?
                .ok_or(CartError::NoSuchBook)?;
            if found.placed {
                let view = |cart| CartView::of(cart, &self.pricing, &Choice::default(), self.clock.now());
                return Ok(cart.map(view).transpose()?.map(self.render).transpose()?.map(from_origin));
            }
            if !found.allowed {
                return Err(self.refusal(&found));
            }
            // Somebody added to the same line since the statement began: its next run sees that.
        }
        Err(too_many())
    }

    /// Why a book was not put into a cart.
    fn refusal(&self, found: &Found) -> CartError {
        if found.status == Status::Draft {
            CartError::NoSuchBook
        } else if found.status != Status::Active || !found.in_currency {
            CartError::NotSold
        } else if found.wanted > self.limits.max_quantity {
            let message = format!(
                "must be at most {}: {} are in the cart, and {} may be",
                self.limits.max_quantity.saturating_sub(found.before),
                found.before,
                self.limits.max_quantity
            );
            CartError::Invalid(vec![Violation::new("/quantity", message)])
        } else if found.wanted > found.available {
            CartError::TooFew { available: found.available.max(0), before: found.before }
        } else {
            CartError::Full { max_lines: self.limits.max_lines }
        }
    }

    /// Takes a book out of a buyer's cart.
    ///
    /// # Errors
    /// [`CartError::NotInCart`], or the database's.
    pub async fn remove(&self, buyer: &Buyer, product: ProductId) -> Result<(), CartError> {
        let there = self
            .store
            .retrying(StoreError::is_collision, || async {
                self.store.remove_cart_item(buyer, product, &self.stamps()).await
            })
            .await?;
        if there { Ok(()) } else { Err(CartError::NotInCart) }
    }

    /// Takes everything out of a buyer's cart.
    ///
    /// # Errors
    /// The database's.
    pub async fn clear(&self, buyer: &Buyer) -> Result<(), CartError> {
        let clear = || async { self.store.clear_cart(buyer, &self.stamps()).await };
        Ok(self.store.retrying(StoreError::is_collision, clear).await?)
    }

    /// Puts a coupon into a buyer's cart, instead of the one that is there. One that the books are not worth enough for is
    /// taken: more of them may come.
    ///
    /// # Errors
    /// [`CartError::Coupon`], or the database's.
    pub async fn put_coupon(&self, buyer: &Buyer, code: &str) -> Result<(), CartError> {
        let code = coupons::normalize(code);
        let coupon = if coupons::is_code(&code) { self.store.coupon(&code).await? } else { None };
        let coupon = coupon.ok_or(CartError::Coupon(CouponRefusal::Unknown))?;
        if let Some(refusal) = coupon.refusal(self.clock.now(), i64::MAX, 0) {
            return Err(CartError::Coupon(refusal));
        }
        let put = || async { self.store.put_cart_coupon(buyer, &code, &self.stamps()).await };
        Ok(self.store.retrying(StoreError::is_collision, put).await?)
    }

    /// Takes the coupon out of a buyer's cart, if there is one in it.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_coupon(&self, buyer: &Buyer) -> Result<(), CartError> {
        let remove = || async { self.store.remove_cart_coupon(buyer, &self.stamps()).await };
        Ok(self.store.retrying(StoreError::is_collision, remove).await?)
    }

    /// Merges the cart of a guest, who has just signed in, into their own. Nobody is kept from signing in by their cart:
    /// where this fails, the guest's cart stays as it was, and the next sign-in that brings its token tries again.
    pub async fn take_over(&self, user: UserId, guest: &Buyer) -> TakenOver {
        let merging = self.store.retrying(
            |error| matches!(error, CartError::Store(error) if error.is_collision()),
            || self.merge(user, guest),
        );
        match tokio::time::timeout(MERGE_PATIENCE, merging).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a guest's cart could not be taken over");
                TakenOver::Failed
            }
            Err(_) => {
                tracing::warn!("a guest's cart could not be taken over in time");
                TakenOver::Failed
            }
        }
    }

    /// One transaction: either the guest's cart is gone and its books are in the other one, or nothing has happened. So it
    /// can be asked for any number of times.
    async fn merge(&self, user: UserId, guest: &Buyer) -> Result<TakenOver, CartError> {
        let owner = Buyer::User(user);
        let at = self.stamps();
        let mut tx = self.store.begin("carts.merge").await?;
        // A token of a cart that was merged before is common, and no reason to make an empty one.
        if tx.cart(guest.cart(), at.now).await?.is_none() {
            tx.rollback().await?;
            return Ok(TakenOver::Nothing);
        }
        // The person's own first, always: so two merges wait for each other instead of deadlocking.
        tx.ensure_cart(&owner, &at).await?;
        let own = tx.cart_for_update(owner.cart(), at.now).await?;
        let Some(theirs) = tx.cart_for_update(guest.cart(), at.now).await? else {
            tx.rollback().await?;
            return Ok(TakenOver::Nothing);
        };
        let (own, own_coupon) = own.map_or((Vec::new(), None), |cart| (cart.lines, cart.coupon));
        let coupon = own_coupon.or(theirs.coupon).map(|coupon| coupon.code);
        let was_empty = theirs.lines.is_empty();
        let (lines, capped) = merge::merge(own, theirs.lines, &self.limits);
        tx.replace_cart(&owner, coupon.as_deref(), &lines, &at).await?;
        tx.delete_cart(guest.cart()).await?;
        let changed = Events::from(DomainEvent::CartChanged { cart: owner.cart() });
        tx.commit(changed.and(DomainEvent::CartChanged { cart: guest.cart() })).await?;
        Ok(if was_empty { TakenOver::Nothing } else { TakenOver::Merged(capped) })
    }

    /// Removes carts that have expired, and says how many. Nobody is shown them any more; this is housekeeping, for a
    /// background task that every process may run.
    ///
    /// # Errors
    /// The database's.
    pub async fn purge_expired(&self) -> Result<usize, CartError> {
        let mut removed = 0;
        loop {
            let carts = self
                .store
                .retrying(StoreError::is_collision, || async {
                    let mut tx = self.store.begin("carts.purge").await?;
                    let carts = tx.delete_expired_carts(self.clock.now(), PURGE_BATCH).await?;
                    if carts.is_empty() {
                        tx.rollback().await?;
                    } else {
                        tx.commit(DomainEvent::CartsExpired { carts: carts.clone() }).await?;
                    }
                    Ok::<_, StoreError>(carts.len())
                })
                .await?;
            removed += carts;
            if i64::try_from(carts).unwrap_or(i64::MAX) < PURGE_BATCH {
                return Ok(removed);
            }
        }
    }

    fn stamps(&self) -> Stamps {
        let now = self.clock.now();
        Stamps { now, expires_at: now + self.lifetime }
    }
}

/// Microseconds since 1970, which is as exact as Postgres is.
#[must_use]
pub fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// An answer that was just read from the database, and is for its asker alone.
fn from_origin(representation: Representation) -> Answer {
    Answer { representation, surrogate_keys: Bytes::new(), source: Source::Origin }
}

fn key(buyer: &Buyer, choice: &Choice, since: Option<i64>) -> Key {
    let country = choice.country.as_deref().unwrap_or_default();
    let method = choice.method.as_deref().unwrap_or_default();
    let since = since.map(|since| since.to_string()).unwrap_or_default();
    Key::new(Family::Cart, format_args!("{buyer}:country={country}&method={method}&since={since}"))
}
