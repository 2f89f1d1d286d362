//! What an index remembers where other processes may commit, so that it can go on from any of their commits.
//!
//! Places in a partition are compared by how often it has begun again, and then by offset: what was read since is behind
//! whatever was committed before, however large the offset there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bus::{Partition, Record};

use crate::catalog::{Manifest, Progress};

/// So many commits later whoever commits must have seen too that a partition has begun again; else it has not.
const PATIENCE: u64 = 16;

/// What the records that nobody can read may take; of those beyond that there are no letters.
const UNREADABLE_BYTES: usize = 4 << 20;

/// What each of them takes besides its value.
const RECORD_BYTES: usize = 256;

/// See above.
#[derive(Default)]
pub struct Others {
    /// Records behind the last commit, and how often their partition had begun again.
    pub retained: VecDeque<(i64, Record)>,
    /// The same of those that nobody can read: whoever commits next sends their letters.
    unreadable: VecDeque<(i64, Record)>,
    /// Partitions that began again here first, and the last commit known then.
    first: BTreeMap<Partition, u64>,
    /// Partitions that began again elsewhere first: what is read of them counts from another connection on.
    pub later: BTreeSet<Partition>,
}

impl Others {
    /// Notes that a partition begins again with `record`; `known` is the last commit.
    pub fn rewind(&mut self, record: &Record, known: u64) {
        self.first.insert((record.topic.clone(), record.partition), known);
    }

    /// Whether what is read of the partition does not count.
    pub fn is_later(&self, record: &Record) -> bool {
        self.later.contains(&(record.topic.clone(), record.partition))
    }

    /// Drops the retained records that lie below `committed`.
    pub fn release(&mut self, committed: &Progress) {
        self.retained.retain(|record| is_behind(record, committed));
    }

    /// The same for what another process has committed: it has sent the letters.
    pub fn release_all(&mut self, committed: &Progress) {
        self.release(committed);
        self.unreadable.retain(|record| is_behind(record, committed));
    }

    /// Remembers a record that nobody can read.
    pub fn note_unreadable(&mut self, begun: i64, record: &Record) {
        let taken: usize = self.unreadable.iter().map(|(_, record)| RECORD_BYTES + record.value.len()).sum();
        if taken + RECORD_BYTES + record.value.len() <= UNREADABLE_BYTES {
            self.unreadable.push_back((begun, record.clone()));
        }
    }

    /// Hands them out to whoever commits from now on.
    pub fn take_unreadable(&mut self) -> Vec<Record> {
        self.unreadable.drain(..).map(|(_, record)| record).collect()
    }

    /// Before going over from `before`, where `own` was read, to `after`: who commits says how often a partition has
    /// begun again, once it knows or ought to.
    pub fn agree(&mut self, own: &mut Progress, before: &Manifest, after: &Manifest) {
        for ((topic, partition), next) in after.progress.offsets.iter() {
            let key = (topic.clone(), *partition);
            let count = |progress: &Progress| progress.next(topic, *partition).0;
            let (known, theirs, ours) = (count(&before.progress), count(&after.progress), count(own));
            let patient = self.first.get(&key).is_some_and(|at| after.commit <= at + PATIENCE);
            if ours > theirs && patient && known == theirs {
                continue;
            }
            self.first.remove(&key);
            if ours < theirs {
                own.offsets.set(topic, *partition, next);
                self.later.insert(key);
            }
            own.begin(topic, *partition, theirs);
            let all = self.retained.iter_mut().chain(&mut self.unreadable);
            let of_it = all.filter(|(_, r)| (&r.topic, r.partition) == (topic, *partition));
            of_it.for_each(|(begun, _)| *begun = (*begun).min(theirs));
        }
    }
}

fn is_behind((begun, record): &(i64, Record), committed: &Progress) -> bool {
    (*begun, record.offset) >= committed.next(&record.topic, record.partition)
}
