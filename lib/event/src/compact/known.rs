//! The label sets of samples that came before, by the bytes that they were written as: most series come again.

use hashbrown::HashMap;

use crate::{Labels, protobuf::Malformed};

/// With more, all are forgotten, so that series that come and go do not fill the memory.
const MOST: usize = 1 << 18;

/// What becomes of the labels of series.
#[derive(Debug)]
pub enum KnownLabels {
    /// They are remembered.
    Remembered(HashMap<Box<[u8]>, Labels>),
    /// Nobody looks at them: they are not even read.
    LeftOut,
}

impl Default for KnownLabels {
    fn default() -> Self {
        KnownLabels::Remembered(HashMap::new())
    }
}

impl KnownLabels {
    /// What `read` makes of the bytes, or has made of the same before.
    pub fn labels(
        &mut self,
        bytes: &[u8],
        read: fn(&[u8]) -> Result<Labels, Malformed>,
    ) -> Result<Labels, Malformed> {
        let KnownLabels::Remembered(known) = self else { return Ok(Labels::default()) };
        if let Some(labels) = known.get(bytes) {
            return Ok(labels.clone());
        }
        let labels = read(bytes)?;
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(bytes.into(), labels.clone());
        Ok(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_that_come_and_go_do_not_fill_the_memory() {
        let mut known = KnownLabels::default();
        for number in 0..=MOST {
            known.labels(&number.to_le_bytes(), |_| Ok(Labels::default())).unwrap();
        }
        assert!(matches!(known, KnownLabels::Remembered(known) if known.len() == 1));
    }
}
