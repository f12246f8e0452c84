//! Whose a cart is.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use uuid::Builder;

use super::ids::{CartId, UserId};

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
