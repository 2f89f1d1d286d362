//! What the catalog keeps of a delete; also its receipt.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Delete, DeleteError, MAX_REQUESTS};
use crate::Kind;

/// A delete that was taken in, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// Its number.
    pub id: u64,
    /// Entries or samples.
    pub kind: Kind,
    /// A LogQL selector with line filters, or a PromQL selector.
    pub query: String,
    /// First time that belongs to it: nanoseconds for logs, milliseconds for metrics.
    pub start: i64,
    /// Last time that belongs to it.
    pub end: i64,
    /// When it was taken in, milliseconds since 1970.
    pub created_ms: i64,
    /// Entries or samples that it hides.
    pub matched: u64,
    /// Those of them that have left the disk in a merge.
    pub removed: u64,
    /// Segments that still hold some.
    pub(crate) pending: BTreeSet<u64>,
}

impl DeleteRequest {
    /// The number of a group's request.
    pub(crate) fn id_of(offset: i64) -> u64 {
        offset.unsigned_abs() + 1
    }

    /// The place of a group's request.
    pub(crate) fn offset_of(id: u64) -> i64 {
        i64::try_from(id).unwrap_or(i64::MAX) - 1
    }

    /// Adds what another shard says of the same request.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.matched += other.matched;
        self.removed += other.removed;
        self.pending.extend(other.pending);
        self
    }

    /// # Errors
    /// When it cannot delete.
    pub(crate) fn understood(&self) -> Result<Delete, DeleteError> {
        Delete::new(0, self).map_err(DeleteError::Query)
    }

    /// # Errors
    /// When it is too late to take it back.
    pub(crate) fn check_cancel(&self, force: bool) -> Result<(), DeleteError> {
        match self.is_processed() || self.removed > 0 && !force {
            true => Err(DeleteError::Started),
            false => Ok(()),
        }
    }

    pub(crate) fn new(kind: Kind, query: &str, (start, end): (i64, i64), created_ms: i64) -> Self {
        let (query, pending) = (query.to_owned(), BTreeSet::new());
        DeleteRequest { id: 0, kind, query, start, end, created_ms, matched: 0, removed: 0, pending }
    }

    /// Whether nothing of what it hides is on disk any more.
    pub fn is_processed(&self) -> bool {
        self.pending.is_empty()
    }

    /// Notes that `inputs` became `output`, which lost `removed` of its rows if the merge knew of the delete.
    pub(crate) fn merged(&mut self, inputs: &[u64], output: Option<u64>, removed: Option<u64>) {
        let before = self.pending.len();
        self.pending.retain(|id| !inputs.contains(id));
        match removed {
            Some(removed) => self.removed += removed,
            None if self.pending.len() < before => self.pending.extend(output),
            None => {}
        }
    }
}

/// Forgets the oldest request that is done if there are too many.
pub(super) fn make_room(requests: &mut BTreeMap<u64, DeleteRequest>) -> Result<(), DeleteError> {
    if requests.len() < MAX_REQUESTS {
        return Ok(());
    }
    let done = requests.values().find(|request| request.is_processed()).map(|request| request.id);
    requests.remove(&done.ok_or(DeleteError::TooMany)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(pending: &[u64]) -> DeleteRequest {
        let mut request = DeleteRequest::new(Kind::Logs, "{a=\"b\"}", (0, 9), 7);
        request.pending.extend(pending);
        request
    }

    #[test]
    fn a_merge_that_did_not_know_of_it_leaves_it_the_new_segment() {
        let mut late = request(&[1, 3]);
        late.merged(&[1, 2], Some(9), None);
        assert_eq!((late.pending, late.removed), ([3, 9].into(), 0));
        let mut known = request(&[1]);
        known.merged(&[1, 2], Some(9), Some(4));
        assert!(known.is_processed() && known.removed == 4);
        let mut elsewhere = request(&[5]);
        elsewhere.merged(&[1, 2], Some(9), None);
        assert_eq!(elsewhere, request(&[5]));
    }

    #[test]
    fn the_oldest_that_is_done_makes_room() {
        let number = |id| (id, DeleteRequest { id, ..request(&[1]) });
        let mut requests: BTreeMap<_, _> = (0..MAX_REQUESTS as u64).map(number).collect();
        assert!(matches!(make_room(&mut requests), Err(DeleteError::TooMany)));
        requests.get_mut(&77).unwrap().pending.clear();
        make_room(&mut requests).unwrap();
        assert!(requests.len() < MAX_REQUESTS && !requests.contains_key(&77));
    }
}
