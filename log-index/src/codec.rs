//! Numbers and byte strings in few bytes: LEB128, zigzag for signed numbers.

use thiserror::Error;

/// Bytes that were not written by this code, or have changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("content does not decode")]
pub struct Damaged;

pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to read.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn u64(&mut self) -> Result<u64, Damaged> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = self.0.split_first().ok_or(Damaged)?;
            self.0 = rest;
            if shift > 63 {
                return Err(Damaged);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    pub fn i64(&mut self) -> Result<i64, Damaged> {
        let value = self.u64()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub fn u32(&mut self) -> Result<u32, Damaged> {
        self.u64()?.try_into().map_err(|_| Damaged)
    }

    /// A number of things of which each takes a byte at least: never more than what is left.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        let count = usize::try_from(self.u64()?).map_err(|_| Damaged)?;
        if count <= self.0.len() { Ok(count) } else { Err(Damaged) }
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let count = self.count()?;
        self.take(count)
    }

    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_at_their_limits() {
        let mut out = Vec::new();
        let numbers = [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN];
        numbers.iter().for_each(|n| put_i64(&mut out, *n));
        put_u64(&mut out, u64::MAX);
        let mut input = Input(&out);
        for number in numbers {
            assert_eq!(input.i64(), Ok(number));
        }
        assert_eq!(input.u64(), Ok(u64::MAX));
        assert_eq!(input.u64(), Err(Damaged));
    }

    #[test]
    fn lengths_beyond_the_end_and_endless_numbers_are_damage() {
        assert_eq!(Input(&[200, 1, 5]).bytes(), Err(Damaged));
        assert_eq!(Input(&[0xff; 30]).u64(), Err(Damaged));
    }
}
