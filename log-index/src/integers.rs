//! Whole numbers in planes: the lowest bytes of all, then the second ones, and so on. What is stored is the
//! distance from the least, or from the one before, in units that all distances have in common; and of distances
//! that are near to each other, by how much they exceed the least of them.

use crate::codec::{Damaged, Input, put_i64, put_u64};

/// What a floor costs, about.
const FLOOR_BITS: u64 = 16;

/// No block has more rows: more is damage, and must not ask for memory.
pub const MOST_ROWS: usize = 1 << 24;

/// So many numbers are put together at a time: they stay near the processor.
const NEAR: usize = 1024;

/// How numbers are stored: what one needs to know besides the planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Distances from the one before.
    delta: bool,
    /// The least of these distances, in units. Without it, their sign is in the lowest bit.
    floor: Option<i64>,
    /// Bytes of each, 0 to 8.
    width: usize,
    base: i64,
    unit: i64,
}

/// The cheaper way to store the numbers, and about how many bits it takes.
pub fn plan(values: &[i64]) -> (Header, u64) {
    let plain = Header::new(values);
    let delta = Header { delta: true, base: values.first().copied().unwrap_or(0), ..plain };
    let (plain_bits, delta_bits) = (plain.bits(values), delta.bits(values));
    if plain_bits <= delta_bits {
        return (plain, plain_bits);
    }
    let floored = delta.floored(values);
    let floored_bits = floored.bits(values) + FLOOR_BITS;
    if floored_bits < delta_bits { (floored, floored_bits) } else { (delta, delta_bits) }
}

/// Writes the numbers to `planes`.
pub fn encode(values: &[i64], planes: &mut Vec<u8>) -> Header {
    put(plan(values).0, values, planes)
}

/// The same for numbers that are only names: their distances mean nothing.
pub fn encode_plain(values: &[i64], planes: &mut Vec<u8>) -> Header {
    put(Header::new(values), values, planes)
}

/// Writes the numbers in the way that [`plan`] has found.
pub fn put(mut header: Header, values: &[i64], planes: &mut Vec<u8>) -> Header {
    let stored: Vec<u64> = header.stored(values).collect();
    let most = stored.iter().copied().max().unwrap_or(0);
    header.width = (64 - most.leading_zeros() as usize).div_ceil(8);
    for plane in 0..header.width {
        planes.extend(stored.iter().map(|number| (number >> (8 * plane)) as u8));
    }
    header
}

impl Header {
    /// Of distances from the least.
    fn new(values: &[i64]) -> Self {
        let base = values.iter().copied().min().unwrap_or(0);
        let most = values.iter().copied().max().unwrap_or(0);
        let unit = if most.checked_sub(base).is_some() { unit(values) } else { 1 };
        Header { delta: false, floor: None, width: 0, base, unit }
    }

    /// The first number is as far from the base as any at least.
    fn floored(self, values: &[i64]) -> Self {
        let units = Units::of(self.unit);
        let steps = values.windows(2).map(|pair| units.count(pair[1].wrapping_sub(pair[0])));
        let floor = steps.min().unwrap_or(0);
        let base = self.base.wrapping_sub(floor.wrapping_mul(self.unit));
        Header { floor: Some(floor), base, ..self }
    }

    fn stored<'a>(&self, values: &'a [i64]) -> impl Iterator<Item = u64> + use<'a> {
        let (delta, floor, units, mut before) = (self.delta, self.floor, Units::of(self.unit), self.base);
        values.iter().map(move |value| {
            let distance = value.wrapping_sub(before);
            if !delta {
                return units.count(distance) as u64;
            }
            before = *value;
            let distance = units.count(distance);
            match floor {
                Some(floor) => distance.wrapping_sub(floor) as u64,
                None => ((distance << 1) ^ (distance >> 63)) as u64,
            }
        })
    }

    fn bits(&self, values: &[i64]) -> u64 {
        self.stored(values).map(|number| u64::from(65 - number.leading_zeros())).sum()
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        let (delta, unit, floor) =
            (u8::from(self.delta), u8::from(self.unit != 1), u8::from(self.floor.is_some()));
        out.push(self.width as u8 | delta << 4 | unit << 5 | floor << 6);
        put_i64(out, self.base);
        if let Some(floor) = self.floor {
            put_i64(out, floor);
        }
        if self.unit != 1 {
            put_u64(out, self.unit as u64);
        }
    }

    pub fn read(input: &mut Input<'_>) -> Result<Self, Damaged> {
        let [flags] = input.take(1)? else { return Err(Damaged) };
        let base = input.i64()?;
        let floor = if flags >> 6 & 1 == 1 { Some(input.i64()?) } else { None };
        let unit = if flags >> 5 & 1 == 1 { input.u64()? as i64 } else { 1 };
        let (delta, width) = (flags >> 4 & 1 == 1, usize::from(flags & 15));
        if width > 8 || flags >> 7 != 0 || floor.is_some() && !delta {
            return Err(Damaged);
        }
        Ok(Header { delta, floor, width, base, unit })
    }

    /// Bytes of the planes of so many numbers.
    pub fn length(&self, rows: usize) -> usize {
        self.width * rows
    }

    /// Takes the planes of so many numbers.
    pub fn decode_from(&self, input: &mut Input<'_>, rows: usize) -> Result<Vec<i64>, Damaged> {
        if rows > MOST_ROWS {
            return Err(Damaged);
        }
        Ok(self.decode(input.take(self.length(rows))?, rows))
    }

    /// The numbers; `planes` has the length that [`Header::length`] tells.
    pub fn decode(&self, planes: &[u8], rows: usize) -> Vec<i64> {
        let (mut numbers, mut before) = (vec![0_i64; rows], self.base);
        for (at, numbers) in numbers.chunks_mut(NEAR).enumerate() {
            for (plane, bytes) in planes.chunks_exact(rows).enumerate() {
                for (number, byte) in numbers.iter_mut().zip(&bytes[at * NEAR..]) {
                    *number |= i64::from(*byte) << (8 * plane);
                }
            }
            self.restore(numbers, &mut before);
        }
        numbers
    }

    /// Makes numbers of what is stored; `before` is the one before the first.
    fn restore(&self, stored: &mut [i64], before: &mut i64) {
        let mut next = |distance: i64| {
            *before = before.wrapping_add(distance.wrapping_mul(self.unit));
            *before
        };
        match (self.delta, self.floor) {
            (true, Some(floor)) => stored.iter_mut().for_each(|n| *n = next(n.wrapping_add(floor))),
            (true, None) => stored.iter_mut().for_each(|n| *n = next((*n as u64 >> 1) as i64 ^ -(*n & 1))),
            (false, _) => {
                stored.iter_mut().for_each(|n| *n = self.base.wrapping_add(n.wrapping_mul(self.unit)));
            }
        }
    }
}

/// Divides by a unit what is a multiple of it, by a multiplication: every number is divided several times.
#[derive(Clone, Copy)]
struct Units {
    zeros: u32,
    /// Of the unit without its factors of two, modulo 2⁶⁴.
    inverse: i64,
}

impl Units {
    fn of(unit: i64) -> Self {
        let zeros = unit.trailing_zeros();
        let odd = unit >> zeros;
        // Three bits are right at first, and twice as many after each step.
        let step = |inverse: i64, _| inverse.wrapping_mul(2_i64.wrapping_sub(odd.wrapping_mul(inverse)));
        Units { zeros, inverse: (0..5).fold(odd, step) }
    }

    /// How many units it is.
    fn count(self, multiple: i64) -> i64 {
        (multiple >> self.zeros).wrapping_mul(self.inverse)
    }
}

/// The greatest common divisor of all distances.
fn unit(values: &[i64]) -> i64 {
    let Some(first) = values.first() else { return 1 };
    let mut unit = 0;
    for value in values {
        let distance = (value - first).unsigned_abs();
        if unit == 0 || distance % unit != 0 {
            unit = greatest_common_divisor(unit, distance);
        }
        if unit == 1 {
            break;
        }
    }
    i64::try_from(unit).unwrap_or(1).max(1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn round(values: &[i64]) -> (Vec<i64>, usize) {
        let (mut head, mut planes) = (Vec::new(), Vec::new());
        encode(values, &mut planes).put(&mut head);
        let mut input = Input(&head);
        let header = Header::read(&mut input).unwrap();
        assert_eq!((input.0.len(), header.length(values.len())), (0, planes.len()));
        (header.decode(&planes, values.len()), planes.len())
    }

    #[test]
    fn steady_numbers_take_no_room() {
        assert_eq!(round(&[7; 9]), (vec![7; 9], 0));
        let steady: Vec<i64> = (0..100).map(|n| 1_795_000_000_000_000_000 + n * 1_000_000).collect();
        assert_eq!(round(&steady), (steady, 0));
        let counter: Vec<i64> = (0..100).map(|n| 7_000_000 + n * 1500 + n % 3).collect();
        assert_eq!(round(&counter), (counter, 100));
        assert_eq!(round(&[]), (vec![], 0));
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(values in vec(any::<i64>(), 0..20), near in vec(-9..9_i64, 0..20), factor in 1..99_i64) {
            prop_assert_eq!(round(&values).0, values);
            let near: Vec<i64> = near.into_iter().map(|n| n * factor).collect();
            prop_assert_eq!(round(&near).0, near);
        }
    }
}
