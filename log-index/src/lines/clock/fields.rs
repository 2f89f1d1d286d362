//! The fields of a written time, as a layout has them.

use super::calendar::length;

pub const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Times without a year are in this one, which has a 29th of February.
pub const NO_YEAR: i64 = 2000;

/// Numbers as they are written; `second` is that of the day.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub second: i64,
}

impl Fields {
    /// The fields at the beginning of `text`, and their length; `None` where they are no time that exists.
    pub fn parse(text: &[u8], layout: &[u8]) -> Option<(Self, usize)> {
        let mut fields = Fields { year: NO_YEAR, month: 1, day: 1, second: 0 };
        let mut at = 0;
        for field in layout {
            at += match field {
                b'Y' => set(&mut fields.year, number(text, at, 4)?, 4),
                b'y' => set(&mut fields.year, 2000 + number(text, at, 2)?, 2),
                b'm' => set(&mut fields.month, number(text, at, 2)?, 2),
                b'b' => set(&mut fields.month, month(text.get(at..at + 3)?)?, 3),
                b'd' => set(&mut fields.day, number(text, at, 2)?, 2),
                b'e' => set(&mut fields.day, padded_day(text, at)?, 2),
                b'H' => set(&mut fields.second, below(24, number(text, at, 2)?)? * 3600, 2),
                b'M' => add(&mut fields.second, below(60, number(text, at, 2)?)? * 60),
                b'S' => add(&mut fields.second, below(60, number(text, at, 2)?)?),
                literal => (text.get(at) == Some(literal)).then_some(1)?,
            };
        }
        let exists = fields.year > 0 && (1..=length(fields.year, fields.month)).contains(&fields.day);
        exists.then_some((fields, at))
    }

    /// Writes them as `layout` wants them.
    pub fn write(self, layout: &[u8], out: &mut Vec<u8>) {
        for field in layout {
            match field {
                b'Y' => write_digits(self.year, 4, out),
                b'y' => write_digits(self.year % 100, 2, out),
                b'm' => write_digits(self.month, 2, out),
                b'b' => out.extend_from_slice(&MONTHS[self.month as usize * 3 - 3..self.month as usize * 3]),
                b'd' => write_digits(self.day, 2, out),
                b'e' if self.day < 10 => out.extend([b' ', b'0' + self.day as u8]),
                b'e' => write_digits(self.day, 2, out),
                b'H' => write_digits(self.second / 3600, 2, out),
                b'M' => write_digits(self.second / 60 % 60, 2, out),
                b'S' => write_digits(self.second % 60, 2, out),
                literal => out.push(*literal),
            }
        }
    }
}

fn set(field: &mut i64, value: i64, length: usize) -> usize {
    *field = value;
    length
}

fn add(field: &mut i64, value: i64) -> usize {
    *field += value;
    2
}

fn below(limit: i64, value: i64) -> Option<i64> {
    (value < limit).then_some(value)
}

fn number(text: &[u8], at: usize, length: usize) -> Option<i64> {
    let digits = text.get(at..at + length)?;
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Which of the twelve it is.
pub fn month(name: &[u8]) -> Option<i64> {
    let name: &[u8; 3] = name.try_into().ok()?;
    MONTHS.as_chunks().0.iter().position(|month| month == name).map(|at| at as i64 + 1)
}

fn padded_day(text: &[u8], at: usize) -> Option<i64> {
    if *text.get(at)? == b' ' { number(text, at + 1, 1) } else { number(text, at, 2).filter(|day| *day > 9) }
}

/// The form of the fraction, its digits as a number, its length; `None` if it is too long to be one.
pub fn fraction(text: &[u8]) -> Option<(u8, i64, usize)> {
    let comma = match text {
        [b'.', digit, ..] if digit.is_ascii_digit() => 0,
        [b',', digit, ..] if digit.is_ascii_digit() => 10,
        _ => return Some((0, 0, 0)),
    };
    let digits = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = number(text, 1, digits.min(9))?;
    (digits < 10).then_some((comma + digits as u8, value, 1 + digits))
}

/// A number with leading zeros.
pub fn write_digits(value: i64, count: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + count, b'0');
    let mut rest = value;
    for digit in out[start..].iter_mut().rev() {
        *digit += rest.rem_euclid(10) as u8;
        rest = rest.div_euclid(10);
    }
}
