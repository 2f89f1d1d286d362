//! The thread that reads the bus into memory.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bus::{Consumer, ConsumerBuilder, Offsets, Producer, Record, Start};

use super::{Error, POLL, RETRY_WRITE, Shared};
use crate::AppendError;

/// Records taken from the bus at once. Each may be as large as the broker allows.
const POLL_RECORDS: usize = 16;

/// Records that librdkafka may hold in memory.
const QUEUE_KIB: u32 = 16 << 10;

/// Pause before a broker that is away is asked again.
const RECONNECT: Duration = Duration::from_secs(1);

impl Shared {
    /// The thread that reads.
    pub(super) fn read(&self) {
        while !self.shutdown.is_cancelled() {
            if let Err(error) = self.connect().and_then(|(consumer, begin)| self.read_from(&consumer, begin))
            {
                tracing::warn!(%error, "index cannot read the bus, will try again");
                self.pause(RECONNECT);
            }
        }
    }

    /// Answers also where reading begins.
    fn connect(&self) -> Result<(Consumer, Offsets), Error> {
        let names = &self.bus.topics;
        let topics = [names.logs.as_str(), &names.metrics, &names.derived];
        let builder = ConsumerBuilder {
            config: &self.bus,
            group: "tailrace-index",
            topics: &topics,
            queue_kib: QUEUE_KIB,
        };
        let consumer = Consumer::open(&builder)?;
        let is_there = |topic: &str| consumer.partitions().iter().any(|(name, _)| name == topic);
        if let Some(missing) = topics.iter().find(|topic| !is_there(topic)) {
            return Err(Error::TopicMissing((*missing).to_owned()));
        }
        let begin = self.index.begin_reading();
        consumer.start(&begin, Start::Earliest)?;
        self.asker.send_replace(Some(Arc::new(Consumer::open(&builder)?)));
        Ok((consumer, begin))
    }

    fn read_from(&self, consumer: &Consumer, mut read: Offsets) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        while !self.shutdown.is_cancelled() && !self.index.must_reconnect() {
            let wanted = self.index.held(consumer.partitions());
            consumer.hold(&held, &wanted)?;
            held = wanted;
            self.set_aside_owned();
            for record in consumer.poll(POLL, POLL_RECORDS)? {
                self.follow_back(&record, &mut read);
                if !self.take_in(&record) {
                    return Ok(());
                }
            }
            // The ends of transactions take offsets too, but come as no record.
            self.index.advance(&consumer.position()?);
        }
        Ok(())
    }

    /// A partition that ends below what was read of it is read from its first record on: there the index begins again.
    fn follow_back(&self, record: &Record, read: &mut Offsets) {
        let Record { topic, partition, offset, .. } = record;
        if let Some(before) = read.get(topic, *partition).filter(|next| offset < next) {
            tracing::warn!(
                topic,
                partition,
                offset,
                before,
                "topic has lost records or was made anew: all of it is read"
            );
            self.index.rewind(record);
        }
        read.set(topic, *partition, offset + 1);
    }

    /// Takes a record in, however long the disk is full; `false` if the job was told to stop meanwhile.
    fn take_in(&self, record: &Record) -> bool {
        while !self.shutdown.is_cancelled() {
            match self.index.append(record) {
                Ok(()) => return true,
                Err(error) if error.is_fault_of_record() => return self.set_aside(record, &error),
                Err(_) => self.pause(RETRY_WRITE),
            }
        }
        false
    }

    /// Passes over a record that nobody can read; its owner puts it into the dead-letter topic first. `false` if the
    /// job was told to stop meanwhile.
    fn set_aside(&self, record: &Record, error: &AppendError) -> bool {
        let index = self.index.of(record.partition);
        if !index.is_owner() {
            index.note_unreadable(record);
        } else if !self.bury(record, error) {
            return false;
        }
        index.skip(record);
        true
    }

    /// The same for what was passed over before this process owned the shard.
    fn set_aside_owned(&self) {
        for index in self.index.iter().filter(|index| index.is_owner()) {
            for record in index.take_unreadable() {
                if let Err(error) = index.decode(&record) {
                    self.bury(&record, &error);
                }
            }
        }
    }

    /// Puts a record into the dead-letter topic; `false` if the job was told to stop meanwhile.
    fn bury(&self, record: &Record, error: &AppendError) -> bool {
        let Record { topic, partition, offset, .. } = record;
        tracing::warn!(topic, partition, offset, %error, "record goes to the dead-letter topic");
        let reason = error.to_string();
        let sent = self.runtime.block_on(async {
            tokio::select! {
                sent = self.send_letters(record, &reason) => Some(sent),
                () = self.shutdown.cancelled() => None,
            }
        });
        if let Some(Err(error)) = &sent {
            tracing::error!(topic, partition, offset, %error, "dead-letter topic refuses the record");
        }
        sent.is_some()
    }

    async fn send_letters(&self, record: &Record, reason: &str) -> Result<(), bus::Error> {
        let producer = self.dead_letters()?;
        for letter in bus::dead_letter::letters(&record.into(), reason, &self.bus.topics.dead_letter) {
            producer.send(letter).await?;
        }
        Ok(())
    }

    fn dead_letters(&self) -> Result<Producer, bus::Error> {
        let mut producer = self.dead_letters.lock();
        if producer.is_none() {
            *producer = Some(Producer::new(&self.bus)?);
        }
        producer.clone().ok_or(bus::Error::Closed)
    }
}
