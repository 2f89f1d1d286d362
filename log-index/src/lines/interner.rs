//! Texts by number, each once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Numbers texts in the order in which they come for the first time.
#[derive(Default)]
pub struct Interner {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    pub fn number(&mut self, text: &[u8]) -> u32 {
        let Interner { bytes, ends, numbers, hasher } = self;
        let hash = hasher.hash_one(text);
        if let Some(number) = numbers.find(hash, |number| slice(bytes, ends, *number) == text) {
            return *number;
        }
        let number = ends.len() as u32;
        bytes.extend_from_slice(text);
        ends.push(bytes.len() as u32);
        numbers.insert_unique(hash, number, |number| hasher.hash_one(slice(bytes, ends, *number)));
        number
    }

    pub fn get(&self, number: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
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
}
