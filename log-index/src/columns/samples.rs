//! Samples in columns. Encoded: the number of rows; the timestamps as differences of differences; each value
//! XORed with the one before it, and of these the first bytes, then the second bytes, and so on: what changes
//! slowly becomes runs of zeros.

use event::Sample;
use logql::LineFilter;

use super::{Block, Columns, Kind, Rows};
use crate::{
    codec::{Damaged, Input, put_i64, put_u64},
    segment::{Damage, Sections},
};

/// Samples in the order of their arrival (in memory) or of time (in a segment).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleColumns(pub Vec<Sample>);

const WIDTH: usize = size_of::<u64>();

impl Rows for SampleColumns {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn timestamp(&self, row: usize) -> i64 {
        self.0[row].timestamp_ms
    }

    fn passes(&self, _row: usize, filters: &[LineFilter]) -> Result<bool, Damage> {
        Ok(filters.is_empty())
    }
}

impl Block<SampleColumns> for SampleColumns {
    fn open(sections: Sections) -> Result<Self, Damage> {
        SampleColumns::decode(&sections.read(0)?).map_err(|damaged| sections.damage(damaged))
    }

    fn into_columns(self) -> Result<SampleColumns, Damage> {
        Ok(self)
    }
}

impl Columns for SampleColumns {
    const KIND: Kind = Kind::Metrics;

    type Block = SampleColumns;

    fn with_room(bytes: usize) -> Self {
        SampleColumns(Vec::with_capacity(bytes / size_of::<Sample>()))
    }

    fn weight(&self) -> usize {
        self.0.len() * size_of::<Sample>()
    }

    fn push_from(&mut self, other: &Self, row: usize) {
        self.0.push(other.0[row]);
    }

    fn encode(&self) -> Vec<Vec<u8>> {
        let rows = self.rows();
        let mut out = Vec::with_capacity(16 + rows * 10);
        put_u64(&mut out, rows as u64);
        let (mut before, mut step) = (0_i64, 0_i64);
        for sample in &self.0 {
            let next = sample.timestamp_ms.wrapping_sub(before);
            put_i64(&mut out, next.wrapping_sub(step));
            (before, step) = (sample.timestamp_ms, next);
        }
        let start = out.len();
        out.resize(start + rows * WIDTH, 0);
        let mut before = 0;
        for (row, sample) in self.0.iter().enumerate() {
            let bits = sample.value.to_bits();
            for (plane, byte) in (bits ^ before).to_be_bytes().into_iter().enumerate() {
                out[start + plane * rows + row] = byte;
            }
            before = bits;
        }
        vec![out]
    }
}

impl SampleColumns {
    fn decode(raw: &[u8]) -> Result<Self, Damaged> {
        let mut input = Input(raw);
        let rows = input.count()?;
        let mut samples = Vec::with_capacity(rows);
        let (mut timestamp_ms, mut step) = (0_i64, 0_i64);
        for _ in 0..rows {
            step = step.wrapping_add(input.i64()?);
            timestamp_ms = timestamp_ms.wrapping_add(step);
            samples.push(Sample { timestamp_ms, value: 0.0 });
        }
        let planes = input.take(rows.checked_mul(WIDTH).ok_or(Damaged)?)?;
        let mut before = 0;
        for (row, sample) in samples.iter_mut().enumerate() {
            let bytes = std::array::from_fn(|plane| planes[plane * rows + row]);
            before ^= u64::from_be_bytes(bytes);
            sample.value = f64::from_bits(before);
        }
        if input.0.is_empty() { Ok(SampleColumns(samples)) } else { Err(Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_bit_for_bit() {
        let bits = [0, u64::MAX, Sample::STALE_BITS, 1.5_f64.to_bits(), f64::NEG_INFINITY.to_bits()];
        let times = [i64::MIN, i64::MAX, 0, -1, 1];
        let pairs = bits.iter().zip(times);
        let sample = |(b, t): (&u64, i64)| Sample { timestamp_ms: t, value: f64::from_bits(*b) };
        let columns = SampleColumns(pairs.map(sample).collect());
        let again = SampleColumns::decode(&columns.encode()[0]).unwrap();
        let plain = |c: &SampleColumns| -> Vec<_> {
            c.0.iter().map(|s| (s.timestamp_ms, s.value.to_bits())).collect()
        };
        assert_eq!(plain(&again), plain(&columns));
    }

    #[test]
    fn damage_is_an_error() {
        let raw = SampleColumns(vec![Sample { timestamp_ms: 5, value: 2.5 }]).encode().remove(0);
        for length in 0..raw.len() {
            assert!(SampleColumns::decode(&raw[..length]).is_err(), "{length}");
        }
    }
}
