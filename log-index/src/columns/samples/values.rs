//! Values of samples, run by run: as whole numbers with digits behind the point, or as the bits that they are. All
//! lowest bytes are one section, all second ones the next, and so on: each packs better alone.

use std::ops::Range;

use super::decimal::{DIGITS, Scale, decimals};
use crate::{
    codec::{Damaged, Input, put_u64},
    integers::{self, Header},
};

/// Bytes of a number.
pub const PLANES: usize = size_of::<u64>();

/// Added to the number of digits: by a multiplication.
const MULTIPLIED: u8 = DIGITS as u8;
/// In place of the number of digits: the numbers are bits.
const BITS: u8 = 2 * DIGITS as u8;

/// What is not in the planes, and the planes.
pub fn encode(values: &[f64], runs: &[Range<usize>]) -> (Vec<u8>, [Vec<u8>; PLANES]) {
    let (mut head, mut planes) = (Vec::new(), [const { Vec::new() }; PLANES]);
    for run in runs {
        let (rows, run) = (run.len(), &values[run.clone()]);
        let mut packed = Vec::new();
        put_run(run, &mut head, &mut packed);
        for (plane, bytes) in planes.iter_mut().zip(packed.chunks(rows.max(1))) {
            plane.extend(bytes);
        }
    }
    (head, planes)
}

fn put_run(run: &[f64], head: &mut Vec<u8>, planes: &mut Vec<u8>) {
    let Some(found) = decimals(run) else {
        let bits: Vec<i64> = run.iter().map(|value| value.to_bits() as i64).collect();
        head.push(BITS);
        return integers::encode(&bits, planes).put(head);
    };
    head.push(found.scale.digits as u8 + u8::from(found.scale.multiplied) * MULTIPLIED);
    integers::encode(&found.whole, planes).put(head);
    put_u64(head, found.others.len() as u64);
    for row in found.others {
        put_u64(head, row as u64);
        head.extend(run[row].to_bits().to_le_bytes());
    }
}

pub fn decode(head: &[u8], planes: [Vec<u8>; PLANES], runs: &[Range<usize>]) -> Result<Vec<f64>, Damaged> {
    let (mut head, mut values) = (Input(head), Vec::new());
    let mut planes = planes.each_ref().map(|plane| Input(plane));
    for run in runs {
        take_run(&mut head, &mut planes, run.len(), &mut values)?;
    }
    let is_read = head.0.is_empty() && planes.iter().all(|plane| plane.0.is_empty());
    if is_read { Ok(values) } else { Err(Damaged) }
}

fn take_run(
    head: &mut Input<'_>,
    planes: &mut [Input<'_>; PLANES],
    rows: usize,
    values: &mut Vec<f64>,
) -> Result<(), Damaged> {
    let [digits] = head.take(1)? else { return Err(Damaged) };
    let (start, header) = (values.len(), Header::read(head)?);
    let mut packed = Vec::with_capacity(header.length(rows));
    for plane in planes.iter_mut().take(header.length(rows) / rows.max(1)) {
        packed.extend(plane.take(rows)?);
    }
    let numbers = header.decode(&packed, rows).into_iter();
    match *digits {
        BITS => values.extend(numbers.map(|bits| f64::from_bits(bits as u64))),
        digits if digits < BITS => {
            let scale = Scale { digits: (digits % MULTIPLIED).into(), multiplied: digits >= MULTIPLIED };
            values.extend(numbers.map(|whole| scale.value(whole)));
            for _ in 0..head.count()? {
                let row = usize::try_from(head.u64()?).map_err(|_| Damaged)?;
                let bits = head.take(PLANES)?.try_into().map_err(|_| Damaged)?;
                *values[start..].get_mut(row).ok_or(Damaged)? = f64::from_bits(u64::from_le_bytes(bits));
            }
        }
        _ => return Err(Damaged),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// In two runs; what comes back, and the bytes that it took.
    fn round(values: &[f64], first: usize) -> (Vec<u64>, usize) {
        let runs = &[0..first, first..values.len()];
        let (head, planes) = encode(values, runs);
        let size = head.len() + planes.iter().map(Vec::len).sum::<usize>();
        for length in 0..head.len() {
            assert!(decode(&head[..length], planes.clone(), runs).is_err());
        }
        (bits(&decode(&head, planes, runs).unwrap()), size)
    }

    #[test]
    fn a_counter_takes_a_byte_a_sample() {
        let counter: Vec<f64> =
            (0..256_u32).map(|n| f64::from(8_000_000 + n * 1500 + n * n % 100) / 100.0).collect();
        let (again, size) = round(&counter, 256);
        assert_eq!(again, bits(&counter));
        assert!(size < 280, "{size}");
    }

    #[test]
    fn a_plane_that_is_too_short_is_damage() {
        let (head, mut planes) = encode(&[1.0, 5.0, 2.0], &[0..3, 3..3]);
        planes[0].pop();
        assert_eq!(decode(&head, planes, &[0..3, 3..3]), Err(Damaged));
    }

    proptest! {
        #[test]
        fn any_values_come_back(wild in vec(any::<u64>(), 0..40), near in vec(-9..9_i32, 0..40)) {
            let wild: Vec<f64> = wild.into_iter().map(f64::from_bits).collect();
            let near: Vec<f64> = near.into_iter().map(|n| f64::from(n) / 10.0).collect();
            prop_assert_eq!(round(&wild, wild.len() / 2).0, bits(&wild));
            prop_assert_eq!(round(&near, near.len()).0, bits(&near));
        }
    }
}
