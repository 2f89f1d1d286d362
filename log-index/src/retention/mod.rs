//! How long data stays: by age, by bytes and by what the disk has left. Whichever wants it first takes a segment.

mod setting;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use config::{ByteSize, Duration};

use crate::{
    Index, SealError,
    catalog::{Manifest, SegmentInfo},
    commit::Change,
    storage::Room,
};

/// `index.retention`: an age, `off`, or a limit for each of the three. Data with any timestamp inside the age is
/// taken in, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What is older is not taken in, and is dropped, a whole segment at a time.
    pub age: Option<Duration>,
    /// All segments together; the oldest go first.
    pub bytes: Option<ByteSize>,
    /// Part of the disk that stays free, whoever fills it; the oldest segments go first.
    pub free_percent: Option<u8>,
}

impl Default for Retention {
    fn default() -> Self {
        Retention::of_age(Duration::from_secs(15 * 86_400))
    }
}

impl Retention {
    /// Everything is taken in and stays.
    pub const OFF: Retention = Retention { age: None, bytes: None, free_percent: None };

    /// By age alone.
    pub const fn of_age(age: Duration) -> Self {
        Retention { age: Some(age), ..Retention::OFF }
    }

    /// Timestamps in milliseconds below this are too old at `now_ms`.
    pub fn horizon_ms(self, now_ms: i64) -> i64 {
        self.age.map_or(i64::MIN, |age| now_ms.saturating_sub(age.millis()))
    }

    /// How far the times from which segments age may lie apart when they are merged, milliseconds: a part of the age, so
    /// that none stays for much longer than it has to.
    pub fn spread_ms(self) -> i64 {
        const PART: i64 = 8;
        self.age.map_or(i64::MAX, |age| age.millis() / PART)
    }

    /// The segments that have to go at `now_ms`.
    pub fn expired(self, manifest: &Manifest, now_ms: i64, room: Option<Room>) -> Vec<u64> {
        let horizon_ms = self.horizon_ms(now_ms);
        let mut surplus = self.surplus(manifest, room);
        let mut by_age: Vec<(u64, &SegmentInfo)> = manifest.segments.iter().map(|(id, s)| (*id, s)).collect();
        by_age.sort_by_key(|(_, info)| (info.ages_from_ms(), info.order));
        let goes = |(_, info): &(u64, &SegmentInfo)| {
            let goes = info.ages_from_ms() < horizon_ms || surplus > 0;
            surplus = surplus.saturating_sub(info.bytes);
            goes
        };
        by_age.into_iter().take_while(goes).map(|(id, _)| id).collect()
    }

    /// Bytes that have to go, whatever their age.
    fn surplus(self, manifest: &Manifest, room: Option<Room>) -> u64 {
        let held: u64 = manifest.segments.values().map(|info| info.bytes).sum();
        let over = self.bytes.map_or(0, |limit| held.saturating_sub(limit.0));
        let missing = self.free_percent.zip(room).map_or(0, |(percent, room)| {
            (room.total / 100).saturating_mul(percent.into()).saturating_sub(room.available)
        });
        over.max(missing)
    }
}

/// By the clock of this machine.
pub fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

impl Index {
    /// Drops the segments that retention wants to go at `now_ms`; answers how many. Forgets sources that have been
    /// silent for as long.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn retain(&self, now_ms: i64) -> Result<usize, SealError> {
        let mut catalog = self.inner.catalog.lock();
        let mut state = self.inner.state.lock();
        if let Some(age) = self.inner.config.retention.age {
            state.progress.marks.forget(now_ms, age.millis());
        }
        let before = state.sealed.clone();
        drop(state);
        let room = self.inner.storage.room();
        let dropped = self.inner.config.retention.expired(&before.manifest, now_ms, room);
        if dropped.is_empty() {
            return Ok(0);
        }
        let count = dropped.len();
        let change = Change { added: None, dropped };
        fault::point("index.retain.before-commit");
        let sealed = self.commit(&mut catalog, &before, before.manifest.next(), change)?;
        fault::point("index.retain.after-commit");
        self.inner.state.lock().sealed = Arc::new(sealed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of 10 bytes with these newest times, numbered from 1.
    fn manifest(newest: &[i64]) -> Manifest {
        let mut manifest = Manifest::default();
        for (id, max_ms) in (1..).zip(newest) {
            manifest
                .segments
                .insert(id, SegmentInfo { max_ms: *max_ms, order: id, bytes: 10, ..Default::default() });
        }
        manifest
    }

    #[test]
    fn the_oldest_go_when_the_first_limit_wants_them() {
        let manifest = manifest(&[50, 20, 40, 30]);
        let expired = |retention: Retention, room| retention.expired(&manifest, 1_035, room);
        assert_eq!(expired(Retention::OFF, None), [0_u64; 0]);
        let by_age = Retention::of_age(Duration::from_secs(1));
        assert_eq!(expired(by_age, None), [2, 4]);
        let by_bytes = |bytes| Retention { bytes: Some(ByteSize(bytes)), ..Retention::OFF };
        assert_eq!((expired(by_bytes(40), None), expired(by_bytes(39), None)), (vec![], vec![2]));
        let by_both = Retention { bytes: Some(ByteSize(11)), ..by_age };
        assert_eq!(expired(by_both, None), [2, 4, 3]);
        let by_free = Retention { free_percent: Some(10), ..Retention::OFF };
        let room = |available| Some(Room { total: 1_000, available });
        assert_eq!((expired(by_free, room(100)), expired(by_free, room(85))), (vec![], vec![2, 4]));
        assert_eq!(expired(by_free, None), [0_u64; 0]);
    }
}
