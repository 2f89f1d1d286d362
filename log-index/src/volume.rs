//! How many bytes the matching streams have, and when: from the index alone, without reading a line.

use event::{Labels, Matcher};

use crate::{Kind, QueryError, Snapshot, columns::LogColumns, parts::Parts, snapshot::span};

/// Bytes of a stream that lie between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Nanoseconds since 1970, of the first entry.
    pub first_ns: i64,
    /// The same of the last one.
    pub last_ns: i64,
    /// Of content.
    pub bytes: u64,
}

impl Extent {
    /// Its share in `[start_ns, end_ns)`, as if its bytes were spread evenly.
    pub fn within(&self, start_ns: i64, end_ns: i64) -> u64 {
        let length = i128::from(self.last_ns) - i128::from(self.first_ns) + 1;
        let begin = i128::from(self.first_ns.max(start_ns));
        let end = (i128::from(self.last_ns) + 1).min(i128::from(end_ns));
        let share = i128::from(self.bytes).saturating_mul((end - begin).max(0)) / length;
        u64::try_from(share).unwrap_or(0)
    }
}

impl Snapshot {
    /// The matching log streams that have entries in `[start_ns, end_ns)`, sorted, and where their bytes lie.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn extents(
        &self,
        matchers: &[Matcher],
        start_ns: i64,
        end_ns: i64,
    ) -> Result<Vec<(Labels, Vec<Extent>)>, QueryError> {
        let found = Parts::<LogColumns>::find(self, matchers, span(Kind::Logs, start_ns, end_ns))?;
        let mut streams: Vec<(Labels, Vec<Extent>)> =
            found.streams.into_iter().map(|labels| (labels, Vec::new())).collect();
        for part in found.parts {
            let (_, bytes) = part.size();
            streams[part.stream].1.push(Extent { first_ns: part.min, last_ns: part.max, bytes });
        }
        Ok(streams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_share_of_an_extent_that_it_covers() {
        let extent = Extent { first_ns: 100, last_ns: 199, bytes: 1000 };
        assert_eq!(extent.within(0, 1000), 1000);
        assert_eq!(extent.within(0, 150), 500);
        assert_eq!(extent.within(190, 1000), 100);
        assert_eq!(extent.within(200, 1000), 0);
        let whole = Extent { first_ns: i64::MIN, last_ns: i64::MAX, bytes: 1 << 60 };
        assert!(whole.within(i64::MIN, i64::MAX) > 1 << 59);
    }
}
