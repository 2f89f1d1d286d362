//! Opens compressed batches, and closes those again of which compaction has kept a part.

use std::borrow::Cow;
use std::io::{self, Read, Write};

/// What is opened of one batch at most; a few bytes can be the compressed form of very many.
const MOST: u64 = 64 << 20;

/// How the Java client begins a snappy stream: its own magic, version and compatible version; blocks follow, each after
/// its length.
const SNAPPY_STREAM: &[u8] = b"\x82SNAPPY\0";
const SNAPPY_STREAM_HEAD: usize = 16;

/// The records behind a batch's header, as many of them as can be read.
pub fn decompress(attributes: i16, records: &[u8]) -> Cow<'_, [u8]> {
    match attributes & 0x07 {
        0 => Cow::Borrowed(records),
        1 => read(flate2::read::GzDecoder::new(records)),
        2 => Cow::Owned(snappy(records).unwrap_or_default()),
        3 => read(lz4_flex::frame::FrameDecoder::new(records)),
        4 => zstd::stream::read::Decoder::new(records).map_or(Cow::Borrowed(&[]), read),
        _ => Cow::Borrowed(&[]),
    }
}

/// Records in the form that the attributes of their batch name.
pub fn compress(attributes: i16, records: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    let compressed = match attributes & 0x07 {
        1 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(records)?;
            encoder.finish()?
        }
        2 => snap::raw::Encoder::new().compress_vec(records)?,
        3 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(records)?;
            encoder.finish()?
        }
        4 => zstd::bulk::compress(records, zstd::DEFAULT_COMPRESSION_LEVEL)?,
        _ => return Ok(Cow::Borrowed(records)),
    };
    Ok(Cow::Owned(compressed))
}

fn read(decoder: impl Read) -> Cow<'static, [u8]> {
    let mut records = Vec::new();
    // What was read before an error counts.
    let _ = decoder.take(MOST).read_to_end(&mut records);
    Cow::Owned(records)
}

fn snappy(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(SNAPPY_STREAM) {
        return snappy_block(bytes);
    }
    let mut blocks = bytes.get(SNAPPY_STREAM_HEAD..)?;
    let mut records = Vec::new();
    while let Some((length, rest)) = blocks.split_first_chunk() {
        let (block, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        records.extend(snappy_block(block)?);
        if records.len() as u64 > MOST {
            return None;
        }
        blocks = rest;
    }
    Some(records)
}

fn snappy_block(block: &[u8]) -> Option<Vec<u8>> {
    let size = snap::raw::decompress_len(block).ok()?;
    (size as u64 <= MOST).then(|| snap::raw::Decoder::new().decompress_vec(block).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_can_be_opened() {
        let records = b"records ".repeat(1000);
        for codec in 0..=4 {
            let compressed = compress(codec, &records).expect("compressed");
            assert!(codec == 0 || compressed.len() < records.len() / 2);
            assert_eq!(&*decompress(codec, &compressed), records, "codec {codec}");
        }
    }

    #[test]
    fn both_forms_of_snappy_are_read() {
        let block = |text: &str| snap::raw::Encoder::new().compress_vec(text.as_bytes()).expect("compressed");
        assert_eq!(&*decompress(2, &block("one")), b"one");
        let mut stream = [SNAPPY_STREAM, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        for text in ["one", "two"] {
            stream.extend((block(text).len() as u32).to_be_bytes());
            stream.extend(block(text));
        }
        assert_eq!(&*decompress(2, &stream), b"onetwo");
    }

    #[test]
    fn what_is_opened_is_bounded() {
        let bomb = zstd::bulk::compress(&vec![0; MOST as usize + 1], 1).expect("compressed");
        assert_eq!(decompress(4, &bomb).len() as u64, MOST);
        // Says that it holds 4 GiB.
        assert_eq!(decompress(2, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).len(), 0);
    }

    #[test]
    fn garbage_holds_no_records() {
        for codec in 1..8 {
            assert!(decompress(codec, b"garbage").is_empty(), "codec {codec}");
        }
    }
}
