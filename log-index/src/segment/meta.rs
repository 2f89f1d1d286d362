//! Where a stream's rows are in a segment.

use event::Labels;

use crate::{
    codec::{Damaged, Input, put_bytes, put_i64, put_u64},
    columns::Kind,
};

/// A block's place and checksum. Its head has the checksums of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    pub offset: u64,
    pub length: u32,
    /// Length of the head.
    pub head: u32,
    /// CRC-32 of the head.
    pub crc: u32,
}

/// A stream's rows in one block, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPart {
    pub block: BlockRef,
    pub first_row: u32,
    pub rows: u32,
    /// Bytes of content.
    pub bytes: u64,
    pub min: i64,
    pub max: i64,
}

/// One stream in one segment.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamMeta {
    pub kind: Kind,
    pub labels: Labels,
    /// In the order of time; never empty.
    pub parts: Vec<BlockPart>,
}

impl StreamMeta {
    /// Its first and its last instant.
    pub fn span(&self) -> (i64, i64) {
        let min = self.parts.iter().map(|p| p.min).min().unwrap_or(i64::MAX);
        let max = self.parts.iter().map(|p| p.max).max().unwrap_or(i64::MIN);
        (min, max)
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        put_u64(out, self.labels.len() as u64);
        for (name, value) in self.labels.iter() {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
        put_u64(out, self.parts.len() as u64);
        for part in &self.parts {
            let BlockRef { offset, length, head, crc } = part.block;
            let (first_row, rows) = (part.first_row.into(), part.rows.into());
            let unsigned = [offset, length.into(), head.into(), crc.into(), first_row, rows, part.bytes];
            unsigned.into_iter().for_each(|number| put_u64(out, number));
            put_i64(out, part.min);
            put_i64(out, part.max.wrapping_sub(part.min));
        }
    }

    pub fn decode(input: &mut Input<'_>) -> Result<Self, Damaged> {
        let kind = match input.take(1)? {
            [0] => Kind::Logs,
            [1] => Kind::Metrics,
            _ => return Err(Damaged),
        };
        let pair = |input: &mut Input<'_>| Ok((input.text()?.to_owned(), input.text()?.to_owned()));
        let pairs: Result<Vec<(String, String)>, Damaged> =
            (0..input.count()?).map(|_| pair(input)).collect();
        let parts: Result<Vec<BlockPart>, Damaged> =
            (0..input.count()?).map(|_| decode_part(input)).collect();
        Ok(StreamMeta { kind, labels: pairs?.into_iter().collect(), parts: parts? })
    }
}

fn decode_part(input: &mut Input<'_>) -> Result<BlockPart, Damaged> {
    let block =
        BlockRef { offset: input.u64()?, length: input.u32()?, head: input.u32()?, crc: input.u32()? };
    let (first_row, rows, bytes) = (input.u32()?, input.u32()?, input.u64()?);
    let min = input.i64()?;
    let max = min.wrapping_add(input.i64()?);
    Ok(BlockPart { block, first_row, rows, bytes, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes_and_refuses_less() {
        let block = BlockRef { offset: 8, length: 900, head: 40, crc: u32::MAX };
        let part = BlockPart { block, first_row: 3, rows: 9, bytes: 77, min: i64::MIN, max: i64::MAX };
        let labels = Labels::from([("job", "syslog"), ("host", "web1")]);
        let meta = StreamMeta { kind: Kind::Metrics, labels, parts: vec![part, part] };
        let mut bytes = Vec::new();
        meta.encode(&mut bytes);
        assert_eq!(StreamMeta::decode(&mut Input(&bytes)).unwrap(), meta);
        for length in 0..bytes.len() {
            assert!(StreamMeta::decode(&mut Input(&bytes[..length])).is_err());
        }
    }
}
