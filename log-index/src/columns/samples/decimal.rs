//! Floating point numbers that people have written with few digits, as whole numbers: 81234.56 is 8123456, and two
//! digits. Programs come to such numbers in two ways, by a division or by a multiplication (milliseconds times 0.001),
//! and these are not always the same number.

const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Beyond this not every whole number is a floating point number.
const LIMIT: f64 = (1_u64 << 53) as f64;

const PARTS: [f64; 16] =
    [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15];

/// How a number comes of a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Behind the point, less than [`DIGITS`].
    pub digits: usize,
    /// By a multiplication.
    pub multiplied: bool,
}

/// Numbers of one scale.
pub struct Decimals {
    pub scale: Scale,
    pub whole: Vec<i64>,
    /// Rows whose number is none of these: infinite, none at all, or of too many digits. Their whole number is that of
    /// the row before.
    pub others: Vec<usize>,
}

pub const DIGITS: usize = POWERS.len();

impl Scale {
    /// The number that a whole one stands for.
    pub fn value(self, whole: i64) -> f64 {
        match self.multiplied {
            true => whole as f64 * PARTS[self.digits],
            false => whole as f64 / POWERS[self.digits],
        }
    }

    fn whole(self, value: f64) -> Option<i64> {
        let scaled = (value * POWERS[self.digits]).round();
        let is_same = scaled.abs() < LIMIT && self.value(scaled as i64).to_bits() == value.to_bits();
        is_same.then_some(scaled as i64)
    }
}

/// `None` if more than one of sixteen numbers is no such number.
pub fn decimals(values: &[f64]) -> Option<Decimals> {
    [false, true].into_iter().find_map(|multiplied| {
        let scale = scale(values, multiplied)?;
        let found = scaled(values, scale);
        (found.others.len() <= most_others(values)).then_some(found)
    })
}

fn most_others(values: &[f64]) -> usize {
    values.len() / 16 + 1
}

/// With the fewest digits that will do.
fn scale(values: &[f64], multiplied: bool) -> Option<Scale> {
    let (mut digits, mut failed) = (0, 0);
    for value in values {
        let fits = |digits: &usize| Scale { digits: *digits, multiplied }.whole(*value).is_some();
        match (digits..DIGITS).find(fits) {
            Some(needed) => digits = needed,
            None => failed += 1,
        }
        if failed > most_others(values) {
            return None;
        }
    }
    Some(Scale { digits, multiplied })
}

fn scaled(values: &[f64], scale: Scale) -> Decimals {
    let mut found = Decimals { scale, whole: Vec::with_capacity(values.len()), others: Vec::new() };
    let mut before = values.iter().find_map(|value| scale.whole(*value)).unwrap_or(0);
    for (row, value) in values.iter().enumerate() {
        match scale.whole(*value) {
            Some(whole) => before = whole,
            None => found.others.push(row),
        }
        found.whole.push(before);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(values: &[f64]) -> Option<usize> {
        let found = decimals(values)?;
        for (row, wanted) in values.iter().enumerate().filter(|(row, _)| !found.others.contains(row)) {
            assert_eq!(found.scale.value(found.whole[row]).to_bits(), wanted.to_bits());
        }
        Some(found.scale.digits)
    }

    #[test]
    fn milliseconds_times_a_thousandth_are_whole() {
        let seconds: Vec<f64> = (1..999).map(|ms| f64::from(ms * 7) * 0.001).collect();
        let found = decimals(&seconds).unwrap();
        assert_eq!((found.scale, found.others.len()), (Scale { digits: 3, multiplied: true }, 0));
        assert_eq!(found.whole[..3], [7, 14, 21]);
        assert_eq!(digits(&seconds), Some(3));
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_need() {
        assert_eq!(digits(&[1.0, 2.0, 9_007_199_254_740_991.0]), Some(0));
        assert_eq!(digits(&[0.1, 0.25, 81_234.5]), Some(2));
        assert_eq!(digits(&[1e-15, 0.0]), Some(15));
        assert_eq!(digits(&[]), Some(0));
    }

    #[test]
    fn few_others_do_not_matter_and_many_do() {
        let stale = f64::from_bits(event::Sample::STALE_BITS);
        assert_eq!(digits(&[1.5, stale, 2.5]), Some(1));
        assert_eq!(digits(&[-0.0, 1.0]), Some(0));
        assert_eq!(digits(&[1e300, f64::NAN, f64::INFINITY]), None);
        assert_eq!(digits(&[1.0 / 3.0; 3]), None);
    }
}
