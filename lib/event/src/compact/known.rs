//! The label sets of samples that came before, by the bytes that they were written as: most series come again.

use hashbrown::HashMap;

use crate::{Labels, protobuf::Malformed};

/// With more, all are forgotten, so that series that come and go do not fill the memory.
const MOST: usize = 1 << 18;
/// Likewise, in bytes as they were written: 100,000 series of 600 bytes have room.
const MOST_BYTES: usize = 64 << 20;
/// Longer ones are not remembered: few are, and reading them again is cheap beside the room that they take.
const LONGEST: usize = 4 << 10;

/// What becomes of the labels of series.
#[derive(Debug)]
pub enum KnownLabels {
    /// They are remembered.
    Remembered(Remembered),
    /// Nobody looks at them: they are not even read.
    LeftOut,
}

/// Label sets by their bytes.
#[derive(Debug, Default)]
pub struct Remembered {
    labels: HashMap<Box<[u8]>, Labels>,
    /// Of all keys.
    bytes: usize,
}

impl Default for KnownLabels {
    fn default() -> Self {
        KnownLabels::Remembered(Remembered::default())
    }
}

type Read = fn(&[u8]) -> Result<Labels, Malformed>;

impl KnownLabels {
    /// What `read` makes of the bytes, or has made of the same before.
    pub fn labels(&mut self, bytes: &[u8], read: Read) -> Result<Labels, Malformed> {
        let KnownLabels::Remembered(known) = self else { return Ok(Labels::default()) };
        if let Some(labels) = known.labels.get(bytes) {
            return Ok(labels.clone());
        }
        let labels = read(bytes)?;
        if bytes.len() <= LONGEST {
            known.remember(bytes, labels.clone());
        }
        Ok(labels)
    }

    /// What `read` makes of bytes that will hardly come again.
    pub fn labels_once(&self, bytes: &[u8], read: Read) -> Result<Labels, Malformed> {
        match self {
            KnownLabels::Remembered(_) => read(bytes),
            KnownLabels::LeftOut => Ok(Labels::default()),
        }
    }
}

impl Remembered {
    fn remember(&mut self, bytes: &[u8], labels: Labels) {
        if self.labels.len() >= MOST || self.bytes + bytes.len() > MOST_BYTES {
            *self = Remembered::default();
        }
        self.labels.insert(bytes.into(), labels);
        self.bytes += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are remembered after so many different ones of so many bytes.
    fn remembered(count: usize, length: usize) -> usize {
        let mut known = KnownLabels::default();
        for number in 0..count {
            let mut bytes = number.to_le_bytes().to_vec();
            bytes.resize(length, 0);
            known.labels(&bytes, |_| Ok(Labels::default())).unwrap();
        }
        let KnownLabels::Remembered(known) = known else { panic!("they are remembered") };
        known.labels.len()
    }

    #[test]
    fn series_that_come_and_go_do_not_fill_the_memory() {
        assert_eq!(remembered(MOST + 1, 8), 1);
        assert_eq!(remembered(MOST_BYTES / LONGEST + 1, LONGEST), 1);
        assert_eq!([LONGEST, LONGEST + 1].map(|length| remembered(3, length)), [3, 0]);
    }
}
