//! A small filter that tells that no line of a block holds a text, without opening the block.
//!
//! It knows which three characters in a row occur, as bits of a hash. Left out are those that lines may hold without
//! that templates and texts show them: numbers, hexadecimal digits, and what may lie across the edge of a value.

use super::{
    clock::Format,
    token::{Class, class},
};

/// Bits at most.
const MOST_BITS: usize = 1 << 14;

/// So many bits for each that is set: one in six is set by chance.
const BITS_EACH: usize = 6;

/// Which of the things that are looked at occur.
pub struct Filter {
    bits: Vec<u8>,
}

impl Filter {
    pub fn new() -> Self {
        Filter { bits: vec![0; MOST_BITS / 8] }
    }

    pub fn add(&mut self, text: &[u8]) {
        for hash in trigrams(text) {
            let bit = hash % MOST_BITS;
            self.bits[bit / 8] |= 1 << (bit % 8);
        }
    }

    /// As small as it can be without telling much less.
    pub fn finish(mut self) -> Vec<u8> {
        let set: u32 = self.bits.iter().map(|byte| byte.count_ones()).sum();
        while self.bits.len() > 8 && self.bits.len() * 8 >= 2 * BITS_EACH * set as usize {
            let upper = self.bits.split_off(self.bits.len() / 2);
            self.bits.iter_mut().zip(upper).for_each(|(low, high)| *low |= high);
        }
        self.bits
    }
}

/// Whether lines may hold `text`, by what [`Filter::finish`] gave.
pub fn may_hold(filter: &[u8], text: &[u8]) -> bool {
    let bits = filter.len() * 8;
    bits == 0 || trigrams(text).all(|hash| filter[hash % bits / 8] & 1 << (hash % 8) != 0)
}

fn trigrams(text: &[u8]) -> impl Iterator<Item = usize> {
    text.windows(3).filter(|three| is_shown([three[0], three[1], three[2]])).map(|three| {
        let number = u32::from_le_bytes([three[0], three[1], three[2], 0]);
        (number.wrapping_mul(0x9e37_79b1) >> 17) as usize
    })
}

/// Whether templates and texts show it wherever it occurs: letters, or letters around a digit and the other way
/// round. A word and its number (`eth0`), a time and its zone (`00Z`), `0x` and its digits may be apart.
fn is_shown(three: [u8; 3]) -> bool {
    let is_hex = three.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let kinds = three.map(class);
    let mixed = match kinds {
        [Class::Letter, Class::Letter, Class::Letter] => !Format::has_name(three),
        [Class::Letter, Class::Digit, Class::Letter] => true,
        [Class::Digit, Class::Letter, Class::Digit] => !Format::allows(three[1]),
        _ => false,
    };
    mixed && !is_hex && three[0] != b'x' && three[1] != b'x'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_may_be_held_and_most_else_is_not() {
        let mut filter = Filter::new();
        filter.add(b"session opened for user k8s-nq7x3kd9wz");
        let filter = filter.finish();
        assert!(filter.len() < 64);
        for text in ["opened", "user", "k8s", "nq7x3kd9wz", "0x12ab", "12:00", "", "0", "a1"] {
            assert!(may_hold(&filter, text.as_bytes()), "{text}");
        }
        let others = ["closed", "failure", "needle", "warning", "zqjwvy", "denied", "refused", "timeout"];
        assert!(others.iter().filter(|text| may_hold(&filter, text.as_bytes())).count() < 4);
    }
}
