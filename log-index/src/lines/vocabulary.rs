//! The values of a block, each once, by what they hold.

use std::ops::Range;

use super::token::{UUID_LENGTH, is_uuid};
use crate::{
    codec::{Damaged, Input, put_u64},
    integers::{self, Header},
};

/// What a value holds. A column is of the class that holds all of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A number of up to 9 digits.
    Short,
    /// A number of up to 18 digits.
    Long,
    /// Hexadecimal digits in lower case.
    Hex,
    Uuid,
    /// An IPv4 address.
    Address,
    /// Anything.
    Text,
}

impl Class {
    pub const ALL: [Class; 6] =
        [Class::Short, Class::Long, Class::Hex, Class::Uuid, Class::Address, Class::Text];

    pub fn of(value: &[u8]) -> Self {
        match value {
            _ if number(value).is_some() => {
                if value.len() < 10 {
                    Class::Short
                } else {
                    Class::Long
                }
            }
            _ if !value.is_empty() && value.len() < 256 && value.iter().all(|b| nibble(*b).is_some()) => {
                Class::Hex
            }
            _ if value.len() == UUID_LENGTH && is_uuid(value) => Class::Uuid,
            _ if address(value).is_some() => Class::Address,
            _ => Class::Text,
        }
    }

    /// The class that holds values of both.
    pub fn join(self, other: Class) -> Class {
        match (self, other) {
            (a, b) if a == b => a,
            (a, b) if a.max(b) <= Class::Hex => a.max(b),
            _ => Class::Text,
        }
    }

    /// About how many bits it takes to keep a value.
    pub fn cost(self, value: &[u8]) -> u64 {
        let length = value.len() as u64;
        match self {
            Class::Short | Class::Long => length * 10 / 3,
            Class::Hex => length * 4,
            Class::Uuid => 128,
            Class::Address => 32,
            Class::Text => length * 5,
        }
    }
}

/// A number of at most 18 digits that is written as numbers are.
pub fn number(value: &[u8]) -> Option<i64> {
    let plain = matches!(value, [b'0'] | [b'1'..=b'9', ..]) && value.len() <= 18;
    if plain { digits(value) } else { None }
}

/// The number that digits stand for, leading zeros included.
pub fn digits(value: &[u8]) -> Option<i64> {
    let fits = value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
    fits.then(|| value.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn address(value: &[u8]) -> Option<[u8; 4]> {
    if !value.contains(&b'.') {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    text.parse::<std::net::Ipv4Addr>().ok().map(|address| address.octets())
}

/// Writes values of `class`.
pub fn encode(class: Class, values: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, values.len() as u64);
    match class {
        Class::Short | Class::Long => {
            put_integers(&mut out, values.iter().map(|value| number(value).unwrap_or_default()));
        }
        Class::Hex => {
            put_integers(&mut out, values.iter().map(|value| value.len() as i64));
            values.iter().for_each(|value| pack(&mut out, value.iter().copied()));
        }
        Class::Uuid => {
            values.iter().for_each(|value| pack(&mut out, value.iter().copied().filter(|b| *b != b'-')));
        }
        Class::Address => {
            values.iter().for_each(|value| out.extend(address(value).unwrap_or_default()));
        }
        Class::Text => {
            put_integers(&mut out, values.iter().map(|value| value.len() as i64));
            values.iter().for_each(|value| out.extend_from_slice(value));
        }
    }
    out
}

fn put_integers(out: &mut Vec<u8>, values: impl Iterator<Item = i64>) {
    let values: Vec<i64> = values.collect();
    let mut planes = Vec::new();
    integers::encode(&values, &mut planes).put(out);
    out.extend(planes);
}

/// Two hexadecimal digits to a byte.
fn pack(out: &mut Vec<u8>, digits: impl Iterator<Item = u8>) {
    let mut nibbles = digits.filter_map(nibble);
    while let Some(high) = nibbles.next() {
        out.push(high << 4 | nibbles.next().unwrap_or(0));
    }
}

/// Values as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Vocabulary {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All values, one behind the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Which value has the byte at `at` of [`Vocabulary::bytes`].
    pub fn at(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end as usize <= at)
    }

    /// Where a value lies in [`Vocabulary::bytes`].
    pub fn range(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[number] as usize
    }

    pub fn get(&self, number: u32) -> Option<&[u8]> {
        let known = (number as usize) < self.len();
        known.then(|| &self.bytes[self.range(number as usize)])
    }

    pub fn decode(class: Class, raw: &[u8]) -> Result<Self, Damaged> {
        let mut input = Input(raw);
        let count = usize::try_from(input.u64()?).map_err(|_| Damaged)?;
        let mut all = Vocabulary { bytes: Vec::new(), ends: Vec::with_capacity(count.min(raw.len() * 8)) };
        match class {
            Class::Short | Class::Long => {
                for value in integers(&mut input, count)? {
                    all.push(|out| put_number(out, value, 0));
                }
            }
            Class::Hex => {
                for length in integers(&mut input, count)? {
                    let length = usize::try_from(length).map_err(|_| Damaged)?;
                    let packed = input.take(length.div_ceil(2))?;
                    all.push(|out| unpack(out, packed, length));
                }
            }
            Class::Uuid => {
                for packed in input.take(count.checked_mul(16).ok_or(Damaged)?)?.chunks(16) {
                    all.push(|out| put_uuid(out, packed));
                }
            }
            Class::Address => {
                for octets in input.take(count.checked_mul(4).ok_or(Damaged)?)?.chunks(4) {
                    all.push(|out| put_address(out, octets));
                }
            }
            Class::Text => {
                for length in integers(&mut input, count)? {
                    let text = input.take(usize::try_from(length).map_err(|_| Damaged)?)?;
                    all.push(|out| out.extend_from_slice(text));
                }
            }
        }
        if input.0.is_empty() { Ok(all) } else { Err(Damaged) }
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len() as u32);
    }
}

fn integers(input: &mut Input<'_>, count: usize) -> Result<Vec<i64>, Damaged> {
    let header = Header::read(input)?;
    header.decode_from(input, count)
}

/// Writes a number with at least so many digits.
pub fn put_number(out: &mut Vec<u8>, value: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut at, mut rest) = (digits.len(), value.unsigned_abs());
    while rest > 0 || at > digits.len() - width.max(1) {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

fn unpack(out: &mut Vec<u8>, packed: &[u8], length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let start = out.len();
    for byte in packed {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    out.truncate(start + length);
}

fn put_uuid(out: &mut Vec<u8>, packed: &[u8]) {
    for (at, part) in [4, 2, 2, 2, 6].into_iter().scan(0, |at, length| {
        *at += length;
        Some((*at - length, length))
    }) {
        if at > 0 {
            out.push(b'-');
        }
        unpack(out, &packed[at..at + part], 2 * part);
    }
}

fn put_address(out: &mut Vec<u8>, octets: &[u8]) {
    for (at, octet) in octets.iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        put_number(out, i64::from(*octet), 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn each_value_has_the_class_that_fits() {
        let classes = [
            ("0", Class::Short),
            ("123456789", Class::Short),
            ("1234567890", Class::Long),
            ("007", Class::Hex),
            ("1234567890123456789", Class::Hex),
            ("fade01", Class::Hex),
            ("FADE01", Class::Text),
            ("", Class::Text),
            ("ab34cd78-1234-1234-1234-123456789abc", Class::Uuid),
            ("10.0.0.1", Class::Address),
            ("10.0.0.01", Class::Text),
        ];
        for (value, class) in classes {
            assert_eq!(Class::of(value.as_bytes()), class, "{value}");
        }
        assert_eq!((Class::Short.join(Class::Hex), Class::Hex.join(Class::Uuid)), (Class::Hex, Class::Text));
    }

    proptest! {
        #[test]
        fn values_come_back_byte_for_byte(values in vec("0|[1-9][0-9]{0,17}|[0-9a-f]{1,40}|(25[0-5]|[1-9]?[0-9])(\\.[1-9]){3}|\\PC{0,9}", 0..20)) {
            let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            for class in Class::ALL {
                let of_class: Vec<&[u8]> = values.iter().copied().filter(|v| class == Class::Text || Class::of(v).join(class) == class).collect();
                let raw = encode(class, &of_class);
                let again = Vocabulary::decode(class, &raw).unwrap();
                let all: Vec<&[u8]> = (0..of_class.len() as u32).map(|n| again.get(n).unwrap()).collect();
                prop_assert_eq!(&all, &of_class);
                prop_assert_eq!(again.get(of_class.len() as u32), None);
                prop_assert!(raw.is_empty() || of_class.is_empty() || Vocabulary::decode(class, &raw[..raw.len() - 1]).is_err());
            }
        }
    }
}
