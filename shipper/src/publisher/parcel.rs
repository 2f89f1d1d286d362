//! What is on its way: the records of one event, and how much they are.

use bus::{Outgoing, Topics};
use event::{Codec, Event};
use tokio::sync::OwnedSemaphorePermit;

/// The records of one event.
pub struct Parcel {
    pub records: Vec<Outgoing>,
    pub size: Size,
    pub done: Box<dyn FnOnce() + Send>,
    pub _room: OwnedSemaphorePermit,
}

#[derive(Clone, Copy)]
pub struct Size {
    pub entries: u64,
    pub samples: u64,
    pub bytes: u64,
}

/// The records that carry an event.
pub fn records(topics: &Topics, codec: Codec, event: &Event) -> (Vec<Outgoing>, Size) {
    let (topic, entries, samples) = match event {
        Event::Logs(batch) => (&topics.logs, batch.entries.len(), 0),
        Event::Samples(batch) => (&topics.metrics, 0, batch.series.iter().map(|s| s.samples.len()).sum()),
        Event::Tick(_) => (&topics.metrics, 0, 0),
    };
    let key = key(event);
    let record = |value| Outgoing { topic: topic.clone(), key: key.clone(), value, partition: None };
    let records: Vec<Outgoing> = event::encode(event, codec).into_iter().map(record).collect();
    let bytes = records.iter().map(|r| r.value.len() as u64).sum();
    (records, Size { entries: entries as u64, samples: samples as u64, bytes })
}

/// The source; for a stream without one the stream, so that its entries stay in order all the same.
fn key(event: &Event) -> Vec<u8> {
    match event {
        Event::Logs(batch) if batch.source.is_empty() => {
            format!("{:016x}", batch.labels.fingerprint()).into()
        }
        event => event.source().into(),
    }
}
