//! How the body of a request is compressed, beside snappy.

use std::{borrow::Cow, io::Read};

use axum::http::{HeaderMap, header};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::{
    decode::{Limits, too_large},
    value,
};

/// What `Content-Encoding` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Deflate,
}

impl Packing {
    /// # Errors
    /// The encoding, if it is none of these.
    pub fn of(headers: &HeaderMap) -> Result<Self, &str> {
        match value(headers, header::CONTENT_ENCODING) {
            "" | "identity" => Ok(Packing::Plain),
            "gzip" => Ok(Packing::Gzip),
            "deflate" => Ok(Packing::Deflate),
            other => Err(other),
        }
    }

    /// The body without it.
    ///
    /// # Errors
    /// When it is broken, or larger than the limit.
    pub fn open<'a>(self, body: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, String> {
        match self {
            Packing::Plain => Ok(body.into()),
            Packing::Gzip => read(MultiGzDecoder::new(body), "gzip", limits.request),
            Packing::Deflate if is_zlib(body) => read(ZlibDecoder::new(body), "deflate", limits.request),
            Packing::Deflate => read(DeflateDecoder::new(body), "deflate", limits.request),
        }
    }
}

/// HTTP's `deflate` is zlib's format; clients made for Loki send it without zlib's head.
fn is_zlib(body: &[u8]) -> bool {
    let [method, flags, ..] = *body else { return false };
    method & 0x0f == 8 && u16::from_be_bytes([method, flags]) % 31 == 0
}

fn read(packed: impl Read, name: &str, limit: usize) -> Result<Cow<'static, [u8]>, String> {
    let mut plain = Vec::new();
    packed.take(limit as u64 + 1).read_to_end(&mut plain).map_err(|e| format!("{name}: {e}"))?;
    if plain.len() > limit { Err(too_large(limit)) } else { Ok(plain.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const LIMITS: Limits = Limits { request: 1000, labels: 3, line: 10 };

    /// By gzip, zlib, and deflate alone.
    fn packed(body: &[u8]) -> [(Packing, Vec<u8>); 3] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        for writer in [&mut gzip as &mut dyn Write, &mut zlib, &mut deflate] {
            writer.write_all(body).unwrap();
        }
        [
            (Packing::Gzip, gzip.finish().unwrap()),
            (Packing::Deflate, zlib.finish().unwrap()),
            (Packing::Deflate, deflate.finish().unwrap()),
        ]
    }

    #[test]
    fn what_is_packed_in_any_way_is_opened_within_the_limit() {
        for (packing, body) in packed(b"{}") {
            assert_eq!(&*packing.open(&body, &LIMITS).unwrap(), b"{}");
        }
        for (packing, body) in packed(&[0; 1001]) {
            let refusal = packing.open(&body, &LIMITS).unwrap_err();
            assert!(refusal.contains("more than 1000 bytes after decompression"), "{refusal}");
        }
        for packing in [Packing::Gzip, Packing::Deflate] {
            assert!(packing.open(b"\xffnothing", &LIMITS).is_err(), "{packing:?}");
        }
    }
}
