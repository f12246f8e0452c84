//! Compression, and the entity tags that belong to it.
//!
//! A strong tag names exact bytes, so each content coding has its own: `"abc"` becomes `"abc-gzip"` on the way out, and
//! `"abc-gzip"` becomes `"abc"` on the way in. Handlers know nothing of it.

use axum::{
    body::Bytes,
    extract::Request,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::compression::{
    CompressionLayer, Predicate as _,
    predicate::{And, SizeAbove},
};

use crate::http::{
    conditional::{Tag, Tags},
    problem::{Kind, Problem},
};
use crate::model::representation::{Representation, Variants};

/// Bodies of at least this many bytes are compressed.
const COMPRESS_FROM: u64 = 1024;

/// The codings that are offered, which are also the suffixes of the tags.
const CODINGS: [&str; 3] = ["zstd", "br", "gzip"];

type Compressible = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// The layer that compresses, with [`tags`] around it.
pub fn compression() -> CompressionLayer<And<SizeAbove, Compressible>> {
    CompressionLayer::new().compress_when(SizeAbove::new(COMPRESS_FROM).and(is_text as Compressible))
}

/// Text of all kinds is worth it; images, archives and event streams are not.
fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence != "text/event-stream"
        && (essence.starts_with("text/")
            || ["json", "xml", "javascript", "x-ndjson"].iter().any(|kind| essence.ends_with(kind)))
}

/// The layer around [`compression`] that translates tags, and refuses a request that accepts no coding at all before
/// anything is done for it.
pub async fn tags(mut request: Request, next: Next) -> Response {
    let accepted = Accepted::read(request.headers());
    if !accepted.anything() {
        return Problem::new(Kind::NotAcceptable)
            .detail(format!("Accept-Encoding refuses all of {} and identity.", CODINGS.join(", ")))
            .into_response();
    }
    let asked = Tags::read(request.headers(), &header::IF_NONE_MATCH).and_then(Result::ok);
    // A stored answer is only good where its coding is still accepted.
    translate(request.headers_mut(), &header::IF_NONE_MATCH, |coding| accepted.coding(coding));
    translate(request.headers_mut(), &header::IF_MATCH, |_| true);

    let mut response = next.run(request).await;

    let coding = if response.status() == StatusCode::NOT_MODIFIED {
        response.headers().get(header::ETAG).and_then(opaque).and_then(|etag| coding_asked_for(etag, asked.as_ref()))
    } else {
        response.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    if let Some(coding) = coding
        && let Some(etag) = response.headers().get(header::ETAG).and_then(opaque)
        && let Ok(value) = HeaderValue::try_from(format!("\"{etag}-{coding}\""))
    {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// What stands between the quotes of a strong tag.
fn opaque(etag: &HeaderValue) -> Option<&str> {
    etag.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')
}

/// The tag without its coding, and the coding.
fn split(opaque: &str) -> (&str, Option<&'static str>) {
    CODINGS
        .into_iter()
        .find_map(|coding| Some((opaque.strip_suffix(coding)?.strip_suffix('-')?, Some(coding))))
        .unwrap_or((opaque, None))
}

/// A 304 confirms the tag that the client has, which may be that of a coding.
fn coding_asked_for(etag: &str, asked: Option<&Tags>) -> Option<String> {
    let Some(Tags::List(tags)) = asked else { return None };
    let mut codings =
        tags.iter().map(|tag| split(&tag.opaque)).filter(|(bare, _)| *bare == etag).map(|(_, coding)| coding);
    let first = codings.next()?;
    // One without coding is as good an answer as any.
    if codings.any(|coding| coding.is_none()) { None } else { first.map(str::to_owned) }
}

/// Takes the codings from the tags of a header. Tags of a coding that is not wanted stay as they are, and match nothing.
fn translate(headers: &mut HeaderMap, name: &HeaderName, wanted: impl Fn(&str) -> bool) {
    let Some(Ok(Tags::List(tags))) = Tags::read(headers, name) else { return };
    let list: Vec<String> = tags
        .iter()
        .map(|Tag { opaque, weak }| {
            let bare = match split(opaque) {
                (bare, Some(coding)) if wanted(coding) => bare,
                _ => opaque,
            };
            format!("{}\"{bare}\"", if *weak { "W/" } else { "" })
        })
        .collect();
    if let Ok(value) = HeaderValue::try_from(list.join(", ")) {
        headers.insert(name, value);
    }
}

/// What `Accept-Encoding` says (RFC 9110, section 12.5.3): how welcome each coding is, in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    codings: [u16; CODINGS.len()],
    /// Absent where nothing is said of it, which is a welcome of the lowest kind.
    identity: Option<u16>,
}

impl Accepted {
    /// Reads the field.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let mut codings = [None; CODINGS.len()];
        let (mut identity, mut rest) = (None, None);
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for part in values.flat_map(|value| value.split(',')) {
            let mut pieces = part.split(';').map(str::trim);
            let name = pieces.next().unwrap_or_default();
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")));
            let weight = weight.map_or(1_000, thousandths);
            if name == "*" {
                rest = Some(weight);
            } else if name.eq_ignore_ascii_case("identity") {
                identity = Some(weight);
            }
            for (coding, place) in CODINGS.iter().zip(&mut codings) {
                if name.eq_ignore_ascii_case(coding) {
                    *place = Some(weight);
                }
            }
        }
        Self { codings: codings.map(|weight| weight.or(rest).unwrap_or(0)), identity: identity.or(rest) }
    }

    fn weight(&self, coding: &str) -> u16 {
        CODINGS.iter().zip(self.codings).find(|(name, _)| **name == coding).map_or(0, |(_, weight)| weight)
    }

    fn coding(&self, coding: &str) -> bool {
        self.weight(coding) > 0
    }

    fn anything(&self) -> bool {
        self.identity != Some(0) || self.codings.iter().any(|weight| *weight > 0)
    }

    /// The bytes of a finished answer that the client likes best, the fewest of those that it likes alike, and their coding.
    #[must_use]
    pub fn choose(&self, answer: &Representation) -> (Bytes, Option<&'static str>) {
        let Variants { br, zstd, gzip } = &answer.variants;
        let floor = self.identity.unwrap_or(1).max(1);
        // In the order of `CODINGS`.
        [zstd, br, gzip]
            .into_iter()
            .zip(CODINGS)
            .zip(self.codings)
            .filter_map(|((bytes, coding), weight)| Some((bytes.as_ref().filter(|_| weight >= floor)?, coding, weight)))
            .max_by_key(|(bytes, _, weight)| (*weight, std::cmp::Reverse(bytes.len())))
            .map_or_else(|| (answer.body.clone(), None), |(bytes, coding, _)| (bytes.clone(), Some(coding)))
    }
}

/// A weight such as `0.8`; what is none is no welcome.
fn thousandths(text: &str) -> u16 {
    match text {
        "1" | "1.0" => 1_000,
        text => text.parse::<f32>().map_or(0, |weight| (weight.clamp(0.0, 1.0) * 1_000.0) as u16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::representation::Particulars;

    fn accepted(value: &'static str) -> Accepted {
        Accepted::read(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
    }

    #[test]
    fn accept_encoding_is_understood() {
        for (value, gzip, anything) in [
            ("", false, true),
            ("gzip", true, true),
            ("gzip;q=0", false, true),
            ("*", true, true),
            ("*;q=0", false, false),
            ("identity;q=0", false, false),
            ("identity;q=0, gzip", true, true),
            ("identity;q=0, *;q=0.5", true, true),
            ("*;q=0, identity", false, true),
            ("br;q=1.0, GZIP;q=0.8", true, true),
        ] {
            let accepted = accepted(value);
            assert_eq!((accepted.coding("gzip"), accepted.anything()), (gzip, anything), "{value:?}");
        }
    }

    #[test]
    fn the_smallest_of_the_most_welcome_codings_is_sent() {
        let bytes = |length: usize| Some(Bytes::from(vec![0; length]));
        let mut answer = Representation::new(Bytes::from(vec![0; 100]), Particulars::default());
        answer.variants = Variants { br: bytes(10), zstd: bytes(12), gzip: bytes(14) };
        for (value, coding) in [
            ("", None),
            ("gzip", Some("gzip")),
            ("gzip, zstd, br", Some("br")),
            ("gzip, zstd;q=0.9, br;q=0.9", Some("gzip")),
            ("*", Some("br")),
            ("identity, gzip;q=0.5", None),
            ("br;q=0", None),
        ] {
            assert_eq!(accepted(value).choose(&answer).1, coding, "{value:?}");
        }
        assert_eq!(accepted("br").choose(&Representation { variants: Variants::default(), ..answer }).0.len(), 100);
    }

    #[test]
    fn only_the_suffix_of_a_coding_is_taken_off() {
        assert_eq!(split("1.abc-gzip"), ("1.abc", Some("gzip")));
        assert_eq!(split("1.abc-br"), ("1.abc", Some("br")));
        assert_eq!(split("1.abc-def"), ("1.abc-def", None));
        assert_eq!(split("gzip"), ("gzip", None));
    }
}
