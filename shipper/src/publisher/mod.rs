//! The way from the sources to Kafka: bounded, in order, and honest about what is acknowledged.
//!
//! Sources call [`Publisher::publish`] one event after the other; `done` is called when the broker has
//! acknowledged all of its records. A record that the broker refuses for good goes to the dead-letter topic.
//! Any other failure (librdkafka retries what passes by itself) stops the intake until everything that failed has
//! been sent again in its order: readers drop what comes behind its successors as a repetition.

mod parcel;
mod repair;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bus::Topics;
use event::{Codec, Event};
use parking_lot::Mutex;
use tokio::sync::{Notify, RwLock, Semaphore, oneshot};

use crate::{
    mark::Mark,
    outlet::{Delivery, Failure, Outlet},
    telemetry,
};
use parcel::{Parcel, Size};

/// Bytes that may be on their way to the broker.
const ROOM: usize = 32 << 20;
/// Sources that can wait on their own side stop while less than this is free.
const RESERVE: usize = 4 << 20;

/// Cheap to clone.
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

struct Inner {
    outlet: Box<dyn Outlet>,
    topics: Topics,
    codec: Codec,
    room: Arc<Semaphore>,
    /// Held for reading while records are put in, for writing while what failed is sent again.
    gate: RwLock<()>,
    next: AtomicU64,
    failed: Mutex<BTreeMap<u64, Parcel>>,
    repair: Notify,
    /// Parcels that are neither acknowledged nor in `failed`.
    travelling: AtomicU64,
    arrived: Notify,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    entries: AtomicU64,
    bytes: AtomicU64,
    samples: AtomicU64,
}

/// What has been acknowledged since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Log entries.
    pub entries: u64,
    /// Bytes of records.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
    /// Bytes on their way.
    pub waiting: u64,
}

impl Publisher {
    /// Publishes to Kafka. Must be called within a tokio runtime. A broker that is away is no error.
    ///
    /// # Errors
    /// When a setting of the bus is wrong.
    pub fn to_kafka(config: &bus::Config, codec: Codec) -> Result<Self, bus::Error> {
        Ok(Self::new(Box::new(crate::outlet::KafkaOutlet::new(config)?), config.topics.clone(), codec))
    }

    /// Publishes to any outlet. Must be called within a tokio runtime.
    pub fn new(outlet: Box<dyn Outlet>, topics: Topics, codec: Codec) -> Self {
        let inner = Arc::new(Inner {
            outlet,
            topics,
            codec,
            room: Arc::new(Semaphore::new(ROOM)),
            gate: RwLock::new(()),
            next: AtomicU64::new(0),
            failed: Mutex::default(),
            repair: Notify::new(),
            travelling: AtomicU64::new(0),
            arrived: Notify::new(),
            counts: Counts::default(),
        });
        tokio::spawn(repair::repair(Arc::downgrade(&inner)));
        Publisher(inner)
    }

    /// Whether a source that can wait on its own side should go on.
    pub fn has_room(&self) -> bool {
        self.0.room.available_permits() >= RESERVE
    }

    /// Puts the event on its way, waiting while there is no room; `done` is called when it is acknowledged.
    /// If this future is dropped half-way, `done` is never called.
    pub async fn publish(&self, event: Event, done: impl FnOnce() + Send + 'static) {
        let (records, size) = parcel::records(&self.0.topics, self.0.codec, &event);
        let permits = size.bytes.clamp(1, ROOM as u64) as u32;
        let Ok(room) = self.0.room.clone().acquire_many_owned(permits).await else { return };
        let _gate = self.0.gate.read().await;
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut deliveries = Vec::with_capacity(records.len());
        fault::point("shipper.publisher.before-send");
        for record in &records {
            deliveries.push(self.0.outlet.enqueue(record.clone()).await);
        }
        fault::point("shipper.publisher.after-send");
        let parcel = Parcel { records, size, done: Box::new(done), _room: room };
        self.0.travelling.fetch_add(1, Ordering::SeqCst);
        self.report();
        let this = self.clone();
        tokio::spawn(async move { this.0.accompany(number, parcel, deliveries).await });
    }

    /// As [`Publisher::publish`]: when the event is acknowledged, `mark` has come to `end`.
    pub async fn publish_marked<T>(&self, event: Event, mark: &Arc<Mark<T>>, end: T)
    where
        T: Clone + Send + 'static,
    {
        let ticket = mark.begin(end);
        let mark = mark.clone();
        self.publish(event, move || mark.finish(ticket)).await;
    }

    /// Puts the event on its way; the receiver resolves when it is acknowledged.
    pub async fn publish_with_receipt(&self, event: Event) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        // Whoever waited may have gone: the record is acknowledged all the same.
        self.publish(event, move || {
            let _ = sender.send(());
        })
        .await;
        receiver
    }

    /// Waits until nothing is on its way any more.
    pub async fn settled(&self) {
        let _all = self.0.room.acquire_many(ROOM as u32).await;
    }

    /// What has been acknowledged.
    pub fn sent(&self) -> Sent {
        let counts = &self.0.counts;
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let waiting = ROOM.saturating_sub(self.0.room.available_permits()) as u64;
        Sent {
            entries: get(&counts.entries),
            bytes: get(&counts.bytes),
            samples: get(&counts.samples),
            waiting,
        }
    }

    fn report(&self) {
        telemetry::IN_FLIGHT.set(self.sent().waiting as i64);
    }
}

impl Inner {
    /// Waits for the records of one parcel, and finishes or parks it.
    async fn accompany(&self, number: u64, mut parcel: Parcel, deliveries: Vec<Result<Delivery, Failure>>) {
        let mut again = Vec::new();
        for (record, delivery) in parcel.records.drain(..).zip(deliveries) {
            let result = match delivery {
                Ok(delivery) => delivery.await,
                Err(failure) => Err(failure),
            };
            if let Err(record) = self.judge(record, result).await {
                again.push(record);
            }
        }
        if again.is_empty() {
            self.finish(parcel);
        } else {
            parcel.records = again;
            self.failed.lock().insert(number, parcel);
            self.repair.notify_one();
        }
        self.travelling.fetch_sub(1, Ordering::SeqCst);
        self.arrived.notify_one();
    }

    fn finish(&self, parcel: Parcel) {
        let Size { entries, samples, bytes } = parcel.size;
        self.counts.entries.fetch_add(entries, Ordering::Relaxed);
        self.counts.samples.fetch_add(samples, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        telemetry::ENTRIES.inc_by(entries);
        telemetry::SAMPLES.inc_by(samples);
        telemetry::BYTES.inc_by(bytes);
        fault::point("shipper.publisher.before-ack");
        (parcel.done)();
        fault::point("shipper.publisher.after-ack");
    }
}
