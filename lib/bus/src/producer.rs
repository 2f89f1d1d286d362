//! Writes records; a record counts as written when every in-sync replica has it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext, Message,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};
use tokio::sync::oneshot;

use crate::{Config, Error, Record};

/// How long to wait before trying again to put a record into a full queue.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);
/// How long one call waits for acknowledgements. The client spins through its last millisecond, so a short wait
/// would cost an idle process a percent of a core (as rdkafka's own thread does, which waits for 100 ms).
const POLL: Duration = Duration::from_secs(2);

/// Cheap to clone; all clones share one connection and one queue.
#[derive(Clone)]
pub struct Producer {
    inner: Arc<Handle>,
}

/// What all clones share. With the last one goes what is queued: its sender decides whether to send it again.
struct Handle(Arc<BaseProducer<Acknowledge>>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.purge(PurgeConfig::default().queue().inflight());
    }
}

/// Tells whoever sent a record what became of it.
pub(crate) struct Acknowledge;

impl ClientContext for Acknowledge {}

impl ProducerContext for Acknowledge {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(i32, i64), KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sender: Self::DeliveryOpaque) {
        // Nobody may be waiting any more.
        let _ = sender.send(match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        });
    }
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

/// The record once more, under the same key.
impl From<&Record> for Outgoing {
    fn from(record: &Record) -> Self {
        let (key, value) = (record.key.to_vec(), record.value.to_vec());
        Outgoing { topic: record.topic.clone(), key, value, partition: None }
    }
}

/// Resolves when the record is acknowledged: partition and offset.
pub struct Delivery(oneshot::Receiver<Result<(i32, i64), KafkaError>>);

impl Producer {
    /// Connects in the background: a broker that is away is no error here.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let mut client = settings(config);
        // A record is never given up: who sends decides how much may wait.
        client.set("message.timeout.ms", "0").set("linger.ms", "5");
        Self::connect(&client)
    }

    pub(crate) fn connect(client: &ClientConfig) -> Result<Self, Error> {
        let inner = Arc::new(client.create_with_context(Acknowledge).map_err(Error::Settings)?);
        acknowledge(&inner)?;
        Ok(Producer { inner: Arc::new(Handle(inner)) })
    }

    pub(crate) fn client(&self) -> &BaseProducer<Acknowledge> {
        &self.inner.0
    }

    /// Puts the record into the queue, waiting while that is full. Records of one key are written in the order
    /// in which they were put in.
    ///
    /// # Errors
    /// When the record can never be written, for example because it is too large.
    pub async fn enqueue(&self, record: &Outgoing) -> Result<Delivery, Error> {
        let (sender, delivery) = oneshot::channel();
        let mut waiting = base_record(record, Box::new(sender));
        loop {
            match self.inner.0.send(waiting) {
                Ok(()) => return Ok(Delivery(delivery)),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    waiting = refused
                }
                Err((source, _)) => return Err(Error::Topic { topic: record.topic.clone(), source }),
            }
            tokio::time::sleep(FULL_QUEUE_PAUSE).await;
        }
    }

    /// Puts the record into the queue and waits until it is acknowledged.
    ///
    /// # Errors
    /// As [`Producer::enqueue`], and when the broker refuses it.
    pub async fn send(&self, record: Outgoing) -> Result<(i32, i64), Error> {
        self.enqueue(&record).await?.await
    }

    /// Waits until all that is queued has been acknowledged. Blocks the thread.
    ///
    /// # Errors
    /// When `timeout` passes first.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.inner.0.flush(timeout)?)
    }
}

/// What all producers have in common.
pub(crate) fn settings(config: &Config) -> ClientConfig {
    let mut client = config.client();
    client.set("enable.idempotence", "true").set("acks", "all");
    client.set("queue.buffering.max.kbytes", "65536").set("queue.buffering.max.messages", "100000");
    client.set("compression.type", "lz4");
    client.set("message.max.bytes", "16777216").set("batch.size", "1048576");
    // murmur2 is what Java clients use: one key, one partition, whoever writes.
    client.set("partitioner", "murmur2_random");
    client
}

/// Takes acknowledgements on a thread of its own, until the last clone of the producer has gone.
fn acknowledge(producer: &Arc<BaseProducer<Acknowledge>>) -> Result<(), Error> {
    let producer = Arc::downgrade(producer);
    let poll = move || {
        while let Some(producer) = producer.upgrade() {
            producer.poll(POLL);
        }
    };
    thread::Builder::new().name("producer".into()).spawn(poll).map_err(Error::Thread)?;
    Ok(())
}

type Sender = <Acknowledge as ProducerContext>::DeliveryOpaque;

fn base_record(record: &Outgoing, sender: Sender) -> BaseRecord<'_, [u8], [u8], Sender> {
    let base = BaseRecord::with_opaque_to(&record.topic, sender).payload(record.value.as_slice());
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
            Ok(Ok(place)) => Ok(place),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Error::Closed),
        })
    }
}
