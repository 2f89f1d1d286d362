//! Texts by number, each once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Texts up to this length are found without a look at what is kept of them.
const SHORT: usize = 7;

/// Numbers texts in the order in which they come for the first time.
#[derive(Default)]
pub struct Interner {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<u32>,
    /// The number of each text behind its [`key`].
    numbers: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    pub fn number(&mut self, text: &[u8]) -> u32 {
        let Interner { bytes, ends, numbers, hasher } = self;
        let key = key(text, hasher);
        let hash = hasher.hash_one(key);
        let is_same = |(other, number): &(u64, u32)| {
            *other == key && (text.len() <= SHORT || slice(bytes, ends, *number) == text)
        };
        if let Some((_, number)) = numbers.find(hash, is_same) {
            return *number;
        }
        let number = ends.len() as u32;
        bytes.extend_from_slice(text);
        ends.push(bytes.len() as u32);
        numbers.insert_unique(hash, (key, number), |(key, _)| hasher.hash_one(*key));
        number
    }

    pub fn get(&self, number: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }
}

/// A short text itself behind its length, the hash of a longer one: no two short texts have one key, and none has that
/// of a longer one.
fn key(text: &[u8], hasher: &DefaultHashBuilder) -> u64 {
    match text.len() {
        0..=SHORT => text.iter().fold(text.len() as u64, |key, byte| key << 8 | u64::from(*byte)),
        _ => hasher.hash_one(text) | 1 << 63,
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before] as usize);
    &bytes[start..ends[number] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let mut interner = Interner::default();
        let numbers: Vec<u32> =
            [&b"a"[..], b"", b"bc", b"a", b""].iter().map(|t| interner.number(t)).collect();
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        assert_eq!((interner.get(2), interner.get(1), interner.len()), (&b"bc"[..], &b""[..], 3));
    }

    #[test]
    fn texts_of_all_lengths_are_told_apart() {
        let texts: Vec<Vec<u8>> =
            [0, 1, 255].into_iter().flat_map(|byte| (0..20).map(move |length| vec![byte; length])).collect();
        let mut interner = Interner::default();
        let numbers: Vec<u32> = texts.iter().map(|text| interner.number(text)).collect();
        assert_eq!(interner.len(), texts.len() - 2, "the empty one is there three times");
        for (text, number) in texts.iter().zip(numbers) {
            assert_eq!(interner.number(text), number);
            assert_eq!(interner.get(number), text);
        }
    }
}
