//! Writes records; a record counts as written when every in-sync replica has it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _},
};

use crate::{Config, Error};

/// How long to wait before trying again to put a record into a full queue.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Cheap to clone; all clones share one connection and one queue.
#[derive(Clone)]
pub struct Producer {
    inner: FutureProducer,
}

/// A record to write.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Topic.
    pub topic: String,
    /// Decides the partition, so that what has one key stays in order.
    pub key: Vec<u8>,
    /// Content.
    pub value: Vec<u8>,
    /// Overrules the key.
    pub partition: Option<i32>,
}

/// Resolves when the record is acknowledged: partition and offset.
pub struct Delivery(DeliveryFuture);

impl Producer {
    /// Connects in the background: a broker that is away is no error here.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let mut client = config.client();
        client.set("enable.idempotence", "true").set("acks", "all");
        // A record is never given up: who sends decides how much may wait.
        client.set("message.timeout.ms", "0");
        client.set("queue.buffering.max.kbytes", "65536").set("queue.buffering.max.messages", "100000");
        client.set("compression.type", "lz4").set("linger.ms", "5");
        client.set("message.max.bytes", "16777216").set("batch.size", "1048576");
        // murmur2 is what Java clients use: one key, one partition, whoever writes.
        client.set("partitioner", "murmur2_random");
        Ok(Producer { inner: client.create().map_err(Error::Settings)? })
    }

    /// Puts the record into the queue, waiting while that is full. Records of one key are written in the order
    /// in which they were put in.
    ///
    /// # Errors
    /// When the record can never be written, for example because it is too large.
    pub async fn enqueue(&self, record: Outgoing) -> Result<Delivery, Error> {
        loop {
            match self.inner.send_result(future_record(&record)) {
                Ok(delivery) => return Ok(Delivery(delivery)),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    tokio::time::sleep(FULL_QUEUE_PAUSE).await;
                }
                Err((source, _)) => return Err(Error::Topic { topic: record.topic, source }),
            }
        }
    }

    /// Puts the record into the queue and waits until it is acknowledged.
    ///
    /// # Errors
    /// As [`Producer::enqueue`], and when the broker refuses it.
    pub async fn send(&self, record: Outgoing) -> Result<(i32, i64), Error> {
        self.enqueue(record).await?.await
    }

    /// Waits until all that is queued has been acknowledged. Blocks the thread.
    ///
    /// # Errors
    /// When `timeout` passes first.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.inner.flush(timeout)?)
    }
}

fn future_record(record: &Outgoing) -> FutureRecord<'_, [u8], [u8]> {
    let base = FutureRecord::to(&record.topic).payload(record.value.as_slice());
    let base = if record.key.is_empty() { base } else { base.key(record.key.as_slice()) };
    match record.partition {
        Some(partition) => base.partition(partition),
        None => base,
    }
}

impl Future for Delivery {
    type Output = Result<(i32, i64), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Ok(delivery)) => Ok((delivery.partition, delivery.offset)),
            Ok(Err((error, _))) => Err(error.into()),
            Err(_) => Err(Error::Closed),
        })
    }
}
