//! Compressed bodies (RFC 9110, sections 8.4 and 12.5.3).
//!
//! The levels are chosen for speed: a list of 10 KB takes about a tenth of a millisecond.

use std::io::Write;

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::http::reply::Reply;

/// The smallest body that is compressed, in bytes. Smaller ones fit into one packet anyway.
const MIN_BYTES: usize = 1_024;

/// Faster than the default, 6, and as small for JSON.
const GZIP_LEVEL: Compression = Compression::new(4);

/// The highest quality of Brotli that is about as fast as gzip.
const BROTLI_QUALITY: i32 = 4;

/// The binary logarithm of Brotli's window. A larger one takes longer to allocate than a body to compress.
const BROTLI_WINDOW: i32 = 18;

/// The coding of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    #[default]
    Identity,
    Brotli,
    Gzip,
    Zstd,
}

impl Coding {
    /// All codings. The smaller result comes first, if a client has no preference.
    const ALL: [Self; 4] = [Self::Brotli, Self::Gzip, Self::Zstd, Self::Identity];

    /// Returns the name of the coding in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the coding with this name.
    pub fn named(name: &str) -> Option<Self> {
        let name = if name.eq_ignore_ascii_case("x-gzip") {
            "gzip"
        } else {
            name
        };
        Self::ALL
            .into_iter()
            .find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// Returns the entity tag of a body in this coding. Each coding of a version has its own tag.
    pub fn tag(self, tag: &str) -> String {
        match (self, tag.strip_suffix('"')) {
            (Self::Identity, _) | (_, None) => tag.to_owned(),
            (coding, Some(open)) => format!("{open}-{}\"", coding.name()),
        }
    }

    /// Splits an entity tag into the tag of the version and the coding.
    pub fn of_tag(tag: &str) -> (String, Self) {
        let split = tag.strip_suffix('"').and_then(|open| open.rsplit_once('-'));
        match split.map(|(version, name)| (version, Self::named(name))) {
            Some((version, Some(coding))) => (format!("{version}\""), coding),
            _ => (tag.to_owned(), Self::Identity),
        }
    }

    fn compress(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(body.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), GZIP_LEVEL);
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Brotli => {
                let parameters = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    size_hint: body.len(),
                    ..BrotliEncoderParams::default()
                };
                let mut compressed = Vec::new();
                brotli::BrotliCompress(&mut &*body, &mut compressed, &parameters)?;
                Ok(compressed)
            }
            Self::Zstd => Ok(compress_to_vec(body, CompressionLevel::Fastest)),
        }
    }
}

/// The codings that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedCodings {
    /// The coding that the client prefers.
    preferred: Coding,
    /// Bodies that are too small may stay as they are.
    identity: bool,
    /// The codings with a weight above 0, in the order of [`Coding::ALL`].
    allowed: [bool; Coding::ALL.len()],
}

impl AcceptedCodings {
    /// Reads the header `Accept-Encoding`. `None` if it allows none of the codings.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut weights = Vec::new();
        for list in headers.get_all(ACCEPT_ENCODING) {
            for item in list.to_str().unwrap_or_default().split(',') {
                weights.extend(weight(item));
            }
        }
        let of = |name: &str| {
            let named = weights.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            named.map(|(_, weight)| *weight)
        };
        let any = of("*");
        let weight_of = |coding: Coding| match coding {
            Coding::Identity => of(coding.name()).or(any),
            Coding::Gzip => of(coding.name()).or_else(|| of("x-gzip")).or(any).or(Some(0)),
            coding => of(coding.name()).or(any).or(Some(0)),
        };
        // An unlisted identity is allowed, but any listed coding is preferred to it.
        let is_allowed = |coding: &Coding| weight_of(*coding) != Some(0);
        let allowed = Coding::ALL.map(|coding| is_allowed(&coding));
        let best = Coding::ALL.into_iter().filter(is_allowed);
        let preferred = best
            .rev()
            .max_by_key(|coding| weight_of(*coding).unwrap_or_default())?;
        Some(Self {
            preferred,
            identity: is_allowed(&Coding::Identity),
            allowed,
        })
    }

    /// The codings of a body that a later step wraps.
    pub const IDENTITY: Self = Self {
        preferred: Coding::Identity,
        identity: true,
        allowed: [false, false, false, true],
    };

    /// Returns whether the client accepts a coding.
    pub fn allow(&self, coding: Coding) -> bool {
        let all = Coding::ALL.into_iter().zip(self.allowed);
        all.into_iter().any(|(other, allowed)| other == coding && allowed)
    }

    /// Returns the name of the preferred coding.
    pub const fn name(&self) -> &'static str {
        self.preferred.name()
    }

    /// Compresses a body, if the client prefers that and it is worth it.
    pub fn encode(&self, body: Vec<u8>) -> (Coding, Vec<u8>) {
        let is_small = body.len() < MIN_BYTES && self.identity;
        if self.preferred == Coding::Identity || is_small {
            return (Coding::Identity, body);
        }
        match self.preferred.compress(&body) {
            Ok(compressed) => (self.preferred, compressed),
            Err(error) => {
                eprintln!("internal error: a body cannot be compressed: {error}");
                (Coding::Identity, body)
            }
        }
    }
}

/// Returns the name and the weight in thousandths of one item. `None` for an item that is malformed.
fn weight(item: &str) -> Option<(&str, u16)> {
    let (name, parameters) = item.split_once(';').unwrap_or((item, "q=1"));
    let (key, value) = parameters.split_once('=')?;
    if name.trim().is_empty() || !key.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let thousandths = format!("{fraction:0<3}");
    let weight = match whole {
        "0" if thousandths.len() == 3 => thousandths.parse().ok()?,
        "1" if thousandths == "000" => 1_000,
        _ => return None,
    };
    Some((name.trim(), weight))
}

/// Writes the headers of a coded body.
pub fn write(coding: Coding, headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    if coding != Coding::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
}

/// Compresses a reply, unless that was done before or its body is a stream.
pub fn apply(accepted: &AcceptedCodings, mut reply: Reply) -> Reply {
    let headers = reply.headers();
    let is_done = headers
        .get_all(VARY)
        .iter()
        .any(|value| value == ACCEPT_ENCODING.as_str());
    let is_current = reply.status() == StatusCode::NOT_MODIFIED;
    if is_done || !(is_current || is_compressible(headers)) {
        return reply;
    }
    let body = std::mem::take(reply.body_mut());
    let (coding, body) = accepted.encode(body);
    *reply.body_mut() = body;
    let headers = reply.headers_mut();
    write(coding, headers);
    // The tag of 304 is the client's.
    if let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok())
        && !is_current
        && let Ok(tag) = HeaderValue::from_str(&coding.tag(tag))
    {
        headers.insert(ETAG, tag);
    }
    reply
}

/// Returns whether compression shortens a body of this type. Events must reach the client one by one.
fn is_compressible(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let media_type = text(CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let may_transform = !text(CACHE_CONTROL).unwrap_or_default().contains("no-transform");
    let is_text = essence.starts_with("text/") && essence != "text/event-stream";
    let is_json = essence == "application/json" || essence.ends_with("+json");
    may_transform && !headers.contains_key(CONTENT_ENCODING) && (is_text || is_json)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http::Response;

    use super::*;

    fn accepted(header: &'static str) -> Option<AcceptedCodings> {
        let value = HeaderValue::from_static(header);
        AcceptedCodings::of(&HeaderMap::from_iter([(ACCEPT_ENCODING, value)]))
    }

    #[test]
    fn chooses_the_coding_that_the_client_prefers() {
        let none = AcceptedCodings::of(&HeaderMap::new()).unwrap();
        assert_eq!(none.name(), "identity");
        for (header, name) in [
            ("", "identity"),
            ("identity", "identity"),
            ("gzip", "gzip"),
            ("x-gzip", "gzip"),
            ("GZip", "gzip"),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, zstd", "gzip"),
            ("zstd", "zstd"),
            ("deflate", "identity"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0, gzip;q=0.001", "gzip"),
            ("gzip;q=0.5, identity;q=0.9", "identity"),
            ("gzip;q=0.5, identity;q=0.5", "gzip"),
            ("*", "br"),
            ("*;q=0.1, br;q=0", "gzip"),
            ("*;q=0, gzip", "gzip"),
            ("*;q=0, identity", "identity"),
            ("identity;q=0, gzip;q=0.1", "gzip"),
            ("gzip;q=0, br;q=0, zstd;q=0", "identity"),
            ("gzip;q=2, zstd;q=1.0", "zstd"),
            ("gzip;q=x", "identity"),
            (" gzip ; Q=0.5 ,", "gzip"),
        ] {
            assert_eq!(accepted(header).map(|found| found.name()), Some(name), "{header}");
        }
        for header in ["identity;q=0", "*;q=0", "identity;q=0, deflate", "*;q=0, deflate"] {
            assert_eq!(accepted(header), None, "{header}");
        }
    }

    #[test]
    fn compresses_so_that_the_body_can_be_read_again() {
        let body = "{\"name\": \"Wool sock\"}".repeat(100).into_bytes();
        let read = |header: &'static str| {
            let (coding, compressed) = accepted(header).unwrap().encode(body.clone());
            assert!(
                coding == Coding::Identity || compressed.len() < body.len() / 4,
                "{header}"
            );
            let mut read = Vec::new();
            match coding {
                Coding::Identity => read = compressed,
                Coding::Gzip => {
                    let mut decoder = flate2::read::GzDecoder::new(&*compressed);
                    decoder.read_to_end(&mut read).unwrap();
                }
                Coding::Brotli => {
                    let mut decoder = brotli::Decompressor::new(&*compressed, 4_096);
                    decoder.read_to_end(&mut read).unwrap();
                }
                Coding::Zstd => {
                    let mut decoder = ruzstd::decoding::StreamingDecoder::new(&*compressed).unwrap();
                    decoder.read_to_end(&mut read).unwrap();
                }
            }
            (coding, read)
        };
        for (header, coding) in [
            ("br", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("zstd", Coding::Zstd),
            ("identity", Coding::Identity),
        ] {
            assert_eq!(read(header), (coding, body.clone()));
        }
        let small = vec![b' '; MIN_BYTES - 1];
        assert_eq!(
            accepted("gzip").unwrap().encode(small.clone()),
            (Coding::Identity, small.clone())
        );
        let must = accepted("identity;q=0, gzip").unwrap();
        assert_eq!(must.encode(small).0, Coding::Gzip);
    }

    #[test]
    fn gives_each_coding_its_own_tag() {
        for (coding, tag) in [
            (Coding::Identity, "\"3.47\""),
            (Coding::Brotli, "\"3.47-br\""),
            (Coding::Gzip, "\"3.47-gzip\""),
            (Coding::Zstd, "\"3.47-zstd\""),
        ] {
            assert_eq!(coding.tag("\"3.47\""), tag);
            assert_eq!(Coding::of_tag(tag), ("\"3.47\"".to_owned(), coding));
        }
        assert_eq!(
            Coding::of_tag("\"a-b\""),
            ("\"a-b\"".to_owned(), Coding::Identity)
        );
    }

    #[test]
    fn leaves_streams_and_compressed_bodies_unchanged() {
        let gzip = accepted("gzip").unwrap();
        let reply = |media_type: &'static str| {
            let mut reply = Response::new(vec![b' '; 2_000]);
            let headers = reply.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.insert(ETAG, HeaderValue::from_static("\"1\""));
            reply
        };
        for kind in [
            "text/event-stream",
            "multipart/mixed; boundary=\"-\"",
            "image/png",
        ] {
            let sent = apply(&gzip, reply(kind));
            assert_eq!(
                (sent.body().len(), sent.headers().get(VARY)),
                (2_000, None),
                "{kind}"
            );
        }
        let mut compressed = reply("text/javascript");
        compressed
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(apply(&gzip, compressed).body().len(), 2_000);
        for kind in [
            "application/json; charset=utf-8",
            "application/problem+json",
            "text/html",
        ] {
            let sent = apply(&gzip, reply(kind));
            assert!(sent.body().len() < 100, "{kind}");
            assert_eq!(sent.headers()[CONTENT_ENCODING], "gzip", "{kind}");
            assert_eq!(sent.headers()[ETAG], "\"1-gzip\"", "{kind}");
            assert_eq!(sent.headers()[VARY], "accept-encoding", "{kind}");
        }
    }
}
