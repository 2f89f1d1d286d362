//! Floating point numbers that people have written with few digits, as whole numbers: 81234.56 is 8123456, and two
//! digits.

const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Beyond this not every whole number is a floating point number.
const LIMIT: f64 = (1_u64 << 53) as f64;

/// Numbers with so many digits behind the point.
pub struct Decimals {
    /// Less than [`DIGITS`].
    pub digits: usize,
    pub whole: Vec<i64>,
    /// Rows whose number is none of these: infinite, none at all, or of too many digits. Their whole number is that of
    /// the row before.
    pub others: Vec<usize>,
}

pub const DIGITS: usize = POWERS.len();

/// The number that a whole one stands for.
pub fn value(whole: i64, digits: usize) -> f64 {
    whole as f64 / POWERS[digits]
}

fn whole(value: f64, digits: usize) -> Option<i64> {
    let scaled = (value * POWERS[digits]).round();
    let is_same = scaled.abs() < LIMIT && self::value(scaled as i64, digits).to_bits() == value.to_bits();
    is_same.then_some(scaled as i64)
}

/// `None` if more than one of sixteen numbers is no such number.
pub fn decimals(values: impl Iterator<Item = f64> + Clone) -> Option<Decimals> {
    let most = values.clone().count() / 16 + 1;
    let (mut digits, mut failed) = (0, 0);
    for value in values.clone() {
        match (digits..DIGITS).find(|digits| whole(value, *digits).is_some()) {
            Some(needed) => digits = needed,
            None => failed += 1,
        }
        if failed > most {
            return None;
        }
    }
    let mut found = Decimals { digits, whole: Vec::new(), others: Vec::new() };
    let mut before = values.clone().find_map(|value| whole(value, digits)).unwrap_or(0);
    for (row, value) in values.enumerate() {
        match whole(value, digits) {
            Some(whole) => before = whole,
            None => found.others.push(row),
        }
        found.whole.push(before);
    }
    (found.others.len() <= most).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(values: &[f64]) -> Option<usize> {
        let found = decimals(values.iter().copied())?;
        for (row, wanted) in values.iter().enumerate().filter(|(row, _)| !found.others.contains(row)) {
            assert_eq!(value(found.whole[row], found.digits).to_bits(), wanted.to_bits());
        }
        Some(found.digits)
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
