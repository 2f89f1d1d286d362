//! Numbers and their times in a block of a segment of version 2: how many; the timestamps as differences of differences; each value XORed with
//! the one before it, and of these the first bytes, then the second bytes, and so on: what changes slowly becomes
//! runs of zeros.

use event::Sample;

use crate::codec::{Damaged, Input};

const WIDTH: usize = size_of::<u64>();

pub fn decode(raw: &[u8]) -> Result<Vec<Sample>, Damaged> {
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
    if input.0.is_empty() { Ok(samples) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{put_i64, put_u64};

    /// As version 2 wrote them.
    fn encode(samples: &[Sample]) -> Vec<u8> {
        let rows = samples.len();
        let mut out = Vec::with_capacity(16 + rows * 10);
        put_u64(&mut out, rows as u64);
        let (mut before, mut step) = (0_i64, 0_i64);
        for sample in samples {
            let next = sample.timestamp_ms.wrapping_sub(before);
            put_i64(&mut out, next.wrapping_sub(step));
            (before, step) = (sample.timestamp_ms, next);
        }
        let start = out.len();
        out.resize(start + rows * WIDTH, 0);
        let mut before = 0;
        for (row, sample) in samples.iter().enumerate() {
            let bits = sample.value.to_bits();
            for (plane, byte) in (bits ^ before).to_be_bytes().into_iter().enumerate() {
                out[start + plane * rows + row] = byte;
            }
            before = bits;
        }
        out
    }

    #[test]
    fn samples_come_back_bit_for_bit() {
        let bits = [0, u64::MAX, Sample::STALE_BITS, 1.5_f64.to_bits(), f64::NEG_INFINITY.to_bits()];
        let times = [i64::MIN, i64::MAX, 0, -1, 1];
        let pairs = bits.iter().zip(times);
        let sample = |(b, t): (&u64, i64)| Sample { timestamp_ms: t, value: f64::from_bits(*b) };
        let samples: Vec<Sample> = pairs.map(sample).collect();
        let plain = |samples: &[Sample]| -> Vec<_> {
            samples.iter().map(|s| (s.timestamp_ms, s.value.to_bits())).collect()
        };
        assert_eq!(plain(&decode(&encode(&samples)).unwrap()), plain(&samples));
    }

    #[test]
    fn damage_is_an_error() {
        let raw = encode(&[Sample { timestamp_ms: 5, value: 2.5 }]);
        for length in 0..raw.len() {
            assert!(decode(&raw[..length]).is_err(), "{length}");
        }
    }
}
