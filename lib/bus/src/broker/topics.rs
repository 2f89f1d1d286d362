//! The topics: created, extended and deleted on disk first, then for the clients to see.
//!
//! A topic is there from the moment its `topic.json` is; a directory without one is what a crash left of a creation
//! or a deletion, and is removed at start.

use super::Error;
use super::config::Config;
use super::data_dir::{check_version, read_json, write_json};
use super::partition::Partition;
use super::topic_config::{self, TopicConfig};
use kafka_protocol::ResponseError;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const VERSION: u32 = 1;

/// A topic and its partitions.
#[derive(Debug)]
pub struct Topic {
    /// Settings of its own.
    pub config: TopicConfig,
    /// By number.
    pub partitions: Vec<Arc<Partition>>,
}

#[derive(Serialize, Deserialize)]
struct TopicFile {
    version: u32,
    partitions: i32,
    config: TopicConfig,
}

/// All topics.
#[derive(Debug)]
pub struct Topics {
    dir: PathBuf,
    config: Arc<Config>,
    by_name: RwLock<BTreeMap<String, Arc<Topic>>>,
}

impl Topics {
    /// Opens all topics under `dir`.
    pub fn open(dir: PathBuf, config: Arc<Config>) -> Result<Topics, Error> {
        std::fs::create_dir_all(&dir).map_err(Error::io(&dir))?;
        let topics = Topics { dir, config, by_name: RwLock::default() };
        for entry in std::fs::read_dir(&topics.dir).map_err(Error::io(&topics.dir))? {
            let path = entry.map_err(Error::io(&topics.dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some(topic) = topics.open_topic(&path)? {
                topics.by_name.write().insert(name.to_owned(), Arc::new(topic));
            }
        }
        Ok(topics)
    }

    fn open_topic(&self, dir: &Path) -> Result<Option<Topic>, Error> {
        let path = dir.join("topic.json");
        if !path.exists() {
            std::fs::remove_dir_all(dir).map_err(Error::io(dir))?;
            return Ok(None);
        }
        let file: TopicFile = read_json(&path)?;
        check_version(&path, file.version, VERSION)?;
        let partitions = self.open_partitions(dir, 0..file.partitions, &file.config)?;
        Ok(Some(Topic { config: file.config, partitions }))
    }

    fn open_partitions(
        &self,
        dir: &Path,
        numbers: std::ops::Range<i32>,
        config: &TopicConfig,
    ) -> Result<Vec<Arc<Partition>>, Error> {
        let settings = topic_config::settings(config, &self.config);
        let open =
            |number: i32| Partition::open(&dir.join(number.to_string()), settings.clone()).map(Arc::new);
        numbers.map(open).collect()
    }

    /// The topic of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.by_name.read().get(name).cloned()
    }

    /// The partition, or Kafka's error for one that does not exist.
    pub fn partition(&self, topic: &str, number: i32) -> Result<Arc<Partition>, ResponseError> {
        let topics = self.by_name.read();
        let topic = topics.get(topic).ok_or(ResponseError::UnknownTopicOrPartition)?;
        let partition = usize::try_from(number).ok().and_then(|number| topic.partitions.get(number));
        partition.cloned().ok_or(ResponseError::UnknownTopicOrPartition)
    }

    /// All topics by name.
    pub fn all(&self) -> Vec<(String, Arc<Topic>)> {
        self.by_name.read().iter().map(|(name, topic)| (name.clone(), topic.clone())).collect()
    }

    /// Creates a topic.
    pub fn create(
        &self,
        name: &str,
        partitions: i32,
        config: TopicConfig,
    ) -> Result<Arc<Topic>, ResponseError> {
        let mut topics = self.by_name.write();
        self.check_new(&topics, name, partitions)?;
        let dir = self.dir.join(name);
        let created = self.open_partitions(&dir, 0..partitions, &config).and_then(|partitions| {
            write_topic(&dir, partitions.len(), &config)?;
            Ok(Arc::new(Topic { config, partitions }))
        });
        let topic = created.map_err(storage_error)?;
        topics.insert(name.to_owned(), topic.clone());
        Ok(topic)
    }

    /// Says whether a topic could be created.
    pub fn check(&self, name: &str, partitions: i32) -> Result<(), ResponseError> {
        self.check_new(&self.by_name.read(), name, partitions)
    }

    fn check_new(
        &self,
        topics: &BTreeMap<String, Arc<Topic>>,
        name: &str,
        partitions: i32,
    ) -> Result<(), ResponseError> {
        if !is_legal_name(name) {
            return Err(ResponseError::InvalidTopicException);
        }
        if topics.contains_key(name) {
            return Err(ResponseError::TopicAlreadyExists);
        }
        self.check_room(topics, partitions)
    }

    fn check_room(&self, topics: &BTreeMap<String, Arc<Topic>>, more: i32) -> Result<(), ResponseError> {
        let have: usize = topics.values().map(|topic| topic.partitions.len()).sum();
        match usize::try_from(more) {
            Ok(more @ 1..) if have.saturating_add(more) <= self.config.limits.partitions => Ok(()),
            _ => Err(ResponseError::InvalidPartitions),
        }
    }

    /// Gives a topic more partitions, `count` in all.
    pub fn extend(&self, name: &str, count: i32, dry_run: bool) -> Result<(), ResponseError> {
        let mut topics = self.by_name.write();
        let topic = topics.get(name).ok_or(ResponseError::UnknownTopicOrPartition)?.clone();
        let have = topic.partitions.len() as i32;
        self.check_room(&topics, count.saturating_sub(have))?;
        if dry_run {
            return Ok(());
        }
        let extended = self.open_extended(&self.dir.join(name), &topic, count).map_err(storage_error)?;
        topics.insert(name.to_owned(), Arc::new(extended));
        Ok(())
    }

    fn open_extended(&self, dir: &Path, topic: &Topic, count: i32) -> Result<Topic, Error> {
        let mut partitions = topic.partitions.clone();
        partitions.extend(self.open_partitions(dir, partitions.len() as i32..count, &topic.config)?);
        write_topic(dir, partitions.len(), &topic.config)?;
        Ok(Topic { config: topic.config.clone(), partitions })
    }

    /// Changes a topic's settings; `change` says how, or why not.
    pub fn configure<E: From<ResponseError>>(
        &self,
        name: &str,
        dry_run: bool,
        change: impl FnOnce(&mut TopicConfig) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut topics = self.by_name.write();
        let topic = topics.get(name).ok_or(ResponseError::UnknownTopicOrPartition)?.clone();
        let mut config = topic.config.clone();
        change(&mut config)?;
        if dry_run {
            return Ok(());
        }
        let partitions = topic.partitions.clone();
        write_topic(&self.dir.join(name), partitions.len(), &config).map_err(storage_error)?;
        let settings = topic_config::settings(&config, &self.config);
        partitions.iter().for_each(|partition| partition.with(|log| log.configure(settings.clone())));
        topics.insert(name.to_owned(), Arc::new(Topic { config, partitions }));
        Ok(())
    }

    /// Deletes a topic and its records.
    pub fn delete(&self, name: &str) -> Result<(), ResponseError> {
        let mut topics = self.by_name.write();
        if !topics.contains_key(name) {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        let removed = remove_topic(&self.dir, name).map_err(Error::io(self.dir.join(name)));
        removed.map_err(storage_error)?;
        if let Some(topic) = topics.remove(name) {
            topic.partitions.iter().for_each(|partition| partition.change(|_| ()));
        }
        Ok(())
    }

    /// Deletes what is too old or too much. `now_ms` is milliseconds since 1970.
    pub fn enforce_retention(&self, now_ms: i64) {
        let enforce = |partition: &Partition| partition.with(|log| log.enforce_retention(now_ms));
        self.for_each_partition("cannot delete old segments", enforce);
    }

    /// Forgets producers that have written nothing for about `age_ms`.
    pub fn forget_producers(&self, now_ms: i64, age_ms: i64) {
        for (_, topic) in self.all() {
            let forget = |partition: &Arc<Partition>| {
                partition.with(|log| log.forget_producers(now_ms, age_ms));
            };
            topic.partitions.iter().for_each(forget);
        }
    }

    /// Compacts what has to be. This can take long; it ends early when `stopping` is cancelled.
    pub fn compact(&self, now_ms: i64, stopping: &CancellationToken) {
        self.for_each_partition("cannot compact a log", |partition| partition.compact(now_ms, stopping));
    }

    /// Pushes everything to the disk.
    pub fn flush(&self) {
        self.for_each_partition("cannot flush a log", |partition| partition.with(|log| log.flush()));
    }

    fn for_each_partition(&self, trouble: &str, action: impl Fn(&Partition) -> io::Result<()>) {
        for (name, topic) in self.all() {
            for (number, partition) in topic.partitions.iter().enumerate() {
                if let Err(error) = action(partition) {
                    tracing::error!(topic = name, partition = number, %error, "{trouble}");
                }
            }
        }
    }
}

fn write_topic(dir: &Path, partitions: usize, config: &TopicConfig) -> Result<(), Error> {
    let file = TopicFile { version: VERSION, partitions: partitions as i32, config: config.clone() };
    write_json(&dir.join("topic.json"), &file).map_err(Error::io(dir))
}

/// Moves a topic's directory out of the way of a new topic of this name, then removes it. What cannot be removed now, for
/// a file was added meanwhile, is at the next start.
fn remove_topic(dir: &Path, name: &str) -> io::Result<()> {
    // No topic's name has such a character.
    let (old, gone) = (dir.join(name), dir.join(format!("~{name}")));
    std::fs::remove_file(old.join("topic.json"))?;
    if gone.exists() {
        std::fs::remove_dir_all(&gone)?;
    }
    std::fs::rename(old, &gone)?;
    if let Err(error) = std::fs::remove_dir_all(&gone) {
        tracing::warn!(path = %gone.display(), %error, "cannot remove a deleted topic yet");
    }
    Ok(())
}

fn storage_error(error: Error) -> ResponseError {
    tracing::error!(%error, "cannot change a topic on disk");
    ResponseError::KafkaStorageError
}

/// Kafka's rule: up to 249 letters, digits, `.`, `_` and `-`, but neither `.` nor `..`.
pub fn is_legal_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.bytes().all(legal)
}
