//! The ids of a stream's events: where its reader stands with every book, so that any process can go on from there.
//!
//! A form, a mark of the set of books, and the version of each book in the order of their ids, as varints; all that in
//! base64url. A version is 0 where the reader was not told of the book yet.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use xxhash_rust::xxh3::Xxh3;

use crate::model::ids::ProductId;

/// The form of the ids, in case there will be another one.
const FORM: u8 = 1;

/// Bytes of the mark.
const MARK: usize = 8;

/// The longest id that is read: 50 books with versions of ten bytes.
const LONGEST: usize = 700;

/// What an id tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventId {
    /// The versions, in the order of the books' ids.
    Known(Vec<i64>),
    /// It is the id of a stream of other books.
    OfOthers,
}

/// Tells these books from others; they are in the order of their ids.
#[must_use]
pub fn mark(products: &[ProductId]) -> [u8; MARK] {
    let mut hasher = Xxh3::new();
    for product in products {
        hasher.update(product.0.as_bytes());
    }
    hasher.digest().to_be_bytes()
}

/// Writes an id.
#[must_use]
pub fn encode(mark: [u8; MARK], versions: &[i64]) -> String {
    let mut bytes = Vec::with_capacity(1 + MARK + 2 * versions.len());
    bytes.push(FORM);
    bytes.extend(mark);
    for version in versions {
        let mut rest = version.unsigned_abs();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads an id for a stream of these books; nothing where it is none.
#[must_use]
pub fn decode(text: &str, products: &[ProductId]) -> Option<EventId> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let rest = bytes.strip_prefix(&[FORM])?;
    let (of, mut rest) = rest.split_at_checked(MARK)?;
    let mut versions = Vec::new();
    while !rest.is_empty() {
        let (version, left) = varint(rest)?;
        versions.push(version);
        rest = left;
    }
    if of != mark(products) {
        return (!versions.is_empty()).then_some(EventId::OfOthers);
    }
    (versions.len() == products.len()).then_some(EventId::Known(versions))
}

/// The number at the beginning, and what follows it.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((i64::try_from(number).ok()?, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(count: usize) -> Vec<ProductId> {
        let mut products: Vec<_> = (0..count).map(|_| ProductId::generate()).collect();
        products.sort_unstable();
        products
    }

    #[test]
    fn an_id_leads_back() {
        for versions in [vec![0], vec![1, 127, 128, 300, i64::MAX], vec![i64::MAX; 50]] {
            let products = products(versions.len());
            let id = encode(mark(&products), &versions);
            assert!(id.len() <= LONGEST);
            assert_eq!(decode(&id, &products), Some(EventId::Known(versions)));
        }
    }

    #[test]
    fn the_id_of_another_stream_is_known_as_such() {
        let (these, others) = (products(2), products(3));
        let id = encode(mark(&others), &[1, 2, 3]);
        assert_eq!(decode(&id, &these), Some(EventId::OfOthers));
    }

    #[test]
    fn garbage_is_no_id() {
        let these = products(2);
        let good = URL_SAFE_NO_PAD.decode(encode(mark(&these), &[300, 300])).unwrap();
        let mut bad = vec![Vec::new(), vec![FORM], good[..good.len() - 1].to_vec(), vec![0xff; 30]];
        bad.push([good.as_slice(), &[1]].concat());
        bad.push([&good[..9], &[0xff; 20]].concat());
        bad.push([&[FORM + 1], &good[1..]].concat());
        for bytes in bad {
            assert_eq!(decode(&URL_SAFE_NO_PAD.encode(&bytes), &these), None, "{bytes:?}");
        }
        for text in ["*", "A", &"A".repeat(10_000)] {
            assert_eq!(decode(text, &these), None);
        }
    }
}
