//! What the whole group is asked to do: a record on a topic of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus::{Offsets, Outgoing, Producer};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{DeleteError, Index, Kind, SealError};

/// The version that this code writes and reads.
const VERSION: u32 = 1;

/// Between two looks whether all have done it.
const LOOK: Duration = Duration::from_millis(20);

/// One record: JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    version: u32,
    /// What has to be taken in before.
    #[serde(flatten)]
    before: Reach,
    pub what: What,
}

/// How far the topics have been read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    upto: Offsets,
    /// How often a partition has begun again.
    #[serde(default, skip_serializing_if = "Offsets::is_empty")]
    begun: Offsets,
}

impl Reach {
    /// How far all of them have been read.
    pub fn of(shards: &[Index]) -> Self {
        let mut begun = Offsets::default();
        shards.iter().for_each(|index| begun.raise(&index.begun()));
        Reach { upto: read(shards.iter()), begun }
    }

    /// Whether all of `target` has been read. Of a partition that has begun again since, what was not read is gone.
    fn has_reached(&self, target: &Reach) -> bool {
        target.upto.iter().all(|((topic, partition), end)| {
            let of = |offsets: &Offsets| offsets.get(topic, *partition).unwrap_or(0);
            of(&self.begun) > of(&target.begun) || of(&self.upto) >= end
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Put all of it into segments.
    Flush,
    /// Hide and remove what matches.
    Delete { kind: Kind, query: String, start: i64, end: i64, created_ms: i64 },
    /// Take a delete back.
    Cancel { id: u64 },
}

impl Request {
    pub fn new(before: Reach, what: What) -> Self {
        Request { version: VERSION, before, what }
    }

    /// `None` if it has another form or version.
    pub fn from_record(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok().filter(|request: &Request| request.version == VERSION)
    }
}

/// The requests that some shard has not tried, by their offsets, and the way to make more.
pub struct Requests {
    pub topic: String,
    producer: Producer,
    open: Mutex<BTreeMap<i64, Arc<Request>>>,
    end: Mutex<i64>,
    /// Told of each that arrives.
    arrived: Condvar,
}

impl Requests {
    pub fn new(topic: String, producer: Producer) -> Self {
        let (open, end, arrived) = (Mutex::default(), Mutex::default(), Condvar::new());
        Requests { topic, producer, open, end, arrived }
    }

    /// Notes what was read from the topic.
    pub fn note(&self, record: &bus::Record) {
        *self.end.lock() = record.offset + 1;
        match Request::from_record(&record.value) {
            Some(request) => {
                self.open.lock().insert(record.offset, request.into());
                self.arrived.notify_all();
            }
            None => tracing::error!(
                topic = record.topic,
                offset = record.offset,
                "request is of a later release and left out: upgrade this one"
            ),
        }
    }

    /// Waits for one that arrives, but not longer than `timeout`.
    pub fn wait(&self, timeout: Duration) {
        self.arrived.wait_for(&mut self.open.lock(), timeout);
    }

    /// Behind the last one that was read.
    pub fn end(&self) -> i64 {
        *self.end.lock()
    }

    /// Forgets what all shards have tried.
    pub fn forget(&self, indexes: &[Index]) {
        let tried = indexes.iter().map(Index::next_request).min().unwrap_or(0);
        let mut open = self.open.lock();
        *open = open.split_off(&tried);
    }

    /// The next one for a shard, if everything before it is among what was `read`.
    pub fn next(&self, index: &Index, read: &Reach) -> Option<(i64, Arc<Request>)> {
        let next = index.next_request();
        let found = self.open.lock().range(next..).next().map(|(offset, request)| (*offset, request.clone()));
        found.filter(|(_, request)| read.has_reached(&request.before))
    }

    /// Asks all shards, and waits until each has done it; answers the request's offset.
    ///
    /// # Errors
    /// When some shard has not within `patience`.
    pub async fn ask(&self, shards: &[Index], what: What, patience: Duration) -> Result<i64, DeleteError> {
        let deadline = Instant::now() + patience;
        let request = Request::new(Reach::of(shards), what);
        let begun = shards.iter().map(Index::next_request).max().unwrap_or(0);
        let value = serde_json::to_vec(&request).expect("texts and numbers");
        let record = Outgoing { topic: self.topic.clone(), key: Vec::new(), value, partition: Some(0) };
        let sent = tokio::time::timeout_at(deadline, self.producer.send(record)).await;
        let (_, offset) = sent
            .map_err(|_| {
                DeleteError::Group(format!("kafka did not take the request within {patience:?}: try again"))
            })?
            .map_err(|error| DeleteError::Group(error.to_string()))?;
        if offset < begun {
            return Err(DeleteError::Group(format!(
                "topic {} has lost its records and shards take no request from it: stop all instances and delete \
                 the group's other topic as well; the next start goes on with what is in the storage",
                self.topic
            )));
        }
        while let Some(shard) = shards.iter().position(|index| !index.has_carried_out(offset)) {
            if Instant::now() >= deadline {
                return Err(DeleteError::Group(overdue(shard, &shards[shard], offset, patience)));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(offset)
    }
}

fn overdue(shard: usize, index: &Index, offset: i64, patience: Duration) -> String {
    match index.failed_requests().remove(&offset) {
        Some(failed) => format!("shard {shard} has failed to do it, and tries again: {}", failed.reason),
        None => format!(
            "shard {shard} has not done it within {patience:?}, and does it later: \
             does the instance that owns it run, and can it write?"
        ),
    }
}

/// How far all of them have been read.
pub fn read<'a>(shards: impl Iterator<Item = &'a Index>) -> Offsets {
    let mut read = Offsets::default();
    shards.for_each(|index| read.raise(&index.read_offsets()));
    read
}

impl From<DeleteError> for SealError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Seal(error) => error,
            other => SealError::Group(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(next: i64, begun: i64) -> Reach {
        let of = |number| vec![("logs".into(), 0, number)].into();
        Reach { upto: of(next), begun: of(begun) }
    }

    #[test]
    fn what_went_with_a_topic_that_was_made_anew_is_not_waited_for() {
        let asked = reach(500, 1);
        assert!(!reach(499, 1).has_reached(&asked) && reach(500, 1).has_reached(&asked));
        assert!(reach(3, 2).has_reached(&asked));
        assert!(!Reach::default().has_reached(&asked) && Reach::default().has_reached(&reach(0, 0)));
    }

    #[test]
    fn a_request_that_does_not_tell_how_often_its_partitions_began_is_read_too() {
        let written = br#"{"version":1,"upto":[["logs",0,7]],"what":"flush"}"#;
        let before = Reach { begun: Offsets::default(), ..reach(7, 0) };
        assert_eq!(Request::from_record(written), Some(Request::new(before, What::Flush)));
    }

    #[test]
    fn comes_back_as_it_was_and_a_later_version_is_left_out() {
        let what =
            What::Delete { kind: Kind::Logs, query: "{a=\"b\"}".into(), start: 1, end: 2, created_ms: 3 };
        let request = Request::new(reach(7, 1), what);
        let written = serde_json::to_string(&request).unwrap();
        assert_eq!(Request::from_record(written.as_bytes()), Some(request));
        assert_eq!(Request::from_record(written.replace("\"version\":1", "\"version\":2").as_bytes()), None);
    }
}
