//! Entries as bytes, as the second level keeps them: a byte that names the format, the length of a head, the head, and
//! the body in each coding. An entry of another format, or one that is damaged, is no entry.

use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Parts, Span};
use super::key::Key;
use crate::model::position::Stamp;
use crate::model::representation::{Particulars, Representation, Variants};
use crate::model::tags::Tag;

/// Counted up with every change of what follows, so that releases can run side by side.
const FORMAT: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Head {
    stamp: Stamp,
    node: String,
    tags: Vec<Tag>,
    fresh: Duration,
    while_revalidating: Duration,
    if_error: Duration,
    load_time: Duration,
    content: Option<Content>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    particulars: Particulars,
    body: u32,
    br: Option<u32>,
    zstd: Option<u32>,
    gzip: Option<u32>,
}

/// Writes an entry; nothing where it is too large to be worth it.
#[must_use]
pub fn encode(entry: &Entry) -> Option<Bytes> {
    let length = |bytes: &Bytes| u32::try_from(bytes.len()).ok();
    let content = match &entry.content {
        None => None,
        Some(found) => Some(Content {
            particulars: Particulars::clone(&found.particulars),
            body: length(&found.body)?,
            br: found.variants.br.as_ref().and_then(length),
            zstd: found.variants.zstd.as_ref().and_then(length),
            gzip: found.variants.gzip.as_ref().and_then(length),
        }),
    };
    let head = Head {
        stamp: entry.stamp,
        node: entry.node.to_string(),
        tags: entry.tags.to_vec(),
        fresh: entry.span.fresh,
        while_revalidating: entry.span.while_revalidating,
        if_error: entry.span.if_error,
        load_time: entry.load_time,
        content,
    };
    let head = postcard::to_stdvec(&head).ok()?;
    let mut out = BytesMut::with_capacity(5 + head.len() + entry.size());
    out.put_u8(FORMAT);
    out.put_u32_le(u32::try_from(head.len()).ok()?);
    out.put_slice(&head);
    if let Some(found) = &entry.content {
        let Variants { br, zstd, gzip } = &found.variants;
        for part in [Some(&found.body), br.as_ref(), zstd.as_ref(), gzip.as_ref()].into_iter().flatten() {
            out.put_slice(part);
        }
    }
    Some(out.freeze())
}

/// Reads an entry that has `left` to live. Its age is counted back from there, so no clock of another machine matters.
/// The body is not copied.
#[must_use]
pub fn decode(key: Key, mut bytes: Bytes, left: Duration) -> Option<Entry> {
    if bytes.len() < 5 || bytes.first() != Some(&FORMAT) {
        return None;
    }
    let length = u32::from_le_bytes(bytes.get(1..5)?.try_into().ok()?) as usize;
    let mut body = bytes.split_off(5);
    if body.len() < length {
        return None;
    }
    let head = body.split_to(length);
    let head: Head = postcard::from_bytes(&head).ok()?;
    let mut take = |length: u32| (body.len() >= length as usize).then(|| body.split_to(length as usize));
    let content = match head.content {
        None => None,
        Some(content) => {
            let plain = take(content.body)?;
            let mut variant = |length: Option<u32>| length.map_or(Some(None), |length| take(length).map(Some));
            let variants =
                Variants { br: variant(content.br)?, zstd: variant(content.zstd)?, gzip: variant(content.gzip)? };
            Some(Representation { variants, ..Representation::new(plain, content.particulars) })
        }
    };
    let span = Span { fresh: head.fresh, while_revalidating: head.while_revalidating, if_error: head.if_error };
    let age = span.whole().checked_sub(left)?;
    let parts = Parts {
        content,
        stamp: head.stamp,
        node: head.node.into(),
        tags: head.tags.into(),
        born: Instant::now().checked_sub(age)?,
        span,
        load_time: head.load_time,
    };
    Some(Entry::new(key, parts))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::compress;
    use crate::cache::key::Family;
    use crate::model::position::{Epoch, Position};

    fn entry(body: Option<Vec<u8>>) -> Entry {
        let content = body.map(|body| {
            let particulars = Particulars { etag: "1.abc".into(), last_modified: Some(5), ..Particulars::default() };
            let variants = compress::variants(&body);
            Representation { variants, ..Representation::new(body.into(), particulars) }
        });
        Entry::new(
            Key::new(Family::BookDetail, "x"),
            Parts {
                content,
                stamp: Stamp { epoch: Epoch(3), position: Position(99) },
                node: "replica-1".into(),
                tags: [Tag::genres()].into(),
                born: Instant::now(),
                span: Span::of(Family::BookDetail, true, 0.3, 1.0),
                load_time: Duration::from_millis(2),
            },
        )
    }

    #[test]
    fn an_entry_survives_being_written_and_read() {
        for body in [None, Some(vec![]), Some(b"{}".to_vec()), Some(b"[1,2,3],".repeat(400))] {
            let entry = entry(body);
            let left = entry.span.whole() - Duration::from_secs(10);
            let read = decode(entry.key.clone(), encode(&entry).unwrap(), left).unwrap();
            assert_eq!((&read.content, read.stamp, read.span), (&entry.content, entry.stamp, entry.span));
            assert_eq!((&read.node, &read.tags, &read.watch), (&entry.node, &entry.tags, &entry.watch));
            assert!(read.age(Instant::now()) >= Duration::from_secs(10));
        }
    }

    #[test]
    fn another_format_is_no_entry() {
        let mut bytes = encode(&entry(None)).unwrap().to_vec();
        bytes[0] = FORMAT + 1;
        assert!(decode(Key::only(Family::Genres), bytes.into(), Duration::ZERO).is_none());
    }

    proptest! {
        #[test]
        fn damage_is_no_error(cut in 0..2_000_usize, at in 0..2_000_usize, byte in any::<u8>()) {
            let whole = encode(&entry(Some(b"[1,2,3],".repeat(200)))).unwrap().to_vec();
            let _ = decode(Key::only(Family::Genres), whole[..cut.min(whole.len())].to_vec().into(), Duration::ZERO);
            let mut changed = whole;
            let at = at % changed.len();
            changed[at] = byte;
            let _ = decode(Key::only(Family::Genres), changed.into(), Duration::ZERO);
        }

        #[test]
        fn noise_is_no_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(Key::only(Family::Genres), bytes.into(), Duration::from_secs(1));
        }
    }
}
