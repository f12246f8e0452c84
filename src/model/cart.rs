//! Carts: whose they are, and what is in them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Builder;

use super::coupon::Coupon;
use super::ids::{CartId, ProductId, UserId};
use super::money::{Currency, Money};
use super::product::{Availability, Format, Status};

/// Keeps the ids of carts apart from other hashes of the same secret.
const DOMAIN: &[u8] = b"bookstore cart v1\0";

/// Who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buyer {
    /// Somebody with an account.
    User(UserId),
    /// Somebody without, known by the token of their cart: its SHA-256. The shop keeps the token itself nowhere.
    Guest([u8; 32]),
}

impl Buyer {
    /// The account, unless it is a guest.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(*user),
            Self::Guest(_) => None,
        }
    }

    /// The hash of a guest's token.
    #[must_use]
    pub fn guest(&self) -> Option<&[u8; 32]> {
        match self {
            Self::User(_) => None,
            Self::Guest(hash) => Some(hash),
        }
    }

    /// The id of their cart, which they have only one of: a UUIDv8 (RFC 9562) from a hash. So it is known before the cart
    /// exists, nobody has to look it up, and an answer that there is none can be called by it.
    #[must_use]
    pub fn cart(&self) -> CartId {
        let hash = Sha256::new().chain_update(DOMAIN);
        let hash = match self {
            Self::User(user) => hash.chain_update(b"user").chain_update(user.0),
            Self::Guest(token) => hash.chain_update(b"guest").chain_update(token),
        };
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash.finalize()).for_each(|(byte, hashed)| *byte = hashed);
        CartId(Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// How keys of the cache name them.
impl fmt::Display for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Guest(hash) => write!(f, "guest:{}", URL_SAFE_NO_PAD.encode(hash)),
        }
    }
}

/// A cart with everything that is shown of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// Counts the changes.
    pub version: i64,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// When it is forgotten unless it changes before.
    pub expires_at: OffsetDateTime,
    /// The coupon in it, whether it counts or not.
    pub coupon: Option<Coupon>,
    /// In how many orders its owner has used the coupon; nobody knows that of a guest.
    pub coupon_uses: i64,
    /// What is in it, in the order in which it was put in.
    pub lines: Vec<CartLine>,
}

/// A book in a cart: as it was when it was put there, and as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct CartLine {
    /// Which book.
    pub product: ProductId,
    /// How many copies are wanted.
    pub quantity: i32,
    /// What a copy cost when its owner last said how many they want.
    pub added_price: Money,
    /// How many copies there were then.
    pub added_availability: Availability,
    /// When it was put there.
    pub added_at: OffsetDateTime,
    /// The book's title.
    pub title: String,
    /// Its authors.
    pub authors: Vec<String>,
    /// A picture of its cover.
    pub cover_url: Option<String>,
    /// Its format.
    pub format: Option<Format>,
    /// Its ISBN.
    pub isbn13: Option<String>,
    /// Whether it is on sale.
    pub status: Status,
    /// What it costs now.
    pub price: Option<Money>,
    /// How many copies can be had.
    pub available: i32,
}

impl CartLine {
    /// What a copy costs now; nothing where the book is not sold any more, or not in this currency.
    #[must_use]
    pub fn price_in(&self, currency: Currency) -> Option<i64> {
        let price = self.price.filter(|price| self.status == Status::Active && price.currency == currency)?;
        Some(price.amount)
    }

    /// Whether there is nothing to ship.
    #[must_use]
    pub fn is_digital(&self) -> bool {
        matches!(self.format, Some(Format::Ebook | Format::Audiobook))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_buyer_has_one_cart_and_shares_it_with_nobody() {
        let user = UserId(Uuid::from_u128(7));
        let of_user = Buyer::User(user).cart();
        assert_eq!(of_user, Buyer::User(user).cart());
        assert_eq!(of_user.0.get_version_num(), 8);
        assert_ne!(of_user, Buyer::User(UserId(Uuid::from_u128(8))).cart());
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(user.0.as_bytes());
        assert_ne!(of_user, Buyer::Guest(hash).cart());
        assert_ne!(Buyer::Guest([0; 32]).cart(), Buyer::Guest([1; 32]).cart());
    }

    #[test]
    fn keys_are_short_and_without_white_space() {
        assert_eq!(Buyer::Guest([0xff; 32]).to_string(), "guest:__________________________________________8");
        assert_eq!(Buyer::User(UserId(Uuid::from_u128(7))).to_string(), "user:00000000-0000-0000-0000-000000000007",);
    }
}
