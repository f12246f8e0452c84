//! Compresses a body once, when it is filled, in all codings that are offered.

use std::io::Write as _;

use bytes::Bytes;

use crate::model::representation::Variants;

/// Bodies of at least this many bytes are compressed.
pub const COMPRESS_FROM: usize = 1024;

/// Qualities at which the last per cent does not cost more time than the load itself.
const BROTLI_QUALITY: i32 = 5;
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

/// Brotli's window, as a power of two: bodies are far smaller.
const BROTLI_WINDOW: i32 = 18;

/// The variants of a body; those that would be no shorter are left out.
#[must_use]
pub fn variants(body: &[u8]) -> Variants {
    if body.len() < COMPRESS_FROM {
        return Variants::default();
    }
    let worth = |compressed: Vec<u8>| (compressed.len() < body.len()).then(|| Bytes::from(compressed));
    Variants {
        br: brotli(body).and_then(worth),
        zstd: zstd::bulk::compress(body, ZSTD_LEVEL).ok().and_then(worth),
        gzip: gzip(body).and_then(worth),
    }
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: body.len(),
        ..Default::default()
    };
    let mut out = Vec::with_capacity(body.len() / 3);
    brotli::BrotliCompress(&mut &*body, &mut out, &params).ok()?;
    Some(out)
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 3), flate2::Compression::new(GZIP_LEVEL));
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn every_variant_is_the_same_body() {
        let body: Vec<u8> = (0..400).flat_map(|i| format!("{{\"id\":{i}}},").into_bytes()).collect();
        let found = variants(&body);
        let mut plain = Vec::new();
        brotli::Decompressor::new(&*found.br.unwrap(), 4096).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, body);
        plain.clear();
        flate2::read::GzDecoder::new(&*found.gzip.unwrap()).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, body);
        assert_eq!(zstd::bulk::decompress(&found.zstd.unwrap(), 1 << 20).unwrap(), body);
    }

    #[test]
    fn what_is_short_or_does_not_shrink_stays_as_it_is() {
        assert_eq!(variants(&[b'a'; COMPRESS_FROM - 1]), Variants::default());
        let noise: Vec<u8> = (0..4096_u64).map(|i| (xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes()) >> 7) as u8).collect();
        assert_eq!(variants(&noise), Variants::default());
    }
}
